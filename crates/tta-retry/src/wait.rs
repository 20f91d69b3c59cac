//! Waiting on tokio's clock.

use std::panic::catch_unwind;
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::Sleep;
use tta_core::{Error, ErrorKind, Result};

/// A timer, or an error that says what is missing where tokio would panic.
pub(crate) fn arm(wait: Duration, whose: &str) -> Result<Sleep> {
    let armed = Handle::try_current()
        .ok()
        // A runtime that was built without its timer panics here, and there is no way to ask it.
        .and_then(|_| catch_unwind(|| tokio::time::sleep(wait)).ok());
    armed.ok_or_else(|| {
        let message = format!(
            "{whose} needs a tokio runtime with its timer on; run the flow inside one, built with \
             `enable_time` or `enable_all`"
        );
        Error::new(ErrorKind::Configuration, message)
    })
}

/// Whole milliseconds, rounded up so that a wait is never shown as none.
pub(crate) fn millis(duration: Duration) -> u64 {
    let millis = duration.as_nanos().div_ceil(1_000_000);
    u64::try_from(millis).unwrap_or(u64::MAX)
}
