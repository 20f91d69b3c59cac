//! Running what is ready at once, without a runtime, to count what it allocates.

use std::pin::pin;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

/// Runs a future that is ready at its first poll, without a runtime that allocates.
///
/// # Panics
///
/// When the future waits.
pub fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => panic!("the future waits"),
    }
}

/// A clock that stands still: a duration of another magnitude than any before has a bucket made for
/// it, once.
pub fn still() -> Instant {
    static NOW: LazyLock<Instant> = LazyLock::new(Instant::now);
    *NOW
}
