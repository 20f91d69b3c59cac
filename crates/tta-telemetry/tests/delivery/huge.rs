//! Records past every limit.

use std::sync::atomic::{AtomicUsize, Ordering};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tta_core::{Attribute, WorkflowContext, step};
use tta_telemetry::opentelemetry::global;
use tta_telemetry::opentelemetry::trace::{Span as _, Tracer};
use tta_telemetry::opentelemetry::{Array, KeyValue, Value};
use tta_telemetry::{DropReason, ObservabilityGuard, Protocol};
use tta_testkit::faults::report;
use tta_testkit::otlp::{OtlpReceiver, Payload, ReceivedSpan};

use crate::child::{child, output_of};
use crate::signals::{
    BOTH, PATIENCE, SIGNALS, account, assert_all_balanced, endpoint, everything_to,
};
use crate::support::{alone, block_on};

const MOST_BYTES: usize = 4 << 20;

/// What a user may make, beyond all reason.
#[derive(Debug, Clone)]
enum Excess {
    /// So many attributes of so many bytes each, on one of our spans.
    Attributes { count: usize, bytes: usize },
    /// So many events with so many attributes of so many bytes, on one of our spans.
    Events {
        count: usize,
        attributes: usize,
        bytes: usize,
    },
    /// So many attributes of so many bytes each, on a span of OpenTelemetry.
    Foreign { count: usize, bytes: usize },
    /// An attribute that is a list, on a span of OpenTelemetry.
    List { count: usize, bytes: usize },
    /// So many events of so many bytes, on a span of OpenTelemetry.
    ForeignEvents { count: usize, bytes: usize },
    /// A log line with a field of so many bytes.
    Line { bytes: usize },
    /// So many spans at once, with an attribute of so many bytes.
    Spans { count: usize, bytes: usize },
}

fn excess() -> impl Strategy<Value = Excess> {
    // Mostly a few, sometimes very many; mostly short, sometimes very long.
    let count = || prop_oneof![4 => 1..200_usize, 1 => 1_000..10_000_usize];
    let bytes = || prop_oneof![4 => 0..4_000_usize, 1 => 1_000_000..10_000_000_usize];
    let short = || 0..3_000_usize;
    prop_oneof![
        (count(), short()).prop_map(|(count, bytes)| Excess::Attributes { count, bytes }),
        (1..3_usize, bytes()).prop_map(|(count, bytes)| Excess::Attributes { count, bytes }),
        (1..200_usize, 1..200_usize, short()).prop_map(|(count, attributes, bytes)| {
            Excess::Events {
                count,
                attributes,
                bytes,
            }
        }),
        (1..130_usize, 0..100_000_usize)
            .prop_map(|(count, bytes)| Excess::Foreign { count, bytes }),
        (1..3_usize, bytes()).prop_map(|(count, bytes)| Excess::Foreign { count, bytes }),
        (1..2_000_usize, 0..5_000_usize).prop_map(|(count, bytes)| Excess::List { count, bytes }),
        (1..130_usize, 0..80_000_usize)
            .prop_map(|(count, bytes)| Excess::ForeignEvents { count, bytes }),
        bytes().prop_map(|bytes| Excess::Line { bytes }),
        (1..500_usize, 0..20_000_usize).prop_map(|(count, bytes)| Excess::Spans { count, bytes }),
    ]
}

/// A text of two-byte characters, so that a cut may fall into one.
fn long(bytes: usize) -> String {
    "é".repeat(bytes / 2)
}

fn make(excess: &Excess) {
    match *excess {
        Excess::Attributes { .. } | Excess::Events { .. } => {
            let huge = step("huge", async |excess: Excess, ctx: &WorkflowContext| {
                fill(&excess, ctx);
                Ok(())
            });
            let excess = excess.clone();
            block_on(async { huge.execute(excess, &WorkflowContext::new()).await }).unwrap();
        }
        Excess::Foreign { count, bytes } => {
            let mut span = global::tracer("huge").start("foreign");
            for n in 0..count {
                span.set_attribute(KeyValue::new(format!("key{n}"), long(bytes)));
            }
        }
        Excess::List { count, bytes } => {
            let mut span = global::tracer("huge").start("foreign");
            let texts = (0..count).map(|_| long(bytes).into()).collect();
            span.set_attribute(KeyValue::new("list", Value::Array(Array::String(texts))));
        }
        Excess::ForeignEvents { count, bytes } => {
            let mut span = global::tracer("huge").start("foreign");
            for _ in 0..count {
                let attributes = vec![KeyValue::new("text", long(bytes))];
                span.add_event("happened", attributes);
            }
        }
        Excess::Line { bytes } => tracing::warn!(field = long(bytes), "{}", long(bytes)),
        Excess::Spans { count, bytes } => {
            for _ in 0..count {
                let mut span = global::tracer("huge").start("one of many");
                span.set_attribute(KeyValue::new("text", long(bytes)));
            }
        }
    }
}

/// Says too much of the present step.
fn fill(excess: &Excess, ctx: &WorkflowContext) {
    match *excess {
        Excess::Attributes { count, bytes } => {
            for n in 0..count {
                ctx.set_attribute(format!("key{n}"), long(bytes));
            }
        }
        Excess::Events {
            count,
            attributes,
            bytes,
        } => {
            for _ in 0..count {
                let attributes = (0..attributes)
                    .map(|n| Attribute::new(format!("key{n}"), long(bytes)))
                    .collect();
                ctx.event("happened", attributes);
            }
        }
        _ => {}
    }
}

