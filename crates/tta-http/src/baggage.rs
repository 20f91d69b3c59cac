//! The header `baggage`: what services tell those that they call.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What came with a request.
#[derive(Debug, Default)]
pub(crate) struct Decoded {
    pub(crate) entries: Vec<(String, String)>,
    /// What is said of some of them: the key, and the properties as they go on.
    pub(crate) properties: Vec<(String, String)>,
    /// Whether something was left out.
    pub(crate) refused: bool,
}

/// Reads all headers together under one budget, which is kept before anything is decoded: members
/// beyond it are left out whole. A member that is not as the specification has it is left out too.
/// So is a property, without its member.
pub(crate) fn decode<'a>(values: impl Iterator<Item = &'a [u8]>) -> Decoded {
    let mut decoded = Decoded::default();
    let mut room = MOST_BYTES;
    let mut members = 0;
    for value in values {
        let fits = value.len() <= room;
        let part = if fits {
            value
        } else {
            whole_members(value, room)
        };
        let Ok(part) = std::str::from_utf8(part) else {
            decoded.refused = true;
            room = room.saturating_sub(value.len() + 1);
            continue;
        };
        for member in part.split(',') {
            if members == MOST_MEMBERS {
                decoded.refused = true;
                return decoded;
            }
            if member.trim_ascii().is_empty() {
                continue;
            }
            members += 1;
            let (entry, properties) = member.split_once(';').unwrap_or((member, ""));
            match decode_entry(entry) {
                Some((key, value)) => {
                    decoded.read_properties(&key, properties);
                    decoded.entries.push((key, value));
                }
                None => decoded.refused = true,
            }
        }
        if !fits {
            decoded.refused = true;
            return decoded;
        }
        // The comma that would join it with the next header counts too.
        room = room.saturating_sub(value.len() + 1);
    }
    decoded
}

impl Decoded {
    /// Keeps what is said of an entry, as it is: properties mean something to others alone.
    fn read_properties(&mut self, key: &str, properties: &str) {
        let mut kept = String::new();
        for property in properties.split(';').map(str::trim_ascii) {
            if property.is_empty() {
                continue;
            }
            match normal_property(property) {
                Some((name, value)) => {
                    if !kept.is_empty() {
                        kept.push(';');
                    }
                    kept.push_str(name);
                    if let Some(value) = value {
                        kept.push('=');
                        kept.push_str(value);
                    }
                }
                None => self.refused = true,
            }
        }
        if !kept.is_empty() {
            self.properties.push((key.to_owned(), kept));
        }
    }
}

/// The header for these entries, each with its properties, within the same budget; none if there is
/// nothing to send. Properties that are not as the specification has them are left out.
pub(crate) fn encode<'a>(
    entries: impl Iterator<Item = (&'a str, &'a str, Option<String>)>,
) -> Option<String> {
    let mut header = String::new();
    let mut members = 0;
    for (key, value, properties) in entries {
        if members == MOST_MEMBERS || !is_token(key) {
            continue;
        }
        let before = header.len();
        if members > 0 {
            header.push(',');
        }
        header.push_str(key);
        header.push('=');
        for byte in value.bytes() {
            if is_plain(byte) {
                header.push(char::from(byte));
            } else {
                // Writing to a string cannot fail.
                let _ = write!(header, "%{byte:02X}");
            }
            if header.len() > MOST_BYTES {
                break;
            }
        }
        let properties = properties.unwrap_or_default();
        for property in properties.split(';').map(str::trim_ascii) {
            if normal_property(property).is_some() {
                header.extend([";", property]);
            }
        }
        if header.len() > MOST_BYTES {
            header.truncate(before);
        } else {
            members += 1;
        }
    }
    (members > 0).then_some(header)
}

/// As much of a header as fits, up to the end of a member.
fn whole_members(value: &[u8], room: usize) -> &[u8] {
    let part = value.get(..=room).unwrap_or(value);
    let end = part.iter().rposition(|byte| *byte == b',').unwrap_or(0);
    part.get(..end).unwrap_or_default()
}

fn decode_entry(entry: &str) -> Option<(String, String)> {
    let (key, value) = entry.split_once('=')?;
    let (key, value) = (key.trim_ascii(), value.trim_ascii());
    if !is_token(key) || !value.is_ascii() {
        return None;
    }
    Some((key.to_owned(), percent_decoded(value).into_owned()))
}

/// A name, alone or with a value; none if it is neither.
fn normal_property(property: &str) -> Option<(&str, Option<&str>)> {
    let (name, value) = match property.split_once('=') {
        Some((name, value)) => (name.trim_ascii(), Some(value.trim_ascii())),
        None => (property, None),
    };
    let is_octet =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\');
    let is_right = is_token(name) && value.is_none_or(|value| value.bytes().all(is_octet));
    is_right.then_some((name, value))
}

/// A percent sign that introduces no octet stands for itself; octets that are not UTF-8 become the
/// replacement character.
fn percent_decoded(value: &str) -> Cow<'_, str> {
    if !value.contains('%') {
        return Cow::Borrowed(value);
    }
    let mut octets = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        let octet = match (byte, after) {
            (b'%', [high, low, ..]) => hex(*high).zip(hex(*low)),
            _ => None,
        };
        if let Some((high, low)) = octet {
            octets.push(high << 4 | low);
            rest = after.get(2..).unwrap_or_default();
        } else {
            octets.push(*byte);
            rest = after;
        }
    }
    Cow::Owned(match String::from_utf8(octets) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

fn hex(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

/// A token of HTTP.
fn is_token(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !key.is_empty() && key.bytes().all(allowed)
}

/// An octet that needs no percent-coding in a value. A plus sign does: there are readers that make
/// a space of it, as in forms.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\' | b'%' | b'+')
}

const MOST_MEMBERS: usize = 64;
const MOST_BYTES: usize = 8_192;
