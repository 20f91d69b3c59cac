//! Right and wrong orders of composition.

use std::time::Duration;

use tta_cache::{CacheConfig, CacheExt, Scope};
use tta_core::{Error, ErrorKind, Flow, Primitive, Result, WorkflowContext, step, step_with};
use tta_retry::{Backoff, RetryConfig, RetryExt};
use tta_router::{ByRule, CostModel, HealthAware, RoundRobin, RouterPrimitive};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::measured::measured;
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_timeout::TimeoutExt;

fn by_text() -> CacheConfig<String, String> {
    CacheConfig::new(Scope::Global, |text: &String, _, key| {
        key.text(text);
    })
}

fn mock(name: &'static str) -> MockPrimitive<String, String> {
    MockPrimitive::new(name).with_default(move |_| Answer::value(name.to_owned()))
}

fn on_tokios_clock() -> WorkflowContext {
    WorkflowContext::builder().clock(tokio_clock).build()
}

/// Another attempt at once.
fn once_more() -> RetryConfig {
    RetryConfig::new(1)
        .with_backoff(Backoff::constant(Duration::ZERO))
        .without_budget()
}

#[tokio::test]
async fn right_a_cache_outside_answers_without_a_decision() -> Result<()> {
    let (a, b) = (mock("a"), mock("b"));
    let router = RouterPrimitive::builder()
        .route("a", a.clone(), CostModel::per_call(0.25))
        .route("b", b.clone(), CostModel::per_call(0.5))
        .strategy(RoundRobin::new())
        .build()?
        .with_name("inside_a_cache");
    let flow = router.cached(by_text())?.with_name("around_a_router");
    for _ in 0..3 {
        assert_eq!(flow.run("same".to_owned()).await?, "a");
    }
    let labels = ["inside_a_cache", "a", "round_robin"];
    assert!((measured("router_decisions_total", &labels) - 1.0).abs() < 1e-9);
    assert_eq!((a.calls(), b.calls()), (1, 0));
    // What each hit avoided is known to the cache, from the price that the router reported.
    let saved = measured("cache_cost_savings_usd_total", &["around_a_router"]);
    assert!((saved - 0.5).abs() < 1e-9, "{saved}");
    Ok(())
}

