//! What a workflow tells the services that it calls.

use std::collections::BTreeMap;

use super::WorkflowContext;
use super::details::BaggageEntry;

impl WorkflowContext {
    /// Sets a baggage entry: it travels to other services, and is copied to no label or log line.
    pub fn set_baggage(&self, key: impl Into<String>, value: impl Into<String>) {
        let (key, entry) = (key.into(), BaggageEntry::new(value.into(), true));
        self.shared
            .details()
            .get_or_insert_default()
            .baggage
            .insert(key, entry);
    }

    /// A baggage entry, from here or from a parent, whether it was set here or received.
    pub fn baggage(&self, key: &str) -> Option<String> {
        let value = |entry: &BaggageEntry| entry.value().to_owned();
        self.lookup(|details| details.baggage.get(key).map(value))
    }

    /// What is said of a baggage entry, as W3C Baggage writes properties; none where nothing is.
    pub fn baggage_properties(&self, key: &str) -> Option<String> {
        let of_entry = |entry: &BaggageEntry| entry.properties().to_owned();
        self.lookup(|details| details.baggage.get(key).map(of_entry))
            .filter(|properties| !properties.is_empty())
    }

    /// The baggage that goes to the services which this workflow calls: what was set here and in
    /// parents, without what was merely [received](super::WorkflowContextBuilder::received_baggage).
    pub fn outgoing_baggage(&self) -> BTreeMap<String, String> {
        let mut all = BTreeMap::new();
        let mut shared = Some(&self.shared);
        while let Some(here) = shared {
            for (key, entry) in here.details().iter().flat_map(|details| &details.baggage) {
                // The nearest entry of a key stands, even when it is one that does not travel.
                all.entry(key.clone()).or_insert_with(|| entry.clone());
            }
            shared = here.inherited.as_ref();
        }
        all.into_iter()
            .filter(|(_, entry)| entry.travels)
            .map(|(key, entry)| (key, entry.value().to_owned()))
            .collect()
    }
}
