//! `/health/live` and `/health/ready`, as an orchestrator asks them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tta_metrics_server::{Exposition, HealthReport, HealthStatus, MetricsServer};

use crate::exposition::{Formats, Gate, start};
use crate::scraper::get;

/// An application that is ready, not ready, or breaks when asked.
struct App {
    state: Arc<AtomicU8>,
    gate: Arc<Gate>,
}

impl Exposition for App {
    fn metrics(&self, _content_type: &'static str) -> Vec<u8> {
        self.gate.pass();
        Vec::new()
    }

    fn health(&self) -> HealthReport {
        self.gate.pass();
        HealthReport::new(HealthStatus::Healthy, "{}")
    }

    fn is_ready(&self) -> bool {
        match self.state.load(Ordering::Relaxed) {
            0 => false,
            1 => true,
            2 => panic!("the check is broken"),
            _ => {
                self.gate.pass();
                true
            }
        }
    }
}

#[test]
fn readiness_is_what_the_application_says_and_liveness_asks_nobody() {
    let (state, gate) = (Arc::new(AtomicU8::new(0)), Arc::new(Gate::default()));
    let app = App {
        state: Arc::clone(&state),
        gate: Arc::clone(&gate),
    };
    let server = MetricsServer::new(app)
        .with_port(0)
        .with_render_timeout(Duration::from_millis(300));
    let server = start(server);
    let ask = |path| {
        let answer = get(server.local_addr(), path, "");
        (answer.status, answer.text().to_owned())
    };
    for (code, status) in [(0, 503), (1, 200), (2, 500), (1, 200), (3, 503)] {
        state.store(code, Ordering::Relaxed);
        let (ready, body) = ask("/health/ready");
        assert_eq!(ready, status, "{code}");
        match code {
            0 => assert_eq!(body, r#"{"status":"not_ready"}"#),
            1 => assert_eq!(body, r#"{"status":"ready"}"#),
            _ => {}
        }
        assert_eq!(
            ask("/health/live"),
            (200, r#"{"status":"live"}"#.to_owned())
        );
    }
    // Nothing that hangs holds the others up.
    assert_eq!(ask("/health").0, 503);
    assert_eq!(ask("/metrics").0, 503);
    assert_eq!(ask("/health/live").0, 200);
    gate.open();
}

#[test]
fn without_a_check_of_its_own_an_application_is_ready_unless_it_is_unhealthy() {
    for (health, ready) in [
        (HealthStatus::Healthy, 200),
        (HealthStatus::Degraded, 200),
        (HealthStatus::Unhealthy, 503),
    ] {
        let server = start(MetricsServer::new(Formats(health)).with_port(0));
        let answer = get(server.local_addr(), "/health/ready", "");
        assert_eq!(answer.status, ready, "{health:?}");
        assert_eq!(answer.header("content-type"), Some("application/json"));
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(get(server.local_addr(), "/health/live", "").status, 200);
    }
}
