//! The suite that every primitive runs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tta_core::{
    BoxFlow, Error, ErrorKind, Flow, Observed, Primitive, PrimitiveMetrics, Recorder, Result,
    SpanRecord, SpanStatus, TraceId, WorkflowContext, recorder_panics, registry, step_with,
};

use super::{PanickingRecorder, poll_then_drop, tokio_clock};
use crate::recording::{RecordingRecorder, error_type};

/// Checks what every primitive that wraps a flow must show.
///
/// `wrap` puts the inner flow into the primitive, configured so that the first failure is returned
/// and a value passes through unchanged. It is called once for each check, and each execution has
/// an input of its own, so that a cache misses.
///
/// 1. An execution is reported once, below the workflow and above what it runs.
/// 2. Trace, correlation and metadata reach what it runs.
/// 3. An error keeps its kind, and is noted as an exception once.
/// 4. A panic inside is an error of kind [`ErrorKind::Panic`] of that workflow only.
/// 5. Dropped at any await point, it is reported as cancelled, and nothing stays in flight.
/// 6. Results are the same with no recorder, with one, and with one that panics.
/// 7. Its future is `Send`.
///
/// It runs on a runtime of its own with tokio's clock paused.
///
/// # Examples
///
/// ```
/// use tta_core::{if_else, step};
/// use tta_testkit::conformance::check_primitive;
///
/// check_primitive(|inner| {
///     let other = step("other", async |n: u64| Ok(n));
///     if_else(|_: &u64, _| true, inner, other)
/// });
/// ```
///
/// # Panics
///
/// Where the primitive does not conform, with what it did.
pub fn check_primitive<P>(wrap: impl Fn(BoxFlow<u64, u64>) -> Flow<Observed<P>>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .start_paused(true)
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        let subject = || Subject::new(&wrap);
        reports_an_execution_once(&subject()).await;
        passes_the_context_on(&subject()).await;
        keeps_an_error_and_notes_it_once(&subject()).await;
        makes_an_error_of_a_panic(&subject()).await;
        reports_a_drop_at_every_await_point(&subject()).await;
        answers_the_same_whoever_records(&subject()).await;
    });
}

/// As [`check_primitive`], for a primitive whose own metrics and errors name it: a name that its flow
/// is given is its own.
///
/// # Panics
///
/// Where the primitive does not conform, with what it did.
pub fn check_named_primitive<P>(wrap: impl Fn(BoxFlow<u64, u64>) -> Flow<Observed<P>>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    answers_to_its_name(Subject::new(&wrap));
    check_primitive(wrap);
}

/// The primitive under test around an inner step.
struct Subject<P> {
    flow: Flow<Observed<P>>,
    name: String,
    inner: PrimitiveMetrics,
    inner_name: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

/// What the inner step saw of its context.
#[derive(Debug, PartialEq)]
struct Seen {
    trace_id: TraceId,
    correlation_id: String,
    metadata: Option<String>,
}

impl<P: Primitive<Input = u64, Output = u64>> Subject<P> {
    fn new(wrap: &impl Fn(BoxFlow<u64, u64>) -> Flow<Observed<P>>) -> Self {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        // Instruments are shared by name within a process, and tests run side by side.
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let (name, inner_name) = (
            format!("conforming_{number}"),
            format!("conforming_inner_{number}"),
        );
        let seen = Arc::default();
        let inner = step_with(inner_name.clone(), Arc::clone(&seen), inner_step);
        let metrics = inner.metrics();
        let flow = wrap(inner.boxed().expect("one step is not deep")).with_name(name.clone());
        Self {
            flow,
            name,
            inner: metrics,
            inner_name,
            seen,
        }
    }

    fn span_name(&self) -> String {
        format!("{}.execute", self.name)
    }

    fn inner_span_name(&self) -> String {
        format!("{}.execute", self.inner_name)
    }

