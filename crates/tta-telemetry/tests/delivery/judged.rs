//! What we send, as programs understand it that are not ours.

use std::net::SocketAddr;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use serde_json::Value;
use tta_core::{Attribute, Parent, SpanId, TraceId, WorkflowContext, step};
use tta_telemetry::opentelemetry::global;
use tta_telemetry::opentelemetry::trace::{Span as _, Tracer};
use tta_telemetry::{ObservabilityConfig, Protocol, Temporality};
use tta_testkit::http;
use tta_testkit::judges::OtlpProto;
use tta_testkit::otlp::{OtlpReceiver, ReceivedSpan, Signal};
use tta_testkit::require;
use tta_testkit::servers::{DebugSignal, OtlpCollector};

use crate::signals::{BOTH, CANARY, PATIENCE, SIGNALS, endpoint, everything_to};
use crate::support::{alone, block_on};

/// A trace of another process, with what two vendors noted.
fn caller(is_random: bool) -> Parent {
    let trace_id = TraceId::from_u128(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c);
    let span_id = SpanId::from_u64(0xb7ad_6b71_6920_3331);
    Parent::remote(trace_id, span_id, true)
        .unwrap()
        .with_random(is_random)
        .with_trace_state("vendor=1,other@x=2")
}

/// Spans with everything that a span may have, measurements with an example, and lines.
fn make_everything() {
    let linked = Parent::remote(TraceId::from_u128(7), SpanId::from_u64(9), false).unwrap();
    let ctx = WorkflowContext::builder().parent(caller(true)).build();
    block_on(async {
        let step = step(CANARY, async |linked: Parent, ctx: &WorkflowContext| {
            ctx.set_attribute("text", "é\u{2028}\n\"");
            ctx.set_attribute("number", -7_i64);
            ctx.set_attribute("share", 0.25);
            ctx.set_attribute("is_it", true);
            ctx.event("happened", vec![Attribute::new("how", "well")]);
            ctx.add_link(linked.with_trace_state("elsewhere=3"));
            global::tracer("inside").start("foreign").end();
            tracing::warn!(invoice = 7, ratio = 0.5, paid = false, "{CANARY} said");
            Ok(())
        });
        step.execute(linked, &ctx).await
    })
    .unwrap();
}

/// The messages of each signal that are sent when everything is made.
fn messages(config: ObservabilityConfig, receiver: &OtlpReceiver) -> Vec<(Signal, Vec<u8>)> {
    let guard = config.init();
    make_everything();
    assert!(guard.flush(PATIENCE), "{}", guard.status());
    drop(guard);
    let requests = receiver.requests().into_iter();
    requests
        .map(|it| (it.signal(), it.message.to_vec()))
        .collect()
}

/// What stands at the end of a path of names, in every element of the lists on the way.
fn all<'a>(value: &'a Value, path: &[&str]) -> Vec<&'a Value> {
    let Some((first, rest)) = path.split_first() else {
        return vec![value];
    };
    let found = value.get(first);
    match found {
        Some(Value::Array(list)) => list.iter().flat_map(|one| all(one, rest)).collect(),
        Some(one) => all(one, rest),
        None => Vec::new(),
    }
}

const SPANS: [&str; 3] = ["resource_spans", "scope_spans", "spans"];
const METRICS: [&str; 3] = ["resource_metrics", "scope_metrics", "metrics"];
const LOGS: [&str; 3] = ["resource_logs", "scope_logs", "log_records"];

fn named<'a>(all: &[&'a Value], name: &str) -> &'a Value {
    let found = all.iter().find(|one| one["name"] == name);
    found.unwrap_or_else(|| panic!("no {name} among {all:?}"))
}

#[test]
fn python_reads_every_signal_as_it_was_meant() {
    let _alone = alone();
    let judge = require!(OtlpProto::find());
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let config = everything_to(endpoint(&receiver, protocol), protocol);
        let messages = messages(config, &receiver);
        let read = |signal| -> Vec<Value> {
            let of = messages.iter().filter(|(of, _)| *of == signal);
            of.map(|(_, message)| judge.decode(signal, message).unwrap())
                .collect()
        };
        let spans = read(Signal::Traces);
        let spans: Vec<_> = spans.iter().flat_map(|one| all(one, &SPANS)).collect();
        let step = named(&spans, &format!("{CANARY}.execute"));
        assert_eq!(step["trace_id"], "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(step["trace_state"], "vendor=1,other@x=2");
        assert_eq!(step["links"][0]["trace_state"], "elsewhere=3");
        assert_eq!(step["links"][0]["trace_id"], format!("{:032x}", 7));
        let text = all(step, &["attributes"])
            .into_iter()
            .find(|it| it["key"] == "text");
        assert_eq!(text.unwrap()["value"]["string_value"], "é\u{2028}\n\"");
        let root = named(&spans, "workflow.execute");
        assert_eq!(root["parent_span_id"], "b7ad6b7169203331");

        let metrics = read(Signal::Metrics);
        let metrics: Vec<_> = metrics.iter().flat_map(|one| all(one, &METRICS)).collect();
        let sum = named(&metrics, "primitive_executions_total");
        assert_eq!(sum["sum"]["is_monotonic"], true);
        let durations = named(&metrics, "primitive_execution_duration_seconds");
        let points = all(durations, &["histogram", "data_points"]);
        assert!(!points.is_empty());
        named(&metrics, "active_workflows");

        let logs = read(Signal::Logs);
        let logs: Vec<_> = logs.iter().flat_map(|one| all(one, &LOGS)).collect();
        let said = format!("{CANARY} said");
        let line = logs.iter().find(|it| it["body"]["string_value"] == *said);
        let line = line.unwrap_or_else(|| panic!("{logs:?}"));
        assert_eq!(line["severity_text"], "warn");
        assert_eq!(line["trace_id"], step["trace_id"]);
        assert_eq!(line["span_id"], step["span_id"]);
    }
}

