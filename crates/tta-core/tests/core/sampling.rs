use std::sync::{Arc, Mutex};

use tta_core::{
    Parent, Recorder, SpanId, TraceId, TraceNotes, TraceRecords, WorkflowContext, step,
};
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

/// Samples nothing but workflows of one name, and holds the rest where it is told to.
#[derive(Default)]
struct Choosy {
    holds: bool,
    wanted: Option<&'static str>,
    unwanted: Option<&'static str>,
    traces: Mutex<Vec<TraceRecords>>,
}

impl Recorder for Choosy {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        self.unwanted.is_some()
    }

    fn sample_workflow(&self, workflow: &str, _: TraceId, _: Option<&Parent>) -> Option<bool> {
        let is = |name: Option<&str>| name == Some(workflow);
        (is(self.wanted) || is(self.unwanted)).then_some(is(self.wanted))
    }

    fn holds_unsampled(&self) -> bool {
        self.holds
    }

    fn record(&self, trace: TraceNotes) {
        self.traces.lock().unwrap().push(trace.into_records());
    }
}

impl Choosy {
    fn builder(self: &Arc<Self>) -> tta_core::WorkflowContextBuilder {
        WorkflowContext::builder().recorder(Arc::clone(self) as Arc<dyn Recorder>)
    }

    fn spans(&self) -> Vec<String> {
        let traces = self.traces.lock().unwrap();
        let spans = traces.iter().flat_map(|trace| &trace.spans);
        spans.map(|span| span.name.as_str().to_owned()).collect()
    }
}

#[tokio::test]
async fn a_held_trace_is_recorded_and_nobody_else_is_told_that_it_is_sampled() {
    let recorder = Arc::new(Choosy {
        holds: true,
        ..Choosy::default()
    });
    let ctx = recorder.builder().parent(parent(false)).build();
    let flow = step("held", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("n", n);
        Ok(ctx.outgoing_parent().unwrap().sampled)
    });
    assert!(!flow.execute(1, &ctx).await.unwrap());
    assert!(ctx.is_sampled() && ctx.is_held() && ctx.child().is_held());
    let traces = recorder.traces.lock().unwrap();
    let [trace] = &traces[..] else {
        panic!("{traces:?}")
    };
    assert!(!trace.is_sampled && trace.root_ended && trace.is_last);
    assert_eq!((trace.spans.len(), trace.attributes.len()), (2, 1));
}

#[tokio::test]
async fn a_piece_of_a_trace_says_whether_its_root_is_in_it_and_whether_more_comes() {
    static LATE: Mutex<Option<WorkflowContext>> = Mutex::new(None);

    let recorder = Arc::new(Choosy {
        holds: true,
        ..Choosy::default()
    });
    let ctx = recorder.builder().build();
    let flow = step("root", async |n: u64, ctx: &WorkflowContext| {
        double("part").execute(n, &ctx.child()).await?;
        *LATE.lock().unwrap() = Some(ctx.child());
        Ok(n)
    });
    flow.execute(1, &ctx).await.unwrap();
    let child = LATE.lock().unwrap().take().unwrap();
    double("late").execute(1, &child).await.unwrap();
    drop((child, ctx));
    let traces = recorder.traces.lock().unwrap();
    let said: Vec<_> = traces
        .iter()
        .map(|trace| (trace.spans.len(), trace.root_ended, trace.is_last))
        .collect();
    assert_eq!(
        said,
        [(1, false, false), (2, true, false), (1, false, false)]
    );
}

#[tokio::test]
async fn a_workflow_is_sampled_by_its_name_whatever_was_decided_for_the_trace() {
    let recorder = Arc::new(Choosy {
        wanted: Some("wanted"),
        ..Choosy::default()
    });
    let wanted = double("a").named("wanted");
    wanted
        .execute(1, &recorder.builder().build())
        .await
        .unwrap();
    let other = double("b").named("other");
    other.execute(1, &recorder.builder().build()).await.unwrap();
    assert_eq!(recorder.spans(), ["a.execute", "wanted.execute"]);

    let recorder = Arc::new(Choosy {
        unwanted: Some("unwanted"),
        ..Choosy::default()
    });
    let unwanted = double("c").named("unwanted");
    let ctx = recorder.builder().build();
    unwanted.execute(1, &ctx).await.unwrap();
    assert!(!ctx.is_sampled());
    assert!(recorder.spans().is_empty());
}

