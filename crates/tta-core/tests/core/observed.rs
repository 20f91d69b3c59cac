use std::collections::HashSet;
use std::time::Duration;

use tta_core::{
    Attribute, Error, ErrorKind, Flow, Level, Primitive, Result, SpanName, SpanStatus,
    WorkflowContext, registry, step,
};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::recording::{RecordingRecorder, error_type};

use super::{double, down};

struct Translate;

impl Primitive for Translate {
    type Input = u64;
    type Output = u64;

    async fn execute(&self, input: u64, _: &WorkflowContext) -> Result<u64> {
        Ok(input)
    }
}

struct Generic<T>(T);

impl<T: Send + Sync> Primitive for Generic<T> {
    type Input = ();
    type Output = ();

    async fn execute(&self, (): (), _: &WorkflowContext) -> Result<()> {
        let _ = &self.0;
        Ok(())
    }
}

#[tokio::test]
async fn a_primitive_is_called_after_its_type_by_default() {
    let recorder = RecordingRecorder::new();
    let flow = Flow::new(Translate);
    flow.execute(1, &recorder.context()).await.unwrap();
    let span = recorder.span("Translate.execute");
    let SpanName::Step(step) = &span.name else {
        panic!("{:?}", span.name)
    };
    assert_eq!((&*step.name, step.kind), ("Translate", "Translate"));
}

#[test]
fn a_generic_type_is_called_without_its_parameters() {
    let primitive = Generic(std::collections::HashMap::<String, Vec<u8>>::new());
    assert_eq!(primitive.name(), "Generic");
}

#[tokio::test]
async fn an_empty_name_is_replaced_by_the_type() {
    let recorder = RecordingRecorder::new();
    step("", async |n: u64| Ok(n))
        .execute(1, &recorder.context())
        .await
        .unwrap();
    assert_eq!(recorder.spans_named("StepPrimitive.execute").len(), 1);
}

#[tokio::test]
async fn every_span_of_a_run_shares_the_trace_and_hangs_below_the_enclosing_one() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let flow = (double("a") >> double("b") >> double("c")).named("three");
    flow.execute(1, &ctx).await.unwrap();
    let root = recorder.span("three.execute");
    let below: HashSet<_> = ["a.execute", "b.execute", "c.execute"]
        .map(|name| recorder.span(name).parent_id)
        .into();
    assert_eq!(below, HashSet::from([root.span_id]));
    let traces: Vec<_> = recorder.traces().iter().map(|it| it.trace_id).collect();
    assert_eq!(traces, [ctx.trace_id()], "one hand-over of one trace");
}

#[tokio::test]
async fn success_sets_the_status_and_notes_no_exception() {
    let recorder = RecordingRecorder::new();
    double("fine")
        .execute(1, &recorder.context())
        .await
        .unwrap();
    let span = recorder.span("fine.execute");
    assert_eq!(span.status, SpanStatus::Ok);
    assert!(recorder.events(span.span_id).is_empty());
}

#[tokio::test]
async fn an_error_is_noted_once_where_it_began() {
    let recorder = RecordingRecorder::new();
    let flow = (double("a") >> down("began_here"))
        .named("inner")
        .named("outer");
    flow.execute(1, &recorder.context()).await.unwrap_err();
    let events: Vec<_> = recorder
        .traces()
        .into_iter()
        .flat_map(|trace| trace.events)
        .collect();
    let began = recorder.span("began_here.execute").span_id;
    assert_eq!(events.len(), 1);
    assert_eq!((events[0].span_id, &*events[0].name), (began, "exception"));
    for name in ["inner.execute", "outer.execute"] {
        assert_eq!(error_type(&recorder.span(name)), Some("unavailable"));
    }
}

#[tokio::test]
async fn an_error_that_was_boxed_on_its_way_is_still_noted_once() {
    let recorder = RecordingRecorder::new();
    let flow = step("outer", async |n: u64, ctx: &WorkflowContext| {
        let inner = ctx.observe("inner", async { Err::<u64, _>(Error::msg("broke")) });
        let boxed: tta_core::BoxError = inner.await.unwrap_err().into();
        Err::<u64, _>(Error::from_boxed(boxed)).map(|m| m + n)
    });
    let error = flow.execute(1, &recorder.context()).await.unwrap_err();
    assert_eq!(error.step(), "workflow/outer/inner");
    let events: usize = recorder.traces().iter().map(|it| it.events.len()).sum();
    assert_eq!(events, 1);
}

