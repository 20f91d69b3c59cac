//! What is surely secret within a text, whatever its key.

use std::ops::Range;

use super::glance::is_surely_clean;
use super::keys::{self, Kind};
use super::prefixes::PREFIXES;
use super::rule::{Rule, Rules};

/// The text without what is surely secret in it, and by which rules; none where it is all fine.
///
/// One pass: every byte is looked at a bounded number of times, of most texts in a glance.
pub(super) fn scan(text: &str) -> Option<(String, Rules)> {
    if is_surely_clean(text) {
        return None;
    }
    search(text)
}

/// The same without a glance first.
pub(super) fn search(text: &str) -> Option<(String, Rules)> {
    let bytes = text.as_bytes();
    let mut cuts: Vec<Range<usize>> = Vec::new();
    let mut rules = Rules::default();
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        if !is_start(byte) {
            at += 1;
            continue;
        }
        let found = match byte {
            b':' => url(bytes, at).or_else(|| assignment(text, at)),
            b'=' => assignment(text, at),
            b'-' => private_key(text, at),
            _ if is_word(before(bytes, at)) => None,
            _ => word(bytes, at),
        };
        match found {
            Some((range, rule)) if !is_masked(text, &range) => {
                at = range.end.max(at + 1);
                cuts.push(range);
                rules.add(rule);
            }
            _ => at += 1,
        }
    }
    if cuts.is_empty() {
        return None;
    }
    let mut clean = String::with_capacity(text.len());
    let mut from = 0;
    for cut in cuts {
        clean.push_str(text.get(from..cut.start).unwrap_or_default());
        clean.push_str(MASK);
        from = cut.end;
    }
    clean.push_str(text.get(from..).unwrap_or_default());
    Some((clean, rules))
}

/// What stands for a secret.
pub(super) const MASK: &str = "***";

type Found = Option<(Range<usize>, Rule)>;

/// The user, and perhaps the password, between `://` and `@`.
fn url(bytes: &[u8], colon: usize) -> Found {
    let start = colon + 3;
    let after = bytes.get(colon..)?.strip_prefix(b"://")?;
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"/?#\"'<>\\".contains(byte);
    let length = after.iter().position(ends).unwrap_or(after.len());
    let user = after.get(..length)?.iter().rposition(|&b| b == b'@')?;
    (user > 0).then_some((start..start + user, Rule::UrlCredentials))
}

/// The value that a key which says it is secret is given: `password=…`, `"api_key": "…"`,
/// `Authorization: …`.
fn assignment(text: &str, sign: usize) -> Found {
    let bytes = text.as_bytes();
    // `a::b`, `a == b` and `a := b` are no assignments of text.
    let around = [before(bytes, sign), bytes.get(sign + 1).copied()];
    if around.iter().flatten().any(|byte| b":=".contains(byte)) {
        return None;
    }
    let (key, is_quoted) = key_before(text, sign)?;
    let kind = keys::kind(key)?;
    let is_colon = bytes.get(sign) == Some(&b':');
    // Prose says `token: unexpected end`; a name that is written as in data or as a header is data.
    if is_colon && !is_quoted && kind == Kind::Token {
        return None;
    }
    let mut start = sign + 1 + spaces(bytes.get(sign + 1..)?);
    if bytes.get(start..)?.starts_with(b"Some(") {
        start += b"Some(".len();
    }
    let rest = bytes.get(start..)?;
    let (opening, quote) = match rest {
        [b'\\', quote @ (b'"' | b'\''), ..] => (2, Some(*quote)),
        [quote @ (b'"' | b'\''), ..] => (1, Some(*quote)),
        _ => (0, None),
    };
    let start = start + opening;
    let value = bytes.get(start..)?;
    let length = match quote {
        Some(quote) => quoted_length(value, quote, opening == 2),
        None if is_header(key, "cookie") => line_length(value),
        None => bare_length(value, is_header(key, "authorization")),
    };
    let is_nothing = NOTHING.contains(&value.get(..length)?);
    (length > 0 && !is_nothing).then_some((start..start + length, Rule::Assignment))
}

/// The name that stands before the sign, and whether in quotes.
fn key_before(text: &str, sign: usize) -> Option<(&str, bool)> {
    let before = text.get(..sign)?;
    let before = before.strip_suffix(' ').unwrap_or(before);
    let unquoted = before.strip_suffix(['"', '\'']);
    let is_quoted = unquoted.is_some();
    let before = unquoted.unwrap_or(before);
    let before = before.strip_suffix('\\').unwrap_or(before);
    let bytes = before.as_bytes();
    let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || b"_-.".contains(byte);
    let backwards = bytes.iter().rev().take(LONGEST_KEY);
    let length = backwards.take_while(is_name).count();
    let key = before.get(bytes.len() - length..)?;
    (!key.is_empty()).then_some((key, is_quoted))
}

fn is_header(key: &str, name: &str) -> bool {
    let key = key.as_bytes();
    let end = key.len().checked_sub(name.len());
    let end = end.and_then(|start| key.get(start..));
    end.is_some_and(|end| end.eq_ignore_ascii_case(name.as_bytes()))
}