    fn in_flight(&self) -> (u64, u64) {
        (self.flow.metrics().in_flight(), self.inner.in_flight())
    }
}

/// Waits a few times, then answers as its input says.
async fn inner_step(
    seen: &Arc<Mutex<Vec<Seen>>>,
    input: u64,
    ctx: &WorkflowContext,
) -> Result<u64> {
    let here = Seen {
        trace_id: ctx.trace_id(),
        correlation_id: ctx.correlation_id().to_owned(),
        metadata: ctx.metadata("tenant"),
    };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(here);
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
    match input {
        FAILS => Err(Error::new(
            ErrorKind::InvalidInput,
            "the inner step was told to fail",
        )),
        PANICS => panic!("the inner step was told to panic"),
        input => Ok(answer(input)),
    }
}

fn answer(input: u64) -> u64 {
    input * 2 + 1
}

/// Errors and metrics of its own speak of it by this name.
fn answers_to_its_name<P>(subject: Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let observed = subject.flow.into_primitive();
    let names = (observed.name(), observed.primitive().name());
    let name = subject.name.as_str();
    assert_eq!(names, (name, name), "the flow's name and the primitive's");
}

async fn reports_an_execution_once<P>(subject: &Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    let result = assert_send(subject.flow.execute(1, &ctx)).await;
    assert_eq!(result.expect("the inner step succeeds"), answer(1));

    let outer = recorder.span(&subject.span_name());
    let inner = recorder.span(&subject.inner_span_name());
    let root = recorder.span("workflow.execute");
    assert_eq!(outer.status, SpanStatus::Ok, "the primitive's span");
    assert_eq!(inner.status, SpanStatus::Ok, "the inner step's span");
    let spans = recorder.spans();
    let line = ancestors(&inner, &spans);
    assert!(
        line.contains(&subject.span_name()) && line.contains(&"workflow.execute".to_owned()),
        "the inner step's span lies within {line:?}"
    );
    assert!(
        !root.parent_id.is_valid(),
        "the workflow's span has no parent"
    );
    let metrics = subject.flow.metrics();
    assert_eq!((metrics.executions(), metrics.errors()), (1, 0));
    assert_eq!(
        subject.inner.executions(),
        1,
        "executions of the inner step"
    );
    assert_eq!(subject.in_flight(), (0, 0), "in flight after the end");
}

async fn passes_the_context_on<P>(subject: &Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let ctx = WorkflowContext::builder()
        .correlation_id("conformance-1")
        .metadata("tenant", "acme")
        .clock(tokio_clock)
        .build();
    subject
        .flow
        .execute(2, &ctx)
        .await
        .expect("the inner step succeeds");
    let expected = Seen {
        trace_id: ctx.trace_id(),
        correlation_id: "conformance-1".to_owned(),
        metadata: Some("acme".to_owned()),
    };
    let seen = subject.seen.lock().unwrap_or_else(PoisonError::into_inner);
    assert_eq!(*seen, [expected], "the context that the inner step saw");
}

async fn keeps_an_error_and_notes_it_once<P>(subject: &Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    let result = subject.flow.execute(FAILS, &ctx).await;
    let error = result.expect_err("the inner step fails");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");

    let inner = recorder.span(&subject.inner_span_name());
    assert_eq!(
        error_type(&recorder.span(&subject.span_name())),
        Some("invalid_input")
    );
    let exceptions: Vec<_> = recorder
        .traces()
        .into_iter()
        .flat_map(|trace| trace.events)
        .filter(|event| event.name == "exception")
        .map(|event| event.span_id)
        .collect();
    assert_eq!(exceptions, [inner.span_id], "spans with an exception");
    let metrics = subject.flow.metrics();
    assert_eq!((metrics.executions(), metrics.errors()), (1, 1));
}

async fn makes_an_error_of_a_panic<P>(subject: &Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let context = || WorkflowContext::builder().clock(tokio_clock).build();
    let (bad, good) = (context(), context());
    let (panicked, beside) = tokio::join!(
        subject.flow.execute(PANICS, &bad),
        subject.flow.execute(3, &good)
    );
    let error = panicked.expect_err("the inner step panics");
    assert_eq!(error.kind(), ErrorKind::Panic, "{error}");
    assert_eq!(beside.expect("another workflow goes on"), answer(3));
    let after = subject.flow.execute(4, &context()).await;
    assert_eq!(after.expect("nothing is left wedged"), answer(4));
    assert_eq!(subject.in_flight(), (0, 0), "in flight after a panic");
}

async fn reports_a_drop_at_every_await_point<P>(subject: &Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    for polls in 0..MOST_POLLS {
        let input = 1_000 + polls as u64;
        let before = subject.flow.metrics();
        let (ended, cancelled) = (before.executions(), before.cancelled());
        let recorder = RecordingRecorder::new();
        let ctx = recorder.builder().clock(tokio_clock).build();
        let result = poll_then_drop(subject.flow.execute(input, &ctx), polls).await;
        // A primitive may have moved the work to a task, which ends when the runtime runs next.
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
        drop(ctx);
        assert_eq!(
            subject.in_flight(),
            (0, 0),
            "in flight after {polls} polls and a drop"
        );
        if let Some(result) = result {
            assert_eq!(result.expect("the inner step succeeds"), answer(input));
            assert!(polls > 3, "the inner step waits three times");
            return;
        }
        let after = subject.flow.metrics();
        let begun = u64::from(polls > 0);
        assert_eq!(
            (after.executions() - ended, after.cancelled() - cancelled),
            (begun, begun),
            "executions and cancellations after {polls} polls and a drop"
        );
        if polls > 0 {
            let span = recorder.span(&subject.span_name());
            assert_eq!(error_type(&span), Some("cancelled"), "after {polls} polls");
        }
    }
    panic!("the primitive did not answer within {MOST_POLLS} polls");
}

async fn answers_the_same_whoever_records<P>(subject: &Subject<P>)
where
    P: Primitive<Input = u64, Output = u64>,
{
    let recorders: [Arc<dyn Recorder>; 3] = [
        Arc::new(()),
        RecordingRecorder::new(),
        Arc::new(PanickingRecorder),
    ];
    let swallowed = recorder_panics();
    for (recorder, input) in recorders.into_iter().zip(10..) {
        let ctx = WorkflowContext::builder()
            .recorder(recorder)
            .clock(tokio_clock)
            .build();
        let result = subject.flow.execute(input, &ctx).await;
        assert_eq!(result.expect("the inner step succeeds"), answer(input));
    }
    assert!(
        recorder_panics() > swallowed,
        "a recorder's panic is counted"
    );
    let known = registry().primitive_metrics(&subject.name);
    assert_eq!(known.map(|metrics| metrics.executions()), Some(3));
}

/// The names of the spans around `span`, from the nearest outward.
fn ancestors(span: &SpanRecord, spans: &[SpanRecord]) -> Vec<String> {
    let mut names = Vec::new();
    let mut parent = span.parent_id;
    while let Some(found) = spans.iter().find(|it| it.span_id == parent) {
        names.push(found.name.as_str().to_owned());
        parent = found.parent_id;
    }
    names
}

fn assert_send<F: Send>(future: F) -> F {
    future
}

/// Inputs that the inner step takes as orders.
const FAILS: u64 = 0xF_A115;
const PANICS: u64 = 0xBAD;

/// A primitive that waits more often than this around three waits of its inner flow is stuck.
const MOST_POLLS: usize = 1_000;
