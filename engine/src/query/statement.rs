//! Which statements a session accepts: a list of what is allowed, not of what is forbidden.

use std::collections::{BTreeSet, HashMap};
use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast::{
    self, BinaryOperator, Expr, FunctionArg, FunctionArgExpr, Query, Select, SetExpr, TableFactor, Visit, Visitor,
};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

use crate::error::Error;
use crate::query::shape;
use crate::{ErrorKind, Result, Text, text};

/// Deepest nesting of parentheses, subqueries and prefix operators.
const MAX_NESTING: usize = 50;

/// Most tables that one statement reads, each mention counted.
const MAX_RELATIONS: usize = 500;

/// Parses a text that must hold exactly one allowed statement.
pub(crate) fn parse(sql: &str) -> Result<Statement> {
    let tokens = shape::tokens(sql)?;
    let mut statements = DFParserBuilder::new(qualifiers_as_names(tokens))
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(MAX_NESTING)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| not_parsed(&error))?;
    let statement = statements.pop_front().ok_or_else(|| refused(&text!("an empty text", "un texte vide")))?;
    if !statements.is_empty() {
        return Err(refused(&text!("several statements at once", "plusieurs instructions à la fois")));
    }
    allow(&statement)?;
    Ok(statement)
}

/// The names of the tables that a text reads, as it writes them. The text must hold exactly one SELECT, with or without
/// WITH, or VALUES.
pub(crate) fn select_relations(sql: &str) -> Result<Vec<String>> {
    let statement = parse(sql)?;
    let Statement::Statement(statement) = &statement else { return Err(refuse("EXPLAIN")) };
    if !matches!(**statement, ast::Statement::Query(_)) {
        return Err(Error::new(ErrorKind::Invalid, text!("it must be one SELECT", "ce doit être un seul SELECT")));
    }
    let mut names = Vec::new();
    let _ = ast::visit_relations(&**statement, |name| {
        names.push(name.to_string());
        ControlFlow::<()>::Continue(())
    });
    Ok(names)
}

/// The names of the parameters that a text names, without `$`, also in the arguments of table functions.
pub(crate) fn placeholders(sql: &str) -> Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    if let Statement::Statement(statement) = parse(sql)? {
        let _ = ast::visit_expressions(&*statement, |expr| {
            if let Expr::Value(value) = expr
                && let ast::Value::Placeholder(name) = &value.value
            {
                names.insert(name.trim_start_matches('$').to_owned());
            }
            ControlFlow::<()>::Continue(())
        });
    }
    Ok(names)
}

/// Moodle has tables whose names are keywords, first of all `user`. Before a dot a word is always a name.
fn qualifiers_as_names(mut tokens: Vec<TokenWithSpan>) -> Vec<TokenWithSpan> {
    for place in 1..tokens.len() {
        if tokens[place].token == Token::Period
            && let Token::Word(word) = &mut tokens[place - 1].token
        {
            word.keyword = Keyword::NoKeyword;
        }
    }
    tokens
}

/// The parser's message, with its line and column.
fn not_parsed(source: &DataFusionError) -> Error {
    if let DataFusionError::SQL(parser, _) = source.find_root()
        && matches!(**parser, ParserError::RecursionLimitExceeded)
    {
        return Error::new(
            ErrorKind::Limit,
            text!(
                "the SQL text is nested more than {MAX_NESTING} levels deep",
                "le texte SQL est imbriqué sur plus de {MAX_NESTING} niveaux"
            ),
        );
    }
    let detail = match source.find_root() {
        DataFusionError::SQL(parser, _) => parser.to_string(),
        other => other.strip_backtrace(),
    };
    let detail = detail.trim_start_matches("sql parser error: ").to_owned();
    Error::new(
        ErrorKind::Invalid,
        text!("the SQL text cannot be parsed: {detail}", "le texte SQL ne peut être analysé : {detail}"),
    )
}

/// The failure of a statement that is not allowed; it says what is.
pub(super) fn refused(what: &Text) -> Error {
    let Text { en, fr } = what;
    Error::new(
        ErrorKind::Invalid,
        text!(
            "a session is read-only and refuses {en}: it takes one SELECT, WITH … SELECT, VALUES, EXPLAIN, SHOW or DESCRIBE",
            "une session est en lecture seule et refuse {fr} : elle accepte un seul SELECT, WITH … SELECT, VALUES, EXPLAIN, SHOW ou DESCRIBE"
        ),
    )
}

