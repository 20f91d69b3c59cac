use std::collections::HashSet;
use std::time::Duration;

use tta_core::{Parent, SpanId, TraceId, WorkflowContext, step};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::recording::RecordingRecorder;

#[test]
fn every_context_has_a_correlation_id_of_its_own() {
    let ids: HashSet<_> = (0..10_000)
        .map(|_| WorkflowContext::new().correlation_id().to_owned())
        .collect();
    assert_eq!(ids.len(), 10_000);
}

#[test]
fn a_correlation_id_from_outside_is_kept() {
    let ctx = WorkflowContext::builder()
        .correlation_id("req:2026-01.A_9")
        .build();
    assert_eq!(ctx.correlation_id(), "req:2026-01.A_9");
}

#[test]
fn a_correlation_id_that_could_forge_a_log_line_is_replaced_and_noted() {
    let longest = "x".repeat(128);
    for (id, kept) in [
        ("a\nlevel=error forged", false),
        ("", false),
        ("übel", false),
        (longest.as_str(), true),
        (&format!("{longest}x"), false),
    ] {
        let recorder = RecordingRecorder::new();
        let ctx = recorder.builder().correlation_id(id).build();
        assert_eq!(ctx.correlation_id() == id, kept, "{id:?}");
        let notes: Vec<_> = recorder
            .logs()
            .iter()
            .map(|line| (line.event, line.field("field").map(str::to_owned)))
            .collect();
        let note = ("identifier_replaced", Some("correlation_id".to_owned()));
        assert_eq!(notes, Vec::from_iter((!kept).then_some(note)), "{id:?}");
    }
}

#[test]
fn a_child_inherits_identity_trace_deadline_and_baggage() {
    let recorder = RecordingRecorder::new();
    let parent = recorder
        .builder()
        .correlation_id("c-1")
        .session_id("s-1")
        .deadline(std::time::Instant::now() + Duration::from_secs(5))
        .baggage("tenant", "acme")
        .metadata("region", "eu")
        .build();
    parent.add_tag("beta");
    let child = parent.child();
    assert_eq!(child.correlation_id(), "c-1");
    assert_eq!(child.identity().session_id(), Some("s-1"));
    assert_eq!(child.trace_id(), parent.trace_id());
    assert_eq!(child.deadline(), parent.deadline());
    assert_eq!(child.baggage("tenant").as_deref(), Some("acme"));
    assert_eq!(child.metadata("region").as_deref(), Some("eu"));
    assert!(child.has_tag("beta"));
    assert_eq!(
        child.identity().causation_id(),
        Some(parent.identity().workflow_id())
    );
}

#[test]
fn a_child_inherits_a_fresh_correlation_id_that_nobody_has_read_yet() {
    let parent = WorkflowContext::new();
    let child = parent.child();
    assert_eq!(child.correlation_id(), parent.correlation_id());
}

#[test]
fn a_child_inherits_the_decision_not_to_sample() {
    let parent = RecordingRecorder::following_parents().context();
    assert!(!parent.is_sampled());
    assert!(!parent.child().is_sampled());
}

#[test]
fn a_child_does_not_change_its_parent() {
    let parent = WorkflowContext::new();
    parent.put(1_u32);
    let child = parent.child();
    child.put(2_u32);
    child.set_metadata("k", "child");
    child.set_baggage("k", "child");
    child.add_tag("child");
    child.checkpoint("child");
    assert_eq!(
        (
            *parent.state::<u32>().unwrap(),
            *child.state::<u32>().unwrap()
        ),
        (1, 2)
    );
    assert_eq!((parent.metadata("k"), parent.baggage("k")), (None, None));
    assert!(!parent.has_tag("child"));
    assert!(parent.checkpoints().is_empty());
}

#[tokio::test]
async fn what_a_step_shares_is_seen_by_the_next_step_and_by_the_caller() {
    #[derive(Debug, PartialEq)]
    struct Route(&'static str);
    let flow = step("choose", async |n: u64, ctx: &WorkflowContext| {
        ctx.put(Route("premium"));
        Ok(n)
    }) >> step("use", async |_: u64, ctx: &WorkflowContext| {
        Ok(ctx.state::<Route>().map(|route| route.0))
    });
    let ctx = WorkflowContext::new();
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), Some("premium"));
    assert_eq!(*ctx.state::<Route>().unwrap(), Route("premium"));
}

#[tokio::test(start_paused = true)]
async fn checkpoints_are_kept_in_order_with_their_time() {
    let ctx = WorkflowContext::builder().clock(tokio_clock).build();
    ctx.checkpoint("begun");
    tokio::time::advance(Duration::from_millis(250)).await;
    ctx.checkpoint("searched");
    let points: Vec<_> = ctx
        .checkpoints()
        .into_iter()
        .map(|it| (it.name, it.elapsed.as_millis()))
        .collect();
    assert_eq!(
        points,
        [("begun".to_owned(), 0), ("searched".to_owned(), 250)]
    );
    assert_eq!(ctx.elapsed(), Duration::from_millis(250));
}

