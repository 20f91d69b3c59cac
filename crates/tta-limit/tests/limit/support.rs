//! Operations that take their time on a paused clock.

use std::time::Duration;

use tta_core::{ErrorKind, Flow, Result, WorkflowContext};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::measured::measured;
use tta_testkit::mock::{Answer, MockPrimitive};

/// One second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Takes so many milliseconds and gives them back.
pub(crate) fn operation() -> MockPrimitive<u64, u64> {
    MockPrimitive::new("operation")
        .with_default(|ms: &u64| Answer::value(*ms).after(Duration::from_millis(*ms)))
}

/// The same as a flow.
pub(crate) fn flow() -> Flow<tta_core::Observed<MockPrimitive<u64, u64>>> {
    Flow::new(operation())
}

/// A context on tokio's clock.
pub(crate) fn context() -> WorkflowContext {
    WorkflowContext::builder().clock(tokio_clock).build()
}

/// The same with so long until its deadline.
pub(crate) fn hurried(left: Duration) -> WorkflowContext {
    let ctx = context();
    ctx.with_deadline(ctx.now() + left)
}

pub(crate) fn is_rejected<T>(result: &Result<T>) -> bool {
    matches!(result, Err(error) if error.kind() == ErrorKind::Rejected)
}

/// How many calls were admitted, and rejected because of the queue's size, the timeout and the
/// deadline, and cancelled.
pub(crate) fn counted(name: &str) -> [u64; 5] {
    [
        "admitted",
        "queue_full",
        "queue_timeout",
        "deadline",
        "cancelled",
    ]
    .map(|outcome| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter of a few executions"
        )]
        let count = measured("limit_executions_total", &[name, outcome]) as u64;
        count
    })
}

/// The gauges: in use, queued, capacity.
pub(crate) fn gauges(name: &str) -> [i64; 3] {
    ["limit_in_use", "limit_queued", "limit_capacity"].map(|gauge| {
        #[expect(clippy::cast_possible_truncation, reason = "a small gauge")]
        let value = measured(gauge, &[name]) as i64;
        value
    })
}