fn quoted_length(value: &[u8], quote: u8, is_escaped: bool) -> usize {
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        match byte {
            b'\\' if is_escaped && value.get(at + 1) == Some(&quote) => return at,
            b'\\' => at += 2,
            _ if byte == quote => return at,
            _ => at += 1,
        }
    }
    value.len()
}

/// Up to what ends a value without quotes; of a header with a scheme, the scheme and what follows.
fn bare_length(value: &[u8], has_scheme: bool) -> usize {
    let ends = |byte: &u8| byte.is_ascii_whitespace() || b"&;,\"')}]>".contains(byte);
    let word = |value: &[u8]| value.iter().position(ends).unwrap_or(value.len());
    let first = word(value);
    let (scheme, rest) = value.split_at_checked(first).unwrap_or((value, &[]));
    let is_scheme = |name: &&[u8]| scheme.eq_ignore_ascii_case(name);
    if has_scheme && SCHEMES.iter().any(is_scheme) {
        let gap = spaces(rest);
        return first + gap + rest.get(gap..).map_or(0, word);
    }
    first
}

fn line_length(value: &[u8]) -> usize {
    let ends = |byte: &u8| b"\r\n\"'".contains(byte);
    value.iter().position(ends).unwrap_or(value.len())
}

fn spaces(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .take(2)
        .take_while(|&&byte| byte == b' ')
        .count()
}

/// From the line that begins a private key to the one that ends it, or to the end of the text.
fn private_key(text: &str, at: usize) -> Found {
    let rest = text.get(at..)?.strip_prefix("-----BEGIN ")?;
    let (label, body) = rest.split_once("-----")?;
    if label.len() > LONGEST_KEY || !label.ends_with("PRIVATE KEY") {
        return None;
    }
    let end = body.find("-----END ").and_then(|end| {
        let after = body.get(end..)?.find("KEY-----")?;
        Some(end + after + "KEY-----".len())
    });
    let start = text.len() - body.len();
    Some((at..start + end.unwrap_or(body.len()), Rule::KnownPrefix))
}

/// A token after `Bearer` or `Basic`, or a key that begins as those of an issuer do.
fn word(bytes: &[u8], at: usize) -> Found {
    let rest = bytes.get(at..)?;
    let may_be_scheme = matches!(rest.first(), Some(b'b' | b'B'));
    for scheme in [&b"bearer "[..], b"basic "]
        .into_iter()
        .filter(|_| may_be_scheme)
    {
        let begins = rest.get(..scheme.len());
        if begins.is_some_and(|begins| begins.eq_ignore_ascii_case(scheme)) {
            let token = rest.get(scheme.len()..)?;
            let length = token.iter().position(|b| !is_token(*b));
            let token = token.get(..length.unwrap_or(token.len()))?;
            let token = without_dots(token);
            let start = at + scheme.len();
            return is_random(token).then_some((start..start + token.len(), Rule::Bearer));
        }
    }
    let beginning = rest.first_chunk().map(|begin| three(*begin))?;
    if !BEGINNINGS.contains(&beginning) {
        return None;
    }
    PREFIXES
        .iter()
        .filter(|prefix| rest.starts_with(prefix.begins.as_bytes()))
        .find_map(|prefix| {
            let body = rest.get(prefix.begins.len()..)?;
            let ends = |byte: &u8| !(byte.is_ascii_alphanumeric() || b"_-.".contains(byte));
            let length = body.iter().position(ends).unwrap_or(body.len());
            let length = without_dots(body.get(..length)?).len();
            let end = at + prefix.begins.len() + length;
            (length >= prefix.least).then_some((at..end, Rule::KnownPrefix))
        })
}

/// The end of a sentence is no part of what stands there.
fn without_dots(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&byte| byte != b'.');
    bytes
        .get(..end.map_or(0, |end| end + 1))
        .unwrap_or_default()
}

/// Whether it is no word of prose: `bearer authentication` has no token.
fn is_random(token: &[u8]) -> bool {
    let has_odd = token
        .iter()
        .any(|byte| byte.is_ascii_digit() || b"._~+/=".contains(byte));
    let has_both = token.iter().any(u8::is_ascii_lowercase)
        && token.iter().skip(1).any(u8::is_ascii_uppercase);
    token.len() >= LEAST_TOKEN && (has_odd || has_both)
}

fn is_masked(text: &str, range: &Range<usize>) -> bool {
    text.get(range.clone()) == Some(MASK)
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

fn before(bytes: &[u8], at: usize) -> Option<u8> {
    at.checked_sub(1).and_then(|at| bytes.get(at)).copied()
}

fn is_word(byte: Option<u8>) -> bool {
    byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte))
}

/// Whether something secret may begin at such a byte.
#[expect(
    clippy::indexing_slicing,
    reason = "the index is a byte and the table has an entry for each"
)]
const fn is_start(byte: u8) -> bool {
    STARTS[byte as usize]
}

