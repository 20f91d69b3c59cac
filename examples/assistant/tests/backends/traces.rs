//! Spans, as an OTLP backend gets them.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::require;
use tta_testkit::servers::{DebugSignal, OtlpCollector};

use crate::demo::{Demo, REQUESTS};

#[test]
fn every_workflow_is_one_trace_whose_spans_have_their_parents() {
    let receiver = OtlpReceiver::start().unwrap();
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc", &["--speed", "20"]);
    let created = demo.count("/ledger/created");
    assert_eq!(
        demo.count("/ledger/delivered"),
        created,
        "{}",
        demo.summary["ledger"]
    );
    let spans = receiver
        .wait_for_spans(demo.count("/ledger/created"), Duration::from_secs(10))
        .unwrap();

    let mut traces: BTreeMap<Vec<u8>, Vec<_>> = BTreeMap::new();
    for span in spans {
        traces
            .entry(span.span.trace_id.clone())
            .or_default()
            .push(span.span);
    }
    assert_eq!(traces.len(), REQUESTS);
    for spans in traces.values() {
        let names: HashMap<_, _> = spans
            .iter()
            .map(|it| (it.span_id.clone(), it.name.as_str()))
            .collect();
        let roots: Vec<_> = spans
            .iter()
            .filter(|span| span.parent_span_id.is_empty())
            .collect();
        assert_eq!(roots.len(), 1, "{names:?}");
        assert_eq!(roots[0].name, "assistant.execute");
        for span in spans.iter().filter(|span| !span.parent_span_id.is_empty()) {
            let parent = names.get(&span.parent_span_id).copied();
            let parent = parent.unwrap_or_else(|| panic!("{} has no parent", span.name));
            assert!(
                may_lie_in(&span.name, parent),
                "{} below {parent}",
                span.name
            );
        }
    }
}

/// Whether the flow puts a span of this name inside one of that name.
fn may_lie_in(name: &str, parent: &str) -> bool {
    let model = ["gpt-4o-mini", "gpt-4o"].into_iter().find(|model| {
        name.strip_prefix(model)
            .is_some_and(|rest| rest.starts_with('.'))
    });
    let (name, parent) = match model {
        // The parts of a provider lie in those of the same provider.
        Some(model) => (
            name.trim_start_matches(model),
            parent.strip_prefix(model).unwrap_or(parent),
        ),
        None => (name, parent),
    };
    let expected: &[&str] = match name {
        "FallbackPrimitive.execute" => &["assistant.execute"],
        "fallback.primary" | "fallback.fallback" => &["FallbackPrimitive.execute"],
        "CachePrimitive.execute" => &["fallback.primary"],
        "apologise.execute" => &["fallback.fallback"],
        "cache.get" | "cache.set" | "cache.evict" | "SagaPrimitive.execute" => {
            &["CachePrimitive.execute"]
        }
        "saga.forward" | "saga.compensation" => &["SagaPrimitive.execute"],
        "release.execute" => &["saga.compensation"],
        "reserve.execute"
        | "settle.execute"
        | "parallel.branch"
        | "compose.execute"
        | "RouterPrimitive.execute" => &["saga.forward"],
        "moderate.execute" | "retrieve.execute" => &["parallel.branch"],
        "router.select_route" | "router.execute_route" | "router.verify_answer" => {
            &["RouterPrimitive.execute"]
        }
        ".retry.execute" => &["router.execute_route"],
        "retry.attempt" => &["gpt-4o-mini.retry.execute", "gpt-4o.retry.execute"],
        ".breaker.execute" => &["retry.attempt"],
        ".hedge.execute" => &[".breaker.execute"],
        "hedge.attempt" | "hedge.cancel" => &["gpt-4o-mini.hedge.execute"],
        ".quota.execute" => &["hedge.attempt", ".breaker.execute"],
        ".bulkhead.execute" => &[".quota.execute"],
        "limit.wait" => &[
            "gpt-4o-mini.quota.execute",
            "gpt-4o.quota.execute",
            "gpt-4o-mini.bulkhead.execute",
            "gpt-4o.bulkhead.execute",
        ],
        ".timeout.execute" => &[".bulkhead.execute"],
        "timeout.execute" => &["gpt-4o-mini.timeout.execute", "gpt-4o.timeout.execute"],
        ".execute" | "timeout.cancel" => &["timeout.execute"],
        other => panic!("no span is called {other}"),
    };
    expected.contains(&parent)
}

#[test]
fn a_collector_that_is_not_ours_understands_the_spans() {
    for protocol in ["grpc", "http/protobuf"] {
        let collector = require!(OtlpCollector::start(DebugSignal::Traces));
        let endpoint = match protocol {
            "grpc" => collector.grpc_endpoint(),
            _ => collector.http_endpoint(),
        };
        let demo = Demo::run(&endpoint, protocol, &["--speed", "100"]);
        assert_eq!(
            demo.count("/ledger/delivered"),
            demo.count("/ledger/created")
        );
        for name in [
            "assistant.execute",
            "router.select_route",
            "gpt-4o-mini.execute",
        ] {
            collector
                .wait_for_output(name, Duration::from_secs(10))
                .unwrap();
        }
    }
}
