//! Right and wrong orders of composition, each as the README states it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{MS, context, operation, times_out};
use tokio::time::sleep;
use tta_core::{Flow, Primitive, Result, WorkflowContext, step, step_with};
use tta_timeout::{BlockingExt, TimeoutConfig, TimeoutExt};

#[tokio::test(start_paused = true)]
async fn right_the_fallback_outside_the_limit_answers() -> Result<()> {
    let flow = operation(50)
        .timeout(10 * MS)?
        .with_fallback(step("canned", async |_: u64| Ok(42)));
    assert_eq!(flow.execute(1, &context()).await?, 42);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn wrong_one_limit_over_operation_and_fallback_leaves_the_fallback_no_time() -> Result<()> {
    let flow = operation(50)
        .with_fallback(step("canned", async |_: u64| Ok(42)))
        .timeout(10 * MS)?;
    assert!(times_out(flow.execute(1, &context()).await));
    Ok(())
}

/// Slow the first time, which is what trying again is for.
fn slow_at_first() -> Flow<impl Primitive<Input = u64, Output = u64>> {
    let calls = AtomicUsize::new(0);
    step_with(
        "slow_at_first",
        calls,
        async |calls: &AtomicUsize, n: u64| {
            if calls.fetch_add(1, Ordering::Relaxed) == 0 {
                sleep(50 * MS).await;
            }
            Ok(n)
        },
    )
}

#[tokio::test(start_paused = true)]
async fn right_a_limit_for_each_attempt_lets_the_second_one_answer() -> Result<()> {
    let attempt = Arc::new(slow_at_first().timeout(10 * MS)?);
    let ctx = context();
    let mut result = attempt.execute(1, &ctx).await;
    if result.is_err() {
        result = attempt.execute(1, &ctx).await;
    }
    assert_eq!(result?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn wrong_a_limit_over_all_attempts_alone_is_used_up_by_the_first() -> Result<()> {
    let attempts = step_with(
        "attempts",
        slow_at_first(),
        async |model: &_, n: u64, ctx: &WorkflowContext| Flow::execute(model, n, ctx).await,
    )
    .timeout(10 * MS)?;
    assert!(times_out(attempts.execute(1, &context()).await));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn right_both_limits_bound_each_attempt_by_what_is_left_of_the_whole() -> Result<()> {
    let flow = operation(50).timeout(30 * MS)?;
    let whole = (flow >> operation(1)).timeout(20 * MS)?;
    let ctx = context();
    assert!(times_out(whole.execute(1, &ctx).await));
    assert_eq!(ctx.elapsed(), 20 * MS);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn right_a_clean_up_within_the_grace_runs_as_it_is() -> Result<()> {
    assert!(cleans_up(step("put_away", async |(): ()| Ok(()))).await);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn wrong_a_clean_up_under_a_limit_of_its_own_is_not_started_within_the_grace() -> Result<()> {
    let bounded = step("put_away", async |(): ()| Ok(())).timeout(MS)?;
    assert!(!cleans_up(bounded).await);
    Ok(())
}

/// Whether a step that is told to end gets to run `put_away`.
async fn cleans_up<P: Primitive<Input = (), Output = ()> + 'static>(put_away: Flow<P>) -> bool {
    let flow = step_with(
        "writes",
        put_away,
        async |put_away: &Flow<P>, (): (), ctx: &WorkflowContext| {
            ctx.cancelled().await;
            Ok(put_away.execute((), ctx).await.is_ok())
        },
    )
    .timeout(TimeoutConfig::new(10 * MS).with_grace(5 * MS))
    .unwrap();
    flow.execute((), &context()).await.unwrap()
}

#[tokio::test]
async fn wrong_the_limit_inside_the_blocking_thread_cannot_cut_off_what_blocks() -> Result<()> {
    let blocks = || {
        step("blocks", async |(): ()| {
            std::thread::sleep(40 * MS);
            Ok(())
        })
    };
    let right = blocks().on_blocking_thread().timeout(5 * MS)?;
    let ctx = WorkflowContext::new();
    let error = right.execute((), &ctx).await.unwrap_err();
    assert!(!error.to_string().contains("held its thread"), "{error}");

    let wrong = blocks().timeout(5 * MS)?.on_blocking_thread();
    let error = wrong.execute((), &ctx).await.unwrap_err();
    assert!(error.to_string().contains("held its thread"), "{error}");
    Ok(())
}

#[test]
fn what_must_not_run_twice_is_known_through_a_timeout() -> Result<()> {
    let once = || step("pays", async |n: u64| Ok(n)).non_idempotent();
    let often = || step("reads", async |n: u64| Ok(n));
    let limit = Duration::from_secs(1);
    for (idempotent, of) in [
        (
            often().timeout(limit)?.into_primitive().is_idempotent(),
            "reads",
        ),
        (
            !once().timeout(limit)?.into_primitive().is_idempotent(),
            "pays",
        ),
        (
            often()
                .on_blocking_thread()
                .into_primitive()
                .is_idempotent(),
            "reads",
        ),
        (
            !once().on_blocking_thread().into_primitive().is_idempotent(),
            "pays",
        ),
        (
            often()
                .timeout_or(limit, often())?
                .into_primitive()
                .is_idempotent(),
            "reads",
        ),
        (
            !often()
                .timeout_or(limit, once())?
                .into_primitive()
                .is_idempotent(),
            "or pays",
        ),
        (
            !once()
                .timeout_or(limit, often())?
                .into_primitive()
                .is_idempotent(),
            "pays or",
        ),
    ] {
        assert!(idempotent, "{of}");
    }
    Ok(())
}
