//! Why a value was taken out.

/// Why a value was taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// Its key says that it is secret.
    Key,
    /// It is what was said to a model or by it, and capturing that is not opted in.
    Content,
    /// A URL names a user, and perhaps a password.
    UrlCredentials,
    /// A token after `Bearer` or `Basic`.
    Bearer,
    /// It begins as the keys of a well-known issuer do.
    KnownPrefix,
    /// A secret key is given a value within the text.
    Assignment,
    /// A hook of the application said so.
    Hook,
    /// A hook of the application panicked over it.
    HookPanic,
}

impl Rule {
    pub(super) const ALL: [Self; 8] = [
        Self::Key,
        Self::Content,
        Self::UrlCredentials,
        Self::Bearer,
        Self::KnownPrefix,
        Self::Assignment,
        Self::Hook,
        Self::HookPanic,
    ];

    /// The value of the label `rule`.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Key => "key",
            Self::Content => "content",
            Self::UrlCredentials => "url_credentials",
            Self::Bearer => "bearer",
            Self::KnownPrefix => "known_prefix",
            Self::Assignment => "assignment",
            Self::Hook => "hook",
            Self::HookPanic => "hook_panic",
        }
    }
}

/// Some of the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Rules(u8);

impl Rules {
    pub(super) fn add(&mut self, rule: Rule) {
        self.0 |= 1 << rule as u8;
    }

    pub(super) fn has(self, rule: Rule) -> bool {
        self.0 & (1 << rule as u8) != 0
    }
}
