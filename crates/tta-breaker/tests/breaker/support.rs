//! A service that does as it is told, behind a breaker on a paused clock.

use std::time::Duration;

use tokio::time::advance;
use tta_breaker::{
    CircuitBreaker, CircuitBreakerConfig, CircuitBreakerExt, CircuitBreakerPrimitive, CircuitState,
};
use tta_core::{BoxPrimitive, Error, ErrorKind, Flow, Observed, Result, WorkflowContext};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::mock::{Answer, MockPrimitive};

/// One second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A service and the breaker in front of it.
pub(crate) struct Guarded {
    pub(crate) service: MockPrimitive<&'static str, u64>,
    pub(crate) flow: Flow<Observed<CircuitBreakerPrimitive<BoxPrimitive<&'static str, u64>>>>,
}

impl Guarded {
    /// A service that does what its input says: `ok`, `fail`, `slow` (2 s), `slow fail`, `panic` or
    /// `hang`.
    pub(crate) fn by(config: CircuitBreakerConfig) -> Self {
        let service = service();
        let flow = Flow::new(service.clone()).boxed().unwrap();
        let flow = flow
            .circuit_breaker(config.with_clock(tokio_clock))
            .unwrap();
        Self { service, flow }
    }

    pub(crate) fn named(config: CircuitBreakerConfig, name: &'static str) -> Self {
        let Self { service, flow } = Self::by(config);
        let flow = flow.with_name(name);
        Self { service, flow }
    }

    pub(crate) async fn call(&self, input: &'static str) -> Result<u64> {
        self.flow.execute(input, &context()).await
    }

    /// Makes these calls, one after the other.
    pub(crate) async fn calls(&self, inputs: &[&'static str]) {
        for input in inputs {
            let _ = self.call(input).await;
        }
    }

    pub(crate) fn breaker(&self) -> &CircuitBreaker {
        self.flow.breaker()
    }

    pub(crate) fn state(&self) -> CircuitState {
        self.breaker().state()
    }
}

pub(crate) fn service() -> MockPrimitive<&'static str, u64> {
    MockPrimitive::new("service").with_default(|input: &&str| match *input {
        "ok" => Answer::value(1),
        "slow" => Answer::value(1).after(2 * SECOND),
        "slow fail" => Answer::fail(down()).after(2 * SECOND),
        "panic" => Answer::panic("the service fell over"),
        "hang" => Answer::hang(),
        _ => Answer::fail(down()),
    })
}

pub(crate) fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "the service is down")
}

/// A context on tokio's clock.
pub(crate) fn context() -> WorkflowContext {
    WorkflowContext::builder().clock(tokio_clock).build()
}

pub(crate) async fn wait(time: Duration) {
    advance(time).await;
}

pub(crate) fn is_rejected<T>(result: &Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::Rejected)
}
