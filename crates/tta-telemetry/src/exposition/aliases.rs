//! Labels that a metric had under another of its names, and what they say in today's words.

use tta_core::MetricSpec;

/// A label that an alias has besides those of its metric, taken from the value of one of them.
pub(super) struct DerivedLabel {
    /// The alias.
    alias: &'static str,
    /// The label's name.
    pub(super) name: &'static str,
    /// The label that it is taken from.
    from: &'static str,
    /// What it says, by the value of that; of other values there is nothing to say.
    words: &'static [(&'static str, &'static str)],
}

impl DerivedLabel {
    /// That of a metric shown under a name, if it has one.
    pub(super) fn of(name: &str) -> Option<&'static Self> {
        DERIVED.iter().find(|label| label.alias == name)
    }

    /// What it says of a series with these values of the metric's labels.
    pub(super) fn word(&self, spec: &MetricSpec, values: &[String]) -> Option<&'static str> {
        let place = spec.labels.iter().position(|label| *label == self.from)?;
        let value = values.get(place)?;
        let mut words = self.words.iter();
        words.find(|(of, _)| of == value).map(|(_, word)| *word)
    }
}

const DERIVED: &[DerivedLabel] = &[DerivedLabel {
    alias: "cache_latency_seconds",
    name: "hit",
    from: "result",
    // A stale value answers the caller, too. What is no lookup neither hits nor misses.
    words: &[("hit", "true"), ("stale", "true"), ("miss", "false")],
}];
