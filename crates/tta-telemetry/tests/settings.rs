//! Settings: where each value comes from, and what is made of bad ones.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

#[path = "settings/methods.rs"]
mod methods;
#[path = "settings/nonsense.rs"]
mod nonsense;
#[path = "settings/presets.rs"]
mod presets;

use std::collections::HashMap;

use tta_core::Level;
use tta_telemetry::{DeploymentEnvironment, ObservabilityConfig, Origin, Setting, Status};

/// The status of a configuration under these variables. Nothing is started: all is switched off.
fn status_with(
    variables: &[(&'static str, &str)],
    configure: impl FnOnce(ObservabilityConfig) -> ObservabilityConfig,
) -> Status {
    let mut variables: HashMap<&str, String> = variables
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    variables.insert("OTEL_SDK_DISABLED", "true".to_owned());
    let config = ObservabilityConfig::from_env_with("my-app", |name| variables.get(name).cloned());
    status_of(configure(config))
}

/// Telemetry is one in a process, so one test at a time has it.
fn alone() -> std::sync::MutexGuard<'static, ()> {
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    TURN.lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner)
}

fn status_of(config: ObservabilityConfig) -> Status {
    let _alone = alone();
    let guard = config.init();
    guard.status()
}

fn status(variables: &[(&'static str, &str)]) -> Status {
    status_with(variables, |config| config)
}

#[track_caller]
fn setting(status: &Status, name: &str) -> Setting {
    status
        .setting(name)
        .unwrap_or_else(|| panic!("{name}"))
        .clone()
}

/// One variable, and what its setting shows.
#[track_caller]
fn assert_set(variable: &'static str, value: &str, name: &str, shown: &str) {
    let status = status(&[(variable, value)]);
    let setting = setting(&status, name);
    assert_eq!(setting.value, shown, "{variable}={value}");
    assert_eq!(
        setting.origin,
        Origin::Environment(variable),
        "{variable}={value}"
    );
    assert!(status.warnings.is_empty(), "{:?}", status.warnings);
}

/// One variable that cannot be used: the default holds, and one warning says so.
#[track_caller]
fn assert_ignored(variable: &'static str, value: &str, name: &str) {
    let default = setting(&status(&[]), name);
    let status = status(&[(variable, value)]);
    assert_eq!(setting(&status, name), default, "{variable}={value}");
    assert_eq!(status.warnings.len(), 1, "{:?}", status.warnings);
    assert!(
        status.warnings[0].contains(variable),
        "{:?}",
        status.warnings
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "it is a table")]
fn every_variable_sets_its_setting() {
    for (variable, value, name, shown) in [
        (
            "OTEL_SERVICE_NAME",
            "billing",
            "OTEL_SERVICE_NAME",
            "billing",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=b,c=d%20e",
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=b,c=d e",
        ),
        ("ENVIRONMENT", "Production", "ENVIRONMENT", "production"),
        (
            "OTEL_TRACES_EXPORTER",
            "none",
            "OTEL_TRACES_EXPORTER",
            "none",
        ),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "http://localhost:4317",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://localhost:4317",
        ),
        (
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://[::1]:9/in",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
            "http://[::1]:9/in",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "GRPC",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
            "grpc",
        ),
        (
            "OTEL_EXPORTER_OTLP_HEADERS",
            "k=v",
            "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
            "***",
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "250",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
            "250",
        ),
        (
            "OTEL_METRICS_EXPORTER",
            "console, OTLP",
            "OTEL_METRICS_EXPORTER",
            "otlp,console",
        ),
        ("OTEL_LOGS_EXPORTER", "none", "OTEL_LOGS_EXPORTER", "none"),
        (
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "Delta",
            "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
            "delta",
        ),
        (
            "OTEL_METRIC_EXPORT_INTERVAL",
            "250",
            "OTEL_METRIC_EXPORT_INTERVAL",
            "250",
        ),
        (
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "250",
            "OTEL_METRIC_EXPORT_TIMEOUT",
            "250",
        ),
        (
            "OTEL_BLRP_SCHEDULE_DELAY",
            "5",
            "OTEL_BLRP_SCHEDULE_DELAY",
            "5",
        ),
        (
            "OTEL_BLRP_EXPORT_TIMEOUT",
            "5",
            "OTEL_BLRP_EXPORT_TIMEOUT",
            "5",
        ),
        (
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "5",
            "OTEL_BLRP_MAX_QUEUE_SIZE",
            "5",
        ),
        (
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            "5",
            "OTEL_BLRP_MAX_EXPORT_BATCH_SIZE",
            "5",
        ),
        (
            "OTEL_EXPORTER_OTLP_COMPRESSION",
            "gzip",
            "OTEL_EXPORTER_OTLP_LOGS_COMPRESSION",
            "gzip",
        ),
        (
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "none",
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "none",
        ),
        (
            "OTEL_EXPORTER_OTLP_INSECURE",
            "TRUE",
            "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
            "true",
        ),
        (
            "OTEL_EXPORTER_OTLP_CERTIFICATE",
            "ca.pem",
            "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
            "ca.pem",
        ),
        (
            "OTEL_TRACES_SAMPLER",
            "always_off",
            "OTEL_TRACES_SAMPLER",
            "always_off",
        ),
        (
            "OTEL_TRACES_SAMPLER_ARG",
            "0.25",
            "OTEL_TRACES_SAMPLER_ARG",
            "0.25",
        ),
        (
            "OTEL_BSP_SCHEDULE_DELAY",
            "100",
            "OTEL_BSP_SCHEDULE_DELAY",
            "100",
        ),
        (
            "OTEL_BSP_EXPORT_TIMEOUT",
            "100",
            "OTEL_BSP_EXPORT_TIMEOUT",
            "100",
        ),
        (
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "9",
            "OTEL_BSP_MAX_QUEUE_SIZE",
            "9",
        ),
        (
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "9",
            "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
            "9",
        ),
        (
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "0.0.0.0",
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "0.0.0.0",
        ),
        (
            "PROMETHEUS_HOST",
            "::",
            "OTEL_EXPORTER_PROMETHEUS_HOST",
            "::",
        ),
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "1",
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "1",
        ),
        ("PROMETHEUS_PORT", "2", "OTEL_EXPORTER_PROMETHEUS_PORT", "2"),
        ("TTA_METRIC_ALIASES", "True", "TTA_METRIC_ALIASES", "true"),
        ("TTA_LABEL_LIMIT", "5", "TTA_LABEL_LIMIT", "5"),
        ("LOG_LEVEL", "Warning", "LOG_LEVEL", "warn"),
        (
            "RUST_LOG",
            "info,hyper=error",
            "LOG_LEVEL",
            "info,hyper=error",
        ),
        ("OTEL_LOG_LEVEL", "none", "LOG_LEVEL", "off"),
        ("LOG_FORMAT", "text", "LOG_FORMAT", "text"),
        ("RUST_LOG", "hyper", "LOG_LEVEL", "hyper=trace"),
        (
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
            "span_and_event",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
            "SPAN_AND_EVENT",
        ),
        ("TTA_SHUTDOWN_TIMEOUT", "10", "TTA_SHUTDOWN_TIMEOUT", "10"),
    ] {
        assert_set(variable, value, name, shown);
    }
}

