//! Cancelling a future at a chosen await point.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

/// Polls a future at most `polls` times, each time when it was woken, and then drops it; gives back
/// what it answered if it did.
///
/// Called with 0, 1, 2, … until it answers, this drops a future at each of its await points.
///
/// # Examples
///
/// ```
/// use tta_testkit::conformance::poll_then_drop;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let waits_once = || async { tokio::task::yield_now().await; 7 };
/// assert_eq!(poll_then_drop(waits_once(), 1).await, None);
/// assert_eq!(poll_then_drop(waits_once(), 2).await, Some(7));
/// # });
/// ```
pub async fn poll_then_drop<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    poll_fn(|cx| {
        if left == 0 {
            return Poll::Ready(None);
        }
        left -= 1;
        match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if left == 0 => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}
