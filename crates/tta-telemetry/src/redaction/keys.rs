//! Keys that say what their values are.

/// What a key says of its values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// They are secret, whatever they are.
    Secret,
    /// They are secret where they are text; numbers of tokens are no secret.
    Token,
}

/// Whether a key says that its values are secret: by its last words, so that `token` is one in
/// `access_token` and none in `token.type`, and `apiKey`, `api-key` and `api_key` are the same.
pub(super) fn kind(key: &str) -> Option<Kind> {
    let mut words = Words(key);
    let mut last = words.next_back()?;
    while is_tail(last) {
        last = words.next_back()?;
    }
    let is = |word: &&'static str| last.eq_ignore_ascii_case(word);
    if SECRETS.iter().any(&is) {
        return Some(Kind::Secret);
    }
    if is(&"token") || is(&"jwt") {
        return Some(Kind::Token);
    }
    if is(&"key") || is(&"keys") {
        let before = words.next_back()?;
        let is_secret = |word: &&str| before.eq_ignore_ascii_case(word);
        return SECRET_KEYS.iter().any(is_secret).then_some(Kind::Secret);
    }
    None
}

/// Whether a key is one for what was said to a model or by it.
///
/// # Source
///
/// The `OpenTelemetry` semantic conventions for generative AI, of now and of before, those of
/// `OpenInference` and of `OpenLLMetry`, and the words that people use.
pub(super) fn is_content(key: &str) -> bool {
    let first = key.bytes().next().map(|first| first.to_ascii_lowercase());
    // Most keys begin with another letter, and are done with here.
    let may_be = |name: &&'static str| name.bytes().next() == first;
    let is_under = |name: &str| {
        let after = strip_prefix_ignore_case(key, name);
        after.is_some_and(|after| after.is_empty() || after.starts_with('.'))
    };
    let is_plain = |name: &str| key.eq_ignore_ascii_case(name);
    let (mut under, mut plain) = (
        CONTENT.iter().filter(|it| may_be(it)),
        PLAIN_CONTENT.iter().filter(|it| may_be(it)),
    );
    if under.any(|name| is_under(name)) || plain.any(|name| is_plain(name)) {
        return true;
    }
    // `gen_ai.prompt.name` is a name, and `gen_ai.prompt.0.content` is the first message.
    let numbered = strip_prefix_ignore_case(key, "gen_ai.prompt.");
    numbered.is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// Whether a key is this name, or ends in it after a dot.
pub(super) fn is_named(key: &str, name: &str) -> bool {
    let Some(start) = key.len().checked_sub(name.len()) else {
        return false;
    };
    let Some((before, end)) = key.split_at_checked(start) else {
        return false;
    };
    end.eq_ignore_ascii_case(name) && (before.is_empty() || before.ends_with('.'))
}

fn strip_prefix_ignore_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

/// A word that says how the value is written, and not what it is.
fn is_tail(word: &str) -> bool {
    word.bytes().all(|byte| byte.is_ascii_digit())
        || TAILS.iter().any(|tail| word.eq_ignore_ascii_case(tail))
}

/// The words of a key from its end: `httpHeader.api-key` is http, Header, api and key.
struct Words<'a>(&'a str);

impl<'a> Words<'a> {
    fn next_back(&mut self) -> Option<&'a str> {
        let is_letter = |character: char| character.is_ascii_alphanumeric();
        let rest = self.0.trim_end_matches(|character| !is_letter(character));
        let bytes = rest.as_bytes();
        let mut start = rest.len();
        while let Some(&byte) = start.checked_sub(1).and_then(|before| bytes.get(before)) {
            if !byte.is_ascii_alphanumeric() {
                break;
            }
            start -= 1;
            let before = start.checked_sub(1).and_then(|before| bytes.get(before));
            if byte.is_ascii_uppercase() && before.is_some_and(u8::is_ascii_lowercase) {
                break;
            }
        }
        let (before, word) = rest.split_at_checked(start)?;
        self.0 = before;
        (!word.is_empty()).then_some(word)
    }
}

