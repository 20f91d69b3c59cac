//! A timer that is made when something waits, and moved rather than made again.

use std::panic::catch_unwind;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop::unconstrained;
use tokio::time::{Instant, Sleep};
use tta_core::{Error, ErrorKind, Result};

/// A timer to fire after this time, or an error that says what is missing where tokio would panic.
pub(crate) fn arm(left: Duration) -> Result<Sleep> {
    let armed = Handle::try_current()
        .ok()
        // A runtime that was built without its timer panics here, and there is no way to ask it.
        .and_then(|_| catch_unwind(|| tokio::time::sleep(left)).ok());
    armed.ok_or_else(|| {
        Error::new(
            ErrorKind::Configuration,
            "a timeout needs a tokio runtime with its timer on; run the flow inside one, built \
             with `enable_time` or `enable_all`",
        )
    })
}

/// Makes a timer fire after this time instead.
pub(crate) fn rearm(timer: Pin<&mut Sleep>, left: Duration) {
    let now = Instant::now();
    let end = now.checked_add(left).unwrap_or_else(|| now + FAR);
    timer.reset(end);
}

/// Whether it has fired. An operation that uses up the task's budget must not keep it from firing.
pub(crate) fn poll_fired(timer: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    Pin::new(&mut unconstrained(timer)).poll(cx)
}

/// Beyond anything that runs; what the clock can express differs between systems.
const FAR: Duration = Duration::from_hours(24 * 365 * 30);
