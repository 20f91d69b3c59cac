//! Past its limit an operation is told, and has the grace period to finish or to clean up.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{MS, context, counted, operation, times_out};
use tokio::time::sleep;
use tta_core::{Error, ErrorKind, Result, WorkflowContext, step, step_with};
use tta_timeout::{TimedOut, TimeoutCause, TimeoutConfig, TimeoutExt};

fn with_grace() -> TimeoutConfig {
    TimeoutConfig::new(10 * MS).with_grace(5 * MS)
}

#[tokio::test(start_paused = true)]
async fn the_operation_is_told_at_its_limit_and_not_before() -> Result<()> {
    let flow = step("operation", async |(): (), ctx: &WorkflowContext| {
        assert!(!ctx.is_cancelled());
        ctx.cancelled().await;
        assert!(ctx.is_cancelled());
        Ok(ctx.elapsed())
    })
    .timeout(with_grace())?
    .with_name("told");
    assert_eq!(flow.execute((), &context()).await?, 10 * MS);
    assert_eq!(counted("told"), [0, 1, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_asks_now_and_then_can_return_what_it_has() -> Result<()> {
    let flow = step("pages", async |(): (), ctx: &WorkflowContext| {
        let mut pages = 0;
        while !ctx.is_cancelled() {
            sleep(3 * MS).await;
            pages += 1;
        }
        Ok(pages)
    })
    .timeout(with_grace())?;
    assert_eq!(flow.execute((), &context()).await?, 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_after_cleaning_up_is_the_operations_own_and_no_timeout() -> Result<()> {
    let flow = step("operation", async |(): (), ctx: &WorkflowContext| {
        ctx.cancelled().await;
        sleep(2 * MS).await;
        Err::<(), _>(Error::new(ErrorKind::Cancelled, "put away again"))
    })
    .timeout(with_grace())?
    .with_name("cleaned_up");
    let error = flow.execute((), &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Cancelled);
    assert_eq!(counted("cleaned_up"), [0, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_that_cleans_up_for_longer_than_the_grace_is_dropped() -> Result<()> {
    let flow = step("operation", async |(): (), ctx: &WorkflowContext| {
        ctx.cancelled().await;
        sleep(6 * MS).await;
        Ok(())
    })
    .timeout(with_grace())?;
    let ctx = context();
    assert!(times_out(flow.execute((), &ctx).await));
    assert_eq!(ctx.elapsed(), 15 * MS);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_deadline_within_the_grace_ends_the_grace() -> Result<()> {
    let flow = operation(50).timeout(with_grace())?;
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 12 * MS);
    let error = flow.execute(1, &hurried).await.unwrap_err();
    assert_eq!(ctx.elapsed(), 12 * MS);
    let timed_out = error.downcast_ref::<TimedOut>().unwrap();
    assert_eq!(timed_out.cause(), TimeoutCause::Limit);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_inherited_deadline_gives_no_grace_and_no_signal() -> Result<()> {
    let told = Arc::new(AtomicUsize::new(0));
    let flow = step_with(
        "operation",
        Arc::clone(&told),
        async |told: &Arc<AtomicUsize>, (): (), ctx: &WorkflowContext| {
            ctx.cancelled().await;
            told.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
    )
    .timeout(with_grace())?;
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 4 * MS);
    assert!(times_out(flow.execute((), &hurried).await));
    assert_eq!((ctx.elapsed(), told.load(Ordering::Relaxed)), (4 * MS, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_signal_of_an_outer_timeout_reaches_what_lies_inside_an_inner_one() -> Result<()> {
    let flow = step("operation", async |(): (), ctx: &WorkflowContext| {
        ctx.cancelled().await;
        Ok(ctx.elapsed())
    })
    .timeout(TimeoutConfig::new(Duration::from_secs(1)).with_grace(MS))?
    .timeout(with_grace())?;
    // The inner one inherits the outer limit as its deadline, which leaves the inner no grace.
    assert!(times_out(flow.execute((), &context()).await));

    let flow = step("operation", async |(): (), ctx: &WorkflowContext| {
        ctx.cancelled().await;
        Ok(ctx.elapsed())
    })
    .timeout(with_grace())?
    .timeout(TimeoutConfig::new(Duration::from_secs(1)).with_grace(MS))?;
    assert_eq!(flow.execute((), &context()).await?, 10 * MS);
    Ok(())
}

/// The operation leaves a task behind that waits for the signal.
#[tokio::test(start_paused = true)]
async fn what_the_operation_moved_elsewhere_is_told_when_the_caller_goes_and_not_when_it_ends()
-> Result<()> {
    let flow = |waits: bool| {
        step_with(
            "operation",
            waits,
            async |waits: &bool, (): (), ctx: &WorkflowContext| {
                ctx.put(Handed(ctx.clone()));
                if *waits {
                    std::future::pending::<()>().await;
                }
                Ok(())
            },
        )
        .timeout(with_grace())
    };
    for waits in [false, true] {
        let ctx = context();
        let run = tokio::time::timeout(5 * MS, async { flow(waits)?.execute((), &ctx).await });
        assert_eq!(run.await.is_err(), waits);
        let left_behind = ctx.state::<Handed>().unwrap();
        assert_eq!(left_behind.0.is_cancelled(), waits);
    }
    Ok(())
}

/// The context that was handed to an operation, for its caller to look at.
struct Handed(WorkflowContext);
