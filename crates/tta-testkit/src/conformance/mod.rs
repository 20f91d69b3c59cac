//! What every primitive and every sink must show, as suites that their crates call.

mod names;
mod panicking;
mod polling;
// A suite fails by panicking, as the tests that call it do.
#[expect(
    clippy::expect_used,
    reason = "a check that fails is a test that fails"
)]
mod primitive;

pub use names::{Names, assert_same_names, run_every_shape};
pub use panicking::PanickingRecorder;
pub use polling::poll_then_drop;
pub use primitive::{check_named_primitive, check_primitive};

use std::time::Instant;

/// A clock that stands still and moves on with tokio's paused one; for
/// [`WorkflowContextBuilder::clock`](tta_core::WorkflowContextBuilder::clock).
pub fn tokio_clock() -> Instant {
    tokio::time::Instant::now().into_std()
}
