#![doc = include_str!("../README.md")]

mod clock;
mod curve;
mod options;
mod pass_on;
mod recorders;
mod report;
mod rounds;
mod together;

pub use clock::thread_time;
pub use curve::{Curve, Series};
pub use options::Options;
pub use pass_on::PassOn;
pub use recorders::{Application, Discard, Keep};
pub use report::Report;
pub use rounds::{Bencher, Group};

use std::pin::pin;
use std::task::{Context, Poll, Waker};

/// Polls a future that never waits.
///
/// # Panics
///
/// When the future waits.
#[expect(
    clippy::inline_always,
    reason = "an `await` is inlined too; handed over as an argument, a future is copied first"
)]
#[inline(always)]
pub fn now<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    match future
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()))
    {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("no operation of these benchmarks waits"),
    }
}
