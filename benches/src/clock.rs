//! What a piece of work costs, whoever else wants the processor.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// How long this thread has run so far.
///
/// It stands still while another program has the processor, so that a loaded machine blurs a figure
/// and does not multiply it. One reading is a call into the system: for slices of work, not for one
/// operation.
pub fn thread_time() -> Duration {
    let now = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanos = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanos)
}