#[tokio::test]
async fn only_the_workflow_with_which_a_trace_begins_is_asked_about() {
    let recorder = Arc::new(Choosy {
        wanted: Some("wanted"),
        ..Choosy::default()
    });
    let outer = step("outer", async |n: u64, ctx: &WorkflowContext| {
        let inner = double("a").named("wanted");
        ctx.workflow("wanted", inner.execute(n, ctx)).await
    });
    let ctx = recorder.builder().build();
    outer.execute(1, &ctx).await.unwrap();
    double("b").named("wanted").execute(1, &ctx).await.unwrap();
    drop(ctx);
    assert!(recorder.spans().is_empty(), "{:?}", recorder.spans());
}

#[tokio::test]
async fn tracing_is_switched_for_one_execution_whatever_the_sampler_says() {
    let recorder = RecordingRecorder::following_parents();
    let ctx = recorder.context();
    ctx.enable_tracing(true);
    double("on").execute(1, &ctx).await.unwrap();
    assert!(ctx.outgoing_parent().unwrap().sampled);
    assert_eq!(recorder.spans().len(), 2);

    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    ctx.enable_tracing(false);
    double("off").execute(1, &ctx).await.unwrap();
    double("off").execute(1, &ctx.child()).await.unwrap();
    drop(ctx);
    assert!(recorder.spans().is_empty());
}

#[tokio::test]
async fn the_programs_word_goes_before_that_of_a_workflows_name() {
    let recorder = Arc::new(Choosy {
        wanted: Some("wanted"),
        holds: true,
        ..Choosy::default()
    });
    let flow = double("a").named("wanted");
    let ctx = recorder.builder().build();
    ctx.enable_tracing(false);
    flow.execute(1, &ctx).await.unwrap();
    let built = recorder.builder().sampled(false).build();
    flow.execute(1, &built).await.unwrap();
    assert!(!ctx.is_sampled() && !built.is_sampled());
    assert!(recorder.spans().is_empty());
}

#[tokio::test]
async fn a_part_of_the_work_can_be_left_out_and_what_it_recorded_is_given_up() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let flow = step("whole", async |n: u64, ctx: &WorkflowContext| {
        let routine = ctx.child();
        routine.enable_tracing(false);
        double("routine").execute(n, &routine).await
    });
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(recorder.spans().len(), 2);

    let ctx = recorder.context();
    let flow = double("early")
        >> step("gives_up", async |n: u64, ctx: &WorkflowContext| {
            ctx.enable_tracing(false);
            Ok(n)
        });
    flow.execute(1, &ctx).await.unwrap();
    drop(ctx);
    assert_eq!(recorder.spans().len(), 2);
}

#[tokio::test]
async fn no_exemplar_names_a_trace_that_may_not_be_kept() {
    let recorder = Arc::new(Choosy {
        holds: true,
        ..Choosy::default()
    });
    let ctx = recorder.builder().build();
    let flow = double("no_exemplar_when_held");
    flow.execute(1, &ctx).await.unwrap();
    ctx.enable_tracing(true);
    let has_exemplar = || {
        let families = tta_core::registry().gather();
        let samples = families.iter().flat_map(|family| &family.samples);
        let mut ours =
            samples.filter(|it| it.labels.iter().any(|it| it == "no_exemplar_when_held"));
        ours.any(|sample| match &sample.value {
            tta_core::SampleValue::Histogram { buckets, .. } => {
                buckets.iter().any(|bucket| bucket.exemplar.is_some())
            }
            _ => false,
        })
    };
    assert!(!has_exemplar());
    flow.execute(1, &ctx).await.unwrap();
    assert!(has_exemplar());
}
