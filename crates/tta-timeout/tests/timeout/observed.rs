//! What a timeout tells about itself: spans, metrics, cancellation.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{MS, context, counted, on_paused_clock, operation, times_out};
use tokio::sync::Semaphore;
use tta_core::{Result, SpanRecord, Value, WorkflowContext, registry, step, step_with};
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};
use tta_timeout::{CATALOG, TimeoutConfig, TimeoutExt};

fn is_inside(child: &SpanRecord, parent: &SpanRecord) -> bool {
    child.parent_id == parent.span_id
}

#[tokio::test(start_paused = true)]
async fn the_operation_is_traced_inside_the_timeout_with_the_limit_that_counted() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let flow = operation(5).timeout(10 * MS)?.with_name("bounded");
    let ctx = on_paused_clock(recorder.builder());
    flow.execute(1, &ctx).await?;

    let execute = recorder.span("timeout.execute");
    assert!(is_inside(&execute, &recorder.span("bounded.execute")));
    assert!(is_inside(&recorder.span("operation.execute"), &execute));
    let attribute = |key| recorder.attribute(execute.span_id, key);
    assert_eq!(attribute("timeout.limit_ms"), Some(Value::Int(10)));
    assert_eq!(attribute("timeout.budget_ms"), Some(Value::Int(10)));
    assert_eq!(
        attribute("timeout.deadline_inherited"),
        Some(Value::Bool(false))
    );
    assert_eq!(attribute("timeout.within"), Some("limit".into()));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_step_ends_cancelled_and_the_timeout_says_by_whose_limit() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let config = TimeoutConfig::new(100 * MS).with_grace(10 * MS);
    let flow = operation(500).timeout(config)?.with_name("hurried");
    let ctx = on_paused_clock(recorder.builder());
    let result = flow
        .execute(1, &ctx.with_deadline(ctx.now() + 20 * MS))
        .await;
    assert!(times_out(result));

    let execute = recorder.span("timeout.execute");
    assert_eq!(error_type(&execute), Some("timeout"));
    assert_eq!(
        error_type(&recorder.span("operation.execute")),
        Some("cancelled")
    );
    let attribute = |key| recorder.attribute(execute.span_id, key);
    assert_eq!(
        attribute("timeout.deadline_inherited"),
        Some(Value::Bool(true))
    );
    assert_eq!(attribute("timeout.limit_ms"), Some(Value::Int(100)));
    assert_eq!(attribute("timeout.grace_ms"), Some(Value::Int(10)));
    assert_eq!(attribute("timeout.budget_ms"), Some(Value::Int(20)));
    let cancel = recorder.span("timeout.cancel");
    assert!(is_inside(&cancel, &execute));
    assert_eq!(
        recorder.attribute(cancel.span_id, "timeout.cause"),
        Some("deadline".into())
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_span_says_whether_the_answer_came_within_the_grace() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let config = TimeoutConfig::new(10 * MS).with_grace(5 * MS);
    let flow = operation(12).timeout(config)?;
    flow.execute(1, &on_paused_clock(recorder.builder()))
        .await?;
    let span = recorder.span("timeout.execute").span_id;
    let attribute = |key| recorder.attribute(span, key);
    assert_eq!(attribute("timeout.within"), Some("grace".into()));
    assert_eq!(attribute("timeout.budget_ms"), Some(Value::Int(15)));
    Ok(())
}

