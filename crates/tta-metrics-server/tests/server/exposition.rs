//! Expositions that do what a test needs.

use std::sync::{Condvar, Mutex};

use tta_metrics_server::{Exposition, HealthReport, HealthStatus, MetricsServer, RunningServer};

use crate::scraper::PATIENCE;

pub(crate) const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
pub(crate) const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
pub(crate) const BODY: &str = "# TYPE answers_total counter\nanswers_total 42\n";

/// Renders with a function; always healthy.
pub(crate) struct Rendering<F>(pub(crate) F);

impl<F: Fn() -> Vec<u8> + Send + Sync + 'static> Exposition for Rendering<F> {
    fn metrics(&self, _content_type: &'static str) -> Vec<u8> {
        (self.0)()
    }

    fn health(&self) -> HealthReport {
        HealthReport::new(HealthStatus::Healthy, HEALTHY)
    }
}

pub(crate) const HEALTHY: &str = r#"{"status":"healthy"}"#;

/// Two formats, and a health that can be set.
pub(crate) struct Formats(pub(crate) HealthStatus);

impl Exposition for Formats {
    fn content_type(&self, accept: Option<&str>) -> &'static str {
        match accept {
            Some(accept) if accept.contains("openmetrics") => OPEN_METRICS,
            _ => TEXT,
        }
    }

    fn metrics(&self, content_type: &'static str) -> Vec<u8> {
        let end = if content_type == OPEN_METRICS {
            "# EOF\n"
        } else {
            ""
        };
        format!("{BODY}{end}").into_bytes()
    }

    fn health(&self) -> HealthReport {
        HealthReport::new(self.0, format!(r#"{{"status":"{:?}"}}"#, self.0))
    }
}

/// A server on a free port that always renders [`BODY`].
pub(crate) fn plain() -> MetricsServer {
    MetricsServer::new(Rendering(|| BODY.as_bytes().to_vec())).with_port(0)
}

pub(crate) fn start(server: MetricsServer) -> RunningServer {
    server.start().expect("the server starts")
}

/// A door that renderings wait at until the test opens it.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<GateState>,
    changed: Condvar,
}

#[derive(Default)]
struct GateState {
    waiting: usize,
    open: bool,
}

impl Gate {
    pub(crate) fn pass(&self) {
        let mut state = self.state.lock().expect("no test panics with the lock");
        state.waiting += 1;
        self.changed.notify_all();
        let _open = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| !state.open)
            .expect("no test panics with the lock");
    }

    pub(crate) fn open(&self) {
        self.state
            .lock()
            .expect("no test panics with the lock")
            .open = true;
        self.changed.notify_all();
    }

    /// Waits until this many renderings have arrived at the gate since it was made.
    pub(crate) fn arrived(&self, count: usize) {
        let state = self.state.lock().expect("no test panics with the lock");
        let (state, _) = self
            .changed
            .wait_timeout_while(state, PATIENCE, |state| state.waiting < count)
            .expect("no test panics with the lock");
        assert!(
            state.waiting >= count,
            "only {} renderings arrived",
            state.waiting
        );
    }
}
