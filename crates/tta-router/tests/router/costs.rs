//! What routing costs and saves.

use std::task::{Context, Waker};

use tta_core::{Error, ErrorKind, Flow, Observed, Result, Usage, WorkflowContext, step};
use tta_router::{ByRule, Price, RoundRobin, RouterPrimitive};
use tta_testkit::measured::measured;

use crate::support::{ask, named};

const SMALL: Price = Price::per_million_tokens(1.0, 2.0);
const LARGE: Price = Price::per_million_tokens(10.0, 20.0);

/// A thousandth and a hundredth of a dollar on [`SMALL`] and [`LARGE`], in billionths.
const SMALL_CALL: u64 = 1_000_000;
const LARGE_CALL: u64 = 10_000_000;

async fn answer(question: String, ctx: &WorkflowContext) -> Result<()> {
    match question.as_str() {
        "cached" => ctx.report_cost(0.0),
        "reported" => {
            ctx.report_tokens(400, 300);
            ctx.report_cost(0.004);
        }
        "silent" => {}
        "refused" => return Err(Error::new(ErrorKind::Unavailable, "refused")),
        "broken" => {
            ctx.report_tokens(400, 300);
            return Err(Error::new(ErrorKind::Unavailable, "broke off"));
        }
        "endless" => {
            ctx.report_cost(0.002);
            std::future::pending::<()>().await;
        }
        _ => ctx.report_tokens(400, 300),
    }
    Ok(())
}

fn router(route: &'static str) -> Result<Flow<Observed<RouterPrimitive<String, ()>>>> {
    RouterPrimitive::builder()
        .priced_route("small", SMALL, step("small", answer))
        .priced_route("large", LARGE, step("large", answer))
        .strategy(ByRule::new().when(|_: &String, _| true, route))
        .build()
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-12
}

#[tokio::test]
async fn a_call_on_the_cheap_route_saves_the_difference_to_the_dearest() -> Result<()> {
    let flow = router("small")?.with_name("saves");
    let ctx = WorkflowContext::new();
    flow.execute(ask("q"), &ctx).await?;
    let savings = flow.savings();
    assert_eq!(savings.actual_nano_usd, SMALL_CALL);
    assert_eq!(savings.baseline_nano_usd, LARGE_CALL);
    assert!(is(savings.net_usd(), 0.009));
    assert!(is(
        measured("router_cost_usd_total", &["saves", "small"]),
        0.001
    ));
    assert!(is(
        measured("router_cost_savings_usd_total", &["saves", "small"]),
        0.009
    ));
    assert_eq!(
        ctx.usage().cost_nano_usd,
        Some(SMALL_CALL),
        "told to those around"
    );
    Ok(())
}

#[tokio::test]
async fn a_call_on_the_dearest_route_saves_nothing() -> Result<()> {
    let flow = router("large")?.with_name("saves_nothing");
    flow.run(ask("q")).await?;
    assert_eq!(flow.savings().net_usd().to_bits(), 0_f64.to_bits());
    assert!(is(
        measured("router_cost_savings_usd_total", &["saves_nothing", "large"]),
        0.0
    ));
    Ok(())
}

#[tokio::test]
async fn what_a_step_reports_wins_over_the_price_and_is_charged_once() -> Result<()> {
    let flow = router("small")?;
    let ctx = WorkflowContext::new();
    flow.execute(ask("reported"), &ctx).await?;
    assert_eq!(flow.savings().actual_nano_usd, 4_000_000);
    assert_eq!(flow.savings().baseline_nano_usd, LARGE_CALL);
    assert_eq!(ctx.usage().cost_nano_usd, Some(4_000_000));
    Ok(())
}

#[tokio::test]
async fn what_a_cache_inside_a_route_saved_is_not_credited() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .priced_route("small", Price::per_call(0.25), step("small", answer))
        .priced_route("large", Price::per_call(0.5), step("large", answer))
        .strategy(|_: &String, _: &WorkflowContext| Ok("small"))
        .build()?;
    flow.run(ask("cached")).await?;
    assert_eq!(flow.savings(), tta_router::Savings::default());
    Ok(())
}

#[tokio::test]
async fn a_free_route_saves_all_of_the_dearest() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .priced_route("own", Price::FREE, named("own"))
        .priced_route("rented", Price::per_call(0.25), named("rented"))
        .strategy(RoundRobin::new())
        .build()?;
    flow.run(ask("q")).await?;
    assert!(is(flow.savings().net_usd(), 0.25));
    flow.run(ask("q")).await?;
    assert!(is(flow.savings().net_usd(), 0.25));
    assert!(is(flow.savings().actual_usd(), 0.25));
    Ok(())
}

