//! Steps that fail as often as they are told, on a paused clock.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tta_core::{
    Error, ErrorKind, Flow, Observed, Primitive, WorkflowContext, WorkflowContextBuilder, step_with,
};
use tta_retry::{Backoff, RetryConfig, RetryExt};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::measured::measured;
use tta_testkit::mock::{Answer, MockPrimitive};

/// One millisecond.
pub(crate) const MS: Duration = Duration::from_millis(1);

/// One second.
pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// A context on tokio's clock, which a test can pause.
pub(crate) fn context() -> WorkflowContext {
    on_paused_clock(WorkflowContext::builder())
}

/// The same for a context that is recorded.
pub(crate) fn on_paused_clock(builder: WorkflowContextBuilder) -> WorkflowContext {
    builder.clock(tokio_clock).build()
}

/// An error that may pass.
pub(crate) fn down() -> Error {
    Error::new(ErrorKind::Unavailable, "it is down")
}

/// Fails so many times, then gives its input back.
pub(crate) fn failing(times: usize) -> MockPrimitive<u64, u64> {
    let mock = MockPrimitive::new("service").with_default(|n: &u64| Answer::value(*n));
    for _ in 0..times {
        mock.push(Answer::fail(down()));
    }
    mock
}

/// Always fails with what the function makes.
pub(crate) fn broken(error: impl Fn() -> Error + Send + Sync + 'static) -> MockPrimitive<u64, u64> {
    MockPrimitive::new("service").with_default(move |_: &u64| Answer::fail(error()))
}

/// So many retries, a millisecond apart, without a budget.
pub(crate) fn quick(retries: u32) -> RetryConfig {
    RetryConfig::new(retries)
        .with_backoff(Backoff::constant(MS))
        .without_budget()
}

/// What is waited before each retry of a step that always fails with this error.
pub(crate) async fn waits(config: RetryConfig, error: fn() -> Error) -> Vec<Duration> {
    let began: Arc<Mutex<Vec<_>>> = Arc::default();
    let step = step_with(
        "timed",
        (Arc::clone(&began), error),
        async |(began, error): &(Arc<Mutex<Vec<_>>>, fn() -> Error), (): ()| {
            began.lock().unwrap().push(tokio_clock());
            Err::<(), _>(error())
        },
    );
    let flow = step.retry(config).unwrap();
    flow.execute((), &context()).await.unwrap_err();
    let began = began.lock().unwrap();
    began.windows(2).map(|two| two[1] - two[0]).collect()
}

/// How many executions ended in each way, in the order of [`OUTCOMES`].
pub(crate) fn ended(name: &str) -> [u64; 5] {
    OUTCOMES.map(|outcome| count("retry_executions_total", &[name, outcome]))
}

/// The same for a hedge, in the order of [`HEDGE_OUTCOMES`].
pub(crate) fn hedges(name: &str) -> [u64; 5] {
    HEDGE_OUTCOMES.map(|outcome| count("hedge_executions_total", &[name, outcome]))
}

/// The value of a series that counts.
pub(crate) fn count(metric: &str, labels: &[&str]) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a counter of a few executions"
    )]
    let count = measured(metric, labels) as u64;
    count
}

/// The messages of all attempts before the last, and what was said about it.
pub(crate) fn related(error: &Error) -> Vec<String> {
    error.related().iter().map(ToString::to_string).collect()
}

/// A step that takes so many milliseconds as it is told.
pub(crate) fn sleeper() -> Flow<Observed<impl Primitive<Input = u64, Output = u64>>> {
    tta_core::step("sleeper", async |ms: u64| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(ms)
    })
}

const OUTCOMES: [&str; 5] = [
    "first_try",
    "recovered",
    "exhausted",
    "not_retryable",
    "budget",
];
const HEDGE_OUTCOMES: [&str; 5] = ["not_hedged", "first", "second", "failed", "budget"];
