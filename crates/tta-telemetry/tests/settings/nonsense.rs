//! What a program sets and cannot be: an error for who asks, else a warning, and the default holds.

use std::time::Duration;

use tta_core::ErrorKind;
use tta_telemetry::{Exporter, ObservabilityConfig, Origin, OtlpOptions, Sampler};

use crate::{alone, setting, status_of};

/// A mistake, as a program makes it.
type Mistake = fn(ObservabilityConfig) -> ObservabilityConfig;

/// Each with what the message names.
const MISTAKES: [(&str, Mistake); 16] = [
    ("with_service_name", |config| config.with_service_name(" ")),
    ("with_resource_attribute", |config| {
        config.with_resource_attribute("", "value")
    }),
    ("with_batch_size(0)", |config| config.with_batch_size(0)),
    ("with_queue_size(0)", |config| config.with_queue_size(0)),
    ("with_queue_bytes(0)", |config| config.with_queue_bytes(0)),
    ("with_log_batch_size(0)", |config| {
        config.with_log_batch_size(0)
    }),
    ("with_log_queue_size(0)", |config| {
        config.with_log_queue_size(0)
    }),
    ("with_label_limit(0)", |config| config.with_label_limit(0)),
    ("with_metric_interval", |config| {
        config.with_metric_interval(Duration::ZERO)
    }),
    ("with_prometheus_host", |config| {
        config.with_prometheus_host("")
    }),
    ("ratio of 1.5", |config| config.with_sample_ratio(1.5)),
    ("ratio of NaN", |config| {
        config.with_sampler(Sampler::Ratio(f64::NAN))
    }),
    ("with_traces_exporters", |config| {
        config.with_traces_exporters([Exporter::Prometheus])
    }),
    ("header", |config| {
        config.with_otlp_header("api key", "canary")
    }),
    ("header", |config| {
        config.with_otlp_logs(OtlpOptions::new().with_header("api-key", "canary\r\nx: y"))
    }),
    ("endpoint from code", |config| {
        config.with_otlp_metrics_endpoint("localhost:4317")
    }),
];

#[test]
fn a_mistake_is_a_configuration_error_for_who_asks() {
    for (named, mistake) in MISTAKES {
        let config = ObservabilityConfig::new("my-app").with_enabled(false);
        let error = mistake(config).try_init().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{named}");
        let said = error.to_string();
        assert!(said.contains(named), "{named}: {said}");
        assert!(!said.contains("canary") && !said.contains('\n'), "{said}");
    }
}

#[test]
fn a_mistake_is_one_warning_for_who_does_not_ask_and_the_default_holds() {
    let plain = status_of(ObservabilityConfig::new("my-app").with_enabled(false));
    for (named, mistake) in MISTAKES {
        let config = ObservabilityConfig::new("my-app").with_enabled(false);
        let status = status_of(mistake(config));
        assert_eq!(status.warnings.len(), 1, "{named}: {:?}", status.warnings);
        assert!(status.warnings[0].contains(named), "{:?}", status.warnings);
        if !named.starts_with("ratio") && named != "with_traces_exporters" {
            assert_eq!(status.settings, plain.settings, "{named}");
        }
    }
}

#[test]
fn what_is_right_starts() {
    let _alone = alone();
    let guard = ObservabilityConfig::new("my-app")
        .with_enabled(false)
        .with_queue_size(1)
        .with_otlp_header("api-key", "value")
        .with_sample_ratio(0.0)
        .try_init();
    assert!(guard.is_ok());
}

#[test]
fn what_the_environment_says_is_no_error() {
    let _alone = alone();
    let lookup = |name: &str| match name {
        "OTEL_BSP_MAX_QUEUE_SIZE" => Some("0".to_owned()),
        "OTEL_SDK_DISABLED" => Some("true".to_owned()),
        _ => None,
    };
    let guard = ObservabilityConfig::from_env_with("my-app", lookup).try_init();
    assert_eq!(guard.unwrap().status().warnings.len(), 1);
}

#[test]
fn a_signals_own_options_go_before_the_general_ones_and_over_the_environment() {
    let lookup = |name: &str| (name == "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT").then(|| "9".to_owned());
    let own = OtlpOptions::new().with_timeout(Duration::from_millis(7));
    let status = status_of(
        ObservabilityConfig::from_env_with("my-app", lookup)
            .with_enabled(false)
            .with_otlp_timeout(Duration::from_millis(8))
            .with_otlp_logs(own),
    );
    for (signal, value) in [("TRACES", "8"), ("METRICS", "8"), ("LOGS", "7")] {
        let timeout = setting(&status, &format!("OTEL_EXPORTER_OTLP_{signal}_TIMEOUT"));
        assert_eq!(
            (timeout.value.as_str(), timeout.origin),
            (value, Origin::Code)
        );
    }
}
