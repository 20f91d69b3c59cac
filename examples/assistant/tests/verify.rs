//! Whether a metrics page that says something else than the program is found out.

use assistant::activity::Activity;
use assistant::money::NanoUsd;
use assistant::profile::Tier;
use assistant::scrape::Scrape;
use assistant::tally::{Counts, ModelCounts};
use assistant::verify::disagreements;

#[test]
fn a_page_that_agrees_in_everything_is_not_complained_of() {
    assert_eq!(disagreements(&Scrape::parse(PAGE), &counts()), [""; 0]);
}

#[test]
fn each_primitive_that_miscounts_is_named() {
    for (line, wrong, named) in [
        (
            "fallback\"} 1",
            "fallback\"} 2",
            "fallback_executions_total",
        ),
        (
            "cache_hits_total{tier=\"redis\"} 2",
            "cache_hits_total{tier=\"redis\"} 3",
            "cache_hits_total",
        ),
        (
            "cache_misses_total{reason=\"absent\"} 3",
            "cache_misses_total{reason=\"absent\"} 4",
            "cache_misses_total",
        ),
        (
            "saga_compensations_total{outcome=\"success\"} 1",
            "saga_compensations_total{outcome=\"success\"} 0",
            "saga_compensations_total",
        ),
        (
            "retry_attempts_sum{primitive=\"m.retry\"} 6",
            "retry_attempts_sum{primitive=\"m.retry\"} 7",
            "m.retry",
        ),
        (
            "retry_executions_total{primitive=\"m.retry\"} 3",
            "retry_executions_total{primitive=\"m.retry\"} 2",
            "m.retry",
        ),
        (
            "circuit_breaker_rejections_total{primitive=\"m.breaker\"} 2",
            "circuit_breaker_rejections_total{primitive=\"m.breaker\"} 1",
            "m.retry",
        ),
        (
            "hedge_delay_seconds_count{primitive=\"m.hedge\"} 1",
            "hedge_delay_seconds_count{primitive=\"m.hedge\"} 0",
            "m.retry",
        ),
        (
            "outcome=\"queue_full\"} 1",
            "outcome=\"queue_full\"} 2",
            "m.retry",
        ),
        (
            "outcome=\"admitted\"} 4",
            "outcome=\"admitted\"} 5",
            "limit_executions_total",
        ),
        (
            "timeout_failures_total{primitive=\"m.timeout\"} 1",
            "timeout_failures_total{primitive=\"m.timeout\"} 2",
            "m.timeout",
        ),
        (
            "timeout_successes_total{primitive=\"m.timeout\"} 2",
            "timeout_successes_total{primitive=\"m.timeout\"} 1",
            "m.timeout",
        ),
        (
            "router_cost_usd_total{route=\"m\"} 0.002",
            "router_cost_usd_total{route=\"m\"} 0.002000001",
            "router_cost_usd_total",
        ),
        (
            "llm_requests_total{model=\"m\",status=\"cancelled\"} 1",
            "llm_requests_total{model=\"m\",status=\"cancelled\"} 0",
            "llm_requests_total",
        ),
        (
            "llm_cost_usd_total{model=\"m\"} 0.002",
            "llm_cost_usd_total{model=\"m\"} 0.003",
            "llm_cost_usd_total",
        ),
        (
            "error_type=\"unavailable\"} 1",
            "error_type=\"unavailable\"} 0",
            "primitive_execution_errors_total",
        ),
    ] {
        let page = PAGE.replace(line, wrong);
        assert_ne!(page, PAGE, "{line} is not on the page");
        let found = disagreements(&Scrape::parse(&page), &counts());
        assert!(
            found.iter().any(|it| it.contains(named)),
            "{wrong}: {found:?}"
        );
    }
}

#[test]
fn the_figures_of_a_primitive_are_those_of_the_page() {
    let all = Activity::of(&Scrape::parse(PAGE));
    let quota = all.iter().find(|it| it.primitive == "m.quota");
    let figures = quota.map(|it| it.figures.clone()).unwrap_or_default();
    let expected = [("admitted".to_owned(), 4.0), ("queue_full".to_owned(), 1.0)];
    assert_eq!(figures, expected);
}

/// Six requests: two hits, one answered by hand, three asked in vain of the cache of which two were
/// computed.
fn counts() -> Counts {
    let mut counts = Counts {
        answered: 5,
        canned: 1,
        reserved: 3,
        released: 1,
        settled: [(Tier::Cheap, 2)].into(),
        ..Counts::default()
    };
    let model = ModelCounts {
        started: 4,
        answered: 2,
        abandoned: 1,
        failed: [("unavailable", 1)].into(),
        cost: NanoUsd(2_000_000),
    };
    counts.models.insert("m", model);
    counts
}

/// Three executions of the retry in six attempts: two were rejected by the breaker and one by the
/// quota, and one hedge began, so four calls reached the model.
const PAGE: &str = r#"
workflow_executions_total{workflow="assistant",status="success"} 5
workflow_duration_seconds_count{workflow="assistant"} 5
fallback_executions_total{primitive="FallbackPrimitive",path="fallback"} 1
fallback_executions_total{primitive="FallbackPrimitive",path="primary"} 4
cache_hits_total{tier="redis"} 2
cache_misses_total{reason="absent"} 3
saga_compensations_total{outcome="success"} 1
primitive_executions_total{primitive="SagaPrimitive",status="success"} 2
primitive_executions_total{primitive="settle",status="success"} 2
primitive_executions_total{primitive="compose",status="success"} 3
primitive_executions_total{primitive="reserve",status="success"} 3
primitive_executions_total{primitive="retrieve",status="success"} 3
primitive_executions_total{primitive="moderate",status="success"} 3
router_decision_duration_seconds_count 3
primitive_executions_total{primitive="m",status="success"} 2
primitive_executions_total{primitive="m",status="error"} 1
primitive_executions_total{primitive="m",status="cancelled"} 1
primitive_execution_errors_total{primitive="m",error_type="unavailable"} 1
router_cost_usd_total{route="m"} 0.002
llm_requests_total{model="m",status="success"} 2
llm_requests_total{model="m",status="error"} 1
llm_requests_total{model="m",status="cancelled"} 1
llm_cost_usd_total{model="m"} 0.002
router_decisions_total{route="m"} 3
retry_executions_total{primitive="m.retry"} 3
retry_attempts_sum{primitive="m.retry"} 6
circuit_breaker_rejections_total{primitive="m.breaker"} 2
hedge_delay_seconds_count{primitive="m.hedge"} 1
limit_executions_total{primitive="m.quota",outcome="admitted"} 4
limit_executions_total{primitive="m.quota",outcome="queue_full"} 1
limit_executions_total{primitive="m.bulkhead",outcome="admitted"} 4
timeout_successes_total{primitive="m.timeout"} 2
timeout_failures_total{primitive="m.timeout"} 1
"#;
