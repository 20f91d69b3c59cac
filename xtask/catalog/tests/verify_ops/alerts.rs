//! What Alertmanager is told, and when.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use tta_catalog::rules::{Rule, RuleFile};
use tta_testkit::servers::AlertmanagerServer;

/// Every alert that has fired, with the time when it was first seen.
pub(crate) struct Watch<'a> {
    alertmanager: &'a AlertmanagerServer,
    begun: Instant,
    first_seen: BTreeMap<String, Duration>,
}

impl<'a> Watch<'a> {
    pub(crate) fn new(alertmanager: &'a AlertmanagerServer) -> Self {
        Self {
            alertmanager,
            begun: Instant::now(),
            first_seen: BTreeMap::new(),
        }
    }

    /// Watches until something is so of the names of what has fired.
    pub(crate) fn until(&mut self, mut is_so: impl FnMut(&BTreeSet<String>) -> bool) {
        loop {
            for labels in self.alertmanager.alerts().unwrap() {
                let after = self.begun.elapsed();
                let name = labels.get("alertname").cloned().unwrap_or_default();
                self.first_seen.entry(name).or_insert(after);
            }
            if is_so(&self.first_seen.keys().cloned().collect()) {
                return;
            }
            // Alertmanager tells nobody who does not listen for messages.
            std::thread::sleep(Duration::from_millis(200));
        }
    }

    pub(crate) fn seen(&self) -> impl Iterator<Item = &String> {
        self.first_seen.keys()
    }

    pub(crate) fn has_seen(&self, name: &str) -> bool {
        self.first_seen.contains_key(name)
    }

    pub(crate) fn times(&self) -> impl Iterator<Item = (&String, &Duration)> {
        self.first_seen.iter()
    }
}

/// The names of all alerts.
pub(crate) fn names(files: &[RuleFile]) -> Vec<&str> {
    let rules = files.iter().flat_map(RuleFile::rules);
    let alerts = rules.filter(|rule| matches!(rule, Rule::Alert(_)));
    let names: BTreeSet<&str> = alerts.map(Rule::name).collect();
    names.into_iter().collect()
}
