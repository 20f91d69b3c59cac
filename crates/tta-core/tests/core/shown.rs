//! What a recorder is asked to show to other libraries while a step is being polled.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use tta_core::{
    ActiveSpan, Parent, Recorder, SpanKind, SpanSpec, TraceId, WorkflowContext, step, step_with,
};

use super::double;

/// Notes what it is asked to show: of which trace, and whether that is recorded.
#[derive(Default)]
struct Shows {
    samples: bool,
    /// How often it polls what it shows.
    polls: usize,
    shown: Mutex<Vec<(TraceId, bool)>>,
}

impl Shows {
    fn sampling(samples: bool) -> Arc<Self> {
        Arc::new(Self {
            samples,
            polls: 1,
            ..Self::default()
        })
    }

    fn context(self: &Arc<Self>) -> WorkflowContext {
        let recorder: Arc<dyn Recorder> = Arc::clone(self) as _;
        WorkflowContext::builder().recorder(recorder).build()
    }

    /// Of each trace shown, whether it was recorded.
    fn recorded(&self) -> Vec<bool> {
        let shown = self.shown.lock().unwrap();
        shown.iter().map(|&(_, recorded)| recorded).collect()
    }
}

impl Recorder for Shows {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.samples
    }

    fn wants_scope(&self) -> bool {
        true
    }

    fn scope(&self, span: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
        let ctx = span.context;
        assert_eq!(ctx.span_id(), span.span_id);
        let shown = (ctx.trace_id(), ctx.is_sampled());
        self.shown.lock().unwrap().push(shown);
        for _ in 0..self.polls {
            poll();
        }
    }
}

#[tokio::test]
async fn every_span_of_a_recorded_workflow_is_shown_in_each_poll() {
    let recorder = Shows::sampling(true);
    let waits = step("waits once", async |n: u64| {
        tokio::task::yield_now().await;
        Ok(n)
    });
    let flow = double("a") >> waits;
    flow.execute(1, &recorder.context()).await.unwrap();
    // The workflow, its first step and its second, and then the workflow and its second step again.
    assert_eq!(recorder.recorded(), [true; 5]);
}

#[tokio::test]
async fn of_one_that_is_not_recorded_the_outermost_span_is_shown_once_in_each_poll() {
    let recorder = Shows::sampling(false);
    let waits = step("waits once", async |n: u64| {
        tokio::task::yield_now().await;
        Ok(n)
    });
    let flow = double("a") >> waits >> double("b");
    flow.execute(1, &recorder.context()).await.unwrap();
    assert_eq!(recorder.recorded(), [false; 2]);
}

#[tokio::test]
async fn work_of_it_that_is_polled_elsewhere_is_shown_there() {
    let recorder = Shows::sampling(false);
    let flow = step("spawns", async |n: u64, ctx: &WorkflowContext| {
        let ctx = ctx.clone();
        let task = tokio::spawn(async move { double("task").execute(n, &ctx).await });
        task.await.unwrap()
    });
    flow.execute(1, &recorder.context()).await.unwrap();
    // The workflow until it waits, the task, and the workflow until its end.
    assert_eq!(recorder.recorded(), [false; 3]);
}

#[tokio::test]
async fn it_is_shown_again_where_another_workflow_was_shown_in_between() {
    let recorder = Shows::sampling(false);
    let (ours, others) = (recorder.context(), recorder.context());
    let outer = step_with(
        "ours",
        others.clone(),
        async |others: &WorkflowContext, n: u64, ctx: &WorkflowContext| {
            let inner = step_with(
                "other",
                ctx.clone(),
                async |ours: &WorkflowContext, n: u64| double("ours again").execute(n, ours).await,
            );
            inner.execute(n, others).await
        },
    );
    outer.execute(1, &ours).await.unwrap();
    let shown = recorder.shown.lock().unwrap();
    let traces: Vec<_> = shown.iter().map(|&(trace, _)| trace).collect();
    assert_eq!(
        traces,
        [ours.trace_id(), others.trace_id(), ours.trace_id()]
    );
}

#[tokio::test]
async fn work_that_is_switched_off_inside_a_recorded_step_is_shown_as_such() {
    let recorder = Shows::sampling(true);
    let flow = step("switches off", async |n: u64, ctx: &WorkflowContext| {
        ctx.enable_tracing(false);
        let n = double("off").execute(n, ctx).await?;
        double("off too").execute(n, ctx).await
    });
    flow.execute(1, &recorder.context()).await.unwrap();
    assert_eq!(recorder.recorded(), [true, true, false, false]);
}

#[tokio::test]
async fn a_recorder_that_does_not_poll_or_does_so_twice_does_not_change_what_is_done() {
    for polls in [0, 2] {
        let recorder = Arc::new(Shows {
            samples: true,
            polls,
            ..Shows::default()
        });
        let calls = Arc::new(AtomicU32::new(0));
        let flow = step_with(
            "counts",
            Arc::clone(&calls),
            async |calls: &Arc<AtomicU32>, n: u64| {
                calls.fetch_add(1, Ordering::Relaxed);
                Ok(n + 1)
            },
        );
        assert_eq!(flow.execute(1, &recorder.context()).await.unwrap(), 2);
        assert_eq!(calls.load(Ordering::Relaxed), 1, "polled {polls} times");
    }
}

#[test]
fn a_handle_entered_by_hand_is_shown_and_answers() {
    for (samples, shown) in [(true, vec![true]), (false, vec![false])] {
        let recorder = Shows::sampling(samples);
        let ctx = recorder.context();
        let span = ctx.open_span(&AROUND, SpanKind::Internal);
        assert_eq!(span.enter(|| 7), 7);
        assert_eq!(recorder.recorded(), shown);
    }
}

static AROUND: SpanSpec = SpanSpec {
    name: "around",
    help: "Around it all.",
    attributes: &[],
};
