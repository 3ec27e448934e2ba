//! Size and nesting of an SQL text, measured before it is parsed.
//!
//! A parser turns `1+1+1+…` into a tree as deep as the text is long, and trees are freed by recursion: a text of one
//! megabyte would end the process. So the text is measured on its tokens first. Nesting in parentheses is the
//! parser's own limit.

use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use crate::error::Error;
use crate::{ErrorKind, Result, text};

/// Longest SQL text, in bytes.
pub const MAX_SQL_BYTES: usize = 1 << 20;

/// Deepest tree of one expression, between commas, without what stands in its parentheses. In a build without
/// optimization a level takes some 5 KiB of a thread's 2 MiB.
const MAX_DEPTH: usize = 250;

/// Most joins and set operations (UNION, EXCEPT, INTERSECT) of one statement.
const MAX_COMBINATIONS: usize = 200;

/// The tokens of a text, unless it is too long or its tree would be too deep.
pub(super) fn tokens(sql: &str) -> Result<Vec<TokenWithSpan>> {
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
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location().map_err(|error| {
        Error::new(
            ErrorKind::Invalid,
            text!("the SQL text cannot be parsed: {error}", "le texte SQL ne peut être analysé : {error}"),
        )
    })?;
    measure(&tokens)?;
    Ok(tokens)
}

/// What is known of one expression while its tokens pass.
#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    /// AND and OR: each is a level above all that came before it.
    junctions: usize,
    /// Other tokens since the last junction; an operator and its operand make one level.
    run: usize,
    /// The longest run.
    longest: usize,
}

impl Chain {
    fn add(&mut self, token: &Token) {
        match token {
            Token::Word(word) if matches!(word.keyword, Keyword::AND | Keyword::OR | Keyword::XOR) => {
                self.junctions += 1;
                self.run = 0;
            }
            _ => {
                self.run += 1;
                self.longest = self.longest.max(self.run);
            }
        }
    }

    /// The tree is at most so deep.
    fn depth(&self) -> usize {
        self.junctions + self.longest / 2
    }
}

/// Walks the tokens with one chain per open parenthesis.
fn measure(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut outer = Vec::new();
    let mut chain = Chain::default();
    let mut combinations = 0;
    for token in tokens.iter().map(|token| &token.token) {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket | Token::LBrace => {
                chain.add(token);
                outer.push(chain);
                chain = Chain::default();
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                chain = outer.pop().unwrap_or_default();
                chain.add(token);
            }
            Token::Comma | Token::SemiColon => chain = Chain::default(),
            Token::Word(word) if combines(word.keyword) => combinations += 1,
            token => chain.add(token),
        }
        if chain.depth() > MAX_DEPTH {
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
            "a part of the SQL text chains more than {MAX_DEPTH} operators: write a long chain of OR as IN (…), and split many joins or UNIONs with WITH",
            "une partie du texte SQL enchaîne plus de {MAX_DEPTH} opérateurs : écrivez une longue suite de OR avec IN (…), et répartissez de nombreuses jointures ou UNION avec WITH"
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
        tokens("SELECT userid, count(*) FROM hits GROUP BY userid").unwrap();
        let list = (0..50_000).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
        tokens(&format!("SELECT 1 WHERE 1 IN ({list})")).unwrap();
        let either =
            (0..240).map(|n| format!("(userid = {n} AND courseid IS NOT NULL)")).collect::<Vec<_>>().join(" OR ");
        tokens(&format!("SELECT 1 FROM hits WHERE {either}")).unwrap();
        let both = (0..240).map(|n| format!("userid <> {n}")).collect::<Vec<_>>().join(" AND ");
        tokens(&format!("SELECT 1 FROM hits WHERE {both}")).unwrap();
        assert_eq!(tokens("SELECT 'unfinished").unwrap_err().kind(), ErrorKind::Invalid);
    }

    #[test]
    fn long_texts_chains_and_joins_are_refused() {
        let long = format!("SELECT '{}'", "x".repeat(MAX_SQL_BYTES));
        let chain = format!("SELECT 1{}", "+1".repeat(100_000));
        let nulls = format!("SELECT 1{}", " IS NULL".repeat(100_000));
        let union = format!("SELECT 1,2{}", " UNION ALL SELECT 1,2".repeat(300));
        let brackets = format!("SELECT a{}", "[1]".repeat(50_000));
        for sql in [long, chain, nulls, union, brackets] {
            assert_eq!(tokens(&sql).unwrap_err().kind(), ErrorKind::Limit, "{}", &sql[..40]);
        }
    }
}