#[test]
fn python_sees_the_temporality_that_was_asked_for() {
    let _alone = alone();
    let judge = require!(OtlpProto::find());
    for (temporality, expected) in [
        (
            Temporality::Cumulative,
            "AGGREGATION_TEMPORALITY_CUMULATIVE",
        ),
        (Temporality::Delta, "AGGREGATION_TEMPORALITY_DELTA"),
    ] {
        let receiver = OtlpReceiver::start().unwrap();
        let config = everything_to(receiver.http_endpoint(), Protocol::HttpProtobuf);
        let messages = messages(config.with_metric_temporality(temporality), &receiver);
        let mut seen = 0;
        for (_, message) in messages.iter().filter(|(of, _)| *of == Signal::Metrics) {
            let read = judge.decode(Signal::Metrics, message).unwrap();
            for metric in all(&read, &METRICS) {
                for kind in ["sum", "histogram"] {
                    if let Some(of) = metric.get(kind) {
                        assert_eq!(of["aggregation_temporality"], expected, "{metric}");
                        seen += 1;
                    }
                }
            }
        }
        assert!(seen > 5, "{seen} sums and histograms");
    }
}

#[test]
fn python_follows_an_exemplar_to_a_span() {
    let _alone = alone();
    let judge = require!(OtlpProto::find());
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to(receiver.http_endpoint(), Protocol::HttpProtobuf).init();
    let followed = || {
        receiver.forget();
        // An example is renewed once a second at most, and other tests have left theirs.
        make_everything();
        assert!(guard.flush(PATIENCE));
        let spans: Vec<_> = receiver.spans().iter().map(ReceivedSpan::span_id).collect();
        let requests = receiver.requests();
        let mut metrics = requests.iter().filter(|it| it.signal() == Signal::Metrics);
        metrics.any(|request| {
            let read = judge.decode(Signal::Metrics, &request.message).unwrap();
            let metrics = all(&read, &METRICS);
            let durations = metrics
                .iter()
                .find(|it| it["name"] == "primitive_execution_duration_seconds");
            let Some(durations) = durations else {
                return false;
            };
            all(
                durations,
                &["histogram", "data_points", "exemplars", "span_id"],
            )
            .iter()
            .any(|id| spans.iter().any(|span| **id == **span))
        })
    };
    crate::signals::await_that("an exemplar is that of a span which arrived", followed);
}

/// The flags of a span in OTLP: those of W3C Trace Context, and what is known of the parent.
const SAMPLED: u32 = 1;
const RANDOM: u32 = 2;
const KNOWN: u32 = 0x100;
const REMOTE: u32 = 0x200;

#[test]
fn flags_say_what_is_known_of_a_parent_and_of_a_trace() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to(receiver.http_endpoint(), Protocol::HttpProtobuf).init();
    for (parent, random) in [
        (None, RANDOM),
        (Some(caller(true)), RANDOM),
        (Some(caller(false)), 0),
    ] {
        receiver.forget();
        let remote = if parent.is_some() { REMOTE } else { 0 };
        let ctx = match &parent {
            Some(parent) => WorkflowContext::builder().parent(parent.clone()).build(),
            None => WorkflowContext::new(),
        };
        block_on(async {
            let inside = step("inside", async |linked: Parent, ctx: &WorkflowContext| {
                ctx.add_link(linked);
                global::tracer("inside").start("foreign").end();
                Ok(())
            });
            inside.execute(caller(random == 0), &ctx).await
        })
        .unwrap();
        assert!(guard.flush(PATIENCE));
        let flags = |name: &str| {
            let spans = receiver.spans();
            let found = spans.into_iter().find(|it| it.span.name == name);
            found.unwrap_or_else(|| panic!("no {name}")).span
        };
        let usual = SAMPLED | KNOWN | random;
        assert_eq!(
            flags("workflow.execute").flags,
            usual | remote,
            "{parent:?}"
        );
        assert_eq!(flags("inside.execute").flags, usual, "{parent:?}");
        assert_eq!(flags("foreign").flags, usual, "{parent:?}");
        let other = if random == 0 { RANDOM } else { 0 };
        let link = &flags("inside.execute").links[0];
        assert_eq!(link.flags, SAMPLED | KNOWN | REMOTE | other, "{parent:?}");
        assert_eq!(link.trace_state, "vendor=1,other@x=2");
    }
}

