//! An operation is given up when its time is over, and only then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{MS, context, counted, operation, times_out};
use tokio::time::sleep;
use tta_core::{Error, ErrorKind, Flow, Primitive, Result, WorkflowContext, step, step_with};
use tta_timeout::{TimeoutConfig, TimeoutExt};

#[tokio::test(start_paused = true)]
async fn an_operation_that_ends_in_time_gives_its_result_and_is_counted() -> Result<()> {
    let flow = operation(5).timeout(10 * MS)?.with_name("in_time");
    assert_eq!(flow.execute(1, &context()).await?, 1);
    assert_eq!(counted("in_time"), [1, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_operation_past_its_limit_is_an_error_that_names_it_and_the_limit() -> Result<()> {
    let flow = operation(50).timeout(10 * MS)?.with_name("past_limit");
    let ctx = context();
    let error = flow.execute(1, &ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.is_retryable());
    let said = error.to_string();
    assert!(
        said.contains("`operation`") && said.contains("10ms"),
        "{said}"
    );
    assert_eq!(ctx.elapsed(), 10 * MS);
    assert_eq!(counted("past_limit"), [0, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_within_the_grace_is_taken_and_counted_apart() -> Result<()> {
    let config = TimeoutConfig::new(10 * MS).with_grace(5 * MS);
    let flow = operation(12).timeout(config)?.with_name("in_grace");
    assert_eq!(flow.execute(7, &context()).await?, 7);
    assert_eq!(counted("in_grace"), [0, 1, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_answer_past_the_grace_is_a_timeout() -> Result<()> {
    let config = TimeoutConfig::new(10 * MS).with_grace(5 * MS);
    let flow = operation(50).timeout(config)?.with_name("past_grace");
    let ctx = context();
    let error = flow.execute(7, &ctx).await.unwrap_err();
    assert!(error.to_string().contains("grace period of 5ms"), "{error}");
    assert_eq!(ctx.elapsed(), 15 * MS);
    assert_eq!(counted("past_grace"), [0, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_operation_finds_the_limit_as_its_deadline() -> Result<()> {
    let config = TimeoutConfig::new(10 * MS).with_grace(5 * MS);
    let flow = step("operation", async |(): (), ctx: &WorkflowContext| {
        Ok(ctx.remaining())
    })
    .timeout(config)?;
    assert_eq!(flow.execute((), &context()).await?, Some(10 * MS));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_earlier_deadline_wins_over_the_limit() -> Result<()> {
    let config = TimeoutConfig::new(100 * MS).with_grace(50 * MS);
    let flow = operation(200).timeout(config)?.with_name("inherits");
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 20 * MS);
    let error = flow.execute(1, &hurried).await.unwrap_err();
    assert!(error.to_string().contains("inherited"), "{error}");
    assert_eq!(ctx.elapsed(), 20 * MS);
    assert_eq!(counted("inherits"), [0, 0, 0, 1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_limit_is_named_where_it_equals_the_deadline() -> Result<()> {
    let flow = operation(200).timeout(20 * MS)?.with_name("same_end");
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 20 * MS);
    assert!(times_out(flow.execute(1, &hurried).await));
    assert_eq!(counted("same_end"), [0, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_shortest_of_nested_limits_wins_on_either_side() -> Result<()> {
    for (inner, outer) in [(10, 30), (30, 10)] {
        let flow = operation(100).timeout(inner * MS)?.timeout(outer * MS)?;
        let ctx = context();
        assert!(times_out(flow.execute(1, &ctx).await));
        assert_eq!(ctx.elapsed(), 10 * MS, "{inner} inside {outer}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_operation_whose_deadline_has_passed_is_not_started() -> Result<()> {
    let calls = Arc::new(AtomicUsize::new(0));
    let operation = step_with(
        "operation",
        Arc::clone(&calls),
        async |calls: &Arc<AtomicUsize>, (): ()| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
    );
    let flow = operation.timeout(10 * MS)?.with_name("too_late");
    let ctx = context();
    let late = ctx.with_deadline(ctx.now());
    let error = flow.execute((), &late).await.unwrap_err();
    assert!(error.to_string().contains("not started: past"), "{error}");
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(counted("too_late"), [0, 0, 0, 1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_error_of_the_operation_passes_unchanged_even_if_it_is_a_timeout() -> Result<()> {
    let flow = step("operation", async |(): ()| -> Result<()> {
        Err(Error::new(ErrorKind::Timeout, "the provider was slow"))
    })
    .timeout(10 * MS)?
    .with_name("own_timeout");
    let error = flow.execute((), &context()).await.unwrap_err();
    assert_eq!(error.to_string(), "the provider was slow");
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(counted("own_timeout"), [0, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn calls_at_once_are_independent() -> Result<()> {
    let flow = step("operation", async |ms: u64| {
        sleep(Duration::from_millis(ms)).await;
        Ok(ms)
    })
    .timeout(10 * MS)?;
    let (a, b, c) = (context(), context(), context());
    let (quick, slow, other) = tokio::join!(
        flow.execute(5, &a),
        flow.execute(50, &b),
        flow.execute(9, &c)
    );
    assert_eq!((quick?, other?), (5, 9));
    assert!(times_out(slow));
    Ok(())
}

#[test]
fn a_limit_of_zero_is_refused() {
    let error = operation(1).timeout(Duration::ZERO).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("above zero"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn the_longest_duration_is_no_limit_and_does_not_overflow() -> Result<()> {
    let config = TimeoutConfig::new(Duration::MAX).with_grace(Duration::MAX);
    let flow = operation(50).timeout(config)?;
    assert_eq!(flow.execute(3, &context()).await?, 3);
    let grace = TimeoutConfig::new(10 * MS).with_grace(Duration::MAX);
    assert_eq!(
        operation(50).timeout(grace)?.execute(3, &context()).await?,
        3
    );
    Ok(())
}

/// Holds its thread for 50 ms: the test moves the clock without yielding.
fn holds_its_thread() -> Flow<impl Primitive<Input = (), Output = ()> + std::fmt::Debug> {
    use std::task::Poll;
    step("operation", async |(): ()| {
        let mut advance = Box::pin(tokio::time::advance(50 * MS));
        // One poll moves the clock; what it would wait for is not waited for.
        std::future::poll_fn(|cx| {
            let _ = advance.as_mut().poll(cx);
            Poll::Ready(())
        })
        .await;
        Ok(())
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_an_operation_that_held_its_thread_too_long_is_a_timeout_that_says_so()
-> Result<()> {
    let flow = holds_its_thread()
        .timeout(10 * MS)?
        .with_name("holds_its_thread");
    let error = flow.execute((), &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("held its thread"), "{error}");
    assert_eq!(counted("holds_its_thread"), [0, 0, 1, 0]);
    Ok(())
}

/// No timer can have told it, so that the clock alone says when it ended.
#[tokio::test(start_paused = true)]
async fn an_answer_of_an_operation_that_held_its_thread_into_the_grace_counts_as_such() -> Result<()>
{
    let config = TimeoutConfig::new(10 * MS).with_grace(100 * MS);
    let flow = holds_its_thread()
        .timeout(config)?
        .with_name("holds_its_thread_into_the_grace");
    flow.execute((), &context()).await?;
    assert_eq!(counted("holds_its_thread_into_the_grace"), [0, 1, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_uses_up_the_budget_of_its_task_is_cut_off_all_the_same() -> Result<()> {
    let flow = step("operation", async |(): ()| -> Result<()> {
        loop {
            tokio::task::coop::consume_budget().await;
        }
    })
    .timeout(10 * MS)?;
    let running = tokio::spawn(async move { flow.execute((), &context()).await });
    tokio::task::yield_now().await;
    tokio::time::advance(20 * MS).await;
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    assert!(running.is_finished());
    assert!(times_out(running.await?));
    Ok(())
}

#[test]
fn an_operation_that_is_ready_at_once_needs_no_runtime() -> Result<()> {
    let flow = step("operation", async |n: u64| Ok(n)).timeout(10 * MS)?;
    let waker = std::task::Waker::noop();
    let mut run = std::pin::pin!(flow.run(4));
    let polled = run
        .as_mut()
        .poll(&mut std::task::Context::from_waker(waker));
    assert!(matches!(polled, std::task::Poll::Ready(Ok(4))));
    Ok(())
}

#[test]
fn an_operation_that_waits_without_a_timer_is_an_error_that_says_what_is_missing() -> Result<()> {
    let flow = step("operation", async |(): ()| {
        std::future::pending::<()>().await;
        Ok(())
    })
    .timeout(10 * MS)?;
    let waker = std::task::Waker::noop();
    {
        let mut run = std::pin::pin!(flow.run(()));
        let polled = run
            .as_mut()
            .poll(&mut std::task::Context::from_waker(waker));
        let std::task::Poll::Ready(Err(error)) = polled else {
            panic!("must fail at once: {polled:?}")
        };
        assert_eq!(error.kind(), ErrorKind::Configuration);
    }
    let without_timer = tokio::runtime::Builder::new_current_thread().build()?;
    let error = without_timer.block_on(flow.run(())).unwrap_err();
    assert!(error.to_string().contains("enable_time"), "{error}");
    Ok(())
}

proptest::proptest! {
    #[test]
    fn nested_limits_and_deadlines_never_overflow_and_the_shortest_decides(
        inner in 1..80_u64, outer in 1..80_u64, deadline in 1..80_u64, takes in 0..100_u64,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let (inner, outer) = (Duration::from_millis(inner), Duration::from_millis(outer));
            let flow = operation(takes).timeout(inner).unwrap().timeout(outer).unwrap();
            let ctx = context();
            let hurried = ctx.with_deadline(ctx.now() + Duration::from_millis(deadline));
            let result = flow.execute(1, &hurried).await;
            let shortest = inner.min(outer).min(Duration::from_millis(deadline));
            let takes = Duration::from_millis(takes);
            assert_eq!(result.is_ok(), takes <= shortest);
            assert_eq!(ctx.elapsed(), takes.min(shortest));
        });
    }
}
