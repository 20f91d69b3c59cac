//! What the operating system says about this process, in the words of all Prometheus clients.

use tta_core::{MetricSpec, Unit};

/// Processor time.
pub(crate) const PROCESS_CPU: MetricSpec = MetricSpec::counter(
    "process_cpu_seconds_total",
    Unit::Seconds,
    "Total user and system CPU time spent in seconds.",
);

/// Memory in use.
pub(crate) const PROCESS_MEMORY: MetricSpec = MetricSpec::gauge(
    "process_resident_memory_bytes",
    Unit::Bytes,
    "Resident memory size in bytes.",
);

/// Open file descriptors.
pub(crate) const PROCESS_OPEN_FDS: MetricSpec = MetricSpec::gauge(
    "process_open_fds",
    Unit::One,
    "Number of open file descriptors.",
);

/// When the process started.
pub(crate) const PROCESS_START: MetricSpec = MetricSpec::gauge(
    "process_start_time_seconds",
    Unit::Seconds,
    "Start time of the process since unix epoch in seconds.",
);
