//! Text as a terminal may be shown it.

use crate::logs::Capped;

/// Text without anything that ends a line or steers a terminal, and no more than a few lines of it.
pub(super) fn push(out: &mut Vec<u8>, text: &str) {
    let mut capped = Capped::new(out, MOST_BYTES, false);
    capped.push(text);
    capped.finish();
}

/// A pair, quoted where it has to be. What is secret was taken out before.
pub(super) fn push_pair(out: &mut Vec<u8>, key: &str, value: &str) {
    out.push(b' ');
    push(out, key);
    out.push(b'=');
    if value.contains(|letter: char| letter.is_whitespace() || letter == '"') {
        out.push(b'"');
        let mut capped = Capped::new(out, MOST_BYTES, true);
        capped.push(value);
        capped.finish();
        out.push(b'"');
    } else {
        push(out, value);
    }
}

const MOST_BYTES: usize = 512;
