//! The page of metrics, as those who read it judge it.
#![cfg(feature = "metrics-server")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]
#![expect(clippy::float_cmp, reason = "the compared values are exact")]

mod aliases;
mod equal;
mod formats;
mod hostile;
mod load;
mod negotiation;
mod own;
mod process;
mod redacted;
mod scraped;
mod user;