/// Refuses a statement by its own name.
fn refuse(name: &str) -> Error {
    refused(&text!("`{name}`", "`{name}`"))
}

fn allow(statement: &Statement) -> Result<()> {
    match statement {
        Statement::Statement(statement) => allow_sql(statement),
        Statement::Explain(explain) => allow(&explain.statement),
        Statement::CopyTo(_) => Err(refuse("COPY")),
        Statement::CreateExternalTable(_) => Err(refuse("CREATE EXTERNAL TABLE")),
        Statement::Reset(_) => Err(refuse("RESET")),
    }
}

fn allow_sql(statement: &ast::Statement) -> Result<()> {
    match statement {
        ast::Statement::Query(_)
        | ast::Statement::ExplainTable { .. }
        | ast::Statement::ShowTables { .. }
        | ast::Statement::ShowColumns { .. }
        | ast::Statement::ShowFunctions { .. }
        | ast::Statement::ShowVariable { .. } => allow_parts(statement),
        ast::Statement::Explain { statement, .. } => allow_sql(statement),
        other => Err(refuse(&first_word(other))),
    }
}

/// The statement's first word, which names it.
fn first_word(statement: &ast::Statement) -> String {
    statement.to_string().split_whitespace().next().unwrap_or_default().to_uppercase()
}

