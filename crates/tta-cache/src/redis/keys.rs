//! The names of things in Redis.

use std::time::Duration;

use crate::remote::RemoteKey;

/// Names that begin with the prefix of a tier.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    prefix: String,
}

impl Keys {
    pub(super) fn new(prefix: String) -> Self {
        Self { prefix }
    }

    /// Where a value is.
    pub(super) fn value(&self, key: &RemoteKey) -> String {
        self.named(key.namespace(), "v", key.key())
    }

    /// Where a value is whose hash a tag has kept.
    pub(super) fn value_of(&self, namespace: &str, hash: &[u8]) -> String {
        self.named(namespace, "v", String::from_utf8_lossy(hash))
    }

    /// Where the lock of a value is.
    pub(super) fn lock(&self, key: &RemoteKey) -> String {
        self.named(key.namespace(), "l", key.key())
    }

    /// Where the names of the values that go with a tag are.
    pub(super) fn tag(&self, namespace: &str, tag: &str) -> String {
        self.named(namespace, "t", tag)
    }

    /// What all values and tags of a namespace match; neither prefix nor namespace can have a
    /// character that stands for others.
    pub(super) fn pattern(&self, namespace: &str) -> String {
        self.named(namespace, "[vt]", "*")
    }

    /// Whether something that the pattern found is a value.
    pub(super) fn is_value(&self, namespace: &str, key: &[u8]) -> bool {
        key.starts_with(self.named(namespace, "v", "").as_bytes())
    }

    /// A key that nobody writes.
    pub(super) fn probe(&self) -> String {
        format!("{}:probe", self.prefix)
    }

    fn named(&self, namespace: &str, kind: &str, rest: impl std::fmt::Display) -> String {
        format!("{}:{namespace}:{kind}:{rest}", self.prefix)
    }
}

/// A time as Redis is told it: at least one millisecond, and no more than it can add to a date.
pub(super) fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis())
        .unwrap_or(LONGEST)
        .clamp(1, LONGEST)
}

/// A thousand years.
const LONGEST: u64 = 31_557_600_000_000;
