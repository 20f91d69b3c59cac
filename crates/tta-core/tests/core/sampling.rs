use tta_core::{Parent, SpanId, TraceId, WorkflowContext, step};
use tta_testkit::recording::RecordingRecorder;

use super::double;

fn parent(sampled: bool) -> Parent {
    Parent::remote(TraceId::from_u128(1), SpanId::from_u64(2), sampled).unwrap()
}

#[tokio::test]
async fn the_decision_of_the_parent_is_followed() {
    for sampled in [true, false] {
        let recorder = RecordingRecorder::new();
        let ctx = recorder.builder().parent(parent(sampled)).build();
        double("a").execute(1, &ctx).await.unwrap();
        assert_eq!(ctx.is_sampled(), sampled);
        assert_eq!(recorder.spans().len(), if sampled { 2 } else { 0 });
    }
}

#[tokio::test]
async fn an_unsampled_workflow_records_nothing_and_is_measured_all_the_same() {
    let recorder = RecordingRecorder::following_parents();
    let flow = step("unsampled", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("n", n);
        ctx.event("seen", Vec::new());
        ctx.child().set_attribute("m", n);
        Err::<u64, _>(tta_core::Error::msg("no"))
    });
    let ctx = recorder.context();
    flow.execute(1, &ctx).await.unwrap_err();
    drop(ctx);
    assert!(recorder.traces().is_empty());
    assert_eq!(flow.metrics().errors(), 1);
}

#[tokio::test]
async fn steps_in_a_child_and_on_a_task_inherit_the_decision() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().parent(parent(false)).build();
    let (child, clone) = (ctx.child(), ctx.clone());
    let task = tokio::spawn(async move { double("task").execute(1, &clone).await });
    double("child").execute(1, &child).await.unwrap();
    task.await.unwrap().unwrap();
    drop((ctx, child));
    assert!(recorder.spans().is_empty());
}

#[test]
fn a_context_can_decide_for_itself() {
    let recorder = RecordingRecorder::new();
    assert!(!recorder.builder().sampled(false).build().is_sampled());
    let recorder = RecordingRecorder::following_parents();
    assert!(recorder.builder().sampled(true).build().is_sampled());
}

#[test]
fn nothing_is_sampled_where_nothing_records() {
    assert!(
        !WorkflowContext::builder()
            .sampled(true)
            .build()
            .is_sampled()
    );
}
