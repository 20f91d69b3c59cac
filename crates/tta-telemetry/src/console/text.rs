//! Text as a terminal may be shown it.

use crate::logs::Capped;

/// Text without anything that ends a line or steers a terminal, and no more than a few lines of it.
pub(super) fn push(out: &mut Vec<u8>, text: &str) {
    let mut capped = Capped::new(out, MOST_BYTES, false);
    capped.push(text);
    capped.finish();
}

/// A pair; the value of one that looks secret is not shown.
pub(super) fn push_pair(out: &mut Vec<u8>, key: &str, value: &str) {
    out.push(b' ');
    push(out, key);
    out.push(b'=');
    if is_secret(key) {
        out.extend_from_slice(b"***");
    } else if value.contains(|letter: char| letter.is_whitespace() || letter == '"') {
        out.push(b'"');
        let mut capped = Capped::new(out, MOST_BYTES, true);
        capped.push(value);
        capped.finish();
        out.push(b'"');
    } else {
        push(out, value);
    }
}

/// Whether a key is one under which people keep what others must not see.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    let words = key.split(['.', '_', '-', ':']);
    let is_word = words.into_iter().any(|word| WORDS.contains(&word));
    is_word || PARTS.iter().any(|part| key.contains(part))
}

/// `token_type` and `prompt_tokens` are no secrets, but `token` is.
const WORDS: [&str; 4] = ["token", "cookie", "secret", "credential"];
const PARTS: [&str; 8] = [
    "authorization",
    "password",
    "passwd",
    "api_key",
    "api-key",
    "apikey",
    "private_key",
    "credentials",
];
const MOST_BYTES: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_secret_is_not_shown_and_what_counts_tokens_is() {
        let shown = |key| {
            let mut out = Vec::new();
            push_pair(&mut out, key, "value");
            String::from_utf8(out).unwrap()
        };
        for key in [
            "http.request.header.authorization",
            "db.password",
            "API_KEY",
            "x-api-key",
            "session.token",
            "client_secret",
            "set-cookie",
        ] {
            assert_eq!(shown(key), format!(" {key}=***"));
        }
        for key in ["prompt_tokens", "tokenizer", "primitive.name", "model"] {
            assert_eq!(shown(key), format!(" {key}=value"));
        }
    }
}