/// Each operation moves the clock without yielding: to its end, or on its way.
#[tokio::test(start_paused = true)]
async fn the_span_says_by_how_much_an_operation_that_held_its_thread_overran() -> Result<()> {
    for (held, ends, overrun) in [
        (12, true, Some(2)),
        (15, false, Some(5)),
        (14, false, None),
        (9, true, None),
    ] {
        let recorder = RecordingRecorder::new();
        let flow = step_with(
            "holds",
            (held, ends),
            async |(held, ends): &(u32, bool), (): ()| {
                let mut advance = Box::pin(tokio::time::advance(MS * *held));
                std::future::poll_fn(|cx| {
                    let _ = advance.as_mut().poll(cx);
                    std::task::Poll::Ready(())
                })
                .await;
                if !ends {
                    std::future::pending::<()>().await;
                }
                Ok(())
            },
        )
        .timeout(10 * MS)?;
        let ctx = on_paused_clock(recorder.builder());
        let result = flow.execute((), &ctx).await;
        assert_eq!(result.is_ok(), held == 9);
        let span = recorder.span("timeout.execute").span_id;
        assert_eq!(
            recorder.attribute(span, "timeout.overrun_ms"),
            overrun.map(Value::Int)
        );
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_step_is_reported_once_where_it_began() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let flow = operation(50).timeout(10 * MS)?.with_name("reported");
    let ctx = on_paused_clock(recorder.builder());
    flow.execute(1, &ctx).await.unwrap_err();
    let spans = recorder.spans();
    let exceptions = spans.iter().flat_map(|span| recorder.events(span.span_id));
    assert_eq!(
        exceptions.filter(|event| event.name == "exception").count(),
        1
    );
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_operation_that_is_cut_off_releases_what_it_holds() -> Result<()> {
    let permits = Arc::new(Semaphore::new(1));
    let flow = step_with(
        "operation",
        Arc::clone(&permits),
        async |permits: &Arc<Semaphore>, (): ()| {
            let _permit = permits.acquire().await?;
            std::future::pending::<()>().await;
            Ok(())
        },
    )
    .timeout(10 * MS)?;
    assert!(times_out(flow.execute((), &context()).await));
    assert_eq!(permits.available_permits(), 1);
    Ok(())
}

/// The future of a step that waits twice is dropped at each point where it can be.
#[tokio::test(start_paused = true)]
async fn dropping_the_timeout_at_any_point_is_no_timeout_and_leaves_nothing_running() -> Result<()>
{
    for polls in 0..3 {
        let name = format!("dropped_after_{polls}");
        let flow = step("held", async |(): (), ctx: &WorkflowContext| {
            tokio::task::yield_now().await;
            ctx.observe("twice", async {
                tokio::task::yield_now().await;
                Ok::<_, tta_core::Error>(())
            })
            .await?;
            std::future::pending::<()>().await;
            Ok(())
        })
        .with_name(format!("held_{polls}"))
        .timeout(10 * MS)?
        .with_name(name.clone());
        let recorder = RecordingRecorder::new();
        let ctx = on_paused_clock(recorder.builder());
        {
            let mut run = std::pin::pin!(flow.execute((), &ctx));
            for _ in 0..polls {
                let waker = std::task::Waker::noop();
                let polled = run
                    .as_mut()
                    .poll(&mut std::task::Context::from_waker(waker));
                assert!(polled.is_pending());
            }
        }
        let metrics = flow.metrics();
        assert_eq!(metrics.in_flight(), 0);
        assert_eq!(metrics.cancelled(), u64::from(polls > 0));
        if polls > 0 {
            assert_eq!(counted(&name), [0, 0, 0, 0]);
            assert_eq!(
                error_type(&recorder.span("timeout.execute")),
                Some("cancelled")
            );
            let held = registry()
                .primitive_metrics(&format!("held_{polls}"))
                .unwrap();
            assert_eq!((held.in_flight(), held.cancelled()), (0, 1));
        }
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_operation_is_an_error_and_no_timeout() -> Result<()> {
    for recorded in [true, false] {
        let name = format!("panics_recorded_{recorded}");
        let flow = step("operation", async |n: u64| {
            assert!(n > 1, "one is too few");
            Ok(n)
        })
        .timeout(10 * MS)?
        .with_name(name.clone());
        let ctx = on_paused_clock(RecordingRecorder::new().builder().sampled(recorded));
        let error = flow.execute(1, &ctx).await.unwrap_err();
        assert_eq!(error.kind(), tta_core::ErrorKind::Panic);
        assert_eq!(counted(&name), [0, 0, 0, 0]);
        assert_eq!(flow.execute(2, &ctx).await?, 2);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn results_are_the_same_with_and_without_a_recorder() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let outcomes = |ctx: WorkflowContext| async move {
        let mut outcomes = Vec::new();
        for takes in [0, 5, 12, 50] {
            let config = TimeoutConfig::new(10 * MS).with_grace(5 * MS);
            let flow = operation(takes).timeout(config)?;
            let result = flow.execute(takes, &ctx).await;
            outcomes.push(result.map_err(|error| error.to_string()));
        }
        Ok::<_, tta_core::Error>(outcomes)
    };
    let with = outcomes(on_paused_clock(recorder.builder())).await?;
    let without = outcomes(context()).await?;
    assert_eq!(with, without);
    assert_eq!(with.iter().filter(|outcome| outcome.is_err()).count(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_rate_is_the_share_of_executions_that_ran_out_of_time() -> Result<()> {
    let flow = step("operation", async |ms: u64| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(())
    })
    .timeout(10 * MS)?
    .with_name("rated");
    for ms in [1, 1, 50, 1] {
        let _ = flow.execute(ms, &context()).await;
    }
    assert!((measured("timeout_rate", &["rated"]) - 0.25).abs() < 1e-9);
    assert!((measured("timeout_execution_duration_seconds", &["rated"]) - 4.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn every_declared_metric_is_emitted_and_every_span_declared() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let canned = step("canned", async |n: u64| Ok(n));
    let flow = operation(50)
        .timeout_or(10 * MS, canned)?
        .with_name("declared");
    let _ = flow.execute(1, &on_paused_clock(recorder.builder())).await;
    let families = registry().gather();
    for metric in CATALOG.metrics {
        assert!(
            families.iter().any(|family| family.spec == *metric),
            "{}",
            metric.name
        );
    }
    for span in CATALOG.spans {
        recorder.span(span.name);
    }
    Ok(())
}

#[test]
fn futures_can_move_between_threads() -> Result<()> {
    fn assert_send<T: Send>(_: T) {}
    let flow = operation(1).timeout(MS)?;
    assert_send(flow.run(1));
    let boxed = flow.boxed()?;
    assert_send(boxed.run(1));
    Ok(())
}