#[tokio::test]
async fn a_call_whose_cost_is_not_known_is_in_neither_sum() -> Result<()> {
    let flow = router("small")?;
    flow.run(ask("silent")).await?;
    assert_eq!(flow.savings(), tta_router::Savings::default());
    Ok(())
}

#[tokio::test]
async fn a_failed_call_is_charged_for_what_it_used_and_the_net_is_negative() -> Result<()> {
    let flow = router("small")?;
    flow.run(ask("refused")).await.unwrap_err();
    assert_eq!(flow.savings().actual_nano_usd, 0);
    flow.run(ask("broken")).await.unwrap_err();
    assert_eq!(flow.savings().actual_nano_usd, SMALL_CALL);
    assert!(is(flow.savings().net_usd(), -0.001));
    Ok(())
}

#[tokio::test]
async fn a_call_that_is_dropped_is_charged_for_what_it_reported() -> Result<()> {
    let flow = router("small")?;
    {
        let mut run = std::pin::pin!(flow.run(ask("endless")));
        let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    assert!(is(flow.savings().net_usd(), -0.002));
    Ok(())
}

#[tokio::test]
async fn deciding_is_charged_and_a_silent_route_keeps_its_price() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .priced_route("small", Price::per_call(0.25), named("small"))
        .priced_route("large", Price::per_call(0.5), named("large"))
        .strategy(|_: &String, ctx: &WorkflowContext| {
            ctx.report_cost(1.0);
            Ok("small")
        })
        .build()?;
    let ctx = WorkflowContext::new();
    flow.execute(ask("q"), &ctx).await?;
    assert!(is(flow.savings().actual_usd(), 1.25));
    assert!(is(flow.savings().net_usd(), -0.75));
    assert_eq!(ctx.usage().cost_usd(), Some(1.25));
    Ok(())
}

#[tokio::test]
async fn calls_at_once_are_charged_apart() -> Result<()> {
    async fn slow(price: String, ctx: &WorkflowContext) -> Result<()> {
        tokio::task::yield_now().await;
        ctx.report_cost(price.parse()?);
        tokio::task::yield_now().await;
        Ok(())
    }
    let flow = RouterPrimitive::builder()
        .route("a", step("a", slow))
        .route("b", step("b", slow))
        .strategy(|q: &String, _: &WorkflowContext| Ok(if q == "0.25" { "a" } else { "b" }))
        .build()?
        .with_name("apart");
    let ctx = WorkflowContext::new();
    let (a, b) = tokio::join!(
        flow.execute(ask("0.25"), &ctx),
        flow.execute(ask("0.5"), &ctx)
    );
    a?;
    b?;
    assert!(is(measured("router_cost_usd_total", &["apart", "a"]), 0.25));
    assert!(is(measured("router_cost_usd_total", &["apart", "b"]), 0.5));
    Ok(())
}

#[test]
fn a_decision_tells_what_is_expected_from_an_estimate() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .priced_route("small", SMALL, named("small"))
        .priced_route("large", LARGE, named("large"))
        .strategy(|_: &String, _: &WorkflowContext| Ok("small"))
        .estimate_usage(|question: &String| {
            assert!(question != "panic");
            Usage::of_tokens(400, 300)
        })
        .build()?;
    let ctx = WorkflowContext::new();
    let decision = flow.decide_route(&ask("q"), &ctx)?;
    assert_eq!(decision.expected_cost, Some(0.001));
    assert_eq!(decision.baseline_cost, Some(0.01));
    assert!(is(decision.expected_saving.unwrap(), 0.009));
    assert_eq!(flow.decide_route(&ask("panic"), &ctx)?.expected_cost, None);
    Ok(())
}

proptest::proptest! {
    #[test]
    fn the_ledger_balances_whatever_calls_cost(calls in proptest::collection::vec(0..1_000_000_u32, 1..20)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let flow = RouterPrimitive::builder()
            .route("any", step("any", async |nano: u32, ctx: &WorkflowContext| {
                ctx.report_cost(f64::from(nano) / 1e9);
                Ok(())
            }))
            .strategy(RoundRobin::new())
            .build()
            .unwrap();
        runtime.block_on(async {
            for nano in &calls {
                flow.run(*nano).await.unwrap();
            }
        });
        let sum: u64 = calls.iter().map(|nano| u64::from(*nano)).sum();
        assert_eq!(flow.savings().actual_nano_usd, sum);
        assert_eq!(flow.savings().baseline_nano_usd, sum);
    }
}
