//! Whether the backend takes what it is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tta_core::{Level, LogField, LogRecord};

use crate::catalog::TELEMETRY_RECOVERED;
use crate::report;

/// Whether the backend takes what it is sent; says so in one log line for each change.
#[derive(Debug)]
pub(crate) struct ExporterHealth {
    part: &'static str,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_up: Option<bool>,
    last_error: Option<String>,
}

impl ExporterHealth {
    pub(crate) fn new(part: &'static str) -> Self {
        Self {
            part,
            state: Mutex::default(),
        }
    }

    /// The latest batch was taken. `dropped` is how many records were lost so far.
    pub(crate) fn up(&self, dropped: u64) {
        let before = self.state().is_up.replace(true);
        if before == Some(false) {
            report::log(&LogRecord::new(
                &TELEMETRY_RECOVERED,
                Level::Info,
                &[
                    LogField::new("part", self.part),
                    LogField::new("dropped", dropped),
                ],
            ));
        }
    }

    /// The backend does not take what it is sent.
    pub(crate) fn down(&self, reason: &str) {
        let before = {
            let mut state = self.state();
            state.last_error = Some(reason.to_owned());
            state.is_up.replace(false)
        };
        if before != Some(false) {
            report::degraded(self.part, reason);
        }
    }

    /// Whether the latest batch was taken; nothing before the first.
    pub(crate) fn is_up(&self) -> Option<bool> {
        self.state().is_up
    }

    /// Why the latest failure failed, be it over or not.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.state().last_error.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change is a single step, and no other code runs under the lock.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