#[test]
fn what_cannot_be_parsed_warns_once_and_is_ignored() {
    for (variable, value, name) in [
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "novalue",
            "OTEL_RESOURCE_ATTRIBUTES",
        ),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "a=%zz",
            "OTEL_RESOURCE_ATTRIBUTES",
        ),
        ("ENVIRONMENT", "moon", "ENVIRONMENT"),
        ("OTEL_TRACES_EXPORTER", "zipkin", "OTEL_TRACES_EXPORTER"),
        (
            "OTEL_EXPORTER_OTLP_ENDPOINT",
            "localhost:4317",
            "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
        ),
        (
            "OTEL_EXPORTER_OTLP_PROTOCOL",
            "http/json",
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "10s",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        ),
        (
            "OTEL_EXPORTER_OTLP_TIMEOUT",
            "-1",
            "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
        ),
        ("OTEL_TRACES_SAMPLER", "sometimes", "OTEL_TRACES_SAMPLER"),
        ("OTEL_TRACES_SAMPLER_ARG", "1.5", "OTEL_TRACES_SAMPLER_ARG"),
        ("OTEL_TRACES_SAMPLER_ARG", "NaN", "OTEL_TRACES_SAMPLER_ARG"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "0", "OTEL_BSP_MAX_QUEUE_SIZE"),
        (
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "70000",
            "OTEL_EXPORTER_PROMETHEUS_PORT",
        ),
        ("TTA_METRIC_ALIASES", "1", "TTA_METRIC_ALIASES"),
        ("LOG_LEVEL", "loud", "LOG_LEVEL"),
        ("RUST_LOG", "hyper=loud", "LOG_LEVEL"),
        ("LOG_FORMAT", "xml", "LOG_FORMAT"),
        (
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
            "everything",
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
        ),
    ] {
        assert_ignored(variable, value, name);
    }
}

