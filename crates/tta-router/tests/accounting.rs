//! Who is charged and credited for what.

use tta_core::{Error, ErrorKind, Result, Value, WorkflowContext, step, step_with};
use tta_router::{CostModel, RoundRobin, RouterPrimitive, Savings};
use tta_testkit::measured::measured;
use tta_testkit::recording::RecordingRecorder;

/// A step that reports a cost, if it is given one.
fn paid(
    usd: Option<f64>,
) -> tta_core::Flow<impl tta_core::Primitive<Input = String, Output = ()> + 'static> {
    step_with(
        "paid",
        usd,
        async |usd: &Option<f64>, _: String, ctx: &WorkflowContext| {
            if let Some(usd) = usd {
                ctx.report_cost(*usd);
            }
            Ok(())
        },
    )
}

#[tokio::test]
async fn what_a_cache_inside_a_route_saved_is_not_credited_to_the_router() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route("cheap", paid(Some(0.0)), CostModel::per_call(0.25))
        .route("premium", paid(None), CostModel::per_call(0.5))
        .default_route("cheap")
        .build()?;
    router.run(String::new()).await?;
    assert_eq!(router.savings(), Savings::default());
    Ok(())
}

#[tokio::test]
async fn the_account_is_told_in_dollars_too() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route("cheap", paid(None), CostModel::per_call(0.25))
        .route("premium", paid(None), CostModel::per_call(1.5))
        .default_route("cheap")
        .build()?;
    for _ in 0..2 {
        router.run(String::new()).await?;
    }
    let savings = router.savings();
    for (told, expected) in [
        (savings.baseline_usd(), 3.0),
        (savings.actual_usd(), 0.5),
        (savings.net_usd(), 2.5),
    ] {
        assert!((told - expected).abs() < 1e-9, "{told} is not {expected}");
    }
    Ok(())
}

#[tokio::test]
async fn a_route_that_is_free_by_its_price_saves_all_of_the_dearest() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route("own", paid(Some(0.0)), CostModel::per_call(0.0))
        .route("rented", paid(None), CostModel::per_call(0.5))
        .default_route("own")
        .build()?;
    router.run(String::new()).await?;
    assert_eq!(router.savings().net_nano_usd(), 500_000_000);
    Ok(())
}

