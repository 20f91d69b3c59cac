use tta_core::{Error, WorkflowContext, step};
use tta_testkit::recording::RecordingRecorder;

use super::double;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_cloned_in_a_step_and_moved_to_a_task_keeps_the_parent() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let flow = step("spawns", async |n: u64, ctx: &WorkflowContext| {
        let ctx = ctx.clone();
        let task = tokio::spawn(async move { double("spawned").execute(n, &ctx).await });
        task.await?
    });
    assert_eq!(flow.execute(2, &ctx).await.unwrap(), 4);
    let spawned = recorder.span("spawned.execute");
    assert_eq!(spawned.parent_id, recorder.span("spawns.execute").span_id);
    assert_eq!(recorder.spans_named("workflow.execute").len(), 1);
}

#[tokio::test]
async fn a_task_that_outlives_its_workflow_is_recorded_when_its_context_goes() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let flow = step(
        "leaves_a_task",
        async |gate: tokio::sync::oneshot::Receiver<u64>, ctx: &WorkflowContext| {
            let ctx = ctx.clone();
            Ok(tokio::spawn(async move {
                let n = gate.await.unwrap();
                double("late").execute(n, &ctx).await
            }))
        },
    );
    let (open, gate) = tokio::sync::oneshot::channel();
    let task = flow.execute(gate, &ctx).await.unwrap();
    drop(ctx);
    assert!(recorder.spans_named("late.execute").is_empty());
    open.send(1).unwrap();
    task.await.unwrap().unwrap();
    let late = recorder.span("late.execute");
    assert_eq!(
        late.parent_id,
        recorder.span("leaves_a_task.execute").span_id
    );
}

#[tokio::test]
async fn futures_joined_inside_a_step_are_its_children_and_do_not_mix() {
    let recorder = RecordingRecorder::new();
    let flow = step("joins", async |(): (), ctx: &WorkflowContext| {
        let part = |name: &'static str, n: u64| {
            ctx.observe(name, async move {
                tokio::task::yield_now().await;
                ctx.set_attribute("n", n);
                Ok::<_, Error>(n)
            })
        };
        let (a, b) = tokio::join!(part("join_a", 1), part("join_b", 2));
        Ok(a? + b?)
    });
    assert_eq!(flow.execute((), &recorder.context()).await.unwrap(), 3);
    let joins = recorder.span("joins.execute").span_id;
    for (name, n) in [("join_a.execute", 1_u64), ("join_b.execute", 2)] {
        let span = recorder.span(name);
        assert_eq!(span.parent_id, joins, "{name}");
        assert_eq!(recorder.attribute(span.span_id, "n"), Some(n.into()));
    }
}

#[test]
fn a_clone_used_on_a_scoped_thread_keeps_the_parent() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let block_on = |future| {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(future)
    };
    let flow = step("threads", async |n: u64, ctx: &WorkflowContext| {
        let clone = ctx.clone();
        std::thread::scope(|scope| {
            let work = scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime
                    .unwrap()
                    .block_on(double("on_a_thread").execute(n, &clone))
            });
            work.join().unwrap()
        })
    });
    assert_eq!(block_on(flow.execute(1, &ctx)).unwrap(), 2);
    let span = recorder.span("on_a_thread.execute");
    assert_eq!(span.parent_id, recorder.span("threads.execute").span_id);
}

#[test]
fn a_reference_used_on_a_scoped_thread_stays_in_the_trace() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    std::thread::scope(|scope| {
        for name in ["thread_a", "thread_b"] {
            let ctx = &ctx;
            scope.spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().build();
                runtime
                    .unwrap()
                    .block_on(double(name).execute(1, ctx))
                    .unwrap();
            });
        }
    });
    let roots = recorder.spans_named("workflow.execute");
    assert_eq!(roots.len(), 2);
    for name in ["thread_a.execute", "thread_b.execute"] {
        let parent = recorder.span(name).parent_id;
        assert!(roots.iter().any(|root| root.span_id == parent), "{name}");
    }
    assert!(
        recorder
            .traces()
            .iter()
            .all(|it| it.trace_id == ctx.trace_id())
    );
}

#[tokio::test]
async fn two_workflows_taking_turns_on_one_thread_do_not_mix() {
    let recorder = RecordingRecorder::new();
    let flow = step("turns", async |n: u64, ctx: &WorkflowContext| {
        for _ in 0..5 {
            tokio::task::yield_now().await;
            ctx.set_attribute("n", n);
            assert_eq!(
                tta_core::with_current(WorkflowContext::trace_id),
                Some(ctx.trace_id())
            );
        }
        Ok(ctx.trace_id())
    });
    let (a, b) = (recorder.context(), recorder.context());
    let (ran_a, ran_b) = tokio::join!(flow.execute(1, &a), flow.execute(2, &b));
    assert_eq!(
        (ran_a.unwrap(), ran_b.unwrap()),
        (a.trace_id(), b.trace_id())
    );
    for trace in recorder.traces() {
        let n = if trace.trace_id == a.trace_id() {
            1_u64
        } else {
            2
        };
        assert_eq!(trace.spans.len(), 2);
        assert!(trace.attributes.iter().all(|(_, it)| it.value == n.into()));
    }
}

#[tokio::test]
async fn a_workflow_run_inside_a_step_of_another_is_a_trace_of_its_own() {
    let (outer, inner) = (RecordingRecorder::new(), RecordingRecorder::new());
    let flow = tta_core::step_with(
        "hosts",
        inner.context(),
        async |within: &WorkflowContext, n: u64, ctx: &WorkflowContext| {
            let n = double("guest").execute(n, within).await?;
            ctx.set_attribute("after", true);
            Ok(n)
        },
    );
    flow.execute(1, &outer.context()).await.unwrap();
    let hosts = outer.span("hosts.execute").span_id;
    assert_eq!(outer.attribute(hosts, "after"), Some(true.into()));
    assert_eq!(outer.spans().len(), 2);
    assert!(!inner.span("workflow.execute").parent_id.is_valid());
}