#[tokio::test(start_paused = true)]
async fn a_later_deadline_does_not_extend_an_earlier_one() {
    let now = tokio_clock();
    let ctx = WorkflowContext::builder()
        .clock(tokio_clock)
        .deadline(now + Duration::from_secs(2))
        .build();
    let later = ctx.with_deadline(now + Duration::from_secs(9));
    let sooner = ctx.with_deadline(now + Duration::from_secs(1));
    assert_eq!(later.remaining(), Some(Duration::from_secs(2)));
    assert_eq!(sooner.remaining(), Some(Duration::from_secs(1)));
    tokio::time::advance(Duration::from_secs(3)).await;
    assert_eq!(later.remaining(), Some(Duration::ZERO));
}

#[tokio::test]
async fn a_remote_parent_is_the_parent_of_the_root_and_marked_remote() {
    let recorder = RecordingRecorder::new();
    let (trace, span) = (TraceId::from_u128(7), SpanId::from_u64(9));
    let parent = Parent::remote(trace, span, true).unwrap();
    let ctx = recorder.builder().parent(parent).build();
    super::double("a").execute(1, &ctx).await.unwrap();
    let root = recorder.span("workflow.execute");
    assert_eq!(ctx.trace_id(), trace);
    assert_eq!((root.parent_id, root.parent_is_remote), (span, true));
    assert!(!recorder.span("a.execute").parent_is_remote);
}

#[test]
fn an_all_zero_identifier_is_no_parent() {
    let (trace, span) = (TraceId::from_u128(7), SpanId::from_u64(9));
    assert_eq!(Parent::remote(TraceId::INVALID, span, true), None);
    assert_eq!(Parent::remote(trace, SpanId::INVALID, true), None);
}

#[tokio::test]
async fn two_flows_on_one_context_are_two_workflows_of_one_trace() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    super::double("first").execute(1, &ctx).await.unwrap();
    super::double("second").execute(1, &ctx).await.unwrap();
    let roots = recorder.spans_named("workflow.execute");
    assert_eq!(roots.len(), 2);
    assert!(roots.iter().all(|root| !root.parent_id.is_valid()));
    let second = recorder.span("second.execute");
    assert_eq!(second.parent_id, roots[1].span_id);
    let traces: HashSet<_> = recorder.traces().iter().map(|it| it.trace_id).collect();
    assert_eq!(traces, HashSet::from([ctx.trace_id()]));
}

#[tokio::test]
async fn two_flows_at_once_on_one_context_keep_their_steps_apart() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let slow = |name| {
        step(name, async |n: u64, ctx: &WorkflowContext| {
            tokio::task::yield_now().await;
            ctx.set_attribute("input", n);
            Ok(n)
        })
    };
    let (a, b) = (slow("a").named("flow_a"), slow("b").named("flow_b"));
    let (a, b) = tokio::join!(a.execute(1, &ctx), b.execute(2, &ctx));
    assert_eq!((a.unwrap(), b.unwrap()), (1, 2));
    for (step, flow, input) in [
        ("a.execute", "flow_a.execute", 1_u64),
        ("b.execute", "flow_b.execute", 2),
    ] {
        let span = recorder.span(step);
        assert_eq!(span.parent_id, recorder.span(flow).span_id);
        assert_eq!(
            recorder.attribute(span.span_id, "input"),
            Some(input.into())
        );
    }
}

#[tokio::test]
async fn spans_in_a_child_are_handed_over_when_the_childs_outermost_one_ends() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let seen = step("outer", async |n: u64, ctx: &WorkflowContext| {
        let child = ctx.child();
        super::double("within").execute(n, &child).await?;
        Ok(child)
    });
    let child = seen.execute(1, &ctx).await.unwrap();
    let within = recorder.span("within.execute");
    assert_eq!(within.parent_id, recorder.span("outer.execute").span_id);
    assert_eq!(recorder.spans_named("workflow.execute").len(), 1);
    drop(child);
}

#[tokio::test]
async fn a_child_made_outside_any_step_opens_a_workflow_of_its_own() {
    let recorder = RecordingRecorder::new();
    let child = recorder.context().child();
    super::double("a").execute(1, &child).await.unwrap();
    assert_eq!(recorder.spans_named("workflow.execute").len(), 1);
}

#[test]
fn a_child_of_a_hundred_thousand_children_drops_on_a_small_stack() {
    let run = || {
        let first = WorkflowContext::builder().correlation_id("kept").build();
        let mut ctx = first.child();
        for _ in 0..100_000 {
            ctx = ctx.child();
        }
        ctx.correlation_id() == "kept" && ctx.metadata("absent").is_none()
    };
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    assert!(thread.spawn(run).unwrap().join().unwrap());
}

#[test]
fn a_destructor_of_shared_state_may_use_the_context() {
    struct Writes(WorkflowContext);
    impl Drop for Writes {
        fn drop(&mut self) {
            self.0.set_metadata("dropped", "yes");
        }
    }
    let ctx = WorkflowContext::new();
    let other = ctx.child();
    ctx.put(Some(Writes(ctx.clone())));
    ctx.put(None::<Writes>);
    assert_eq!(other.metadata("dropped").as_deref(), Some("yes"));
}