#[expect(
    clippy::indexing_slicing,
    reason = "indices are bytes, or below the length that is looked at"
)]
const STARTS: [bool; 256] = {
    let mut table = [false; 256];
    let mut at = 0;
    while at < PREFIXES.len() {
        table[PREFIXES[at].begins.as_bytes()[0] as usize] = true;
        at += 1;
    }
    let mut at = 0;
    while at < b"bB:=-".len() {
        table[b"bB:=-"[at] as usize] = true;
        at += 1;
    }
    table
};

/// The first three bytes of each prefix as numbers: most words are none after one look at these.
#[expect(
    clippy::indexing_slicing,
    reason = "indices are below the length, and no prefix is shorter than three bytes"
)]
const BEGINNINGS: [u32; PREFIXES.len()] = {
    let mut all = [0; PREFIXES.len()];
    let mut at = 0;
    while at < PREFIXES.len() {
        let bytes = PREFIXES[at].begins.as_bytes();
        all[at] = three([bytes[0], bytes[1], bytes[2]]);
        at += 1;
    }
    all
};

const fn three([a, b, c]: [u8; 3]) -> u32 {
    u32::from_le_bytes([a, b, c, 0])
}

const SCHEMES: &[&[u8]] = &[
    b"bearer",
    b"basic",
    b"digest",
    b"token",
    b"apikey",
    b"negotiate",
];
const NOTHING: &[&[u8]] = &[b"null", b"None", b"none", b"true", b"false"];
const LONGEST_KEY: usize = 64;
pub(super) const LEAST_TOKEN: usize = 8;

#[cfg(test)]
mod tests {
    use super::*;

    fn clean(text: &str) -> String {
        scan(text).map_or_else(|| text.to_owned(), |(clean, _)| clean)
    }

    #[test]
    fn what_is_surely_secret_is_found_wherever_it_stands() {
        for (text, expected) in [
            ("redis://:hunter2@cache:6379/0", "redis://***@cache:6379/0"),
            (
                "GET https://ada:pw@x.io/a?b=c failed",
                "GET https://***@x.io/a?b=c failed",
            ),
            (
                "https://x.io/?api_key=abc&page=2",
                "https://x.io/?api_key=***&page=2",
            ),
            ("postgres://u:p@ss@db/x", "postgres://***@db/x"),
            ("authorization: Bearer abc.def", "authorization: ***"),
            ("sent `bearer aB3dEf9hIj`.", "sent `bearer ***`."),
            ("Basic YWRhOnB3ZA==", "Basic ***"),
            ("password=hunter2, user=ada", "password=***, user=ada"),
            (
                "{\"apiKey\": \"abc\",\"n\":1}",
                "{\"apiKey\": \"***\",\"n\":1}",
            ),
            (
                "{\\\"password\\\":\\\"a b\\\"}",
                "{\\\"password\\\":\\\"***\\\"}",
            ),
            (
                "Config { password: Some(\"hunter 2\"), n: 1 }",
                "Config { password: Some(\"***\"), n: 1 }",
            ),
            ("Cookie: a=1; session=xyz\nHost: x", "Cookie: ***\nHost: x"),
            ("bad key sk-abcdefghijklmnop1234.", "bad key ***."),
            ("AKIAIOSFODNN7EXAMPLE is denied", "*** is denied"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "***"),
            (
                "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----\nok",
                "***\nok",
            ),
            ("-----BEGIN PRIVATE KEY-----\nMIIE", "***"),
            ("token=abc token=def", "token=*** token=***"),
        ] {
            assert_eq!(clean(text), expected);
            // What is clean stays as it is, and is not counted again.
            assert_eq!(scan(expected), None, "{expected}");
        }
    }

    #[test]
    fn what_only_looks_like_it_is_left_alone() {
        for text in [
            "bearer authentication is required",
            "basic authentication.",
            "token: unexpected end of input",
            "secret::Value == password::Hash",
            "http://localhost:4317/v1/traces",
            "2026-01-31T09:30:00.125Z",
            "mail ada@example.org",
            "task-12 asks sk- and ghp_short",
            "password: None, api_key: null",
            "a risk-abcdefghijklmnopqrstu",
            "prompt_tokens=12 token.type=input",
            "://@ :// = : - ==",
            "naïve – schlüssel=äöü",
        ] {
            assert_eq!(scan(text), None, "{text}");
        }
    }

    #[test]
    fn the_rules_that_held_are_told() {
        let (_, rules) = scan("redis://:x@h password=y").unwrap();
        let held: Vec<_> = Rule::ALL
            .into_iter()
            .filter(|rule| rules.has(*rule))
            .collect();
        assert_eq!(held, [Rule::UrlCredentials, Rule::Assignment]);
    }

    /// Looking anew at all that follows, for each piece, would take hours.
    #[test]
    fn a_long_text_of_the_worst_is_done_in_time() {
        for piece in [
            "://a",
            "password=",
            "bearer ",
            "sk-",
            "-----BEGIN ",
            "Cookie: \\\"",
            "=:",
            "a.a.=",
        ] {
            let text = piece.repeat((1 << 20) / piece.len());
            let began = std::time::Instant::now();
            let _ = scan(&text);
            assert!(began.elapsed().as_secs() < 60, "{piece}");
        }
    }
}
