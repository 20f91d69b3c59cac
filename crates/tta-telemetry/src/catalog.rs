//! What this crate emits, as data.

mod exposition_declarations;
mod pipeline_declarations;
mod process_declarations;
mod sampling_declarations;
mod server_declarations;

pub(crate) use exposition_declarations::*;
pub(crate) use pipeline_declarations::*;
pub(crate) use process_declarations::*;
pub(crate) use sampling_declarations::*;
pub(crate) use server_declarations::*;

use tta_core::Catalog;

/// What `tta-telemetry` emits.
pub const CATALOG: Catalog = Catalog {
    crate_name: "tta-telemetry",
    metrics: &[
        &RECORDS_CREATED,
        &RECORDS_DELIVERED,
        &RECORDS_DROPPED,
        &QUEUE_RECORDS,
        &EXPORT_DURATION,
        &EXPORTER_UP,
        &SAMPLING_DECISIONS,
        &TAIL_TRACES,
        &TAIL_HELD_TRACES,
        &TAIL_HELD_BYTES,
        &VALUES_REDACTED,
        &PROCESS_CPU,
        &PROCESS_MEMORY,
        &PROCESS_OPEN_FDS,
        &PROCESS_START,
        &SERVER_REQUESTS,
        &SERVER_DURATION,
        &SERVER_BYTES,
        &SERVER_CONNECTIONS,
        &SERVER_REJECTIONS,
        &TARGET_INFO,
        &BUILD_INFO,
        &USER_METRICS_SKIPPED,
        &CALLBACK_FAILURES,
    ],
    spans: &[],
    logs: &[
        &TELEMETRY_DEGRADED,
        &TELEMETRY_RECOVERED,
        &SETTING_IGNORED,
        &LATE_SPANS,
        &METRIC_SKIPPED,
    ],
};
