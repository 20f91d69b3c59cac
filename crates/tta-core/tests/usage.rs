//! What work has cost is known for each piece of it, and for the whole.

use tta_core::{Result, Usage, WorkflowContext, refused_measurements, step};

#[test]
fn nothing_reported_is_not_a_price_of_nothing() {
    let ctx = WorkflowContext::new();
    assert_eq!(ctx.usage(), Usage::default());
    assert_eq!(ctx.usage().cost_usd(), None);
    ctx.report_cost(0.0);
    assert_eq!(ctx.usage().cost_usd(), Some(0.0));
}

#[test]
fn metered_pieces_do_not_mix_and_count_for_the_whole() {
    let ctx = WorkflowContext::new();
    let outer = ctx.metered();
    let (left, right) = (outer.metered(), outer.metered());
    left.report_cost(0.25);
    right.report_cost(0.5);
    right.report_tokens(10, 3);

    assert_eq!(left.usage().cost_nano_usd, Some(250_000_000));
    assert_eq!(right.usage().cost_nano_usd, Some(500_000_000));
    assert_eq!(outer.usage().cost_nano_usd, Some(750_000_000));
    assert_eq!(ctx.usage().cost_nano_usd, Some(750_000_000));
    assert_eq!(ctx.usage().input_tokens, 10);
    assert_eq!(left.usage().output_tokens, 0);
}

#[test]
fn a_child_context_counts_for_its_parent_and_for_the_piece_it_belongs_to() {
    let ctx = WorkflowContext::new();
    let piece = ctx.metered();
    let child = piece.child();
    child.report_cost(1.0);
    assert_eq!(piece.usage().cost_usd(), Some(1.0));
    assert_eq!(ctx.usage().cost_usd(), Some(1.0));
}

#[test]
fn an_amount_that_cannot_be_added_up_is_refused_and_counted() {
    let ctx = WorkflowContext::new();
    let before = refused_measurements();
    ctx.report_cost(f64::NAN);
    ctx.report_cost(-1.0);
    assert_eq!(ctx.usage().cost_usd(), None);
    assert!(refused_measurements() >= before + 2);
}

#[tokio::test]
async fn what_steps_report_at_once_is_seen_by_the_caller() -> Result<()> {
    let paid = |usd: f64| {
        tta_core::step_with(
            "paid",
            usd,
            async |usd: &f64, (): (), ctx: &WorkflowContext| {
                ctx.report_cost(*usd);
                Ok(())
            },
        )
    };
    let flow = (paid(0.001) | paid(0.002)) >> step("free", async |_: ((), ())| Ok(()));
    let ctx = WorkflowContext::new();
    flow.execute((), &ctx).await?;
    assert_eq!(ctx.usage().cost_nano_usd, Some(3_000_000));
    Ok(())
}
