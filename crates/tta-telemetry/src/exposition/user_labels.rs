//! Labels of the user's own metrics without what must not leave the process.

use super::page::push_escaped;
use crate::redaction::{Place, Redactor};

/// A series, or an exemplar with what follows it, with other labels; none where they stay.
pub(super) fn redact(text: &str, redactor: &Redactor) -> Option<String> {
    let (before, mut rest) = text.split_once('{')?;
    let mut clean = Vec::from(before);
    clean.push(b'{');
    let mut is_changed = false;
    let mut value = String::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            clean.push(b'}');
            clean.extend_from_slice(after.as_bytes());
            break;
        }
        if let Some(after) = rest.strip_prefix(',') {
            clean.push(b',');
            rest = after;
        }
        let (name, after) = rest.split_once("=\"")?;
        value.clear();
        rest = unescape(after, &mut value)?;
        let is_bound = matches!(name, "le" | "quantile");
        let replaced = if is_bound {
            None
        } else {
            redactor.text(Place::Metric, name, &value).text()
        };
        is_changed |= replaced.is_some();
        clean.extend_from_slice(name.as_bytes());
        clean.extend_from_slice(b"=\"");
        push_escaped(&mut clean, replaced.as_deref().unwrap_or(&value), true);
        clean.push(b'"');
    }
    // It is made of text alone.
    String::from_utf8(clean).ok().filter(|_| is_changed)
}

/// Reads a value up to the quote that ends it, and returns what follows.
fn unescape<'a>(text: &'a str, value: &mut String) -> Option<&'a str> {
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '"' => return text.get(at + 1..),
            '\\' => match characters.next()?.1 {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}
