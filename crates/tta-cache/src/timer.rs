//! Waiting, where there is a clock to wait by.

use std::future::poll_fn;
use std::panic::catch_unwind;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Sleep;

/// Waits; none outside a runtime, and in one without timers.
pub(crate) fn sleep(time: Duration) -> Option<Sleep> {
    Handle::try_current().ok()?;
    // Tokio tells of a runtime without timers by a panic alone.
    catch_unwind(|| tokio::time::sleep(time)).ok()
}

/// What a future gives back within a time; none if it takes longer. Without timers it may take as
/// long as it likes.
pub(crate) async fn within<F: Future>(time: Option<Duration>, future: F) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut timer = pin!(None);
    let mut armed = false;
    poll_fn(|cx| {
        // First the future: most are ready, and those need no timer.
        if let Poll::Ready(output) = future.as_mut().poll(cx) {
            return Poll::Ready(Some(output));
        }
        if !armed {
            armed = true;
            timer.set(time.and_then(sleep));
        }
        match timer.as_mut().as_pin_mut() {
            Some(timer) => timer.poll(cx).map(|()| None),
            None => Poll::Pending,
        }
    })
    .await
}
