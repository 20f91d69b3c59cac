#![doc = include_str!("../README.md")]

mod address_space;
mod catalog;
mod config;
#[cfg(feature = "otlp")]
mod console;
#[cfg(any(feature = "logs", feature = "prometheus"))]
mod digits;
#[cfg(feature = "otlp")]
mod export;
#[cfg(feature = "prometheus")]
pub mod exposition;
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "what traces alone lock is not there")
)]
mod fork;
mod guard;
mod instance;
mod json;
mod ledger;
mod lifecycle;
#[cfg(all(feature = "logs", feature = "otlp"))]
mod log_records;
#[cfg(feature = "logs")]
pub mod logs;
#[cfg(feature = "otlp")]
mod measurements;
mod metrics;
#[cfg(feature = "otlp")]
mod otlp;
mod pipeline;
pub mod process;
mod recorder;
#[cfg_attr(
    not(all(feature = "logs", feature = "otlp", feature = "prometheus")),
    allow(
        dead_code,
        reason = "what a part that is off would show needs no redaction"
    )
)]
mod redaction;
mod report;
mod resource;
mod sampling_config;
mod server;
#[cfg(feature = "metrics-server")]
mod server_metrics;
#[cfg_attr(
    not(all(feature = "logs", feature = "metrics-server", feature = "otlp")),
    allow(
        dead_code,
        unused_imports,
        reason = "settings of a part that is off are shown, not used"
    )
)]
mod settings;
#[cfg(feature = "signals")]
mod signals;
#[cfg_attr(
    not(all(feature = "logs", feature = "metrics-server", feature = "otlp")),
    allow(dead_code, reason = "a part that is off is never healthy")
)]
mod status;
mod subscriber;
#[cfg(feature = "otlp")]
mod traces;
#[cfg(feature = "tsc")]
mod tsc;

pub use catalog::CATALOG;
pub use config::ObservabilityConfig;
#[cfg(feature = "otlp")]
pub use export::{ExportError, Exported};
pub use guard::{
    ObservabilityGuard, ShutdownReport, SignalReport, initialize_observability,
    is_prometheus_enabled, shutdown_observability,
};
pub use ledger::{DropReason, Ledger, SignalLedger};
pub use metrics::ledger;
#[cfg(feature = "otlp")]
pub use otlp::TraceEncoder;
pub use redaction::{Redaction, RedactionPolicy};
pub use settings::{
    Compression, DeploymentEnvironment, Exporter, LogFormat, LogLimits, Origin, OtlpOptions,
    Preset, Protocol, SETTINGS, Sampler, Setting, SettingSpec, SpanLimits, Temporality,
};
#[cfg(feature = "signals")]
pub use signals::shutdown_signal;
pub use status::{PartStatus, State, Status};
#[cfg(feature = "otlp")]
pub use traces::{Exporting, SpanSink, opentelemetry_layer};

#[cfg(feature = "prometheus")]
pub use prometheus_client;
/// The crates whose types stand in our signatures, so that versions cannot clash.
#[cfg(feature = "otlp")]
pub use {opentelemetry, opentelemetry_sdk};