#[tokio::test(start_paused = true)]
async fn a_span_lasts_from_the_first_poll_to_the_end() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    let flow = step("takes_a_second", async |n: u64| {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(n)
    });
    let future = flow.execute(1, &ctx);
    tokio::time::advance(Duration::from_secs(5)).await;
    future.await.unwrap();
    let span = recorder.span("takes_a_second.execute");
    assert_eq!(span.end_unix_nanos - span.start_unix_nanos, 1_000_000_000);
    assert_eq!(flow.metrics().mean(), Duration::from_secs(1));
}

#[tokio::test]
async fn a_future_that_is_never_polled_has_not_begun() {
    let recorder = RecordingRecorder::new();
    let flow = step("never_polled", async |n: u64| Ok(n));
    let ctx = recorder.context();
    drop(flow.execute(1, &ctx));
    drop(ctx);
    assert!(recorder.spans().is_empty());
    assert_eq!(flow.metrics().executions(), 0);
}

#[tokio::test]
async fn a_context_without_any_recorder_runs_and_is_measured() {
    let flow = step("unrecorded", async |n: u64| Ok(n));
    let ctx = WorkflowContext::new();
    assert!(!ctx.is_sampled());
    flow.execute(1, &ctx).await.unwrap();
    assert_eq!(flow.metrics().executions(), 1);
}

#[tokio::test]
async fn a_plain_future_is_observed_like_a_step() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let answer = ctx
        .workflow("plain_flow", async {
            let n = ctx
                .observe("plain_parse", async { "21".parse::<u64>() })
                .await?;
            ctx.observe("plain_double", async move { Ok::<_, Error>(n * 2) })
                .await
        })
        .await;
    assert_eq!(answer.unwrap(), 42);
    let root = recorder.span("plain_flow.execute").span_id;
    assert_eq!(recorder.span("plain_parse.execute").parent_id, root);
    assert_eq!(recorder.span("plain_double.execute").parent_id, root);
    let metrics = registry().primitive_metrics("plain_double").unwrap();
    assert_eq!(metrics.executions(), 1);
}

#[tokio::test]
async fn a_part_of_a_primitive_has_a_span_and_no_metrics() {
    static PART: tta_core::SpanSpec = tta_core::SpanSpec {
        name: "observed_part",
        help: "",
        attributes: &[],
    };
    let recorder = RecordingRecorder::new();
    let flow = step("whole", async |n: u64, ctx: &WorkflowContext| {
        let n = ctx.in_span_now(&PART, || n + 1);
        ctx.in_span(&PART, async move { Ok(n + 1) }).await
    });
    assert_eq!(flow.execute(1, &recorder.context()).await.unwrap(), 3);
    let whole = recorder.span("whole.execute").span_id;
    let parts = recorder.spans_named("observed_part");
    assert_eq!(parts.len(), 2);
    assert!(parts.iter().all(|part| part.parent_id == whole));
    assert!(registry().primitive_metrics("observed_part").is_none());
}

#[tokio::test]
async fn attributes_and_events_belong_to_the_step_that_set_them() {
    let recorder = RecordingRecorder::new();
    let flow = step("before", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("model", "small");
        ctx.set_attribute("model", "large");
        ctx.event("validation_complete", Vec::new());
        Ok(n)
    }) >> double("other");
    flow.execute(1, &recorder.context()).await.unwrap();
    let span = recorder.span("before.execute").span_id;
    assert_eq!(recorder.attribute(span, "model"), Some("large".into()));
    assert_eq!(recorder.events(span).len(), 1);
    let other = recorder.span("other.execute").span_id;
    assert_eq!(recorder.attribute(other, "model"), None);
}

#[tokio::test]
async fn an_attribute_longer_than_the_limit_is_cut_at_a_character() {
    let recorder = RecordingRecorder::new();
    let flow = step("verbose", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("text", format!("x{}", "ü".repeat(2_000)));
        Ok(n)
    });
    flow.execute(1, &recorder.context()).await.unwrap();
    let span = recorder.span("verbose.execute").span_id;
    let Some(tta_core::Value::Str(text)) = recorder.attribute(span, "text") else {
        panic!("no text")
    };
    assert_eq!(text.len(), 2_047);
}

#[tokio::test]
async fn steps_log_at_debug_workflows_at_info_and_the_origin_of_an_error_at_warn() {
    let recorder = RecordingRecorder::new();
    let flow = (double("logged_a") >> down("logged_b")).named("logged");
    flow.execute(1, &recorder.context()).await.unwrap_err();
    double("logged_c")
        .execute(1, &recorder.context())
        .await
        .unwrap();
    let lines: Vec<_> = recorder
        .logs()
        .iter()
        .map(|line| {
            let name = line.field("primitive").or(line.field("workflow_name"));
            (name.unwrap_or_default().to_owned(), line.level)
        })
        .collect();
    let expected = [
        ("logged_a", Level::Debug),
        ("logged_b", Level::Warn),
        ("logged", Level::Warn),
        ("logged_c", Level::Debug),
        ("workflow", Level::Info),
    ];
    assert_eq!(
        lines,
        expected.map(|(name, level)| (name.to_owned(), level))
    );
}

