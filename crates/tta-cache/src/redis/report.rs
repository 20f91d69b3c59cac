//! What is logged of a tier: each change of its state, and each kind of error once a minute.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
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
    changes: AtomicU64,
}

impl Report {
    pub(super) fn new(server: String) -> Self {
        Self {
            server,
            said: Mutex::default(),
            changes: AtomicU64::new(0),
        }
    }

    /// It is not asked any more.
    pub(super) fn down(&self, failure: &Failure) {
        self.changes.fetch_add(1, Ordering::Relaxed);
        let fields = [
            LogField::new("tier", TIER),
            LogField::new("endpoint", self.server.as_str()),
            LogField::new("error_type", failure.name()),
        ];
        log_globally(&LogRecord::new(&TIER_DEGRADED, Level::Warn, &fields));
    }

    /// It is asked again, and has answered for a while.
    pub(super) fn up(&self, down_for: Duration) {
        self.changes.fetch_add(1, Ordering::Relaxed);
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

    /// How often it has gone down or come up.
    pub(super) fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }
}

/// The `tier` of labels and fields.
pub(super) const TIER: &str = "redis";
const ONCE_IN: Duration = Duration::from_secs(60);
