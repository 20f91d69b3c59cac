//! The header `traceparent`, beside a second reading of its grammar.

use tta_http::Propagation;

use crate::headers::Headers;

/// What is taken is what the W3C's grammar takes, with its ids as they stand there, and what goes
/// on is of version 00 and in the same trace.
pub fn traceparent(data: &[u8]) {
    let propagation = Propagation::new();
    let extracted = propagation.extract(&Headers::default().with(NAME, data));
    let meant = read(data);
    assert_eq!(extracted.refused().is_empty(), meant.is_some());
    let found = extracted.parent().map(|parent| Meant {
        trace_id: parent.trace_id.to_string(),
        span_id: parent.span_id.to_string(),
        sampled: parent.sampled,
    });
    assert_eq!(found, meant);

    let Some(meant) = meant else { return };
    let mut onward = Headers::default();
    propagation.inject(&extracted.into_builder().build(), &mut onward);
    let sent = onward.only(NAME).and_then(read);
    let sent = sent.unwrap_or_else(|| panic!("{onward:?} is no header to go on with"));
    assert_eq!(sent.trace_id, meant.trace_id);
    assert_eq!(sent.sampled, meant.sampled);
    assert_eq!(onward.only(NAME).map(<[u8]>::len), Some(LENGTH));
}

#[derive(Debug, PartialEq)]
struct Meant {
    trace_id: String,
    span_id: String,
    sampled: bool,
}

/// The grammar once more, by fields between dashes where the library goes by places.
fn read(header: &[u8]) -> Option<Meant> {
    let text = String::from_utf8_lossy(header.trim_ascii());
    let mut fields = text.splitn(5, '-');
    let [version, trace_id, span_id, flags] = [
        fields.next()?,
        fields.next()?,
        fields.next()?,
        fields.next()?,
    ];
    let later = fields.next();
    let is_hex = |field: &str, length: usize| {
        field.len() == length && field.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f'))
    };
    let is_valid = is_hex(version, 2)
        && version != "ff"
        && (version != "00" || later.is_none())
        && is_hex(trace_id, 32)
        && trace_id.contains(|c| c != '0')
        && is_hex(span_id, 16)
        && span_id.contains(|c| c != '0')
        && is_hex(flags, 2);
    is_valid.then(|| Meant {
        trace_id: trace_id.to_owned(),
        span_id: span_id.to_owned(),
        sampled: u8::from_str_radix(flags, 16).is_ok_and(|flags| flags & 1 == 1),
    })
}

const NAME: &str = "traceparent";
const LENGTH: usize = 55;
