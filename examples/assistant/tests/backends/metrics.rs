//! The metrics page, as Prometheus and its judges see it.

use std::time::Duration;

use tta_testkit::judges::{OpenMetricsParser, Promtool};
use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::servers::{PrometheusOptions, PrometheusServer, RedisServer};
use tta_testkit::{http, require};

use crate::demo::Demo;

#[test]
fn a_real_prometheus_has_every_series_with_the_programs_own_numbers() {
    let receiver = OtlpReceiver::start().unwrap();
    let redis = require!(RedisServer::start());
    let arguments = ["--speed", "20", "--redis", &redis.url()];
    let demo = Demo::run(&receiver.http_endpoint(), "http/protobuf", &arguments);
    let prometheus = require!(PrometheusServer::start(
        &[demo.metrics],
        &PrometheusOptions::default()
    ));
    prometheus.wait_for_scrape(Duration::from_secs(30)).unwrap();
    let shown = |query: &str| {
        let answer = prometheus.query(query).unwrap();
        answer.first().map_or(0.0, |(_, value)| *value)
    };

    for (query, pointer) in NUMBERS {
        let (value, expected) = (shown(query), demo.number(pointer));
        assert!(
            (value - expected).abs() <= 1e-9 * expected.abs(),
            "{query}: {value} for {expected}"
        );
    }
    for activity in demo.summary["primitives"].as_array().unwrap() {
        let primitive = activity["primitive"].as_str().unwrap();
        for figure in activity["figures"].as_array().unwrap() {
            let (what, expected) = (figure[0].as_str().unwrap(), figure[1].as_f64().unwrap());
            let Some((metric, label)) = metric_of(primitive) else {
                continue;
            };
            let query = format!("sum({metric}{{primitive=\"{primitive}\",{label}=\"{what}\"}})");
            assert!(
                (shown(&query) - expected).abs() < 1e-9,
                "{query}: {expected}"
            );
        }
    }
    for metric in CATALOGS.iter().flat_map(|catalog| catalog.metrics) {
        if NOT_IN_EVERY_RUN.contains(&metric.name) {
            continue;
        }
        let suffix = if metric.kind == tta::MetricKind::Histogram {
            "_count"
        } else {
            ""
        };
        let series = shown(&format!("count({}{suffix})", metric.name));
        assert!(series > 0.0, "no series of {}", metric.name);
    }
    let tiers = shown("count(count by (tier) (cache_hits_total))");
    assert!((tiers - 2.0).abs() < 1e-9, "{tiers} tiers of the cache");
}

#[test]
fn a_cascade_is_charged_for_the_cheap_answers_it_refuses_and_its_numbers_agree() {
    let receiver = OtlpReceiver::start().unwrap();
    let arguments = ["--speed", "10", "--no-failures", "--router", "cascade"];
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc", &arguments);

    assert_eq!(demo.summary["disagreements"].as_array().unwrap().len(), 0);
    let policies = demo.summary["comparison"]["policies"].as_array().unwrap();
    let row = |name| policies.iter().find(|it| it["policy"] == name).unwrap();
    let number = |name, field: &str| row(name)[field].as_f64().unwrap();
    assert!(number("this run", "overhead_usd") > 0.0);
    // Nothing fails, so what happens is what was reckoned; hits may differ by who came at once.
    let share = |name| number(name, "premium_share");
    assert!((share("this run") - share("cascade")).abs() < 1e-9);
}

#[test]
fn what_moderation_refuses_gets_the_canned_answer_and_costs_nothing() {
    let receiver = OtlpReceiver::start().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let questions = folder.path().join("long.jsonl");
    let long = "why ".repeat(30_000);
    std::fs::write(&questions, format!("{{\"prompt\":\"{long}\"}}\n")).unwrap();
    let arguments = ["--speed", "100", "--questions", questions.to_str().unwrap()];
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc", &arguments);

    assert_eq!(demo.summary["disagreements"].as_array().unwrap().len(), 0);
    assert_eq!(demo.count("/answered"), demo.count("/requests"));
    assert_eq!(demo.count("/computed"), 0);
    assert!(demo.number("/cost/actual_usd").abs() < 1e-12);
}

/// The counter that a primitive's figures are from, and the label that says which.
fn metric_of(primitive: &str) -> Option<(&'static str, &'static str)> {
    match primitive.rsplit('.').next()? {
        "retry" => Some(("retry_executions_total", "outcome")),
        "hedge" => Some(("hedge_executions_total", "outcome")),
        "quota" | "bulkhead" => Some(("limit_executions_total", "outcome")),
        "FallbackPrimitive" => Some(("fallback_executions_total", "path")),
        _ => None,
    }
}

/// Queries, and where the program's own summary has the same number.
const NUMBERS: [(&str, &str); 12] = [
    (
        "sum(workflow_executions_total{workflow=\"assistant\"})",
        "/requests",
    ),
    (
        "sum(workflow_executions_total{workflow=\"assistant\",status=\"success\"})",
        "/answered",
    ),
    ("sum(cache_hits_total)", "/cache/hits"),
    (
        "sum(cache_hits_total{tier=\"redis\"}) or vector(0)",
        "/cache/redis_hits",
    ),
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
    // Each decision for a route is one execution of its retry, of one attempt or more; each attempt
    // that nothing holds back is a call.
    (
        "sum(retry_executions_total{primitive=\"gpt-4o.retry\"})",
        "/routes/0/executions",
    ),
    (
        "sum(limit_executions_total{primitive=\"gpt-4o.bulkhead\",outcome=\"admitted\"})",
        "/routes/0/calls",
    ),
    (
        "sum(limit_executions_total{primitive=\"gpt-4o-mini.bulkhead\",outcome=\"admitted\"})",
        "/routes/1/calls",
    ),
    (
        "sum(primitive_executions_total{primitive=\"gpt-4o-mini\"})",
        "/routes/1/calls",
    ),
];

const CATALOGS: [tta::Catalog; 7] = [
    tta::catalog::CORE,
    tta::catalog::CACHE,
    tta::catalog::ROUTER,
    tta::catalog::TIMEOUT,
    tta::catalog::RETRY,
    tta::catalog::BREAKER,
    tta::catalog::LIMIT,
];

/// What this flow, or so short a run, has no occasion for.
const NOT_IN_EVERY_RUN: [&str; 3] = [
    "primitive_busy_seconds_total",
    "cache_evictions_total",
    "limit_wait_duration_seconds",
];

#[test]
fn judges_of_the_metrics_page_find_nothing_wrong() {
    let receiver = OtlpReceiver::start().unwrap();
    let demo = Demo::run(&receiver.grpc_endpoint(), "grpc", &["--speed", "100"]);
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
