//! Nothing is started that cannot fit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crate::support::{MS, context, counted, on_paused_clock, operation};
use tta_core::{ErrorKind, Flow, Primitive, Result, Value, WorkflowContext, step_with};
use tta_testkit::recording::RecordingRecorder;
use tta_timeout::{TimedOut, TimeoutCause, TimeoutConfig, TimeoutExt};

fn counting(calls: &Arc<AtomicUsize>) -> Flow<impl Primitive<Input = (), Output = ()> + use<>> {
    step_with(
        "operation",
        Arc::clone(calls),
        async |calls: &Arc<AtomicUsize>, (): ()| {
            calls.fetch_add(1, Ordering::Relaxed);
            Ok(())
        },
    )
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_cannot_fit_is_not_started_and_says_so_at_once() -> Result<()> {
    let calls = Arc::new(AtomicUsize::new(0));
    let config = TimeoutConfig::new(100 * MS).with_minimum(30 * MS);
    let flow = counting(&calls).timeout(config)?.with_name("cannot_fit");
    let ctx = context();
    for (left, started) in [(29, 0), (30, 1), (31, 2)] {
        let hurried = ctx.with_deadline(ctx.now() + left * MS);
        let result = flow.execute((), &hurried).await;
        assert_eq!(result.is_ok(), left >= 30, "{left}");
        assert_eq!(calls.load(Ordering::Relaxed), started);
        if let Err(error) = result {
            assert_eq!(error.kind(), ErrorKind::Timeout);
            let said = error.to_string();
            assert!(
                said.contains("needs 30ms") && said.contains("29ms is left"),
                "{said}"
            );
            let timed_out = error.downcast_ref::<TimedOut>().unwrap();
            assert_eq!(timed_out.cause(), TimeoutCause::Deadline);
        }
    }
    assert_eq!(ctx.elapsed(), Duration::ZERO);
    assert_eq!(counted("cannot_fit"), [2, 0, 0, 1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_a_deadline_the_minimum_stops_nothing() -> Result<()> {
    let calls = Arc::new(AtomicUsize::new(0));
    let config = TimeoutConfig::new(Duration::MAX).with_minimum(Duration::from_hours(1));
    counting(&calls)
        .timeout(config)?
        .execute((), &context())
        .await?;
    assert_eq!(calls.load(Ordering::Relaxed), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_one_call_below_the_minimum_is_a_limit_too_short() -> Result<()> {
    let calls = Arc::new(AtomicUsize::new(0));
    let limit = |(): &(), _: &WorkflowContext| 5 * MS;
    let config = TimeoutConfig::from_policy(limit).with_minimum(6 * MS);
    let flow = counting(&calls).timeout(config)?.with_name("short_call");
    flow.execute((), &context()).await.unwrap_err();
    assert_eq!(calls.load(Ordering::Relaxed), 0);
    assert_eq!(counted("short_call"), [0, 0, 1, 0]);
    Ok(())
}

#[test]
fn a_minimum_above_the_limit_is_refused_and_one_that_equals_it_is_not() {
    let config = |minimum| TimeoutConfig::new(10 * MS).with_minimum(minimum);
    let error = operation(1).timeout(config(11 * MS)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("at most its limit"), "{error}");
    assert!(operation(1).timeout(config(10 * MS)).is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_span_shows_the_minimum_that_was_asked_for() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let config = TimeoutConfig::new(100 * MS).with_minimum(30 * MS);
    let flow = operation(1).timeout(config)?;
    flow.execute(1, &on_paused_clock(recorder.builder()))
        .await?;
    let span = recorder.span("timeout.execute").span_id;
    assert_eq!(
        recorder.attribute(span, "timeout.minimum_ms"),
        Some(Value::Int(30))
    );
    assert_eq!(recorder.attribute(span, "timeout.overrun_ms"), None);
    Ok(())
}
