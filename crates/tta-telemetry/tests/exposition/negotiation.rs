//! Who gets which format.

use tta_metrics_server::{Exposition, HealthStatus};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};

const OPEN: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";

#[test]
fn the_header_decides_as_http_says() {
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    for (accept, expected) in [
        (None, TEXT),
        (Some(""), TEXT),
        (Some("*/*"), TEXT),
        (
            Some("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"),
            TEXT,
        ),
        (Some("text/plain"), TEXT),
        (Some("application/openmetrics-text"), OPEN),
        (
            Some("application/openmetrics-text; version=1.0.0; charset=utf-8"),
            OPEN,
        ),
        (Some("Application/OpenMetrics-Text;Version=1.0.0"), OPEN),
        (Some("application/openmetrics-text;version=\"1.0.0\""), OPEN),
        // Prometheus 2 and 3.
        (
            Some(
                "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            ),
            OPEN,
        ),
        (
            Some(
                "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
            ),
            OPEN,
        ),
        // Telegraf and others who want text and can do with the other.
        (
            Some("text/plain;version=0.0.4;q=1,application/openmetrics-text;q=0.9"),
            TEXT,
        ),
        (
            Some("application/openmetrics-text;q=0.5,text/plain;q=0.5"),
            OPEN,
        ),
        (
            Some("application/openmetrics-text;q=0.4,text/*;q=0.5"),
            TEXT,
        ),
        (Some("application/openmetrics-text;q=0,*/*"), TEXT),
        (Some("application/openmetrics-text;version=2.0.0"), TEXT),
        (
            Some("application/openmetrics-text;q=nonsense,text/plain;q=0.1"),
            TEXT,
        ),
        (Some("application/openmetrics-text;q=7"), TEXT),
        (Some(",,;;=,/"), TEXT),
        (Some("application/json"), TEXT),
    ] {
        assert_eq!(exposition.content_type(accept), expected, "{accept:?}");
    }
}

#[test]
fn a_page_is_in_the_format_that_its_content_type_names() {
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        let page = exposition.metrics(format.content_type());
        let ended = page.ends_with(b"# EOF\n");
        assert_eq!(ended, format == ExpositionFormat::OpenMetrics);
    }
}

#[test]
fn trouble_of_telemetry_is_shown_and_is_no_reason_to_end_the_application() {
    for (well, status) in [
        (true, HealthStatus::Healthy),
        (false, HealthStatus::Degraded),
    ] {
        let exposition = PrometheusExposition::new(ExpositionOptions {
            health: Box::new(move || (well, format!("{{\"well\":{well}}}"))),
            ..ExpositionOptions::default()
        });
        let report = Exposition::health(&exposition);
        assert_eq!(report.status(), status);
        assert_eq!(report.json(), format!("{{\"well\":{well}}}").as_bytes());
    }
}
