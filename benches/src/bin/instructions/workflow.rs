//! What the paths run in: a poll without a runtime, and a clock that is the same in every run.

use std::cell::Cell;
use std::pin::pin;
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use tta_core::{Recorder, Result, WorkflowContext};

/// Polls a future that never waits.
pub(crate) fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("none of these paths waits"),
    }
}

/// Does not answer for a failure: a path that fails is no path.
pub(crate) fn done<T>(result: Result<T>) -> T {
    result.unwrap_or_else(|error| panic!("a path failed: {error}"))
}

/// A context whose clock goes on by a microsecond at each reading, so that each run sees the same
/// durations. What a real clock costs is left out: it is not ours, and no instruction count tells.
pub(crate) fn context(recorder: Option<&Arc<dyn Recorder>>) -> WorkflowContext {
    let builder = WorkflowContext::builder().clock(ticking);
    match recorder {
        Some(recorder) => builder.recorder(Arc::clone(recorder)).build(),
        None => builder.build(),
    }
}

/// The clock of [`context`].
pub(crate) fn ticking() -> Instant {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    thread_local! {
        static TICKS: Cell<u64> = const { Cell::new(0) };
    }
    let ticks = TICKS.get() + 1;
    TICKS.set(ticks);
    *BEGUN + Duration::from_micros(ticks)
}
