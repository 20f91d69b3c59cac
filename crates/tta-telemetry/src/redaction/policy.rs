//! What is taken out, as the application wants it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What becomes of a value, in the words of a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redaction {
    /// It goes out as it is.
    Keep,
    /// This goes out instead.
    Replace(Cow<'static, str>),
    /// It does not go out at all. Where something must stand, as in a label, that is `***`.
    Drop,
}

/// What is taken out of traces, metrics and logs before they leave the process.
///
/// The built-in rules take out what is surely secret: values whose key says so (`authorization`,
/// `cookie`, `password`, `api_key`, `access_token`, …), users and passwords in URLs, what stands
/// after `Bearer` and `Basic`, keys that begin as those of well-known issuers do (`sk-`, `ghp_`,
/// `AKIA`, …), and `password=…` within a text. Hooks come after them and see what they left.
///
/// All of it runs on the threads that export and write, never in a step. Each value that was taken
/// out is counted in `telemetry_values_redacted_total`.
///
/// # Examples
///
/// ```
/// use tta_telemetry::{ObservabilityConfig, Redaction, RedactionPolicy};
///
/// let policy = RedactionPolicy::new()
///     .with_key("iban")
///     .with_exempt_key("page.token")
///     .with_hook(|key, value| match key {
///         "user.email" => Redaction::Replace("someone@example.org".into()),
///         _ if value.contains("INTERNAL") => Redaction::Drop,
///         _ => Redaction::Keep,
///     });
/// let config = ObservabilityConfig::new("shop").with_redaction(policy);
/// # drop(config);
/// ```
///
/// # Panics
///
/// A hook that panics costs the value it was asked about: that is dropped and counted. What the
/// process's panic hook prints is the message of the panic, so do not put the value in it.
#[derive(Clone)]
pub struct RedactionPolicy {
    pub(super) has_builtin_rules: bool,
    /// In lower case.
    pub(super) keys: Vec<String>,
    /// In lower case.
    pub(super) exempt_keys: Vec<String>,
    pub(super) hooks: Vec<Hook>,
}

/// Judges a value by its key and itself.
pub(super) type Hook = Arc<dyn Fn(&str, &str) -> Redaction + Send + Sync>;

impl RedactionPolicy {
    /// The built-in rules and nothing else.
    pub fn new() -> Self {
        Self {
            has_builtin_rules: true,
            keys: Vec::new(),
            exempt_keys: Vec::new(),
            hooks: Vec::new(),
        }
    }

    /// Leaves the built-in rules out. Prompts and answers are left out all the same.
    #[must_use]
    pub fn without_builtin_rules(mut self) -> Self {
        self.has_builtin_rules = false;
        self
    }

    /// Takes out the values of this key too, whatever they are: of the key itself and of one that
    /// ends in it after a dot, in any case.
    #[must_use]
    pub fn with_key(mut self, key: impl Into<String>) -> Self {
        self.keys.push(key.into().to_ascii_lowercase());
        self
    }

    /// Does not take the values of this key for secret because of its name, matched as
    /// [`with_key`](Self::with_key) does. What is secret within them is taken out all the same.
    #[must_use]
    pub fn with_exempt_key(mut self, key: impl Into<String>) -> Self {
        self.exempt_keys.push(key.into().to_ascii_lowercase());
        self
    }

    /// Asks this too about every value that is left, by key and text. The texts that have no key of
    /// their own come as `span.name`, `status.description`, `event.name` and `message`.
    #[must_use]
    pub fn with_hook(
        mut self,
        hook: impl Fn(&str, &str) -> Redaction + Send + Sync + 'static,
    ) -> Self {
        self.hooks.push(Arc::new(hook));
        self
    }
}

impl Default for RedactionPolicy {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for RedactionPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedactionPolicy")
            .field("has_builtin_rules", &self.has_builtin_rules)
            .field("keys", &self.keys)
            .field("exempt_keys", &self.exempt_keys)
            .field("hooks", &self.hooks.len())
            .finish()
    }
}
