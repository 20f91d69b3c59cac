//! The header `tracestate`: what vendors along the way have noted about a trace.

/// The list of all headers together, in order; none where any part of it is not as the
/// specification has it, because half of what vendors wrote may mean something else.
pub(crate) fn join<'a>(values: impl Iterator<Item = &'a [u8]>) -> State {
    let mut joined = String::new();
    let mut keys: Vec<&str> = Vec::new();
    let (mut bytes, mut places) = (0, 0);
    for value in values {
        bytes += value.len();
        // Counted before anything is looked at, so that a flood costs nothing.
        if bytes > MOST_BYTES {
            return State::Refused;
        }
        let Ok(value) = std::str::from_utf8(value) else {
            return State::Refused;
        };
        for member in value.split(',') {
            places += 1;
            if places > MOST_PLACES {
                return State::Refused;
            }
            let member = member.trim_matches([' ', '\t']);
            if member.is_empty() {
                continue;
            }
            let Some((key, text)) = member.split_once('=') else {
                return State::Refused;
            };
            if !is_key(key) || !is_value(text) {
                return State::Refused;
            }
            // The first one of a key is the latest that was written.
            if keys.contains(&key) {
                continue;
            }
            if keys.len() == MOST_MEMBERS {
                return State::Refused;
            }
            keys.push(key);
            if !joined.is_empty() {
                joined.push(',');
            }
            joined.push_str(member);
        }
    }
    if joined.is_empty() {
        State::Absent
    } else {
        State::Taken(joined)
    }
}

/// What came of the headers.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    Absent,
    Taken(String),
    Refused,
}

fn is_key(key: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let later = |byte: u8| letter(byte) || matches!(byte, b'_' | b'-' | b'*' | b'/' | b'@');
    let mut bytes = key.bytes();
    key.len() <= MOST_KEY_BYTES && bytes.next().is_some_and(letter) && bytes.all(later)
}

/// The member was trimmed, so that the value does not end in a space.
fn is_value(value: &str) -> bool {
    let allowed = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
    (1..=MOST_VALUE_BYTES).contains(&value.len()) && value.bytes().all(allowed)
}

const MOST_MEMBERS: usize = 32;
const MOST_KEY_BYTES: usize = 256;
const MOST_VALUE_BYTES: usize = 256;
/// Members and the empty places between them, which the specification allows.
const MOST_PLACES: usize = 128;
/// 32 members of the greatest size with the signs between them; room for some blanks.
const MOST_BYTES: usize = 32 * (MOST_KEY_BYTES + MOST_VALUE_BYTES + 8);
