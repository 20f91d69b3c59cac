//! Whether the backend takes what it is sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tta_core::{Level, LogField, LogRecord};

use crate::catalog::TELEMETRY_RECOVERED;
use crate::redaction::Redactor;
use crate::report;

/// The backends of one initialisation. Signals that go to the same one share its outages, so that
/// an outage is one line and its end another, however many signals notice.
#[derive(Debug)]
pub(crate) struct Backends {
    by_address: Mutex<HashMap<String, Arc<Backend>>>,
    /// What may go to any of them.
    redactor: Arc<Redactor>,
}

/// How many signals a backend does not take.
#[derive(Debug, Default)]
pub(crate) struct Backend {
    down: Mutex<usize>,
}

impl Backends {
    pub(crate) fn new(redactor: Arc<Redactor>) -> Self {
        Self {
            by_address: Mutex::default(),
            redactor,
        }
    }

    pub(crate) fn redactor(&self) -> Arc<Redactor> {
        Arc::clone(&self.redactor)
    }

    /// The backend at this address.
    pub(crate) fn at(&self, address: String) -> Arc<Backend> {
        let mut backends = self
            .by_address
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(backends.entry(address).or_default())
    }
}

impl Backend {
    /// One more signal is not taken; whether it is the first.
    fn goes_down(&self) -> bool {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        *down += 1;
        *down == 1
    }

    /// One signal is taken again; whether it was the last that was not.
    fn comes_up(&self) -> bool {
        let mut down = self.down.lock().unwrap_or_else(PoisonError::into_inner);
        *down -= 1;
        *down == 0
    }
}

/// Whether the backend takes what it is sent; says so in one log line for each change.
#[derive(Debug)]
pub(crate) struct ExporterHealth {
    part: &'static str,
    backend: Arc<Backend>,
    redactor: Arc<Redactor>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    is_up: Option<bool>,
    last_error: Option<String>,
}

impl ExporterHealth {
    pub(crate) fn new(part: &'static str, backend: Arc<Backend>, redactor: Arc<Redactor>) -> Self {
        Self {
            part,
            backend,
            redactor,
            state: Mutex::default(),
        }
    }

    /// The latest batch was taken. `dropped` is how many records were lost so far.
    pub(crate) fn up(&self, dropped: u64) {
        let before = self.state().is_up.replace(true);
        if before == Some(false) && self.backend.comes_up() {
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
        // A backend may say what it was sent, and this is shown at `/health`.
        let reason = &*self.redactor.message(reason);
        let before = {
            let mut state = self.state();
            state.last_error = Some(reason.to_owned());
            state.is_up.replace(false)
        };
        if before != Some(false) && self.backend.goes_down() {
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
