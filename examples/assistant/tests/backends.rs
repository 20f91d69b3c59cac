//! The demonstration as real backends see it: a real Prometheus, a real OTLP collector, and a
//! receiver that keeps every span it is sent.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::float_cmp, reason = "these are counts, read from JSON")]

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;
use tta_testkit::judges::{OpenMetricsParser, Promtool};
use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::servers::{DebugSignal, OtlpCollector, PrometheusOptions, PrometheusServer};
use tta_testkit::{http, require};

const REQUESTS: usize = 400;

/// The demonstration, running; its metrics page stays up until it is dropped.
struct Demo {
    child: Child,
    /// Held open: the program has more to say than the test reads.
    _output: Lines<BufReader<ChildStdout>>,
    metrics: SocketAddr,
    summary: Value,
}

impl Demo {
    /// Runs it to the end of its load.
    fn run(endpoint: &str, protocol: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let json = folder.path().join("out.json");
        let mut child = Command::new(env!("CARGO_BIN_EXE_assistant"))
            .args([
                "--requests",
                &REQUESTS.to_string(),
                "--speed",
                "100",
                "--metrics-port",
                "0",
            ])
            .arg("--json")
            .arg(&json)
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
            .env("OTEL_EXPORTER_OTLP_PROTOCOL", protocol)
            .env("OTEL_BSP_SCHEDULE_DELAY", "200")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut url = None;
        let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
        for line in output.by_ref() {
            let line = line.unwrap();
            if let Some(rest) = line.strip_prefix("metrics ") {
                url = Some(rest.trim().to_owned());
            }
            if line.starts_with("checked") {
                break;
            }
        }
        let url = url.unwrap();
        let port: u16 = url
            .rsplit(':')
            .next()
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .parse()
            .unwrap();
        let summary = std::fs::read_to_string(&json).unwrap();
        let summary = serde_json::from_str(&summary).unwrap();
        Self {
            child,
            _output: output,
            metrics: SocketAddr::from(([127, 0, 0, 1], port)),
            summary,
        }
    }

    fn count(&self, pointer: &str) -> usize {
        let count = self
            .summary
            .pointer(pointer)
            .and_then(Value::as_u64)
            .unwrap();
        count.try_into().unwrap()
    }

    fn number(&self, pointer: &str) -> f64 {
        self.summary
            .pointer(pointer)
            .and_then(Value::as_f64)
            .unwrap()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn every_workflow_is_one_trace_whose_spans_have_their_parents() {
    let receiver = OtlpReceiver::start().unwrap();
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc");
    let created = demo.number("/ledger/created");
    assert_eq!(
        demo.number("/ledger/delivered"),
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
            let expected: &[&str] = match span.name.as_str() {
                "CachePrimitive.execute" => &["assistant.execute"],
                "cache.get" | "cache.set" | "cache.evict" | "RouterPrimitive.execute" => {
                    &["CachePrimitive.execute"]
                }
                "router.select_route" | "router.execute_route" => &["RouterPrimitive.execute"],
                "TimeoutPrimitive.execute" => &["router.execute_route"],
                "timeout.execute" => &["TimeoutPrimitive.execute"],
                "gpt-4o-mini.execute" | "gpt-4o.execute" | "timeout.cancel" => &["timeout.execute"],
                other => panic!("no span is called {other}"),
            };
            assert!(
                parent.is_some_and(|parent| expected.contains(&parent)),
                "{} below {parent:?}",
                span.name
            );
        }
    }
}

#[test]
fn a_real_prometheus_has_every_series_with_the_programs_own_numbers() {
    let receiver = OtlpReceiver::start().unwrap();
    let demo = Demo::run(&receiver.http_endpoint(), "http/protobuf");
    let prometheus = require!(PrometheusServer::start(
        &[demo.metrics],
        &PrometheusOptions::default()
    ));
    prometheus.wait_for_scrape(Duration::from_secs(30)).unwrap();

    for (query, pointer) in [
        (
            "sum(workflow_executions_total{workflow=\"assistant\"})",
            "/requests",
        ),
        (
            "sum(workflow_executions_total{workflow=\"assistant\",status=\"success\"})",
            "/answered",
        ),
        ("sum(cache_hits_total)", "/cache/hits"),
        ("sum(cache_misses_total)", "/cache/misses"),
        ("sum(router_cost_usd_total)", "/cost/actual_usd"),
        (
            "sum(router_cost_savings_usd_total)",
            "/cost/router_savings_usd",
        ),
        (
            "sum(cache_cost_savings_usd_total)",
            "/cost/cache_savings_usd",
        ),
        (
            "sum(router_decisions_total{route=\"gpt-4o-mini\"})",
            "/routes/1/calls",
        ),
    ] {
        let answer = prometheus.query(query).unwrap();
        let expected = demo.number(pointer);
        let value = answer.first().map_or(0.0, |(_, value)| *value);
        assert!(
            (value - expected).abs() <= 1e-9 * expected.abs(),
            "{query}: {value} for {expected}"
        );
    }

    let unused = [
        "fallback_executions_total",
        "saga_compensations_total",
        "primitive_busy_seconds_total",
        "cache_evictions_total",
    ];
    let catalogs = [
        tta::catalog::CORE,
        tta::catalog::CACHE,
        tta::catalog::ROUTER,
        tta::catalog::TIMEOUT,
    ];
    for metric in catalogs.iter().flat_map(|catalog| catalog.metrics) {
        if unused.contains(&metric.name) {
            continue;
        }
        let suffix = if metric.kind == tta::MetricKind::Histogram {
            "_count"
        } else {
            ""
        };
        let answer = prometheus
            .query(&format!("count({}{suffix})", metric.name))
            .unwrap();
        assert!(
            answer.first().is_some_and(|(_, count)| *count > 0.0),
            "no series of {}",
            metric.name
        );
    }
}

#[test]
fn a_collector_that_is_not_ours_understands_the_spans() {
    for protocol in ["grpc", "http/protobuf"] {
        let collector = require!(OtlpCollector::start(DebugSignal::Traces));
        let endpoint = match protocol {
            "grpc" => collector.grpc_endpoint(),
            _ => collector.http_endpoint(),
        };
        let demo = Demo::run(&endpoint, protocol);
        assert_eq!(
            demo.number("/ledger/delivered"),
            demo.number("/ledger/created")
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

#[test]
fn judges_of_the_metrics_page_find_nothing_wrong() {
    let receiver = OtlpReceiver::start().unwrap();
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc");
    let promtool = require!(Promtool::find());
    let parser = require!(OpenMetricsParser::find());
    let page = |accept: &str| {
        let response = http::request(demo.metrics, "GET", "/metrics", &[("accept", accept)], &[]);
        response.unwrap().text()
    };
    assert_eq!(promtool.check_metrics(&page("text/plain")).unwrap(), "");
    let samples = parser
        .parse(&page("application/openmetrics-text;version=1.0.0"))
        .unwrap();
    assert!(
        samples.iter().any(|sample| sample.exemplar.is_some()),
        "no exemplar among {}",
        samples.len()
    );
}