/// Ways to spoil a message, each of which a judge must see.
fn spoiled(signal: Signal, message: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut spoiled = vec![
        ("cut off", message[..message.len() / 2].to_vec()),
        ("a byte too long", {
            let mut longer = message.to_vec();
            longer.push(0xff);
            longer
        }),
        ("a list of resources as a number", {
            // The first field's type, where its length was.
            let mut other = message.to_vec();
            other[0] = (other[0] & !7) | 5;
            other
        }),
        ("a field that nobody knows", {
            let mut more = message.to_vec();
            more.extend([0xf8, 0x3f, 1]);
            more
        }),
        ("text that is no UTF-8", {
            let at = message
                .windows(CANARY.len())
                .position(|place| place == CANARY.as_bytes())
                .unwrap();
            let mut other = message.to_vec();
            other[at] = 0xff;
            other
        }),
    ];
    if signal == Signal::Traces {
        let with = |change: fn(&mut opentelemetry_proto::tonic::trace::v1::Span)| {
            let mut request = ExportTraceServiceRequest::decode(message).unwrap();
            change(&mut request.resource_spans[0].scope_spans[0].spans[0]);
            request.encode_to_vec()
        };
        spoiled.push(("a short trace id", with(|span| span.trace_id.truncate(15))));
        spoiled.push(("no span id", with(|span| span.span_id.clear())));
        spoiled.push((
            "an end before its begin",
            with(|span| span.end_time_unix_nano = 1),
        ));
    }
    spoiled
}

#[test]
fn python_rejects_our_own_output_once_it_is_spoiled() {
    let _alone = alone();
    let judge = require!(OtlpProto::find());
    let receiver = OtlpReceiver::start().unwrap();
    let config = everything_to(receiver.http_endpoint(), Protocol::HttpProtobuf);
    let messages = messages(config, &receiver);
    for signal in SIGNALS {
        let (_, message) = messages.iter().find(|(of, _)| *of == signal).unwrap();
        assert!(judge.decode(signal, message).is_ok(), "{signal:?}");
        for (how, spoiled) in spoiled(signal, message) {
            let verdict = judge.decode(signal, &spoiled);
            assert!(verdict.is_err(), "{signal:?}, {how}: {verdict:?}");
        }
    }
}

#[test]
fn a_collector_that_is_not_ours_rejects_our_own_output_once_it_is_spoiled() {
    let _alone = alone();
    let collector = require!(OtlpCollector::start(DebugSignal::Traces));
    let address = collector.http_endpoint().replace("http://", "");
    let address: SocketAddr = address.parse().unwrap();
    let receiver = OtlpReceiver::start().unwrap();
    let config = everything_to(receiver.http_endpoint(), Protocol::HttpProtobuf);
    let messages = messages(config, &receiver);
    for (signal, path) in SIGNALS
        .into_iter()
        .zip(["/v1/traces", "/v1/metrics", "/v1/logs"])
    {
        let (_, message) = messages.iter().find(|(of, _)| *of == signal).unwrap();
        let post = |message: &[u8]| {
            let headers = [("Content-Type", "application/x-protobuf")];
            http::request(address, "POST", path, &headers, message)
                .unwrap()
                .status()
        };
        assert_eq!(post(message), 200, "{signal:?}");
        for (how, spoiled) in spoiled(signal, message).into_iter().take(3) {
            assert_eq!(post(&spoiled), 400, "{signal:?}, {how}");
        }
    }
}

/// What a collector prints of one signal that it was sent by both protocols.
fn printed(signal: DebugSignal, shows: &[&str]) {
    let _alone = alone();
    for protocol in BOTH {
        let collector = require!(OtlpCollector::start(signal));
        let endpoint = match protocol {
            Protocol::Grpc => collector.grpc_endpoint(),
            _ => collector.http_endpoint(),
        };
        let guard = everything_to(endpoint, protocol).init();
        make_everything();
        assert!(guard.flush(PATIENCE), "{}", guard.status());
        assert_eq!(guard.ledger().all().dropped(), 0);
        drop(guard);
        for text in shows {
            collector
                .wait_for_output(text, Duration::from_secs(30))
                .unwrap();
        }
    }
}

#[test]
fn a_collector_that_is_not_ours_reads_metrics_by_both_protocols() {
    let shows = [
        "primitive_executions_total",
        "primitive_execution_duration_seconds",
        CANARY,
    ];
    printed(DebugSignal::Metrics, &shows);
}

#[test]
fn a_collector_that_is_not_ours_reads_log_records_by_both_protocols() {
    let said = format!("{CANARY} said");
    printed(DebugSignal::Logs, &[&said, "workflow_executed", "invoice"]);
}

#[test]
fn a_collector_that_is_not_ours_reads_links_by_both_protocols() {
    printed(
        DebugSignal::Traces,
        &["elsewhere=3", "vendor=1,other@x=2", "happened"],
    );
}
