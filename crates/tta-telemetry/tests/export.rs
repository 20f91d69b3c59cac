//! Spans arrive at a backend as one trace, over both protocols.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod support;

use std::collections::HashMap;
use std::time::Duration;

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use support::{SPANS, alone, assert_balanced, block_on, run_workflow, run_workflows, traces_only};
use tta_core::{Attribute, Error, ErrorKind, WorkflowContext, step};
use tta_telemetry::{DropReason, ObservabilityConfig, ObservabilityGuard, Protocol};
use tta_testkit::otlp::{OtlpReceiver, Protocol as Wire, ReceivedSpan, Reply};
use tta_testkit::require;
use tta_testkit::servers::{DebugSignal, OtlpCollector};

const PATIENCE: Duration = Duration::from_secs(5);

fn grpc(receiver: &OtlpReceiver) -> ObservabilityConfig {
    traces_only()
        .with_otlp_endpoint(receiver.grpc_endpoint())
        .with_otlp_protocol(Protocol::Grpc)
}

fn http(receiver: &OtlpReceiver) -> ObservabilityConfig {
    traces_only()
        .with_otlp_endpoint(receiver.http_endpoint())
        .with_otlp_protocol(Protocol::HttpProtobuf)
}

fn over_both(test: impl Fn(&OtlpReceiver, ObservabilityGuard, Wire)) {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    test(&receiver, grpc(&receiver).init(), Wire::Grpc);
    let receiver = OtlpReceiver::start().unwrap();
    test(&receiver, http(&receiver).init(), Wire::Http);
}

fn text<'a>(span: &'a ReceivedSpan, key: &str) -> Option<&'a str> {
    match span.attribute(key) {
        Some(Value::StringValue(text)) => Some(text),
        _ => None,
    }
}

#[test]
fn a_workflow_is_one_trace_with_the_right_parents() {
    over_both(|receiver, guard, wire| {
        run_workflow().unwrap();
        let spans = receiver.wait_for_spans(3, PATIENCE).unwrap();
        assert_eq!(receiver.requests()[0].protocol, wire);
        let by_name: HashMap<_, _> = spans.iter().map(|s| (s.span.name.as_str(), s)).collect();
        let root = by_name["workflow.execute"];
        assert_eq!(root.parent_span_id(), None);
        for step in ["double.execute", "increment.execute"] {
            assert_eq!(by_name[step].trace_id(), root.trace_id());
            assert_eq!(by_name[step].parent_span_id(), Some(root.span_id()));
            assert_eq!(by_name[step].scope.name, "tta");
            assert_eq!(
                text(by_name[step], "correlation_id"),
                text(root, "correlation_id")
            );
        }
        assert_eq!(
            text(by_name["double.execute"], "primitive.name"),
            Some("double")
        );
        assert_eq!(
            text(by_name["double.execute"], "primitive.type"),
            Some("StepPrimitive")
        );
        assert!(text(root, "workflow.id").is_some());
        assert_eq!(spans.len(), 3);
        assert!(guard.shutdown().result().is_ok());
        assert_balanced(&guard);
        assert_eq!(guard.ledger().traces.delivered, SPANS);
    });
}

#[test]
fn attributes_events_and_errors_are_joined_to_their_span() {
    over_both(|receiver, guard, _| {
        block_on(async {
            let failing = step(
                "charge",
                async |(), ctx: &WorkflowContext| -> tta_core::Result<()> {
                    ctx.set_attribute("cost_usd", 0.5);
                    ctx.set_attribute("attempt", 1_i64);
                    ctx.set_attribute("attempt", 2_i64);
                    ctx.event("card_checked", vec![Attribute::new("ok", false)]);
                    Err(Error::new(ErrorKind::Unavailable, "bank is closed"))
                },
            );
            let ctx = WorkflowContext::builder()
                .correlation_id("req-7")
                .session_id("s-1")
                .build();
            failing.execute((), &ctx).await.unwrap_err();
        });
        let spans = receiver.wait_for_spans(2, PATIENCE).unwrap();
        let span = spans
            .iter()
            .find(|s| s.span.name == "charge.execute")
            .unwrap();
        assert_eq!(text(span, "error.type"), Some("unavailable"));
        assert_eq!(text(span, "correlation_id"), Some("req-7"));
        assert_eq!(text(span, "session.id"), Some("s-1"));
        assert_eq!(span.attribute("cost_usd"), Some(&Value::DoubleValue(0.5)));
        assert_eq!(span.attribute("attempt"), Some(&Value::IntValue(2)));
        let events: Vec<_> = span.span.events.iter().map(|e| e.name.as_str()).collect();
        assert_eq!(events, ["card_checked", "exception"]);
        let status = span.span.status.as_ref().unwrap();
        assert_eq!(status.code, 2);
        assert!(status.message.contains("bank is closed"));
        let exceptions: usize = spans
            .iter()
            .map(|s| {
                s.span
                    .events
                    .iter()
                    .filter(|e| e.name == "exception")
                    .count()
            })
            .sum();
        assert_eq!(exceptions, 1);
        drop(guard);
    });
}

