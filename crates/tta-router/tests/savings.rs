//! The account of what routing saved.

use std::future::pending;

use tta_core::{Error, Result, WorkflowContext, step};
use tta_router::{CostModel, RouterPrimitive};

/// Reports tokens, then answers, fails or hangs.
async fn model(what: String, ctx: &WorkflowContext) -> Result<()> {
    match what.as_str() {
        "answers" => ctx.report_tokens(1_000, 100),
        "answers for a price" => ctx.report_cost(0.5),
        "says nothing" => {}
        "fails" => {
            ctx.report_cost(0.002);
            return Err(Error::msg("failed after it was paid"));
        }
        _ => {
            ctx.report_cost(0.003);
            pending::<()>().await;
        }
    }
    Ok(())
}

fn router(
    default: &str,
) -> Result<tta_core::Flow<tta_core::Observed<RouterPrimitive<String, ()>>>> {
    RouterPrimitive::builder()
        .route(
            "cheap",
            step("model", model),
            CostModel::per_million_tokens(0.15, 0.60),
        )
        .route(
            "premium",
            step("model", model),
            CostModel::per_million_tokens(2.50, 10.0),
        )
        .default_route(default)
        .build()
}

#[tokio::test]
async fn an_answer_is_held_against_the_dearest_route_for_the_usage_it_had() -> Result<()> {
    let router = router("cheap")?;
    router.run("answers".to_owned()).await?;
    let savings = router.savings();
    assert_eq!(savings.actual_nano_usd, 1_000 * 150 + 100 * 600);
    assert_eq!(savings.baseline_nano_usd, 1_000 * 2_500 + 100 * 10_000);
    assert_eq!(savings.net_nano_usd(), 3_290_000);
    Ok(())
}

#[tokio::test]
async fn the_dearest_route_saves_nothing() -> Result<()> {
    let router = router("premium")?;
    router.run("answers".to_owned()).await?;
    assert_eq!(router.savings().net_nano_usd(), 0);
    Ok(())
}

#[tokio::test]
async fn a_price_that_the_step_names_is_believed() -> Result<()> {
    let router = router("cheap")?;
    router.run("answers for a price".to_owned()).await?;
    assert_eq!(router.savings().actual_nano_usd, 500_000_000);
    assert_eq!(router.savings().net_nano_usd(), 0);
    Ok(())
}

#[tokio::test]
async fn an_answer_without_a_known_price_is_in_neither_sum() -> Result<()> {
    let router = router("cheap")?;
    router.run("says nothing".to_owned()).await?;
    let savings = router.savings();
    assert_eq!(
        (
            savings.baseline_nano_usd,
            savings.actual_nano_usd,
            savings.unpriced
        ),
        (0, 0, 1)
    );
    Ok(())
}

#[tokio::test]
async fn a_failed_call_is_charged_and_the_net_is_negative() -> Result<()> {
    let router = router("cheap")?;
    router.run("fails".to_owned()).await.unwrap_err();
    assert_eq!(router.savings().net_nano_usd(), -2_000_000);
    Ok(())
}

#[tokio::test]
async fn an_abandoned_call_is_charged() -> Result<()> {
    let router = router("cheap")?;
    let call = router.run("hangs".to_owned());
    tokio::select! {
        biased;
        _ = call => panic!("a call that hangs has ended"),
        () = tokio::task::yield_now() => {}
    }
    assert_eq!(router.savings().net_nano_usd(), -3_000_000);
    Ok(())
}

#[tokio::test]
async fn calls_that_run_at_once_are_charged_each_for_its_own() -> Result<()> {
    let router = router("cheap")?;
    let ctx = WorkflowContext::new();
    let (one, other) = tokio::join!(
        router.execute("answers".to_owned(), &ctx),
        router.execute("answers".to_owned(), &ctx)
    );
    one.and(other)?;
    assert_eq!(router.savings().actual_nano_usd, 2 * 210_000);
    Ok(())
}
