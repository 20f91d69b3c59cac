//! A query cut into words, strings, numbers and signs.

/// A piece of a query.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'a> {
    pub(super) kind: TokenKind,
    pub(super) text: &'a str,
    /// Where it ends in the query.
    pub(super) end: usize,
}

/// What sort of piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, of a metric, label or function; or a keyword.
    Word,
    /// Text in quotes, the quotes included.
    Text,
    /// A number, a duration, or a dashboard's variable in place of one.
    Number,
    /// Anything else: one sign, or the two of a comparison.
    Sign,
}

/// The pieces of a query.
///
/// # Errors
///
/// When a quote does not close.
pub(super) fn tokens(query: &str) -> Result<Vec<Token<'_>>, String> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(rest) = query.get(at..).filter(|rest| !rest.is_empty()) {
        let Some(first) = rest.chars().next() else {
            break;
        };
        let (kind, length) = match first {
            _ if first.is_whitespace() => {
                at += first.len_utf8();
                continue;
            }
            '#' => {
                at += rest.find('\n').unwrap_or(rest.len());
                continue;
            }
            '"' => {
                let close = rest.get(1..).and_then(|inside| inside.find('"'));
                let close = close.ok_or("a quote does not close")?;
                (TokenKind::Text, close + 2)
            }
            'a'..='z' | 'A'..='Z' | '_' | ':' => (TokenKind::Word, run(rest, is_word)),
            '0'..='9' | '$' => (TokenKind::Number, run(rest, is_number)),
            '=' | '!' | '<' | '>' => (TokenKind::Sign, run(rest, |sign| "=!<>~".contains(sign))),
            _ => (TokenKind::Sign, first.len_utf8()),
        };
        let text = rest.get(..length).unwrap_or(rest);
        at += length;
        all.push(Token {
            kind,
            text,
            end: at,
        });
    }
    Ok(all)
}

fn run(text: &str, belongs: impl Fn(char) -> bool) -> usize {
    text.find(|sign| !belongs(sign)).unwrap_or(text.len())
}

fn is_word(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || sign == '_' || sign == ':'
}

fn is_number(sign: char) -> bool {
    is_word(sign) || sign == '.' || sign == '$'
}