#[test]
fn more_attributes_than_the_limit_are_counted() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = grpc(&receiver).init();
    block_on(async {
        let wide = step("wide", async |(), ctx: &WorkflowContext| {
            for n in 0..200 {
                ctx.set_attribute(format!("key{n}"), i64::from(n));
            }
            Ok(())
        });
        wide.execute((), &WorkflowContext::new()).await.unwrap();
    });
    let spans = receiver.wait_for_spans(2, PATIENCE).unwrap();
    let span = spans
        .iter()
        .find(|s| s.span.name == "wide.execute")
        .unwrap();
    assert_eq!(span.span.attributes.len(), 128);
    assert_eq!(span.span.dropped_attributes_count as usize, 204 - 128);
    drop(guard);
}

#[test]
fn the_resource_says_who_it_is_and_headers_are_sent() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    for config in [grpc(&receiver), http(&receiver)] {
        let guard = config
            .with_service_version("1.2.3")
            .with_resource_attribute("cloud.region", "here")
            .with_otlp_header("x-token", "canary")
            .init();
        assert!(!format!("{} {}", guard.status(), guard.status().to_json()).contains("canary"));
        receiver.forget();
        run_workflow().unwrap();
        let spans = receiver.wait_for_spans(3, PATIENCE).unwrap();
        let resource = |key| match spans[0].resource_attribute(key) {
            Some(Value::StringValue(text)) => text.clone(),
            other => panic!("{key}: {other:?}"),
        };
        assert_eq!(resource("service.name"), "test");
        assert_eq!(resource("service.version"), "1.2.3");
        assert_eq!(resource("cloud.region"), "here");
        assert_eq!(resource("deployment.environment.name"), "development");
        assert_eq!(receiver.requests()[0].header("x-token"), Some("canary"));
        drop(guard);
    }
}

#[test]
fn what_the_backend_rejects_is_counted_and_not_sent_again() {
    over_both(|receiver, guard, _| {
        receiver.push(Reply::PartialSuccess { rejected: 2 });
        run_workflow().unwrap();
        assert!(guard.flush(PATIENCE));
        let account = guard.ledger().traces;
        assert_eq!(
            (account.delivered, account.dropped_for(DropReason::Rejected)),
            (1, 2)
        );

        receiver.push(Reply::status(400, 3));
        run_workflow().unwrap();
        assert!(guard.flush(PATIENCE));
        assert_eq!(receiver.request_count(), 2);
        assert_eq!(guard.ledger().traces.dropped_for(DropReason::Rejected), 5);
        let error = guard.status().last_export_error.unwrap();
        assert!(
            error.contains("400") || error.contains("InvalidArgument"),
            "{error}"
        );
        assert_balanced(&guard);
    });
}

#[test]
fn a_backend_that_asks_to_wait_is_waited_for() {
    over_both(|receiver, guard, _| {
        receiver.push(Reply::unavailable().with_retry_after(Duration::from_secs(1)));
        run_workflow().unwrap();
        assert!(guard.flush(PATIENCE));
        let requests = receiver.requests();
        assert_eq!(requests.len(), 2);
        let waited = requests[1].arrived - requests[0].arrived;
        assert!(waited >= Duration::from_secs(1), "{waited:?}");
        assert_eq!(guard.ledger().traces.delivered, SPANS);
        assert_balanced(&guard);
    });
}

#[test]
fn a_batch_has_no_more_spans_than_was_asked_for() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = grpc(&receiver)
        .with_batch_size(10)
        .with_batch_delay(Duration::from_mins(1))
        .init();
    run_workflows(40);
    assert!(guard.flush(PATIENCE));
    assert_eq!(receiver.span_count(), 120);
    let largest = receiver.requests().iter().map(|r| r.payload.count()).max();
    assert!(largest <= Some(10), "{largest:?}");
    drop(guard);
}

#[test]
fn a_collector_that_is_not_ours_reads_both_protocols() {
    let _alone = alone();
    let collector = require!(OtlpCollector::start(DebugSignal::Traces));
    let both = [
        (collector.grpc_endpoint(), Protocol::Grpc),
        (collector.http_endpoint(), Protocol::HttpProtobuf),
    ];
    for (endpoint, protocol) in both {
        let guard = traces_only()
            .with_otlp_endpoint(endpoint)
            .with_otlp_protocol(protocol)
            .init();
        let name = format!("via-{}", protocol.as_str().replace('/', "-"));
        block_on(async {
            let named = step(name.clone(), async |n: u32| Ok(n));
            named.execute(1, &WorkflowContext::new()).await.unwrap();
        });
        let report = guard.shutdown();
        assert_eq!(report.ledger.traces.delivered, 2, "{}", guard.status());
        let output = collector.wait_for_output(&format!("{name}.execute"), PATIENCE);
        assert!(output.is_ok(), "{output:?}");
    }
}
