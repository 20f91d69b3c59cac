//! A finished line in words for people.

use super::line::{Field, fields};

/// Appends the line as text: `time level target: message name=value service=… ids`.
///
/// What is escaped in the one is escaped in the other, but for the quotes of a message.
pub(super) fn push(line: &[u8], out: &mut Vec<u8>) {
    let mut own = Own::default();
    let mut event = Vec::new();
    for Field { name, value } in fields(line) {
        let place = match name {
            b"timestamp" => &mut own.timestamp,
            b"level" => &mut own.level,
            b"message" => &mut own.message,
            b"target" => &mut own.target,
            b"service" => &mut own.service,
            b"correlation_id" => &mut own.correlation_id,
            b"trace_id" => &mut own.trace_id,
            b"span_id" => &mut own.span_id,
            b"truncated" => &mut own.truncated,
            _ => {
                event.push(Field { name, value });
                continue;
            }
        };
        *place = value;
    }
    out.extend_from_slice(bare(own.timestamp));
    out.push(b' ');
    out.extend_from_slice(bare(own.level));
    out.push(b' ');
    push_prose(bare(own.target), out);
    out.extend_from_slice(b": ");
    push_prose(bare(own.message), out);
    for field in event {
        push_field(field, out);
    }
    for (name, value) in [
        ("service", own.service),
        ("correlation_id", own.correlation_id),
        ("trace_id", own.trace_id),
        ("span_id", own.span_id),
        ("truncated", own.truncated),
    ] {
        if !value.is_empty() {
            let name = name.as_bytes();
            push_field(Field { name, value }, out);
        }
    }
    out.push(b'\n');
}

/// The values of what every line may have.
#[derive(Default)]
struct Own<'a> {
    timestamp: &'a [u8],
    level: &'a [u8],
    message: &'a [u8],
    target: &'a [u8],
    service: &'a [u8],
    correlation_id: &'a [u8],
    trace_id: &'a [u8],
    span_id: &'a [u8],
    truncated: &'a [u8],
}

fn push_field(field: Field<'_>, out: &mut Vec<u8>) {
    out.push(b' ');
    out.extend_from_slice(field.name);
    out.push(b'=');
    let text = bare(field.value);
    let is_plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\' | b'=');
    if !text.is_empty() && text.iter().all(is_plain) {
        out.extend_from_slice(text);
    } else {
        out.extend_from_slice(field.value);
    }
}

/// Text in which quotes mean nothing.
fn push_prose(text: &[u8], out: &mut Vec<u8>) {
    let mut rest = text;
    while let Some(at) = rest.iter().position(|&byte| byte == b'\\') {
        let (clean, escape) = rest.split_at_checked(at).unwrap_or((rest, &[]));
        out.extend_from_slice(clean);
        let (written, length): (&[u8], _) = match escape {
            [b'\\', b'"', ..] => (b"\"", 2),
            [b'\\', _, ..] => (escape.get(..2).unwrap_or_default(), 2),
            _ => (escape, escape.len()),
        };
        out.extend_from_slice(written);
        rest = escape.get(length..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

fn bare(value: &[u8]) -> &[u8] {
    let inner = value.strip_prefix(b"\"");
    inner
        .and_then(|inner| inner.strip_suffix(b"\""))
        .unwrap_or(value)
}
