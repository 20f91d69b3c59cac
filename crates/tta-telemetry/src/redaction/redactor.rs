//! Judges values by the policy, and counts what it takes out.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tta_core::{Counter, registry};

use super::glance::is_surely_clean;
use super::keys::{self, Kind};
use super::known::{Known, known};
use super::policy::{Redaction, RedactionPolicy};
use super::rule::{Rule, Rules};
use super::scan::{MASK, scan};
use crate::catalog::VALUES_REDACTED;
use tta_core::ContentCapture;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Span,
    /// An event of a span.
    Event,
    Metric,
    Log,
    /// An attribute of the process.
    Resource,
}

impl Place {
    const SIGNALS: [&'static str; 4] = ["traces", "metrics", "logs", "resource"];

    fn index(self) -> usize {
        match self {
            Self::Span | Self::Event => 0,
            Self::Metric => 1,
            Self::Log => 2,
            Self::Resource => 3,
        }
    }
}

/// What becomes of a value.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Keep,
    Replace(String),
    Drop,
}

impl Verdict {
    /// What stands where something must stand; none where it is what it was.
    pub(crate) fn text(self) -> Option<String> {
        match self {
            Self::Keep => None,
            Self::Replace(text) => Some(text),
            Self::Drop => Some(MASK.to_owned()),
        }
    }
}

/// Judges values by the policy, and counts what it takes out.
pub(crate) struct Redactor {
    policy: RedactionPolicy,
    /// Whether the policy asks for nothing of its own.
    is_simple: bool,
    capture: ContentCapture,
    counters: [[Option<Counter>; Rule::ALL.len()]; Place::SIGNALS.len()],
}

impl Redactor {
    pub(crate) fn new(policy: RedactionPolicy, capture: ContentCapture) -> Arc<Self> {
        let counter = |signal: &str, rule: Rule| {
            // Only a clash of names could refuse these, and then there is nowhere to count.
            let counter = registry().counter(&VALUES_REDACTED, &[signal, rule.as_str()]);
            counter.ok()
        };
        let counters = Place::SIGNALS.map(|signal| Rule::ALL.map(|rule| counter(signal, rule)));
        Arc::new(Self {
            is_simple: policy.keys.is_empty() && policy.hooks.is_empty(),
            policy,
            capture,
            counters,
        })
    }

    /// Whether a text surely goes out as it is, without anybody being asked or anything counted.
    #[cfg(feature = "otlp")]
    pub(crate) fn surely_keeps(&self, place: Place, key: &str, text: &str) -> bool {
        let known = known(key);
        self.policy.hooks.is_empty()
            && !self.drops(place, key, known)
            && !self.masks(key, known, true)
            && is_surely_clean(text)
    }

    /// Judges a text by its key and by what it holds.
    pub(crate) fn text(&self, place: Place, key: &str, text: &str) -> Verdict {
        let known = known(key);
        // As most are.
        if self.is_simple && known == Known::NOTHING && is_surely_clean(text) {
            return Verdict::Keep;
        }
        if self.drops(place, key, known) {
            self.count(place, Rule::Content);
            return Verdict::Drop;
        }
        if self.masks(key, known, true) && !text.is_empty() {
            if text == MASK {
                return Verdict::Keep;
            }
            self.count(place, Rule::Key);
            return Verdict::Replace(MASK.to_owned());
        }
        self.rest(place, key, text)
    }

    /// Judges a text whose key says nothing of it.
    fn rest(&self, place: Place, key: &str, text: &str) -> Verdict {
        let scanned = if self.policy.has_builtin_rules {
            scan(text)
        } else {
            None
        };
        if scanned.is_none() && self.policy.hooks.is_empty() {
            return Verdict::Keep;
        }
        let clean = scanned.map(|(clean, rules)| {
            self.count_all(place, rules);
            clean
        });
        let asked = self.ask(place, key, clean.as_deref().unwrap_or(text));
        match (asked, clean) {
            (Some(verdict), _) => verdict,
            (None, Some(clean)) => Verdict::Replace(clean),
            (None, None) => Verdict::Keep,
        }
    }

    /// Judges a text that has no key of its own; the name is for hooks.
    pub(crate) fn named(&self, place: Place, name: &str, text: &str) -> Option<String> {
        // Its name is ours and says nothing.
        self.text(place, name, text).text()
    }