const SECRETS: &[&str] = &[
    "authorization",
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "passcode",
    "secret",
    "secrets",
    "cookie",
    "cookies",
    "setcookie",
    "credential",
    "credentials",
    "apikey",
    "apikeys",
    "accesskey",
    "secretkey",
    "privatekey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "sessiontoken",
];

/// What makes a key secret: a cache's key is none.
const SECRET_KEYS: &[&str] = &[
    "api",
    "access",
    "secret",
    "private",
    "signing",
    "encryption",
    "master",
    "auth",
    "account",
    "subscription",
    "client",
    "shared",
    "ssh",
    "hmac",
];

const TAILS: &[&str] = &[
    "header",
    "value",
    "raw",
    "text",
    "plain",
    "plaintext",
    "string",
    "hash",
    "hashed",
    "encoded",
    "base64",
];

const CONTENT: &[&str] = &[
    "gen_ai.input.messages",
    "gen_ai.output.messages",
    "gen_ai.system_instructions",
    "gen_ai.tool.call.arguments",
    "gen_ai.tool.call.result",
    "gen_ai.retrieval.query.text",
    "gen_ai.retrieval.documents",
    "gen_ai.evaluation.explanation",
    "gen_ai.completion",
    "gen_ai.content",
    "llm.input_messages",
    "llm.output_messages",
    "llm.prompts",
    "llm.completions",
    "input.value",
    "output.value",
    "traceloop.entity.input",
    "traceloop.entity.output",
];

/// Only these themselves: `prompt.version` is something else.
const PLAIN_CONTENT: &[&str] = &[
    "gen_ai.prompt",
    "prompt",
    "prompts",
    "completion",
    "messages",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_secrets_are_known_however_they_are_spelt() {
        for key in [
            "authorization",
            "Proxy-Authorization",
            "http.request.header.authorization",
            "http.request.header.cookie.0",
            "set-cookie",
            "db.password",
            "userPassword",
            "password_hash",
            "API_KEY",
            "x-api-key",
            "apiKey",
            "openaiApiKey",
            "aws_secret_access_key",
            "client_secret",
            "credentials",
        ] {
            assert_eq!(kind(key), Some(Kind::Secret), "{key}");
        }
        for key in ["token", "access_token", "x-vault-token", "idToken", "jwt"] {
            assert_eq!(kind(key), Some(Kind::Token), "{key}");
        }
        for key in [
            "",
            "...",
            "key",
            "cache.key_hash",
            "token_type",
            "gen_ai.token.type",
            "prompt_tokens",
            "gen_ai.usage.input_tokens",
            "secretary",
            "cookie.count",
            "primitive.name",
            "authorized",
            "monkey",
            "schlüssel",
        ] {
            assert_eq!(kind(key), None, "{key}");
        }
    }

    #[test]
    fn keys_of_content_are_known_and_their_neighbours_are_not() {
        for key in [
            "gen_ai.input.messages",
            "gen_ai.prompt",
            "gen_ai.prompt.0.content",
            "gen_ai.completion.0.content",
            "llm.input_messages.0.message.content",
            "Prompt",
            "input.value",
        ] {
            assert!(is_content(key), "{key}");
        }
        for key in [
            "gen_ai.prompt.name",
            "gen_ai.input.messages_count",
            "prompt.version",
            "prompt_tokens",
            "completion_tokens",
            "input.mime_type",
        ] {
            assert!(!is_content(key), "{key}");
        }
    }

    #[test]
    fn a_key_is_named_by_itself_and_by_its_end_after_a_dot() {
        assert!(is_named("iban", "iban") && is_named("user.IBAN", "iban"));
        assert!(!is_named("viban", "iban") && !is_named("ban", "iban"));
        assert!(!is_named("übän", "bän2") && is_named("x.bän", "bän"));
    }
}
