//! Log records over OTLP, as a backend receives them.

mod support;

use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::logs::v1::LogRecord;
use support::{SPANS, alone, block_on, eventually, run_workflow};
use tta_core::{Error, ErrorKind, WorkflowContext, step};
use tta_telemetry::{Compression, ObservabilityConfig, Protocol, State};
use tta_testkit::otlp::{OtlpReceiver, ReceivedLog, Reply, Signal};

fn to(receiver: &OtlpReceiver, protocol: Protocol) -> ObservabilityConfig {
    let endpoint = match protocol {
        Protocol::Grpc => receiver.grpc_endpoint(),
        _ => receiver.http_endpoint(),
    };
    ObservabilityConfig::from_env_with("billing", |name| {
        (name == "OTEL_BLRP_SCHEDULE_DELAY").then(|| "20".to_owned())
    })
    .with_prometheus(false)
    .with_batch_delay(Duration::from_millis(20))
    .with_otlp_endpoint(endpoint)
    .with_otlp_protocol(protocol)
}

fn attribute(record: &LogRecord, key: &str) -> Option<Value> {
    let mut pairs = record.attributes.iter();
    pairs.find(|pair| pair.key == key)?.value.clone()?.value
}

/// As an attribute or a body would have it.
#[expect(
    clippy::unnecessary_wraps,
    reason = "compared with what may not be there"
)]
fn text(value: &str) -> Option<Value> {
    Some(Value::StringValue(value.to_owned()))
}

fn body(received: &ReceivedLog) -> Option<Value> {
    received.record.body.clone()?.value
}

#[test]
fn a_line_and_its_record_say_the_same_over_both_protocols_compressed_and_not() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    for (protocol, compression) in [
        (Protocol::Grpc, Compression::Gzip),
        (Protocol::HttpProtobuf, Compression::None),
        (Protocol::HttpProtobuf, Compression::Gzip),
    ] {
        receiver.forget();
        let guard = to(&receiver, protocol)
            .with_otlp_compression(compression)
            .init();
        tracing::warn!(target: "billing::invoices", invoice = 7, ratio = 0.5, paid = false, by = "ada\n", "late");
        assert!(guard.flush(Duration::from_secs(5)), "{}", guard.status());
        let logs = receiver.logs();
        let late = logs
            .iter()
            .find(|log| body(log) == text("late"))
            .unwrap_or_else(|| panic!("{logs:?}"));
        let record = &late.record;
        assert_eq!(record.severity_text, "warn");
        assert_eq!(record.severity_number, 13);
        assert_eq!(attribute(record, "invoice"), Some(Value::IntValue(7)));
        assert_eq!(attribute(record, "ratio"), Some(Value::DoubleValue(0.5)));
        assert_eq!(attribute(record, "paid"), Some(Value::BoolValue(false)));
        assert_eq!(attribute(record, "by"), text("ada\n"));
        assert_eq!(late.scope.name, "billing::invoices");
        for known in ["timestamp", "level", "message", "service", "target"] {
            assert_eq!(attribute(record, known), None, "{known}");
        }
        assert!(record.trace_id.is_empty() && record.span_id.is_empty());
        assert!(record.time_unix_nano > 1_700_000_000_000_000_000);
        let account = guard.ledger().logs;
        assert!(account.is_balanced(), "{account:?}");
        assert_eq!(account.delivered, account.created);
    }
}

#[test]
fn a_record_has_the_ids_of_the_step_it_was_logged_in() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = to(&receiver, Protocol::HttpProtobuf).init();
    let ctx = WorkflowContext::builder().correlation_id("req-42").build();
    let failing = step("charge", async |_: u32| {
        tracing::info!("inside");
        Err::<u32, _>(Error::new(ErrorKind::Unavailable, "down"))
    });
    block_on(async { failing.execute(1, &ctx).await }).unwrap_err();
    assert!(guard.flush(Duration::from_secs(5)));
    let spans = receiver.spans();
    let logs = receiver.logs();
    let inside = logs.iter().find(|log| body(log) == text("inside")).unwrap();
    let step = spans
        .iter()
        .find(|span| span.span.name == "charge.execute")
        .unwrap();
    assert_eq!(inside.record.trace_id, step.span.trace_id);
    assert_eq!(inside.record.span_id, step.span.span_id);
    assert_eq!(attribute(&inside.record, "correlation_id"), text("req-42"));

    let ours = logs
        .iter()
        .find(|log| log.record.event_name == "primitive_execution_complete")
        .unwrap();
    assert_eq!(attribute(&ours.record, "primitive"), text("charge"));
    assert_eq!(attribute(&ours.record, "error_type"), text("unavailable"));
    drop(guard);
}

#[test]
fn an_outage_of_the_log_backend_is_no_outage_of_the_traces() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = to(&receiver, Protocol::HttpProtobuf).init();
    for _ in 0..8 {
        receiver.push_for(Signal::Logs, Reply::status(400, 3));
    }
    tracing::warn!("refused");
    run_workflow().unwrap();
    eventually("the log exporter notices", || {
        guard.status().part("logs_otlp").unwrap().state == State::Degraded
    });
    assert!(guard.flush(Duration::from_secs(5)));
    assert_eq!(guard.ledger().traces.delivered, SPANS);
    assert_eq!(guard.ledger().traces.dropped(), 0);
    assert!(guard.ledger().logs.dropped() > 0);
    assert!(guard.ledger().logs.is_balanced());
    drop(guard);
}

#[test]
fn what_the_exporter_itself_logs_does_not_feed_it() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = to(&receiver, Protocol::HttpProtobuf).init();
    // What is logged begins at info, and what the worker says about itself is above that.
    for _ in 0..3 {
        receiver.push_for(Signal::Traces, Reply::status(400, 3));
    }
    run_workflow().unwrap();
    eventually("the worker has said so", || {
        guard.status().part("traces").unwrap().state == State::Degraded
    });
    assert!(guard.flush(Duration::from_secs(5)));
    let own = receiver
        .logs()
        .iter()
        .filter(|log| log.record.event_name.starts_with("telemetry_"))
        .count();
    assert_eq!(own, 0);
    drop(guard);
}

#[test]
fn records_stop_with_the_shutdown_and_begin_anew_with_the_next_initialisation() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = to(&receiver, Protocol::HttpProtobuf).init();
    tracing::warn!("first");
    let report = guard.shutdown();
    assert!(report.result().is_ok(), "{report}");
    tracing::warn!("between");
    let account = guard.ledger().logs;
    assert_eq!(account.created, account.delivered, "{account:?}");
    let guard = to(&receiver, Protocol::HttpProtobuf).init();
    tracing::warn!("second");
    drop(guard);
    let bodies: Vec<_> = receiver.logs().iter().filter_map(body).collect();
    let has = |what| bodies.contains(&Value::StringValue(String::from(what)));
    assert!(
        has("first") && has("second") && !has("between"),
        "{bodies:?}"
    );
}
