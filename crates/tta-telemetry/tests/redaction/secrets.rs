//! Our own secrets, in all that can be printed of the telemetry itself.

use std::sync::Arc;

use tta_telemetry::{ExportError, ObservabilityConfig, SpanSink};

use crate::support::{Act, Scripted, alone, eventually, run_workflow, traces_only};

#[test]
fn no_header_url_or_attribute_of_ours_is_shown_by_what_can_be_printed() {
    let _alone = alone();
    let config = ObservabilityConfig::from_env_with("shop", |name| {
        let value = match name {
            "OTEL_EXPORTER_OTLP_HEADERS" => "x-key=canary",
            "OTEL_RESOURCE_ATTRIBUTES" => "db.password=canary,cloud.region=here",
            "LOG_LEVEL" => "info,password=canary",
            "OTEL_EXPORTER_OTLP_ENDPOINT" => "http://127.0.0.1:1/v1?api_key=canary",
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT" => "http://ada:canary@127.0.0.1:1",
            _ => return None,
        };
        Some(value.to_owned())
    })
    .with_otlp_header("authorization", "Bearer canary")
    .with_prometheus_port(0)
    .with_shutdown_timeout(std::time::Duration::from_millis(10))
    .with_logs(false);
    assert!(!format!("{config:?}").contains("canary"));
    let guard = config.init();
    eventually("the backend is looked for", || {
        guard.status().last_export_error.is_some()
    });
    let status = guard.status();
    for shown in [
        format!("{guard:?}"),
        format!("{status:?}"),
        status.to_string(),
        status.to_json(),
    ] {
        assert!(!shown.contains("canary"), "{shown}");
    }
    let endpoint = status.otlp_endpoint.as_deref();
    assert_eq!(endpoint, Some("http://127.0.0.1:1/v1?api_key=***"));
    let attributes = status.setting("OTEL_RESOURCE_ATTRIBUTES").unwrap();
    assert!(attributes.value.contains("cloud.region=here"));
    let address = status.metrics_url.unwrap();
    let address = address.trim_start_matches("http://");
    let address = address.trim_end_matches("/metrics").parse().unwrap();
    let page = tta_testkit::http::get(address, "/metrics").unwrap().text();
    assert!(page.contains("cloud_region=\"here\""), "{page}");
    assert!(!page.contains("canary"), "{page}");
}

#[test]
fn a_backend_that_repeats_a_key_is_not_quoted_with_it() {
    let _alone = alone();
    let sink = Scripted::new(|_| {
        Act::Fail(ExportError::Rejected {
            message: "the key sk-canarycanarycanary is unknown".to_owned(),
        })
    });
    let guard = traces_only()
        .with_span_sink(sink as Arc<dyn SpanSink>)
        .init();
    run_workflow().unwrap();
    eventually("it is refused", || {
        guard.status().last_export_error.is_some()
    });
    let said = guard.status().last_export_error.unwrap();
    assert!(said.contains("the key *** is unknown"), "{said}");
    drop(guard);
}