#[tokio::test]
async fn a_route_is_free_only_if_neither_reading_nor_writing_costs_anything() -> Result<()> {
    for (read, written, saved) in [(0.0, 0.0, 500_000_000), (0.0, 2.0, 0), (1.0, 2.0, 0)] {
        let price = CostModel::per_million_tokens(read, written);
        let router = RouterPrimitive::builder()
            .route("own", paid(Some(0.0)), price)
            .route("rented", paid(None), CostModel::per_call(0.5))
            .default_route("own")
            .build()?;
        router.run(String::new()).await?;
        assert_eq!(router.savings().net_nano_usd(), saved, "{price:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_cost_that_follows_from_the_price_is_told_to_those_around_once() -> Result<()> {
    for (reported, known) in [(None, 0.25), (Some(0.125), 0.125)] {
        let router = RouterPrimitive::builder()
            .route("cheap", paid(reported), CostModel::per_call(0.25))
            .default_route("cheap")
            .build()?;
        let ctx = WorkflowContext::new();
        router.execute(String::new(), &ctx).await?;
        assert_eq!(ctx.usage().cost_usd(), Some(known));
    }
    Ok(())
}

#[tokio::test]
async fn deciding_is_charged_and_the_net_may_be_negative() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route("cheap", paid(None), CostModel::per_call(0.25))
        .route("premium", paid(None), CostModel::per_call(0.5))
        .strategy(|_: &String, ctx: &WorkflowContext| {
            ctx.report_cost(1.0);
            Ok("cheap")
        })
        .build()?
        .with_name("dear_decisions");
    let ctx = WorkflowContext::new();
    router.execute(String::new(), &ctx).await?;
    assert_eq!(router.savings().actual_nano_usd, 1_250_000_000);
    assert_eq!(router.savings().net_nano_usd(), -750_000_000);
    assert_eq!(ctx.usage().cost_usd(), Some(1.25));
    let counted = |metric| measured(metric, &["dear_decisions", "cheap"]);
    assert!((counted("router_cost_usd_total") - 1.25).abs() < 1e-9);
    assert!(counted("router_cost_savings_usd_total").abs() < 1e-9);
    Ok(())
}

#[tokio::test]
async fn a_failed_call_is_charged_for_the_tokens_it_had_used() -> Result<()> {
    for (read, written) in [(1_000, 0), (0, 1_000)] {
        let tokens = (read, written);
        let broken = step_with(
            "broken",
            tokens,
            async |tokens: &(u64, u64), _: String, ctx: &WorkflowContext| {
                ctx.report_tokens(tokens.0, tokens.1);
                Err::<(), _>(Error::msg("broke off"))
            },
        );
        let router = RouterPrimitive::builder()
            .route("cheap", broken, CostModel::per_million_tokens(1.0, 1.0))
            .default_route("cheap")
            .build()?;
        router.run(String::new()).await.unwrap_err();
        assert_eq!(router.savings().net_nano_usd(), -1_000_000, "{tokens:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_failed_call_that_is_known_to_have_used_nothing_is_not_charged() -> Result<()> {
    let broken = step("broken", async |_: String| {
        Err::<(), _>(Error::msg("never began"))
    });
    let router = RouterPrimitive::builder()
        .route("cheap", broken, CostModel::per_call(0.25))
        .default_route("cheap")
        .build()?;
    router.run(String::new()).await.unwrap_err();
    assert_eq!(router.savings(), Savings::default());
    Ok(())
}

#[tokio::test]
async fn the_trace_tells_a_cost_where_one_is_known_and_nothing_where_none_is() -> Result<()> {
    for (name, deciding) in [("costs_unknown", None), ("deciding_costs", Some(1.0))] {
        let router = RouterPrimitive::builder()
            .name(name)
            .route("cheap", paid(None), CostModel::unknown())
            .strategy(move |_: &String, ctx: &WorkflowContext| {
                if let Some(usd) = deciding {
                    ctx.report_cost(usd);
                }
                Ok("cheap")
            })
            .build()?;
        let recorder = RecordingRecorder::new();
        router.execute(String::new(), &recorder.context()).await?;
        let call = recorder.span("router.execute_route").span_id;
        let saving = recorder.attribute(call, "saving_usd");
        assert_eq!(saving, deciding.map(|usd: f64| Value::from(-usd)), "{name}");
        let cost = recorder.attribute(call, "cost_usd");
        assert_eq!(cost, deciding.map(Value::from), "{name}");
    }
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
    let router = RouterPrimitive::builder()
        .route("a", step("a", slow), CostModel::unknown())
        .route("b", step("b", slow), CostModel::unknown())
        .strategy(RoundRobin::new())
        .build()?
        .with_name("apart");
    let ctx = WorkflowContext::new();
    let (a, b) = tokio::join!(
        router.execute("0.25".to_owned(), &ctx),
        router.execute("0.5".to_owned(), &ctx)
    );
    a?;
    b?;
    let cost = |route| measured("router_cost_usd_total", &["apart", route]);
    assert!((cost("a") - 0.25).abs() < 1e-9 && (cost("b") - 0.5).abs() < 1e-9);
    Ok(())
}

#[tokio::test]
async fn a_strategy_that_panics_leads_to_the_default() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route("cheap", paid(None), CostModel::unknown())
        .strategy(|_: &String, _: &WorkflowContext| -> Result<&'static str> { panic!("no") })
        .default_route("cheap")
        .build()?
        .with_name("panicking_strategy");
    router.run(String::new()).await?;
    let labels = ["panicking_strategy", "cheap", "strategy_error"];
    assert!((measured("router_decisions_total", &labels) - 1.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test]
async fn a_call_for_which_no_route_was_found_is_counted() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route("cheap", paid(None), CostModel::unknown())
        .strategy(|_: &String, _: &WorkflowContext| Ok("huge"))
        .build()?
        .with_name("no_route");
    let error = router.run(String::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let labels = ["no_route", "none", "not_found"];
    assert!((measured("router_errors_total", &labels) - 1.0).abs() < 1e-9);
    Ok(())
}

#[test]
fn a_name_that_would_be_no_label_or_stand_for_no_route_is_refused() {
    for name in ["", "none"] {
        let router = RouterPrimitive::builder()
            .route(name, paid(None), CostModel::unknown())
            .default_route(name);
        let error = router.build().unwrap_err();
        assert!(error.to_string().contains("another name"), "{error}");
    }
}
