//! A finished line, taken apart where it is written and where it is exported.

use super::escape::Capped;
use crate::redaction::{Place, Redactor, Verdict};

/// Appends the line without what must not leave the process.
///
/// Runs on the threads that write and export. A line without anything secret is copied as it is.
pub(crate) fn redact(line: &[u8], redactor: &Redactor, out: &mut Vec<u8>) {
    let base = out.len();
    out.push(b'{');
    // What a replacement may take beyond what it replaces, so that the line stays as short as lines are.
    let mut spare = LONGEST_LINE.saturating_sub(line.len());
    let mut scratch = String::new();
    for Field { name, value } in fields(line) {
        let verdict = if is_own(name) {
            Verdict::Keep
        } else {
            judge(name, value, redactor, &mut scratch)
        };
        if let Verdict::Drop = verdict
            && name != b"message"
        {
            continue;
        }
        if out.len() > base + 1 {
            out.push(b',');
        }
        out.push(b'"');
        out.extend_from_slice(name);
        out.extend_from_slice(b"\":");
        match verdict.text() {
            None => out.extend_from_slice(value),
            Some(text) => {
                let from = out.len();
                out.push(b'"');
                // Two bytes of the old value are its quotes.
                let mut capped = Capped::new(out, (value.len() + spare).max(MASK_ROOM), true);
                capped.push(&text);
                capped.finish();
                out.push(b'"');
                spare = (spare + value.len()).saturating_sub(out.len() - from);
            }
        }
    }
    out.extend_from_slice(b"}\n");
}

fn judge(name: &[u8], value: &[u8], redactor: &Redactor, scratch: &mut String) -> Verdict {
    // Lines are UTF-8, and are cut only where it stays so.
    let (Ok(name), Ok(value)) = (std::str::from_utf8(name), std::str::from_utf8(value)) else {
        return Verdict::Drop;
    };
    match value
        .strip_prefix('"')
        .and_then(|rest| rest.strip_suffix('"'))
    {
        None if value == "true" || value == "false" => redactor.other(Place::Log, name, &value),
        None => redactor.number(Place::Log, name, &value),
        Some(text) if !text.contains('\\') => redactor.text(Place::Log, name, text),
        Some(text) => {
            scratch.clear();
            unescape(text, scratch);
            redactor.text(Place::Log, name, scratch)
        }
    }
}

/// What the line itself says, and no event.
fn is_own(name: &[u8]) -> bool {
    matches!(
        name,
        b"timestamp" | b"level" | b"target" | b"service" | b"trace_id" | b"span_id"
    )
}

/// A field as it stands in the line: its name without quotes, its value with them.
#[derive(Clone, Copy)]
pub(super) struct Field<'a> {
    pub(super) name: &'a [u8],
    pub(super) value: &'a [u8],
}

/// The fields of a line that this module's parent rendered: a flat object without white space.
pub(super) fn fields(line: &[u8]) -> impl Iterator<Item = Field<'_>> {
    let mut rest = line.strip_prefix(b"{").unwrap_or_default();
    std::iter::from_fn(move || {
        let text = rest.strip_prefix(b"\"")?;
        let (name, after) = text.split_at_checked(text_length(text))?;
        let after = after.strip_prefix(b"\":")?;
        let length = match after.strip_prefix(b"\"") {
            Some(text) => text_length(text) + 2,
            None => after.iter().position(|b| matches!(b, b',' | b'}'))?,
        };
        let (value, after) = after.split_at_checked(length)?;
        rest = after.strip_prefix(b",").unwrap_or_default();
        Some(Field { name, value })
    })
}

/// Up to the quote that ends a text.
fn text_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'"' => break,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    at
}

/// Reads the escapes that lines have: none of them is beyond U+FFFF.
fn unescape(text: &str, out: &mut String) {
    let mut rest = text;
    while let Some((clean, escaped)) = rest.split_once('\\') {
        out.push_str(clean);
        let (character, length) = match escaped.as_bytes().first() {
            Some(b'n') => ('\n', 1),
            Some(b'r') => ('\r', 1),
            Some(b't') => ('\t', 1),
            Some(b'u') => {
                let digits = escaped.get(1..5).unwrap_or_default();
                let code = u32::from_str_radix(digits, 16).unwrap_or(0xfffd);
                (char::from_u32(code).unwrap_or('\u{fffd}'), 5)
            }
            Some(&other) => (char::from(other), 1),
            None => ('\\', 0),
        };
        out.push(character);
        rest = escaped.get(length..).unwrap_or_default();
    }
    out.push_str(rest);
}

/// As long as a line may be.
const LONGEST_LINE: usize = 16 << 10;
const MASK_ROOM: usize = 8;
