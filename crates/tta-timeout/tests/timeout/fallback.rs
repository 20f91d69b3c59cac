//! A fallback of the timeout's own answers when the limit has passed, and only then.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::support::{MS, context, counted, on_paused_clock, operation};
use tta_core::{Error, ErrorKind, Flow, Primitive, Result, WorkflowContext, step, step_with};
use tta_testkit::recording::{RecordingRecorder, error_type};
use tta_timeout::{TimedOut, TimeoutCause, TimeoutConfig, TimeoutExt};

/// Answers 42 and counts how often it was asked.
fn canned(asked: &Arc<AtomicUsize>) -> Flow<impl Primitive<Input = u64, Output = u64> + use<>> {
    step_with(
        "canned",
        Arc::clone(asked),
        async |asked: &Arc<AtomicUsize>, _: u64| {
            asked.fetch_add(1, Ordering::Relaxed);
            Ok(42)
        },
    )
}

#[tokio::test(start_paused = true)]
async fn the_fallback_answers_past_the_limit_with_the_same_input() -> Result<()> {
    let doubled = step("doubled", async |n: u64| Ok(n * 2));
    let flow = operation(50)
        .timeout_or(10 * MS, doubled)?
        .with_name("or_doubled");
    let ctx = context();
    assert_eq!(flow.execute(4, &ctx).await?, 8);
    assert_eq!(ctx.elapsed(), 10 * MS);
    assert_eq!(counted("or_doubled"), [0, 0, 1, 0]);
    Ok(())
}

/// Whoever reads the metrics finds both under one kind.
#[test]
fn a_timeout_with_a_fallback_is_a_timeout_by_kind() -> Result<()> {
    let with = operation(50).timeout_or(10 * MS, operation(5))?;
    let without = operation(50).timeout(10 * MS)?;
    let kinds = [with.primitive_type(), without.primitive_type()];
    assert_eq!(kinds, ["TimeoutPrimitive", "TimeoutPrimitive"]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_fallback_is_not_asked_in_time_nor_for_an_error_that_only_looks_like_this_timeout()
-> Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    let in_time = operation(5).timeout_or(10 * MS, canned(&asked))?;
    assert_eq!(in_time.execute(1, &context()).await?, 1);

    let inner = operation(50).timeout(5 * MS)?;
    let flow = inner.timeout_or(10 * MS, canned(&asked))?;
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert!(error.to_string().contains("5ms"), "{error}");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nobody_is_left_to_answer_when_it_is_the_deadline_that_passed() -> Result<()> {
    let asked = Arc::new(AtomicUsize::new(0));
    let flow = operation(50).timeout_or(10 * MS, canned(&asked))?;
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 4 * MS);
    let error = flow.execute(1, &hurried).await.unwrap_err();
    let timed_out = error.downcast_ref::<TimedOut>().unwrap();
    assert_eq!(timed_out.cause(), TimeoutCause::Deadline);
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_fallback_has_what_is_left_of_the_deadline_and_no_part_of_the_limit() -> Result<()> {
    let left = step("left", async |_: u64, ctx: &WorkflowContext| {
        assert!(!ctx.is_cancelled());
        Ok(ctx
            .remaining()
            .map_or(0, |it| it.as_secs() * 1_000 + u64::from(it.subsec_millis())))
    });
    let config = TimeoutConfig::new(10 * MS).with_grace(5 * MS);
    let flow = operation(50).timeout_or(config, left)?;
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 40 * MS);
    assert_eq!(flow.execute(1, &hurried).await?, 25);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn if_both_fail_the_error_is_the_timeout_with_the_other_one_attached() -> Result<()> {
    let down = step("down", async |_: u64| -> Result<u64> {
        Err(Error::new(ErrorKind::Unavailable, "the cache is down"))
    });
    let flow = operation(50).timeout_or(10 * MS, down)?;
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    let related: Vec<_> = error.related().iter().map(Error::kind).collect();
    assert_eq!(related, [ErrorKind::Unavailable]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_trace_shows_that_the_operation_ran_out_of_time_and_that_the_fallback_answered()
-> Result<()> {
    let recorder = RecordingRecorder::new();
    let asked = Arc::new(AtomicUsize::new(0));
    let flow = operation(50)
        .timeout_or(10 * MS, canned(&asked))?
        .with_name("shows_fallback");
    flow.execute(1, &on_paused_clock(recorder.builder()))
        .await?;
    let whole = recorder.span("shows_fallback.execute");
    let execute = recorder.span("timeout.execute");
    let fallback = recorder.span("timeout.fallback");
    assert_eq!(error_type(&execute), Some("timeout"));
    assert_eq!(error_type(&fallback), None);
    assert_eq!(error_type(&whole), None);
    assert_eq!(execute.parent_id, whole.span_id);
    assert_eq!(fallback.parent_id, whole.span_id);
    assert_eq!(recorder.span("canned.execute").parent_id, fallback.span_id);
    Ok(())
}
