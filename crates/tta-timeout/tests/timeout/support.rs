//! Operations that take their time on a paused clock.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use tta_core::{
    ErrorKind, Flow, Primitive, Result, WorkflowContext, WorkflowContextBuilder, step_with,
};
use tta_testkit::measured::measured;

/// One millisecond.
pub(crate) const MS: Duration = Duration::from_millis(1);

/// A context on tokio's clock, which a test can pause.
pub(crate) fn context() -> WorkflowContext {
    on_paused_clock(WorkflowContext::builder())
}

/// The same for a context that is recorded.
pub(crate) fn on_paused_clock(builder: WorkflowContextBuilder) -> WorkflowContext {
    builder.clock(|| Instant::now().into_std()).build()
}

/// Gives its input back after so many milliseconds.
pub(crate) fn operation(
    ms: u64,
) -> Flow<impl Primitive<Input = u64, Output = u64> + std::fmt::Debug> {
    step_with(
        "operation",
        Duration::from_millis(ms),
        async |time: &Duration, n: u64| {
            if !time.is_zero() {
                sleep(*time).await;
            }
            Ok(n)
        },
    )
}

/// Whether it ran out of time.
pub(crate) fn times_out<T>(result: Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::Timeout)
}

/// How many ended within the limit, within the grace, past the limit and past the deadline.
pub(crate) fn counted(name: &str) -> [u64; 4] {
    [
        measured("timeout_successes_total", &[name, "limit"]),
        measured("timeout_successes_total", &[name, "grace"]),
        measured("timeout_failures_total", &[name, "limit"]),
        measured("timeout_failures_total", &[name, "deadline"]),
    ]
    .map(|total| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a counter of a few executions"
        )]
        let count = total as u64;
        count
    })
}
