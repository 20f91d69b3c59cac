//! The example of three services, seen by a collector: one trace, every parent in its place.

use std::time::Duration;

use tta::ObservabilityConfig;
use tta_testkit::otlp::{OtlpReceiver, ReceivedSpan};

#[allow(dead_code, reason = "`main` is the example's own")]
#[path = "../services/main.rs"]
mod services;

#[tokio::test(flavor = "multi_thread")]
async fn three_services_make_one_trace_without_orphans() {
    let receiver = OtlpReceiver::start().unwrap();
    let observability = ObservabilityConfig::new("services")
        .with_otlp_endpoint(receiver.http_endpoint())
        .with_prometheus_port(0)
        .with_logs(false)
        .init();
    services::run().await.unwrap();
    assert!(observability.flush(Duration::from_secs(5)));

    let spans = receiver.spans();
    let named = |name: &str| -> &ReceivedSpan {
        let all: Vec<_> = spans.iter().map(|span| span.span.name.as_str()).collect();
        let found = spans.iter().find(|span| span.span.name == name);
        found.unwrap_or_else(|| panic!("no span `{name}` among {all:?}"))
    };
    // Each is the child of the one before it.
    let way = [
        "customer.execute",
        "POST",
        "POST /orders/{item}",
        "order.execute",
        "place_order.execute",
    ];
    let to_prices = [
        "GET",
        "GET /prices/{item}",
        "price.execute",
        "look_up.execute",
    ];
    let to_worker = [
        "send invoices",
        "process invoices",
        "invoice.execute",
        "write_invoice.execute",
    ];
    for branch in [&to_prices, &to_worker] {
        let chain: Vec<_> = way
            .iter()
            .chain(branch.iter())
            .map(|name| named(name))
            .collect();
        for pair in chain.windows(2) {
            let (parent, child) = (pair[0].span_id(), pair[1].parent_span_id());
            assert_eq!(child, Some(parent), "{}", pair[1].span.name);
        }
    }
    let root = named("customer.execute");
    assert_eq!(root.parent_span_id(), None);
    for span in &spans {
        assert_eq!(span.trace_id(), root.trace_id(), "{}", span.span.name);
        let correlation = span.attribute("correlation_id");
        assert_eq!(
            correlation,
            root.attribute("correlation_id"),
            "{}",
            span.span.name
        );
    }
    assert_eq!(spans.len(), way.len() + to_prices.len() + to_worker.len());
}