    /// Judges a number.
    pub(crate) fn number(&self, place: Place, key: &str, value: &dyn fmt::Display) -> Verdict {
        let known = known(key);
        if self.is_simple && known == Known::NOTHING {
            return Verdict::Keep;
        }
        if self.masks(key, known, false) {
            self.count(place, Rule::Key);
            return Verdict::Replace(MASK.to_owned());
        }
        self.other(place, key, value)
    }

    /// Judges what is neither text nor a number: only hooks have a word.
    pub(crate) fn other(&self, place: Place, key: &str, value: &dyn fmt::Display) -> Verdict {
        if self.policy.hooks.is_empty() {
            return Verdict::Keep;
        }
        let asked = self.ask(place, key, &value.to_string());
        asked.unwrap_or(Verdict::Keep)
    }

    /// Whether the values of this key are not to go out at all.
    pub(crate) fn is_content(&self, place: Place, key: &str) -> bool {
        self.drops(place, key, known(key))
    }

    /// Text of somebody else's making about ourselves, such as why an export failed.
    pub(crate) fn message<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match scan(text) {
            Some((clean, _)) if self.policy.has_builtin_rules => Cow::Owned(clean),
            _ => Cow::Borrowed(text),
        }
    }

    fn drops(&self, place: Place, key: &str, known: Known) -> bool {
        let is_captured = match place {
            Place::Span => self.capture.in_spans(),
            Place::Event | Place::Log => self.capture.in_events(),
            Place::Metric | Place::Resource => false,
        };
        known.is_content && !is_captured && !self.is_exempt(key)
    }

    fn masks(&self, key: &str, known: Known, is_text: bool) -> bool {
        let is_known = match known.kind {
            Some(Kind::Secret) => true,
            Some(Kind::Token) => is_text,
            None => false,
        };
        let is_asked_for = || {
            let mut keys = self.policy.keys.iter();
            keys.any(|name| keys::is_named(key, name))
        };
        let is_builtin = is_known && self.policy.has_builtin_rules && !self.is_exempt(key);
        is_builtin || is_asked_for()
    }

    fn is_exempt(&self, key: &str) -> bool {
        let mut keys = self.policy.exempt_keys.iter();
        keys.any(|name| keys::is_named(key, name))
    }

    /// What the hooks make of it; none where they keep it.
    fn ask(&self, place: Place, key: &str, text: &str) -> Option<Verdict> {
        let mut replaced: Option<Cow<'static, str>> = None;
        for hook in &self.policy.hooks {
            let now = replaced.as_deref().unwrap_or(text);
            // A hook is the user's code, and what it was asked about may be what must not be shown.
            match catch_unwind(AssertUnwindSafe(|| hook(key, now))) {
                Ok(Redaction::Keep) => {}
                Ok(Redaction::Replace(with)) => replaced = Some(with),
                Ok(Redaction::Drop) => {
                    self.count(place, Rule::Hook);
                    return Some(Verdict::Drop);
                }
                Err(panic) => {
                    self.count(place, Rule::HookPanic);
                    // What is thrown may panic once more when it is dropped.
                    std::mem::forget(panic);
                    return Some(Verdict::Drop);
                }
            }
        }
        replaced.map(|text| {
            self.count(place, Rule::Hook);
            Verdict::Replace(text.into_owned())
        })
    }

    fn count(&self, place: Place, rule: Rule) {
        let counters = self.counters.get(place.index());
        if let Some(Some(counter)) = counters.and_then(|counters| counters.get(rule as usize)) {
            counter.increment();
        }
    }

    fn count_all(&self, place: Place, rules: Rules) {
        for rule in Rule::ALL.into_iter().filter(|rule| rules.has(*rule)) {
            self.count(place, rule);
        }
    }
}

/// Text about ourselves that is shown, whatever the policy is.
pub(crate) fn masked(text: String) -> String {
    scan(&text).map_or(text, |(clean, _)| clean)
}

/// The same for a value that has a key.
pub(crate) fn mask(key: &str, value: &mut String) {
    if keys::kind(key).is_some() {
        MASK.clone_into(value);
    } else if let Some((clean, _)) = scan(value) {
        *value = clean;
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Redactor")
            .field("policy", &self.policy)
            .field("capture", &self.capture)
            .finish_non_exhaustive()
    }
}
