//! The header `traceparent`: which trace and which span a request comes from.

use tta_core::{Parent, SpanId, TraceId};

/// The span that a header names; none if the header is not as the specification has it.
///
/// Versions to come are read as far as this one goes, as the specification asks.
pub(crate) fn parse(value: &[u8]) -> Option<Parent> {
    let value = value.trim_ascii();
    let (head, rest) = value.split_at_checked(LENGTH)?;
    let version = lower_hex(head.get(..2)?)?;
    let is_whole = match version {
        0 => rest.is_empty(),
        FORBIDDEN_VERSION => false,
        _ => rest.is_empty() || rest.starts_with(b"-"),
    };
    let dashes = [2, 35, 52].iter().all(|at| head.get(*at) == Some(&b'-'));
    if !is_whole || !dashes {
        return None;
    }
    let trace_id = lower_hex(head.get(3..35)?)?;
    let span_id = u64::try_from(lower_hex(head.get(36..52)?)?).ok()?;
    let flags = lower_hex(head.get(53..55)?)?;
    let (trace_id, span_id) = (TraceId::from_u128(trace_id), SpanId::from_u64(span_id));
    let parent = Parent::remote(trace_id, span_id, flags & SAMPLED != 0)?;
    Some(parent.with_random(flags & RANDOM != 0))
}

/// The header that names a span. Flags that this version does not know are not passed on.
pub(crate) fn format(parent: &Parent) -> String {
    let sampled = if parent.sampled { SAMPLED } else { 0 };
    let random = if parent.is_random { RANDOM } else { 0 };
    let flags = sampled | random;
    format!("00-{}-{}-{flags:02x}", parent.trace_id, parent.span_id)
}

/// Small letters only: the specification refuses capitals.
fn lower_hex(digits: &[u8]) -> Option<u128> {
    let mut number = 0;
    for digit in digits {
        let value = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        number = number << 4 | u128::from(value);
    }
    Some(number)
}

/// Version, trace, span and flags with the dashes between them.
const LENGTH: usize = 55;
const FORBIDDEN_VERSION: u128 = 0xff;
const SAMPLED: u128 = 1;
const RANDOM: u128 = 2;
