//! Presets: defaults that everything else wins over.

use tta_core::Level;
use tta_telemetry::{LogFormat, ObservabilityConfig, Origin, Preset};

use crate::{setting, status_of, status_with};

#[test]
fn each_preset_has_its_values_and_says_so() {
    for (preset, name, value) in [
        (Preset::Development, "ENVIRONMENT", "development"),
        (Preset::Development, "LOG_LEVEL", "debug"),
        (Preset::Development, "LOG_FORMAT", "text"),
        (Preset::Development, "OTEL_BSP_SCHEDULE_DELAY", "200"),
        (Preset::Development, "TTA_SHUTDOWN_TIMEOUT", "500"),
        (Preset::Production, "ENVIRONMENT", "production"),
        (Preset::Production, "LOG_FORMAT", "json"),
        (
            Preset::Production,
            "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
            "gzip",
        ),
        (Preset::Production, "OTEL_BSP_MAX_QUEUE_SIZE", "16384"),
        (Preset::Production, "OTEL_BLRP_MAX_QUEUE_SIZE", "16384"),
        (Preset::Production, "with_queue_bytes", "33554432"),
        (Preset::Production, "TTA_SHUTDOWN_TIMEOUT", "5000"),
        (Preset::Test, "OTEL_TRACES_EXPORTER", "none"),
        (Preset::Test, "OTEL_METRICS_EXPORTER", "none"),
        (Preset::Test, "OTEL_LOGS_EXPORTER", "none"),
        (Preset::Test, "with_prometheus", "false"),
        (Preset::Test, "with_logs", "false"),
        (Preset::Test, "OTEL_TRACES_SAMPLER", "always_on"),
    ] {
        let status = status_with(&[], |config| config.with_preset(preset));
        let setting = setting(&status, name);
        let expected = (value, Origin::Preset(preset.as_str()));
        assert_eq!((setting.value.as_str(), setting.origin), expected, "{name}");
        assert!(status.warnings.is_empty(), "{:?}", status.warnings);
    }
}

#[test]
fn what_the_environment_and_the_program_say_wins_over_a_preset() {
    let status = status_with(&[("TTA_SHUTDOWN_TIMEOUT", "7")], |config| {
        config
            .with_preset(Preset::Development)
            .with_log_level(Level::Warn)
    });
    let shutdown = setting(&status, "TTA_SHUTDOWN_TIMEOUT");
    let by_variable = Origin::Environment("TTA_SHUTDOWN_TIMEOUT");
    assert_eq!(
        (shutdown.value.as_str(), shutdown.origin),
        ("7", by_variable)
    );
    let level = setting(&status, "LOG_LEVEL");
    assert_eq!((level.value.as_str(), level.origin), ("warn", Origin::Code));
    // What neither says is the preset's.
    let format = setting(&status, "LOG_FORMAT");
    assert_eq!(format.value, LogFormat::Text.as_str());
}

#[test]
fn a_test_exports_nothing_and_opens_no_port() {
    let status = status_of(ObservabilityConfig::test("my-app"));
    for part in &status.parts {
        let is_quiet = part.state == tta_telemetry::State::Disabled || part.name == "tracing";
        assert!(is_quiet, "{part:?}");
    }
    assert_eq!(status.metrics_url, None);
}

#[test]
fn each_constructor_takes_its_preset() {
    for (config, preset) in [
        (ObservabilityConfig::development("a"), "development"),
        (ObservabilityConfig::production("a"), "production"),
        (ObservabilityConfig::test("a"), "test"),
    ] {
        let status = status_of(config.with_enabled(false));
        let timeout = setting(&status, "TTA_SHUTDOWN_TIMEOUT");
        assert_eq!(timeout.origin.to_string(), format!("preset {preset}"));
    }
}
