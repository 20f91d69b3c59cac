//! A real collector, sent spans by the exporter of the OpenTelemetry project.

use std::net::TcpStream;
use std::time::{Duration, SystemTime};

use opentelemetry::InstrumentationScope;
use opentelemetry::trace::{
    SpanContext, SpanId, SpanKind, Status, TraceFlags, TraceId, TraceState,
};
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SpanData, SpanEvents, SpanExporter as _, SpanLinks};
use tta_testkit::require;
use tta_testkit::servers::{DebugSignal, OtlpCollector};

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_prints_what_it_decodes_over_grpc() {
    let collector = require!(OtlpCollector::start(DebugSignal::Traces));
    let endpoint = collector.grpc_endpoint();
    let exporter = SpanExporter::builder()
        .with_tonic()
        .with_endpoint(endpoint)
        .build();
    export(exporter.unwrap(), "sent-over-grpc").await;
    let output = collector
        .wait_for_output("sent-over-grpc", PATIENT)
        .unwrap();
    assert!(output.contains("a-service"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_collector_prints_what_it_decodes_over_http() {
    let collector = require!(OtlpCollector::start(DebugSignal::Traces));
    let endpoint = format!("{}/v1/traces", collector.http_endpoint());
    let builder = SpanExporter::builder()
        .with_http()
        .with_protocol(Protocol::HttpBinary);
    export(
        builder.with_endpoint(endpoint).build().unwrap(),
        "sent-over-http",
    )
    .await;
    let output = collector
        .wait_for_output("sent-over-http", PATIENT)
        .unwrap();
    assert!(output.contains("a-service"), "{output}");
}

#[test]
fn a_stopped_collector_refuses_and_a_restarted_one_is_on_its_ports() {
    let collector = require!(OtlpCollector::start(DebugSignal::Logs));
    let ports = [collector.grpc_endpoint(), collector.http_endpoint()];
    let open = |endpoint: &String| TcpStream::connect(endpoint.replace("http://", "")).is_ok();
    assert!(ports.iter().all(open));
    collector.stop();
    assert!(!ports.iter().any(open));
    collector.restart().unwrap();
    assert!(ports.iter().all(open));
}

#[test]
fn waiting_for_what_is_never_sent_shows_what_was_written() {
    let collector = require!(OtlpCollector::start(DebugSignal::Metrics));
    let error = collector
        .wait_for_output("never sent", Duration::from_millis(50))
        .unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
    assert!(
        error
            .to_string()
            .starts_with("no `never sent` after 50ms in:"),
        "{error}"
    );
}

async fn export(mut exporter: SpanExporter, name: &'static str) {
    exporter.set_resource(
        &Resource::builder_empty()
            .with_service_name("a-service")
            .build(),
    );
    let ids = (TraceId::from(42), SpanId::from(7));
    let span = SpanData {
        span_context: SpanContext::new(
            ids.0,
            ids.1,
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: SpanId::INVALID,
        parent_span_is_remote: false,
        span_kind: SpanKind::Internal,
        name: name.into(),
        start_time: SystemTime::now(),
        end_time: SystemTime::now(),
        attributes: Vec::new(),
        dropped_attributes_count: 0,
        events: SpanEvents::default(),
        links: SpanLinks::default(),
        status: Status::Ok,
        instrumentation_scope: InstrumentationScope::builder("testkit").build(),
    };
    assert!(exporter.export(vec![span]).await.is_ok());
}

const PATIENT: Duration = Duration::from_secs(20);
