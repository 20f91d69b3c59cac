//! Log lines, as whoever collects them finds them.
#![cfg(feature = "logs")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

mod captured;
mod changing;
mod events;
mod hostile;
mod identity;
mod records;
mod redacted;
mod values;
mod writing;
