use std::sync::Arc;

use tokio::sync::Semaphore;
use tta_core::{Primitive, WorkflowContext, step, step_with};
use tta_testkit::conformance::poll_then_drop;
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::{RecordingRecorder, error_type};

#[tokio::test]
async fn dropped_at_any_await_point_a_flow_ends_its_spans_and_gives_everything_back() {
    let permits = Arc::new(Semaphore::new(2));
    let hold = |name| {
        step_with(
            name,
            Arc::clone(&permits),
            async |permits: &Arc<Semaphore>, n: u64| {
                let _permit = permits.acquire().await.unwrap();
                for _ in 0..3 {
                    tokio::task::yield_now().await;
                }
                Ok(n)
            },
        )
    };
    let (a, b, c) = (hold("drop_a"), hold("drop_b"), hold("drop_c"));
    let metrics = [a.metrics(), b.metrics(), c.metrics()];
    let flow = (a >> (b | c)).named("drop_flow");
    let mut polls = 0;
    loop {
        let recorder = RecordingRecorder::new();
        let ctx = recorder.context();
        let result = poll_then_drop(flow.execute(1, &ctx), polls).await;
        drop(ctx);
        let in_flight: u64 = metrics
            .iter()
            .map(tta_core::PrimitiveMetrics::in_flight)
            .sum();
        assert_eq!((in_flight, permits.available_permits()), (0, 2), "{polls}");
        let spans = recorder.spans();
        let roots = spans.iter().filter(|span| !span.parent_id.is_valid());
        assert_eq!(roots.count(), usize::from(polls > 0), "{polls}");
        let orphans = spans
            .iter()
            .filter(|span| span.parent_id.is_valid())
            .filter(|span| !spans.iter().any(|it| it.span_id == span.parent_id));
        assert_eq!(orphans.count(), 0, "{polls}");
        if result.is_some() {
            break;
        }
        if polls > 0 {
            let root = recorder.span("drop_flow.execute");
            assert_eq!(error_type(&root), Some("cancelled"), "{polls}");
        }
        polls += 1;
    }
    assert_eq!(
        polls, 7,
        "three waits of the first step and three of the branches"
    );
}

#[tokio::test]
async fn children_end_before_their_parents_when_a_flow_is_dropped() {
    let recorder = RecordingRecorder::new();
    let hanging = MockPrimitive::<u64, u64>::new("innermost").with_answer(Answer::hang());
    let flow = tta_core::Flow::new(hanging)
        .named("middle")
        .named("outermost");
    let ctx = recorder.context();
    poll_then_drop(flow.execute(1, &ctx), 1).await;
    let names: Vec<_> = recorder
        .spans()
        .iter()
        .map(|span| span.name.as_str().to_owned())
        .collect();
    assert_eq!(
        names,
        ["innermost.execute", "middle.execute", "outermost.execute"]
    );
}

#[tokio::test]
async fn a_cancelled_step_counts_as_cancelled_and_not_as_failed() {
    let hanging = MockPrimitive::<u64, u64>::new("counts_cancelled").with_answer(Answer::hang());
    let flow = tta_core::Flow::new(hanging);
    poll_then_drop(flow.run(1), 1).await;
    let metrics = flow.metrics();
    assert_eq!(
        (metrics.executions(), metrics.cancelled(), metrics.errors()),
        (1, 1, 0)
    );
    assert!(metrics.error_rate() < f64::EPSILON);
}

#[tokio::test]
async fn an_aborted_task_reports_its_workflow() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let task = tokio::spawn(async move {
        step("aborted", async |(): ()| {
            std::future::pending::<()>().await;
            Ok(())
        })
        .execute((), &ctx)
        .await
    });
    tokio::task::yield_now().await;
    task.abort();
    assert!(task.await.unwrap_err().is_cancelled());
    assert_eq!(
        error_type(&recorder.span("aborted.execute")),
        Some("cancelled")
    );
    assert_eq!(
        error_type(&recorder.span("workflow.execute")),
        Some("cancelled")
    );
}

#[tokio::test]
async fn a_step_dropped_inside_another_leaves_the_other_going() {
    let recorder = RecordingRecorder::new();
    let race = step("race", async |n: u64, ctx: &WorkflowContext| {
        let slow = ctx.observe("loser", std::future::pending::<tta_core::Result<u64>>());
        tokio::select! {
            biased;
            it = slow => it,
            () = tokio::task::yield_now() => Ok(n),
        }
    });
    assert_eq!(race.name(), "race");
    assert_eq!(race.execute(5, &recorder.context()).await.unwrap(), 5);
    let loser = recorder.span("loser.execute");
    assert_eq!(error_type(&loser), Some("cancelled"));
    assert_eq!(loser.parent_id, recorder.span("race.execute").span_id);
    assert_eq!(error_type(&recorder.span("race.execute")), None);
}