#[tokio::test]
async fn wrong_a_cache_inside_a_route_computes_again_what_is_routed_elsewhere() -> Result<()> {
    let (a, b) = (mock("a"), mock("b"));
    let router = RouterPrimitive::builder()
        .route(
            "a",
            Flow::new(a.clone()).cached(by_text())?,
            CostModel::per_call(0.25),
        )
        .route(
            "b",
            Flow::new(b.clone()).cached(by_text())?,
            CostModel::per_call(0.5),
        )
        .strategy(RoundRobin::new())
        .build()?;
    for _ in 0..4 {
        router.run("same".to_owned()).await?;
    }
    assert_eq!((a.calls(), b.calls()), (1, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn right_a_timeout_inside_a_route_is_a_failure_that_others_can_make_good() -> Result<()> {
    let hangs = MockPrimitive::new("hangs").with_default(|_: &String| Answer::hang());
    let premium = mock("premium");
    let limit = Duration::from_secs(2);
    let strategy = HealthAware::new(ByRule::otherwise("cheap")).with_failures(1);
    let router = RouterPrimitive::builder()
        .route(
            "cheap",
            Flow::new(hangs).timeout(limit)?,
            CostModel::unknown(),
        )
        .route("premium", premium, CostModel::unknown())
        .cascade_errors("cheap", "premium")
        .strategy(strategy)
        .build()?;
    let ctx = on_tokios_clock();
    assert_eq!(router.execute(String::new(), &ctx).await?, "premium");
    let decision = router.decide_route(&String::new(), &ctx)?;
    assert_eq!(
        (decision.route, decision.reason.as_str()),
        ("premium", "unhealthy")
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn wrong_a_timeout_around_the_router_tells_it_nothing_of_the_route() -> Result<()> {
    let hangs = MockPrimitive::new("hangs").with_default(|_: &String| Answer::hang());
    let strategy = HealthAware::new(ByRule::otherwise("cheap")).with_failures(1);
    let router = RouterPrimitive::builder()
        .route("cheap", hangs.clone(), CostModel::unknown())
        .route("premium", mock("premium"), CostModel::unknown())
        .cascade_errors("cheap", "premium")
        .strategy(strategy)
        .build()?;
    let flow = router.timeout(Duration::from_secs(2))?;
    for calls in 1..4 {
        let error = flow.execute(String::new(), &on_tokios_clock()).await;
        assert_eq!(error.unwrap_err().kind(), ErrorKind::Timeout);
        assert_eq!(hangs.calls(), calls);
    }
    Ok(())
}

#[tokio::test]
async fn a_retry_around_the_router_decides_again() -> Result<()> {
    let (a, b) = (mock("a"), mock("b"));
    a.push(Answer::fail(Error::new(ErrorKind::Unavailable, "down")));
    let strategy = HealthAware::new(ByRule::otherwise("a")).with_failures(1);
    let router = RouterPrimitive::builder()
        .route("a", a.clone(), CostModel::unknown())
        .route("b", b, CostModel::unknown())
        .strategy(strategy)
        .build()?;
    let flow = router.retry(once_more())?;
    assert_eq!(flow.run(String::new()).await?, "b");
    assert_eq!(a.calls(), 1);
    Ok(())
}

#[tokio::test]
async fn a_retry_inside_a_route_stays_on_it_and_is_one_call_to_the_router() -> Result<()> {
    let (a, b) = (mock("a"), mock("b"));
    a.push(Answer::fail(Error::new(ErrorKind::Unavailable, "down")));
    let strategy = HealthAware::new(ByRule::otherwise("a")).with_failures(1);
    let router = RouterPrimitive::builder()
        .route(
            "a",
            Flow::new(a.clone()).retry(once_more())?,
            CostModel::unknown(),
        )
        .route("b", b, CostModel::unknown())
        .strategy(strategy)
        .build()?;
    assert_eq!(router.run(String::new()).await?, "a");
    let decision = router.decide_route(&String::new(), &WorkflowContext::new())?;
    assert_eq!((decision.route, a.calls()), ("a", 2));
    Ok(())
}

/// Uses a thousand tokens each time, and fails at its first.
fn fails_once() -> Flow<impl Primitive<Input = String, Output = String> + 'static> {
    let calls = std::sync::atomic::AtomicUsize::new(0);
    step_with(
        "fails_once",
        calls,
        async |calls: &std::sync::atomic::AtomicUsize, text: String, ctx: &WorkflowContext| {
            ctx.report_tokens(1_000, 0);
            match calls.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
                0 => Err(Error::new(ErrorKind::Unavailable, "broke off")),
                _ => Ok(text),
            }
        },
    )
}

#[tokio::test]
async fn a_failed_attempt_counts_for_the_baseline_inside_a_route_and_against_it_outside()
-> Result<()> {
    let dear = || step("dear", async |text: String| Ok(text));
    let (one, ten) = (
        CostModel::per_million_tokens(1.0, 1.0),
        CostModel::per_million_tokens(10.0, 10.0),
    );
    let inside = RouterPrimitive::builder()
        .route("cheap", fails_once().retry(once_more())?, one)
        .route("dear", dear(), ten)
        .default_route("cheap")
        .build()?;
    inside.run(String::new()).await?;
    assert_eq!(inside.savings().baseline_nano_usd, 20_000_000);
    assert_eq!(inside.savings().actual_nano_usd, 2_000_000);

    let router = RouterPrimitive::builder()
        .route("cheap", fails_once(), one)
        .route("dear", dear(), ten)
        .default_route("cheap")
        .build()?;
    let outside = router.with_name("retried_outside").retry(once_more())?;
    outside.run(String::new()).await?;
    let usd = |metric| measured(metric, &["retried_outside", "cheap"]);
    assert!((usd("router_cost_usd_total") - 0.002).abs() < 1e-12);
    assert!((usd("router_cost_savings_usd_total") - 0.009).abs() < 1e-12);
    assert!((usd("router_cost_losses_usd_total") - 0.001).abs() < 1e-12);
    Ok(())
}
