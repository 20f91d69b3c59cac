//! What is logged of a tier: each change of its state, and each kind of error once a minute.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tta_core::{Level, LogField, LogRecord, log_globally};

use super::failure::Failure;
use crate::catalog::{TIER_DEGRADED, TIER_ERROR, TIER_RECOVERED};

/// Speaks of one server.
#[derive(Debug)]
pub(super) struct Report {
    server: String,
    /// When each kind of error was last logged.
    said: Mutex<HashMap<&'static str, Instant>>,
    changes: Changes,
}

impl Report {
    pub(super) fn new(server: String, changes: Changes) -> Self {
        Self {
            server,
            said: Mutex::default(),
            changes,
        }
    }

    /// It is not asked any more.
    pub(super) fn down(&self, failure: &Failure) {
        self.changes.add();
        let fields = [
            LogField::new("tier", TIER),
            LogField::new("endpoint", self.server.as_str()),
            LogField::new("error_type", failure.name()),
        ];
        log_globally(&LogRecord::new(&TIER_DEGRADED, Level::Warn, &fields));
    }

    /// It is asked again, and has answered for a while.
    pub(super) fn up(&self, down_for: Duration) {
        self.changes.add();
        let fields = [
            LogField::new("tier", TIER),
            LogField::new("endpoint", self.server.as_str()),
            LogField::new("duration_ms", down_for.as_secs_f64() * 1000.0),
        ];
        log_globally(&LogRecord::new(&TIER_RECOVERED, Level::Info, &fields));
    }

    /// An operation failed.
    pub(super) fn failed(&self, failure: &Failure) {
        let now = Instant::now();
        {
            let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
            let last = said.get(failure.name());
            if last.is_some_and(|last| now.saturating_duration_since(*last) < ONCE_IN) {
                return;
            }
            said.insert(failure.name(), now);
        }
        let fields = [
            LogField::new("tier", TIER),
            LogField::new("endpoint", self.server.as_str()),
            LogField::new("error_type", failure.name()),
        ];
        log_globally(&LogRecord::new(&TIER_ERROR, Level::Warn, &fields));
    }
}

/// How often the servers of a tier have gone down or come up, those among them that it has left.
#[derive(Clone, Debug, Default)]
pub(super) struct Changes(Arc<AtomicU64>);

impl Changes {
    pub(super) fn count(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// The `tier` of labels and fields.
pub(super) const TIER: &str = "redis";
const ONCE_IN: Duration = Duration::from_mins(1);