/// Walks all queries of a statement, also those in expressions, for what a SELECT may hide.
fn allow_parts(statement: &ast::Statement) -> Result<()> {
    let mut walk = Walk { relations: 0, weights: HashMap::new() };
    match statement.visit(&mut walk) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Walk {
    /// Tables named so far.
    relations: usize,
    /// Tables behind each name of a WITH, counted as often as they are read.
    weights: HashMap<String, usize>,
}

impl Walk {
    /// Tables that a query reads, those of WITH queries as often as they are used.
    fn weight(&self, query: &Query) -> usize {
        let mut weight = 0_usize;
        let _ = ast::visit_relations(query, |relation| {
            let own = relation.0.last().and_then(|part| part.as_ident()).and_then(|name| self.weights.get(&key(name)));
            weight = weight.saturating_add(own.copied().unwrap_or(1));
            ControlFlow::<()>::Continue(())
        });
        weight
    }
}

/// A name without regard to case, since unquoted names have none.
fn key(name: &ast::Ident) -> String {
    name.value.to_lowercase()
}

fn too_many_tables() -> Error {
    Error::new(
        ErrorKind::Limit,
        text!(
            "the statement reads more than {MAX_RELATIONS} tables; those of a WITH query count as often as it is used",
            "l'instruction lit plus de {MAX_RELATIONS} tables ; celles d'une requête WITH comptent autant de fois qu'elle est utilisée"
        ),
    )
}

impl Visitor for Walk {
    type Break = Box<Error>;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        let lock = (!query.locks.is_empty()).then(|| refuse("FOR UPDATE"));
        lock.or_else(|| writing_part(&query.body))
            .map_or(ControlFlow::Continue(()), |error| ControlFlow::Break(Box::new(error)))
    }

    /// Queries within have been weighed by now. A dozen lines of WITH that each use the previous one twice double the
    /// plan with every line, and planning would not end.
    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Self::Break> {
        for table in query.with.iter().flat_map(|with| &with.cte_tables) {
            let weight = self.weight(&table.query);
            let known = self.weights.entry(key(&table.alias.name)).or_insert(0);
            // A query without tables still is an operator.
            *known = weight.max(*known).max(1);
        }
        if self.weight(query) > MAX_RELATIONS {
            return ControlFlow::Break(Box::new(too_many_tables()));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Self::Break> {
        match select.into {
            Some(_) => ControlFlow::Break(Box::new(refuse("SELECT … INTO"))),
            None => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Self::Break> {
        self.relations += 1;
        let found =
            if self.relations > MAX_RELATIONS { Some(too_many_tables()) } else { concatenated_argument(factor) };
        found.map_or(ControlFlow::Continue(()), |error| ControlFlow::Break(Box::new(error)))
    }
}

/// INSERT, UPDATE, DELETE or MERGE in the place of a SELECT. The walk is a loop: set operations lean to the left.
fn writing_part(body: &SetExpr) -> Option<Error> {
    let mut rest = vec![body];
    while let Some(part) = rest.pop() {
        match part {
            SetExpr::SetOperation { left, right, .. } => rest.extend([&**left, &**right]),
            SetExpr::Insert(_) => return Some(refuse("INSERT")),
            SetExpr::Update(_) => return Some(refuse("UPDATE")),
            SetExpr::Delete(_) => return Some(refuse("DELETE")),
            SetExpr::Merge(_) => return Some(refuse("MERGE")),
            SetExpr::Select(_) | SetExpr::Query(_) | SetExpr::Values(_) | SetExpr::Table(_) => {}
        }
    }
    None
}

/// Arguments of table functions are computed while planning, before the guard of `||` is in place.
fn concatenated_argument(factor: &TableFactor) -> Option<Error> {
    let args = match factor {
        TableFactor::Table { args: Some(args), .. } => &args.args,
        TableFactor::Function { args, .. } => args,
        _ => return None,
    };
    let found = args.iter().any(|arg| match arg {
        FunctionArg::Unnamed(value)
        | FunctionArg::Named { arg: value, .. }
        | FunctionArg::ExprNamed { arg: value, .. } => {
            matches!(value, FunctionArgExpr::Expr(expr) if concatenates(expr))
        }
    });
    found.then(|| {
        Error::new(
            ErrorKind::Invalid,
            text!(
                "the arguments of a table function cannot use `||`: write the text as one value",
                "les arguments d'une fonction de table ne peuvent utiliser `||` : écrivez le texte en une seule valeur"
            ),
        )
    })
}

fn concatenates(expr: &Expr) -> bool {
    ast::visit_expressions(expr, |part| match part {
        Expr::BinaryOp { op: BinaryOperator::StringConcat, .. } => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::Lang;

    #[rstest]
    #[case("SELECT 1")]
    #[case("SELECT 1;")]
    #[case("WITH a AS (SELECT 1 AS x) SELECT x FROM a")]
    #[case("VALUES (1), (2)")]
    #[case("SELECT 1 UNION ALL SELECT 2")]
    #[case("EXPLAIN SELECT 1")]
    #[case("EXPLAIN ANALYZE SELECT 1")]
    #[case("EXPLAIN VERBOSE SELECT 1")]
    #[case("SHOW TABLES")]
    #[case("SHOW COLUMNS FROM hits")]
    #[case("SHOW datafusion.execution.batch_size")]
    #[case("SHOW ALL")]
    #[case("DESCRIBE hits")]
    #[case("SELECT * FROM generate_series(1, 3)")]
    #[case("SELECT user.id, user.*, groups.id, role.id, context.id, files.id FROM user, groups, role, context, files")]
    #[case("SELECT course.id, course.fullname FROM course JOIN user ON user.id = course.id ORDER BY user.id")]
    fn reading_is_allowed(#[case] sql: &str) {
        parse(sql).unwrap();
    }

    #[rstest]
    #[case("", "an empty text")]
    #[case(" ; ", "an empty text")]
    #[case("SELECT 1; SELECT 2", "several statements")]
    #[case("SELECT 1; DROP TABLE hits", "several statements")]
    #[case("COPY hits TO '/tmp/x.csv'", "`COPY`")]
    #[case("COPY (SELECT 1) TO 'x.parquet' STORED AS PARQUET", "`COPY`")]
    #[case("EXPLAIN COPY hits TO '/tmp/x.csv'", "`COPY`")]
    #[case("EXPLAIN ANALYZE COPY hits TO '/tmp/x.csv'", "`COPY`")]
    #[case("INSERT INTO hits VALUES (1)", "`INSERT`")]
    #[case("EXPLAIN ANALYZE INSERT INTO hits VALUES (1)", "`INSERT`")]
    #[case("WITH a AS (SELECT 1) INSERT INTO hits SELECT * FROM a", "`INSERT`")]
    #[case("UPDATE hits SET userid = 1", "`UPDATE`")]
    #[case("DELETE FROM hits", "`DELETE`")]
    #[case("TRUNCATE TABLE hits", "`TRUNCATE`")]
    #[case("MERGE INTO hits USING hits AS h ON hits.userid = h.userid WHEN MATCHED THEN DELETE", "`MERGE`")]
    #[case("CREATE TABLE x AS SELECT 1", "`CREATE`")]
    #[case("CREATE TABLE x (a INT)", "`CREATE`")]
    #[case("CREATE VIEW x AS SELECT 1", "`CREATE`")]
    #[case("CREATE SCHEMA x", "`CREATE`")]
    #[case("CREATE DATABASE x", "`CREATE`")]
    #[case("CREATE FUNCTION f() RETURNS INT RETURN 1", "`CREATE`")]
    #[case("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", "`CREATE EXTERNAL TABLE`")]
    #[case("DROP TABLE hits", "`DROP`")]
    #[case("ALTER TABLE hits ADD COLUMN x INT", "`ALTER`")]
    #[case("SET datafusion.execution.batch_size = 1", "`SET`")]
    #[case("RESET datafusion.execution.batch_size", "`RESET`")]
    #[case("PREPARE p AS SELECT 1", "`PREPARE`")]
    #[case("EXECUTE p", "`EXECUTE`")]
    #[case("DEALLOCATE p", "`DEALLOCATE`")]
    #[case("BEGIN", "`BEGIN`")]
    #[case("START TRANSACTION", "`START`")]
    #[case("COMMIT", "`COMMIT`")]
    #[case("ROLLBACK", "`ROLLBACK`")]
    #[case("USE other", "`USE`")]
    #[case("GRANT SELECT ON hits TO someone", "`GRANT`")]
    #[case("ANALYZE TABLE hits", "`ANALYZE`")]
    #[case("SHOW CREATE TABLE hits", "`SHOW`")]
    #[case("SELECT 1 INTO other", "`SELECT … INTO`")]
    #[case("SELECT * FROM (SELECT 1 INTO other) AS s", "`SELECT … INTO`")]
    #[case("SELECT * FROM hits FOR UPDATE", "`FOR UPDATE`")]
    fn anything_else_is_refused(#[case] sql: &str, #[case] what: &str) {
        let error = parse(sql).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid, "{sql}");
        assert!(error.message(Lang::En).contains(what), "{sql}: {error}");
        assert!(error.message(Lang::En).contains("it takes one SELECT"), "{sql}: {error}");
        assert!(error.message(Lang::Fr).contains("lecture seule"), "{sql}");
    }

    #[test]
    fn a_slip_is_told_with_its_place() {
        let error = parse("SELECT 1 FROM hits WHERE ORDER BY 1").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.message(Lang::En).contains("Line: 1"), "{error}");
    }

    #[test]
    fn deep_nesting_is_refused_without_overflow() {
        for sql in [
            format!("SELECT {}1{}", "(".repeat(10_000), ")".repeat(10_000)),
            format!("{}SELECT 1{}", "SELECT * FROM (".repeat(1_000), ")".repeat(1_000)),
        ] {
            assert_eq!(parse(&sql).unwrap_err().kind(), ErrorKind::Limit, "{}", &sql[..40]);
        }
        parse(&format!("SELECT {}1", "NOT ".repeat(500))).unwrap_err();
    }

    #[test]
    fn with_queries_count_as_often_as_they_are_used() {
        let doubling = |levels: usize| {
            let first = "WITH c0 AS (SELECT 1 AS x)".to_owned();
            let with = (1..levels).fold(first, |with, level| {
                let below = level - 1;
                format!("{with}, c{level} AS (SELECT * FROM c{below} UNION ALL SELECT * FROM C{below})")
            });
            format!("{with} SELECT * FROM c{}", levels - 1)
        };
        parse(&doubling(5)).unwrap();
        assert_eq!(parse(&doubling(40)).unwrap_err().kind(), ErrorKind::Limit);
        assert_eq!(parse(&format!("SELECT * FROM ({}) AS s", doubling(40))).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn too_many_tables_are_refused() {
        let tables = (0..600).map(|n| format!("hits AS h{n}")).collect::<Vec<_>>().join(", ");
        assert_eq!(parse(&format!("SELECT 1 FROM {tables}")).unwrap_err().kind(), ErrorKind::Limit);
    }

    #[test]
    fn a_table_function_takes_no_concatenation() {
        let error = parse("SELECT * FROM generate_series(1, length('a' || 'b'))").unwrap_err();
        assert!(error.message(Lang::En).contains("`||`"), "{error}");
    }
}
