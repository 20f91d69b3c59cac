//! The builder, method by method.

use std::collections::HashSet;
use std::time::Duration;

use tta_core::{ContentCapture, ExemplarFilter, Level};
use tta_telemetry::{
    Compression, DeploymentEnvironment, Exporter, LogFormat, LogLimits, ObservabilityConfig,
    Origin, Protocol, SETTINGS, Sampler, SpanLimits, Temporality,
};

use crate::{setting, status_with};

#[test]
fn every_method_sets_the_setting_that_declares_it() {
    let all = |config: ObservabilityConfig| {
        config
            .with_service_name("s")
            .with_service_version("v")
            .with_resource_attribute("k", "v")
            .with_environment(DeploymentEnvironment::Staging)
            .with_otlp_endpoint("http://localhost:1")
            .with_otlp_protocol(Protocol::Grpc)
            .with_otlp_header("k", "v")
            .with_otlp_timeout(Duration::from_secs(1))
            .with_otlp_compression(Compression::Gzip)
            .with_otlp_certificate("ca.pem")
            .with_otlp_client_certificate("client.pem", "client.key")
            .with_otlp_insecure(true)
            .with_traces_exporters([Exporter::Otlp])
            .with_metrics_exporters([Exporter::Otlp])
            .with_logs_exporters([Exporter::Otlp])
            .with_span_limits(SpanLimits::default())
            .with_log_limits(LogLimits::default())
            .with_exemplar_filter(ExemplarFilter::AlwaysOff)
            .with_batch_timeout(Duration::from_secs(1))
            .with_log_batch_delay(Duration::from_secs(1))
            .with_log_batch_timeout(Duration::from_secs(1))
            .with_log_batch_size(1)
            .with_log_queue_size(1)
            .with_metric_timeout(Duration::from_secs(1))
            .with_sampler(Sampler::AlwaysOff)
            .with_sample_ratio(0.5)
            .with_workflow_sampler("w", Sampler::AlwaysOn)
            .with_tail_keep(true)
            .with_tail_slow(Duration::from_secs(1))
            .with_tail_traces(1)
            .with_tail_bytes(1)
            .with_batch_delay(Duration::from_secs(1))
            .with_batch_size(1)
            .with_queue_size(1)
            .with_queue_bytes(1)
            .with_metric_temporality(Temporality::Delta)
            .with_metric_interval(Duration::from_secs(1))
            .with_prometheus(false)
            .with_prometheus_host("h")
            .with_prometheus_port(1)
            .with_prometheus_basic_auth("name", "secret")
            .with_prometheus_password_file("name", "p")
            .with_prometheus_tls("c", "k")
            .with_prometheus_client_ca("a")
            .with_metric_aliases(true)
            .with_label_limit(1)
            .with_logs(false)
            .with_log_level(Level::Trace)
            .with_log_filter(Level::Debug)
            .with_content_capture(ContentCapture::SpanOnly)
            .with_log_format(LogFormat::Text)
            .with_shutdown_timeout(Duration::from_secs(1))
    };
    let status = status_with(&[], all);
    for spec in SETTINGS {
        let shown = setting(&status, spec.name());
        let by_code = spec.method.is_some() && !spec.environment_wins;
        assert_eq!(shown.origin == Origin::Code, by_code, "{shown:?}");
    }
    assert_eq!(status.settings.len(), SETTINGS.len());
    let names: HashSet<_> = SETTINGS.iter().map(|spec| spec.name()).collect();
    assert_eq!(names.len(), SETTINGS.len());
}
