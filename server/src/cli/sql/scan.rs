//! Cuts a text of SQL into tokens, without judging it.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A keyword or a bare name.
    Word,
    /// A name in double quotes or backquotes, quotes included.
    Quoted,
    /// A literal text, quotes included.
    Literal,
    /// A number.
    Number,
    /// One character of anything else.
    Sign,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// What it is.
    pub(crate) kind: Kind,
    /// The piece as it stands.
    pub(crate) text: &'a str,
    /// Its first byte.
    pub(crate) start: usize,
}

impl Token<'_> {
    /// The name that the token spells; `None` when it is none.
    pub(crate) fn name(&self) -> Option<String> {
        match self.kind {
            Kind::Word => Some(self.text.to_owned()),
            Kind::Quoted => {
                let quote = &self.text[..1];
                let inner = self.text.get(1..self.text.len().saturating_sub(1))?;
                Some(inner.replace(&quote.repeat(2), quote))
            }
            _ => None,
        }
    }

    /// Whether the token is this keyword, in any case.
    pub(crate) fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether the token is this character.
    pub(crate) fn is_sign(&self, sign: &str) -> bool {
        self.kind == Kind::Sign && self.text == sign
    }
}

/// The tokens of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned<'a> {
    /// In order; white space and comments are left out.
    pub(crate) tokens: Vec<Token<'a>>,
    /// Whether the text ends inside a literal, a quoted name or a comment.
    pub(crate) open: bool,
}

/// Cuts a text into tokens.
pub(crate) fn scan(text: &str) -> Scanned<'_> {
    let mut scanned = Scanned { tokens: Vec::new(), open: false };
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match c {
            c if c.is_whitespace() => (None, Some(c.len_utf8())),
            // A line comment is closed by its line end; at the end of the text the next line would close it.
            '-' if rest.starts_with("--") => (None, Some(rest.find('\n').map_or(rest.len(), |end| end + 1))),
            '/' if rest.starts_with("/*") => (None, block_comment(rest)),
            '\'' => (Some(Kind::Literal), quoted(rest, '\'')),
            '"' | '`' => (Some(Kind::Quoted), quoted(rest, c)),
            '$' if dollar_tag(rest).is_some() => (Some(Kind::Literal), dollar_quoted(rest)),
            c if c.is_alphabetic() || c == '_' => {
                (Some(Kind::Word), Some(run(rest, |c| c.is_alphanumeric() || c == '_' || c == '$')))
            }
            c if c.is_ascii_digit() => {
                (Some(Kind::Number), Some(run(rest, |c| c.is_alphanumeric() || c == '.' || c == '_')))
            }
            c => (Some(Kind::Sign), Some(c.len_utf8())),
        };
        let end = length.map_or(text.len(), |length| at + length);
        scanned.open = length.is_none();
        if let Some(kind) = kind {
            scanned.tokens.push(Token { kind, text: &text[at..end], start: at });
        }
        at = end;
    }
    scanned
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|c| !belongs(c)).unwrap_or(text.len())
}

/// Length of a text in quotes, where a doubled quote is one; `None` when it does not end.
fn quoted(text: &str, quote: char) -> Option<usize> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Some(at + 1);
        }
    }
    None
}

/// Length of a comment, inside which comments nest; `None` when it does not end.
fn block_comment(text: &str) -> Option<usize> {
    let (mut depth, mut at) = (0usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        if rest.starts_with(b"/*") {
            (depth, at) = (depth + 1, at + 2);
        } else if rest.starts_with(b"*/") {
            (depth, at) = (depth - 1, at + 2);
            if depth == 0 {
                return Some(at);
            }
        } else {
            at += 1;
        }
    }
    None
}

/// The `$tag$` that a text begins with; `$1` is a parameter and none.
fn dollar_tag(text: &str) -> Option<&str> {
    let end = text[1..].find(|c: char| !(c.is_alphanumeric() || c == '_'))? + 1;
    let tag = &text[..end];
    (text[end..].starts_with('$') && !tag[1..].starts_with(|c: char| c.is_ascii_digit())).then(|| &text[..=end])
}

fn dollar_quoted(text: &str) -> Option<usize> {
    let tag = dollar_tag(text)?;
    text[tag.len()..].find(tag).map(|end| end + 2 * tag.len())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn tokens_are_what_they_look_like() {
        let scanned = scan("SELECT u.\"first\"\"name\", 1.5e3 + $1 FROM campus.user -- end\n WHERE x='é'");
        let kinds: Vec<_> = scanned.tokens.iter().map(|token| (token.kind, token.text)).collect();
        assert_eq!(
            kinds,
            [
                (Kind::Word, "SELECT"),
                (Kind::Word, "u"),
                (Kind::Sign, "."),
                (Kind::Quoted, "\"first\"\"name\""),
                (Kind::Sign, ","),
                (Kind::Number, "1.5e3"),
                (Kind::Sign, "+"),
                (Kind::Sign, "$"),
                (Kind::Number, "1"),
                (Kind::Word, "FROM"),
                (Kind::Word, "campus"),
                (Kind::Sign, "."),
                (Kind::Word, "user"),
                (Kind::Word, "WHERE"),
                (Kind::Word, "x"),
                (Kind::Sign, "="),
                (Kind::Literal, "'é'"),
            ]
        );
        assert_eq!(scanned.tokens[3].name().as_deref(), Some("first\"name"));
        assert!(!scanned.open);
    }

    proptest! {
        #[test]
        fn every_text_is_cut_without_overlap(text in "[a$'\"/*é;. \n-]{0,24}") {
            let scanned = scan(&text);
            let mut end = 0;
            for token in &scanned.tokens {
                prop_assert!(token.start >= end);
                end = token.start + token.text.len();
                prop_assert_eq!(&text[token.start..end], token.text);
                let _ = token.name();
            }
        }
    }
}
