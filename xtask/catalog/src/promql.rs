//! As much of PromQL as it takes to see which metrics a query reads, and how.
//!
//! Prometheus itself parses every query elsewhere (`cargo xtask verify-ops`); this finds the names
//! and labels in it, so that they can be held against what the crates declare.
//!
//! ```
//! use tta_catalog::promql::selectors;
//!
//! let query = "sum by (route) (rate(router_decisions_total{reason=\"health\"}[5m]))";
//! let found = selectors(query).unwrap();
//! assert_eq!(found.selectors[0].metric, "router_decisions_total");
//! assert_eq!(found.selectors[0].range.as_deref(), Some("5m"));
//! assert_eq!(found.grouping, ["route"]);
//! ```

mod tokens;

use tokens::{Token, TokenKind, tokens};

/// What a query reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Query {
    /// The selectors, in the order of the text.
    pub selectors: Vec<Selector>,
    /// The labels that it groups by or matches on.
    pub grouping: Vec<String>,
}

/// A metric's name with its matchers, and where in the query it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Selector {
    /// The name.
    pub metric: String,
    /// The matchers: label, operator, value without quotes.
    pub matchers: Vec<(String, String, String)>,
    /// What stands in brackets behind it.
    pub range: Option<String>,
    /// The functions around it, the innermost last.
    pub functions: Vec<String>,
    /// Where its name ends in the text.
    pub name_end: usize,
    /// Where its first matcher begins, if it has braces.
    pub matchers_begin: Option<usize>,
}

/// The selectors of a query.
///
/// # Errors
///
/// When brackets do not close, or a selector has no name.
pub fn selectors(query: &str) -> Result<Query, String> {
    let tokens = tokens(query)?;
    let mut found = Query::default();
    let mut open: Vec<String> = Vec::new();
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        let next = tokens.get(at + 1).map(|token| token.text);
        match (token.kind, token.text) {
            (TokenKind::Word, word) if next == Some("(") => {
                open.push(word.to_owned());
                at += 2;
                if LABEL_LISTS.contains(&word) {
                    while let Some(label) = tokens.get(at).filter(|token| token.text != ")") {
                        if label.kind == TokenKind::Word {
                            found.grouping.push(label.text.to_owned());
                        }
                        at += 1;
                    }
                }
            }
            (TokenKind::Word, word) if !KEYWORDS.contains(&word) => {
                let (selector, behind) = selector(&tokens, at, &open)?;
                found.selectors.push(selector);
                at = behind;
            }
            (_, "(") => {
                open.push(String::new());
                at += 1;
            }
            (_, ")") => {
                open.pop().ok_or("a parenthesis closes that was not open")?;
                at += 1;
            }
            (_, "{") => return Err("a selector has no name".to_owned()),
            _ => at += 1,
        }
    }
    if open.is_empty() {
        Ok(found)
    } else {
        Err("a parenthesis does not close".to_owned())
    }
}

/// Gives each selector the further matchers that `matchers` has for it.
///
/// # Errors
///
/// As [`selectors`].
pub fn with_matchers(
    query: &str,
    matchers: impl Fn(&Selector) -> Vec<String>,
) -> Result<String, String> {
    let mut text = query.to_owned();
    // From the end, so that the places of earlier selectors hold.
    for selector in selectors(query)?.selectors.iter().rev() {
        let more = matchers(selector).join(", ");
        if more.is_empty() {
            continue;
        }
        match selector.matchers_begin {
            Some(begin) if selector.matchers.is_empty() => text.insert_str(begin, &more),
            Some(begin) => text.insert_str(begin, &format!("{more}, ")),
            None => text.insert_str(selector.name_end, &format!("{{{more}}}")),
        }
    }
    Ok(text)
}

/// The query with every duration divided, down to whole milliseconds; one that cannot be read is left
/// as it is.
pub fn with_durations(query: &str, divisor: u32) -> String {
    let mut text = query.to_owned();
    for token in tokens(query).unwrap_or_default().iter().rev() {
        let begin = token.end - token.text.len();
        if let Some(divided) = milliseconds(token.text).map(|it| it / u64::from(divisor.max(1))) {
            text.replace_range(begin..token.end, &format!("{}ms", divided.max(1)));
        }
    }
    text
}

/// A duration as PromQL writes it with one unit.
fn milliseconds(text: &str) -> Option<u64> {
    let digits = text.find(|sign: char| !sign.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let unit = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(unit)
}

/// The selector at a token, and the place of the token behind it.
fn selector(tokens: &[Token<'_>], at: usize, open: &[String]) -> Result<(Selector, usize), String> {
    let name = tokens.get(at).ok_or("a selector is missing")?;
    let mut selector = Selector {
        metric: name.text.to_owned(),
        matchers: Vec::new(),
        range: None,
        functions: open
            .iter()
            .filter(|name| !name.is_empty())
            .cloned()
            .collect(),
        name_end: name.end,
        matchers_begin: None,
    };
    let text = |at: usize| tokens.get(at).map(|token| token.text);
    let mut at = at + 1;
    if text(at) == Some("{") {
        selector.matchers_begin = tokens.get(at).map(|token| token.end);
        at += 1;
        while text(at) != Some("}") {
            let (Some(label), Some(operator), Some(value)) = (text(at), text(at + 1), text(at + 2))
            else {
                return Err(format!("the braces of `{}` do not close", selector.metric));
            };
            let value = value.trim_matches('"').to_owned();
            selector
                .matchers
                .push((label.to_owned(), operator.to_owned(), value));
            at += 3;
            if text(at) == Some(",") {
                at += 1;
            }
        }
        at += 1;
    }
    if text(at) == Some("[") {
        let mut range = String::new();
        at += 1;
        while let Some(part) = text(at).filter(|part| *part != "]") {
            range.push_str(part);
            at += 1;
        }
        selector.range = Some(range);
        at += 1;
    }
    Ok((selector, at))
}

/// Behind which labels stand in parentheses.
const LABEL_LISTS: [&str; 6] = [
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// Words that are no metric's name where no parenthesis follows them.
const KEYWORDS: [&str; 22] = [
    "and",
    "or",
    "unless",
    "bool",
    "offset",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "sum",
    "min",
    "max",
    "avg",
    "count",
    "group",
    "topk",
    "bottomk",
    "quantile",
    "inf",
    "nan",
];
