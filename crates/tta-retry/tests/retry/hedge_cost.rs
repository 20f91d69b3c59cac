//! What an attempt that loses has cost is not hidden.

use std::time::Duration;

use tta_core::{Value, WorkflowContext, step};
use tta_retry::{HedgeConfig, RetryBudget, RetryExt};
use tta_testkit::measured::measured;
use tta_testkit::recording::RecordingRecorder;

use crate::support::{MS, context, on_paused_clock};

fn config() -> HedgeConfig {
    HedgeConfig::fixed(10 * MS).with_budget(&RetryBudget::new(1.0, 100).unwrap())
}

/// Reports its cost as it begins, and answers late the first time.
async fn pays_first(_: u64, ctx: &WorkflowContext) -> tta_core::Result<u64> {
    ctx.report_cost(0.25);
    ctx.report_tokens(30, 12);
    late_once(ctx).await;
    Ok(1)
}

/// Reports its cost when it has answered.
async fn pays_last(_: u64, ctx: &WorkflowContext) -> tta_core::Result<u64> {
    late_once(ctx).await;
    ctx.report_cost(0.25);
    Ok(1)
}

async fn late_once(ctx: &WorkflowContext) {
    struct Called;
    let first = ctx.state::<Called>().is_none();
    ctx.put(Called);
    let ms = if first { 100 } else { 5 };
    tokio::time::sleep(Duration::from_millis(ms)).await;
}

fn spent(ctx: &WorkflowContext) -> Option<f64> {
    ctx.usage().cost_usd()
}

#[tokio::test(start_paused = true)]
async fn what_the_loser_has_reported_stays_charged() {
    let flow = step("model", pays_first)
        .hedged(config())
        .unwrap()
        .with_name("charged");
    let ctx = context();
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(spent(&ctx), Some(0.5));
    assert_eq!(ctx.usage().input_tokens, 60);
    assert!((measured("hedge_wasted_cost_usd_total", &["charged"]) - 0.25).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_loser_that_has_reported_nothing_is_charged_what_a_call_costs() {
    let free = step("model", pays_last)
        .hedged(config())
        .unwrap()
        .with_name("uncharged");
    let ctx = context();
    free.execute(1, &ctx).await.unwrap();
    assert_eq!(spent(&ctx), Some(0.25));
    assert!(measured("hedge_wasted_cost_usd_total", &["uncharged"]).abs() < 1e-12);

    let config = config().with_cost_per_call(0.125);
    let flow = step("model", pays_last)
        .hedged(config)
        .unwrap()
        .with_name("charged_a_call");
    let ctx = context();
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(spent(&ctx), Some(0.375));
    assert!((measured("hedge_wasted_cost_usd_total", &["charged_a_call"]) - 0.125).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn a_loser_that_has_reported_is_not_charged_a_call_besides() {
    let config = config().with_cost_per_call(9.0);
    let flow = step("model", pays_first).hedged(config).unwrap();
    let ctx = context();
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(spent(&ctx), Some(0.5));
}

#[tokio::test(start_paused = true)]
async fn a_loser_that_failed_by_itself_is_wasted_but_charged_no_call() {
    let fails_late = async |_: u64, ctx: &WorkflowContext| {
        struct Called;
        let first = ctx.state::<Called>().is_none();
        ctx.put(Called);
        tokio::time::sleep(20 * MS).await;
        if first {
            Err(crate::support::down())
        } else {
            Ok(1)
        }
    };
    let config = config().with_cost_per_call(9.0);
    let flow = step("model", fails_late).hedged(config).unwrap();
    let ctx = context();
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(spent(&ctx), None);
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_a_second_attempt_wastes_nothing() {
    let quick = step("model", async |_: u64, ctx: &WorkflowContext| {
        ctx.report_cost(0.25);
        Ok(1)
    });
    let config = config().with_cost_per_call(9.0);
    let flow = quick.hedged(config).unwrap().with_name("no_waste");
    let ctx = context();
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(spent(&ctx), Some(0.25));
    assert!(measured("hedge_wasted_cost_usd_total", &["no_waste"]).abs() < 1e-12);
}

#[tokio::test(start_paused = true)]
async fn the_trace_shows_what_was_wasted() {
    let recorder = RecordingRecorder::new();
    let flow = step("model", pays_first).hedged(config()).unwrap();
    flow.execute(1, &on_paused_clock(recorder.builder()))
        .await
        .unwrap();
    let cancel = recorder.span("hedge.cancel");
    let of = |key| recorder.attribute(cancel.span_id, key);
    assert_eq!(of("hedge.attempt"), Some(Value::Int(1)));
    assert_eq!(of("hedge.wasted_cost_usd"), Some(Value::Float(0.25)));
    assert_eq!(of("hedge.wasted_tokens"), Some(Value::Int(42)));
}