/// The largest request, uncompressed, without the five bytes before a message of gRPC.
fn largest(receiver: &OtlpReceiver) -> usize {
    let sizes = receiver.requests();
    sizes.iter().map(|it| it.body_bytes).max().unwrap_or(0)
}

fn panicked(guard: &ObservabilityGuard) -> u64 {
    let ledger = guard.ledger();
    SIGNALS
        .iter()
        .map(|signal| account(&ledger, *signal).dropped_for(DropReason::ExporterPanic))
        .sum()
}

#[test]
fn fault_17_no_record_makes_a_request_too_large() {
    let _alone = alone();
    let cases = if cfg!(debug_assertions) { 12 } else { 200 };
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let guard = everything_to(endpoint(&receiver, protocol), protocol)
            .with_queue_size(100_000)
            .init();
        let config = Config {
            cases,
            failure_persistence: None,
            ..Config::default()
        };
        let most = AtomicUsize::new(0);
        let mut runner = TestRunner::new(config);
        let run = runner.run(&vec(excess(), 1..4), |all| {
            receiver.forget();
            let before = guard.ledger();
            all.iter().for_each(make);
            prop_assert!(guard.flush(PATIENCE), "{}", guard.status());
            assert_all_balanced(&guard);
            let size = largest(&receiver);
            most.fetch_max(size, Ordering::Relaxed);
            prop_assert!(size <= MOST_BYTES + 5, "a request of {size} bytes");
            prop_assert_eq!(panicked(&guard), 0);
            // What is too large is made smaller, and not left out.
            let lost = guard.ledger().logs.dropped() - before.logs.dropped();
            prop_assert_eq!(lost, 0);
            Ok(())
        });
        run.unwrap_or_else(|why| panic!("{}: {why}", protocol.as_str()));
        let most = most.into_inner();
        report(
            17,
            &format!(
                "{cases} cases of spans, events, lists and lines, {}",
                protocol.as_str()
            ),
            "request <= 4 MiB, 0 panics",
            format!(
                "{:.2} MiB, {} panics",
                most as f64 / 1_048_576.0,
                panicked(&guard)
            ),
            most <= MOST_BYTES + 5 && panicked(&guard) == 0,
        );
    }
}

/// The one span of this name that arrived.
fn only(receiver: &OtlpReceiver, name: &str) -> ReceivedSpan {
    let mut spans = receiver.spans();
    spans.retain(|span| span.span.name == name);
    assert_eq!(spans.len(), 1, "{name}");
    spans.remove(0)
}

#[test]
fn fault_17_what_is_left_out_is_counted_in_the_span() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to(receiver.http_endpoint(), Protocol::HttpProtobuf).init();
    make(&Excess::Attributes {
        count: 1,
        bytes: 10_000_000,
    });
    assert!(guard.flush(PATIENCE));
    let one = only(&receiver, "huge.execute");
    let text = format!("{:?}", one.attribute("key0"));
    assert!(text.contains("éé") && text.len() < 10_000, "{}", text.len());

    receiver.forget();
    make(&Excess::Attributes {
        count: 10_000,
        bytes: 100,
    });
    make(&Excess::Foreign {
        count: 100,
        bytes: 60_000,
    });
    assert!(guard.flush(PATIENCE));
    let many = only(&receiver, "huge.execute").span;
    let kept = many.attributes.len() + many.dropped_attributes_count as usize;
    let root = receiver.spans();
    let root = root
        .iter()
        .find(|it| it.span.parent_span_id.is_empty() && it.scope.name == "tta");
    let root_dropped = root.unwrap().span.dropped_attributes_count as usize;
    let foreign = only(&receiver, "foreign").span;
    let of_foreign = foreign.attributes.len() + foreign.dropped_attributes_count as usize;
    let made = 10_000 + 4;
    report(
        17,
        "10,000 attributes of ours, 6 MB of OpenTelemetry's",
        "kept + counted = made, of each",
        format!(
            "{} + {} = {made}, {} + {} = 100",
            many.attributes.len(),
            many.dropped_attributes_count as usize + root_dropped,
            foreign.attributes.len(),
            foreign.dropped_attributes_count
        ),
        kept + root_dropped >= made && of_foreign == 100 && foreign.dropped_attributes_count > 0,
    );
    assert_eq!(guard.ledger().traces.dropped(), 0);
}

#[test]
fn a_reading_of_very_many_series_is_split_into_requests() {
    // In a process of its own: the series would stay.
    output_of(&mut child("child_with_very_many_series"));
}

pub(crate) fn child_with_very_many_series() {
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to(receiver.grpc_endpoint(), Protocol::Grpc).init();
    for n in 0..3_000 {
        let name = format!("series-{n}-{}", "x".repeat(100));
        block_on(async {
            let step = step(name, async |()| Ok(()));
            step.execute((), &WorkflowContext::new()).await
        })
        .unwrap();
    }
    assert!(guard.flush(PATIENCE));
    let metrics = receiver.requests();
    let metrics = metrics
        .iter()
        .filter(|it| matches!(it.payload, Payload::Metrics(_)));
    assert!(metrics.count() > 1);
    assert!(largest(&receiver) <= MOST_BYTES + 5);
    let account = guard.ledger().metrics;
    assert_eq!(account.delivered, account.created, "{account:?}");
}