#[tokio::test]
async fn a_log_line_carries_the_span_and_correlation_of_its_step() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().correlation_id("c-7").build();
    down("correlated").execute(1, &ctx).await.unwrap_err();
    let line = recorder.logs().remove(0);
    assert_eq!(line.correlation_id.as_deref(), Some("c-7"));
    assert_eq!(line.span_id, recorder.span("correlated.execute").span_id);
    assert_eq!(line.field("error_type"), Some("unavailable"));
}

#[tokio::test]
async fn code_without_a_context_finds_the_one_around_it() {
    let flow = step("finds", async |(): (), ctx: &WorkflowContext| {
        tokio::task::yield_now().await;
        let found = tta_core::with_current(|it| (it.correlation_id().to_owned(), it.span_id()));
        Ok(found == Some((ctx.correlation_id().to_owned(), ctx.span_id())))
    });
    assert!(flow.run(()).await.unwrap());
    assert!(tta_core::with_current(|_| ()).is_none());
}

#[tokio::test]
async fn a_step_polled_after_its_end_panics_and_records_nothing_more() {
    let recorder = RecordingRecorder::new();
    let flow = step("overpolled", async |n: u64| Ok(n));
    let ctx = recorder.context();
    let mut future = Box::pin(flow.execute(1, &ctx));
    future.as_mut().await.unwrap();
    let again = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        let _ = future.as_mut().poll(&mut cx);
    }));
    assert!(again.is_err());
    drop(future);
    assert_eq!(recorder.spans().len(), 2);
    assert_eq!(flow.metrics().executions(), 1);
}

#[tokio::test]
async fn a_trace_id_from_outside_is_kept_through_the_sequence() {
    let trace_id = tta_core::TraceId::from_u128(0xABCD);
    let parent = tta_core::Parent::local(trace_id, tta_core::SpanId::from_u64(1), true);
    let ctx = RecordingRecorder::new()
        .builder()
        .parent(parent.unwrap())
        .build();
    let seen = || {
        step("sees", async |_: u64, ctx: &WorkflowContext| {
            Ok(ctx.trace_id())
        })
    };
    let flow = double("a") >> (seen() | seen());
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), (trace_id, trace_id));
}

#[tokio::test]
async fn a_workflow_of_more_spans_than_a_hand_over_holds_loses_none() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let flow = step("loops", async |n: u64, ctx: &WorkflowContext| {
        for i in 0..n {
            ctx.observe("turn", async {
                ctx.set_attribute("turn", i);
                Ok::<_, Error>(())
            })
            .await?;
        }
        ctx.set_attribute("turns", n);
        Ok(())
    });
    flow.execute(1_000, &ctx).await.unwrap();
    let turns = recorder.spans_named("turn.execute");
    assert_eq!(turns.len(), 1_000);
    let kept = turns
        .iter()
        .filter(|turn| recorder.attribute(turn.span_id, "turn").is_some());
    assert_eq!(kept.count(), 1_000, "attributes arrive with their spans");
    let loops = recorder.span("loops.execute").span_id;
    assert_eq!(recorder.attribute(loops, "turns"), Some(1_000_u64.into()));
}

#[test]
fn an_error_kind_is_one_of_few_and_says_itself_in_lower_case() {
    let names: HashSet<_> = ErrorKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(names.len(), ErrorKind::ALL.len());
    assert!(
        names
            .iter()
            .all(|name| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
    );
}

#[tokio::test]
async fn what_a_workflow_says_beyond_its_memory_is_counted() {
    let recorder = RecordingRecorder::new();
    let talkative = step("talkative", async |n: usize, ctx: &WorkflowContext| {
        for _ in 0..n {
            ctx.set_attribute("again", true);
            ctx.event("again", Vec::new());
        }
        ctx.event("wide", vec![Attribute::new("key", 1_i64); 200]);
        Ok(())
    });
    let ctx = recorder.context();
    talkative.execute(9_000, &ctx).await.unwrap();
    let lost = recorder.traces()[0].lost;
    assert_eq!(
        (lost.attributes, lost.events),
        (9_000 - 8_192, 9_001 - 8_192)
    );

    talkative.execute(1, &ctx).await.unwrap();
    let lost = recorder.traces()[1].lost;
    assert_eq!((lost.attributes, lost.events), (200 - 128, 0));
}
