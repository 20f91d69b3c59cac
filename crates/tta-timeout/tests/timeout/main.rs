//! A step under a timeout, as its user sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adaptive;
mod blocking;
mod clock;
mod composition;
mod fallback;
mod grace;
mod limits;
mod minimum;
mod observed;
mod per_call;
mod streams;
mod support;
