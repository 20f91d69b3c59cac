//! What a hit has saved is what the computation had cost.

use tta_cache::CacheExt;
use tta_core::{Result, WorkflowContext, step};

use crate::support::{Calls, ask, by_text, counting};

fn same(a: f64, b: f64) -> bool {
    (a - b).abs() < 1e-12
}

#[tokio::test]
async fn a_hit_saves_what_its_own_computation_reported_also_when_others_ran_at_once() -> Result<()>
{
    let priced = step("model", async |price: String, ctx: &WorkflowContext| {
        tokio::task::yield_now().await;
        ctx.report_cost(price.parse()?);
        tokio::task::yield_now().await;
        Ok(())
    });
    let flow = priced.cached(by_text())?.with_name("saves");
    let ctx = WorkflowContext::new();
    let (cheap, dear) = tokio::join!(
        flow.execute(ask("0.001"), &ctx),
        flow.execute(ask("0.5"), &ctx)
    );
    cheap?;
    dear?;
    assert!(same(flow.stats().saved_usd, 0.0));
    flow.execute(ask("0.001"), &ctx).await?;
    assert!(same(flow.stats().saved_usd, 0.001));
    flow.execute(ask("0.5"), &ctx).await?;
    assert!(same(flow.stats().saved_usd, 0.501));
    assert_eq!(ctx.usage().cost_usd(), Some(0.501));
    Ok(())
}

#[tokio::test]
async fn a_configured_cost_counts_only_where_none_was_reported() -> Result<()> {
    let reports = step("model", async |question: String, ctx: &WorkflowContext| {
        if question == "free" {
            ctx.report_cost(0.0);
        }
        Ok(())
    });
    let config = by_text().with_cost_per_call(0.25);
    let flow = reports.cached(config)?.with_name("configured_cost");
    for question in ["free", "free", "unknown", "unknown"] {
        flow.run(ask(question)).await?;
    }
    assert!(same(flow.stats().saved_usd, 0.25));
    Ok(())
}

#[tokio::test]
async fn a_hit_tells_whoever_charges_that_it_was_free() -> Result<()> {
    let flow = counting(&Calls::default()).cached(by_text())?;
    flow.run(ask("q")).await?;
    let ctx = WorkflowContext::new();
    flow.execute(ask("q"), &ctx).await?;
    assert_eq!(ctx.usage().cost_usd(), Some(0.0));
    Ok(())
}

#[tokio::test]
async fn what_storing_costs_is_charged_and_set_against_what_hits_save() -> Result<()> {
    let reports = step("model", async |_: String, ctx: &WorkflowContext| {
        ctx.report_cost(0.1);
        Ok(())
    });
    let config = by_text().with_cost_per_write(0.25);
    let flow = reports.cached(config)?.with_name("dear_writes");
    let ctx = WorkflowContext::new();
    flow.execute(ask("q"), &ctx).await?;
    assert_eq!(ctx.usage().cost_usd(), Some(0.35));
    for saved in [0.0, 0.0, 0.05, 0.15] {
        flow.run(ask("q")).await?;
        assert!(same(flow.stats().saved_usd, saved), "{saved}");
    }
    Ok(())
}