#[test]
fn a_secret_is_in_no_warning() {
    let status = status(&[("OTEL_EXPORTER_OTLP_HEADERS", "canary")]);
    assert_eq!(status.warnings.len(), 1);
    assert!(!format!("{status} {status:?}").contains("canary"));
}

#[test]
fn what_is_empty_is_not_set() {
    for setting in status(&[("LOG_LEVEL", ""), ("OTEL_SERVICE_NAME", "  ")]).settings {
        assert!(!matches!(
            setting.origin,
            Origin::Environment("LOG_LEVEL" | "OTEL_SERVICE_NAME")
        ));
    }
}

#[test]
fn code_wins_over_the_environment_but_for_switching_off() {
    let status = status_with(
        &[
            ("OTEL_BSP_MAX_QUEUE_SIZE", "9"),
            ("ENVIRONMENT", "staging"),
            ("LOG_LEVEL", "warn"),
        ],
        |config| {
            config
                .with_enabled(true)
                .with_queue_size(7)
                .with_environment(DeploymentEnvironment::Production)
                .with_log_level(Level::Debug)
        },
    );
    for (name, value) in [
        ("OTEL_BSP_MAX_QUEUE_SIZE", "7"),
        ("ENVIRONMENT", "production"),
        ("LOG_LEVEL", "debug"),
    ] {
        let setting = setting(&status, name);
        assert_eq!(
            (setting.value.as_str(), setting.origin),
            (value, Origin::Code)
        );
    }
    let disabled = setting(&status, "OTEL_SDK_DISABLED");
    assert_eq!(disabled.origin, Origin::Environment("OTEL_SDK_DISABLED"));
    assert_eq!(disabled.value, "true");
}

#[test]
fn the_variable_for_traces_wins_over_the_general_one() {
    let status = status(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://general:4318"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://traces:4317"),
    ]);
    assert_eq!(status.otlp_endpoint.as_deref(), Some("http://traces:4317"));
}

#[test]
fn a_variable_that_cannot_be_used_leaves_it_to_the_next() {
    let status = status(&[("LOG_LEVEL", "loud"), ("RUST_LOG", "error")]);
    let level = setting(&status, "LOG_LEVEL");
    assert_eq!(
        (level.value.as_str(), level.origin),
        ("error", Origin::Environment("RUST_LOG"))
    );
    assert_eq!(status.warnings.len(), 1);
}

#[test]
fn a_bad_directive_warns_once_and_costs_itself_alone() {
    let status = status(&[("LOG_LEVEL", "info,hyper=loud,my_crate::db=debug")]);
    let level = setting(&status, "LOG_LEVEL");
    assert_eq!(level.value, "info,my_crate::db=debug");
    assert_eq!(level.origin, Origin::Environment("LOG_LEVEL"));
    assert_eq!(status.warnings.len(), 1);
    assert!(status.warnings[0].contains("`hyper=loud` in LOG_LEVEL"));
}

#[test]
fn the_protocol_follows_from_the_port() {
    for (endpoint, protocol) in [
        ("http://localhost:4317", "grpc"),
        ("http://localhost:4318", "http/protobuf"),
        ("http://collector", "http/protobuf"),
    ] {
        let status = status_with(&[], |config| config.with_otlp_endpoint(endpoint));
        let setting = setting(&status, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL");
        assert_eq!(
            (setting.value.as_str(), setting.origin),
            (protocol, Origin::Default)
        );
    }
}

#[test]
fn a_service_without_a_name_is_called_after_its_program() {
    let name = |status: &Status| setting(status, "OTEL_SERVICE_NAME").value;
    assert_eq!(name(&status(&[])), "my-app");
    let from_attributes = status(&[("OTEL_RESOURCE_ATTRIBUTES", "service.name=from-attributes")]);
    assert_eq!(name(&from_attributes), "from-attributes");
    let unknown = name(&status_of(ObservabilityConfig::new("").with_enabled(false)));
    assert!(
        unknown.starts_with("unknown_service:settings-"),
        "{unknown}"
    );
}
