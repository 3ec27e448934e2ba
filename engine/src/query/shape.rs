//! Size and nesting of an SQL text, measured before it is parsed.
//!
//! A parser turns `1+1+1+…` into a tree as deep as the text is long, and trees are freed by recursion: a text of one
//! megabyte would end the process. So the text is measured on its tokens first. Nesting in parentheses is the
//! parser's own limit.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use crate::error::Error;
use crate::{ErrorKind, Result, text};

/// Longest SQL text, in bytes.
pub const MAX_SQL_BYTES: usize = 1 << 20;

/// Most tokens of one expression, between commas, without what stands in its parentheses.
const MAX_EXPRESSION_TOKENS: usize = 1_200;

/// Most joins and set operations (UNION, EXCEPT, INTERSECT) of one statement.
const MAX_COMBINATIONS: usize = 200;

/// Refuses a text that is too long, or whose tree would be too deep.
pub(super) fn check(sql: &str) -> Result<()> {
    let bytes = sql.len();
    if bytes > MAX_SQL_BYTES {
        return Err(Error::new(
            ErrorKind::Limit,
            text!(
                "the SQL text has {bytes} bytes; the limit is {MAX_SQL_BYTES} bytes",
                "le texte SQL a {bytes} octets ; la limite est de {MAX_SQL_BYTES} octets"
            ),
        ));
    }
    // A text that has no tokens has no tree; the parser tells where it is wrong.
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    measure(&tokens)
}

/// Walks the tokens with one counter per open parenthesis.
fn measure(tokens: &[Token]) -> Result<()> {
    let mut outer = Vec::new();
    let mut expression = 0;
    let mut combinations = 0;
    for token in tokens {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket | Token::LBrace => {
                outer.push(expression + 1);
                expression = 0;
            }
            Token::RParen | Token::RBracket | Token::RBrace => expression = outer.pop().unwrap_or(0) + 1,
            Token::Comma | Token::SemiColon => expression = 0,
            Token::Word(word) if combines(word.keyword) => combinations += 1,
            _ => expression += 1,
        }
        if expression > MAX_EXPRESSION_TOKENS {
            return Err(too_long());
        }
        if combinations > MAX_COMBINATIONS {
            return Err(too_many());
        }
    }
    Ok(())
}

/// Whether the keyword adds a level to the tree of operators across commas.
fn combines(keyword: Keyword) -> bool {
    matches!(keyword, Keyword::JOIN | Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT | Keyword::MINUS)
}

fn too_long() -> Error {
    Error::new(
        ErrorKind::Limit,
        text!(
            "an expression of the SQL text has more than {MAX_EXPRESSION_TOKENS} words and signs: write a long chain of OR as IN (…), or join a list of VALUES",
            "une expression du texte SQL a plus de {MAX_EXPRESSION_TOKENS} mots et signes : écrivez une longue suite de OR avec IN (…), ou joignez une liste de VALUES"
        ),
    )
}

fn too_many() -> Error {
    Error::new(
        ErrorKind::Limit,
        text!(
            "the SQL text has more than {MAX_COMBINATIONS} joins and set operations",
            "le texte SQL a plus de {MAX_COMBINATIONS} jointures et opérations ensemblistes"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_long_lists_pass() {
        check("SELECT userid, count(*) FROM hits GROUP BY userid").unwrap();
        let list = (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        check(&format!("SELECT 1 WHERE 1 IN ({list})")).unwrap();
        check("SELECT 'unfinished").unwrap();
    }

    #[test]
    fn long_texts_chains_and_joins_are_refused() {
        let long = format!("SELECT '{}'", "x".repeat(MAX_SQL_BYTES));
        let chain = format!("SELECT 1{}", "+1".repeat(100_000));
        let nulls = format!("SELECT 1{}", " IS NULL".repeat(100_000));
        let union = format!("SELECT 1,2{}", " UNION ALL SELECT 1,2".repeat(300));
        let brackets = format!("SELECT a{}", "[1]".repeat(50_000));
        for sql in [long, chain, nulls, union, brackets] {
            assert_eq!(check(&sql).unwrap_err().kind(), ErrorKind::Limit, "{}", &sql[..40]);
        }
    }
}
