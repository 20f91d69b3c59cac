//! When the clock is read, and what lies between the end of one step and the beginning of the next.

use std::cell::Cell;
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use tta_core::{NanoClock, Parent, Recorder, SpanRecord, TraceId, WorkflowContext, step};
use tta_testkit::recording::RecordingRecorder;

use super::{double, down};

thread_local! {
    static MILLIS: Cell<u64> = const { Cell::new(0) };
}

/// A clock that goes on by a millisecond at each reading.
fn ticking() -> Instant {
    static BEGUN: LazyLock<Instant> = LazyLock::new(Instant::now);
    pass(1);
    *BEGUN + Duration::from_millis(MILLIS.get())
}

fn pass(millis: u64) {
    MILLIS.set(MILLIS.get() + millis);
}

/// How many milliseconds, and so readings, `work` takes.
async fn readings<T>(work: impl Future<Output = T>) -> u64 {
    let before = MILLIS.get();
    work.await;
    MILLIS.get() - before
}

fn times(span: &SpanRecord) -> (u64, u64) {
    (span.start_unix_nanos, span.end_unix_nanos)
}

const MILLISECOND: u64 = 1_000_000;

#[tokio::test]
async fn steps_one_after_the_other_read_the_clock_once_more_than_there_are_steps() {
    let ctx = WorkflowContext::builder().clock(ticking).build();
    let three = double("read 1") >> double("read 2") >> double("read 3");
    assert_eq!(readings(three.execute(1, &ctx)).await, 4);
    let three = three.named("three that are read");
    assert_eq!(readings(three.execute(1, &ctx)).await, 4);
}

#[tokio::test]
async fn a_step_begins_when_the_one_before_it_ended_and_the_workflow_lasts_as_long_as_both() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(ticking).build();
    let flow = (double("earlier") >> double("later")).named("both");
    flow.execute(1, &ctx).await.unwrap();
    let (begun, ended) = times(&recorder.span("both.execute"));
    let earlier = times(&recorder.span("earlier.execute"));
    let later = times(&recorder.span("later.execute"));
    assert_eq!(earlier, (begun, begun + MILLISECOND));
    assert_eq!(later, (begun + MILLISECOND, ended));
    assert_eq!(ended, begun + 2 * MILLISECOND);
}

#[tokio::test]
async fn a_sequence_that_fails_ends_when_its_failed_step_did() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(ticking).build();
    let flow = (down("fails here") >> double("never")).named("cut short");
    flow.execute(1, &ctx).await.unwrap_err();
    let failed = times(&recorder.span("fails here.execute"));
    assert_eq!(times(&recorder.span("cut short.execute")), failed);
}

#[tokio::test]
async fn what_a_function_does_between_two_steps_is_charged_to_neither() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(ticking).build();
    let (first, second) = (double("first of hand"), double("second of hand"));
    let by_hand = async {
        let n = first.execute(1, &ctx).await?;
        pass(50);
        second.execute(n, &ctx).await
    };
    ctx.workflow("by hand", by_hand).await.unwrap();
    let (_, ended) = times(&recorder.span("first of hand.execute"));
    let (begun, _) = times(&recorder.span("second of hand.execute"));
    assert_eq!(begun - ended, 51 * MILLISECOND);
}

#[tokio::test]
async fn what_follows_the_last_step_is_a_part_of_the_step_around_it() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(ticking).build();
    let outer = step("slow", async |n: u64, ctx: &WorkflowContext| {
        pass(50);
        let inner = double("inner of slow") >> double("last of slow");
        let n = inner.execute(n, ctx).await?;
        pass(50);
        Ok(n)
    });
    outer.execute(1, &ctx).await.unwrap();
    let (outer_begun, outer_ended) = times(&recorder.span("slow.execute"));
    let (begun, _) = times(&recorder.span("inner of slow.execute"));
    let (_, ended) = times(&recorder.span("last of slow.execute"));
    assert_eq!(begun - outer_begun, 51 * MILLISECOND);
    assert_eq!(outer_ended - ended, 51 * MILLISECOND);
}

#[tokio::test]
async fn time_spent_waiting_belongs_to_the_step_that_waited() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(ticking).build();
    let waits = step("waits a while", async |n: u64| {
        tokio::task::yield_now().await;
        pass(50);
        Ok(n)
    });
    let flow = waits >> double("follows");
    flow.execute(1, &ctx).await.unwrap();
    let (begun, ended) = times(&recorder.span("waits a while.execute"));
    assert_eq!(ended - begun, 51 * MILLISECOND);
    assert_eq!(times(&recorder.span("follows.execute")).0, ended);
}

#[tokio::test]
async fn another_workflow_inside_a_step_leaves_its_boundaries_alone() {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(ticking).build();
    let nested = step("starts another", async |n: u64| {
        let inner = double("of another 1") >> double("of another 2");
        inner.execute(n, &WorkflowContext::new()).await
    });
    let flow = (nested >> double("after another")).named("two workflows");
    flow.execute(1, &ctx).await.unwrap();
    let first = times(&recorder.span("starts another.execute"));
    let second = times(&recorder.span("after another.execute"));
    let whole = times(&recorder.span("two workflows.execute"));
    assert_eq!((first.0, second.1), whole);
    assert_eq!(first.1, second.0);
    assert_eq!(whole.1 - whole.0, 2 * MILLISECOND);
}

/// Wants every span, and brings a clock of its own.
struct Quick(RecordingRecorder);

thread_local! {
    static NANOS: Cell<u64> = const { Cell::new(7) };
}

/// Goes on by three nanoseconds at each reading.
fn quick() -> u64 {
    NANOS.set(NANOS.get() + 3);
    NANOS.get()
}

impl Recorder for Quick {
    fn sample(&self, _: TraceId, _: Option<&Parent>) -> bool {
        true
    }

    fn span_clock(&self) -> Option<NanoClock> {
        Some(quick)
    }

    fn record(&self, trace: tta_core::TraceNotes) {
        self.0.record(trace);
    }
}

#[tokio::test]
async fn executions_are_measured_by_the_recorders_clock() {
    let recorder = Arc::new(Quick(RecordingRecorder::default()));
    let ctx = WorkflowContext::builder()
        .recorder(recorder.clone())
        .build();
    let flow = (double("by nanos 1") >> double("by nanos 2")).named("by nanos");
    flow.execute(1, &ctx).await.unwrap();
    let (begun, ended) = times(&recorder.0.span("by nanos.execute"));
    assert_eq!(ended - begun, 6);
}

#[tokio::test]
async fn a_context_that_was_given_a_clock_goes_by_no_other() {
    let recorder = Arc::new(Quick(RecordingRecorder::default()));
    let builder = WorkflowContext::builder().recorder(recorder.clone());
    let ctx = builder.clock(ticking).build();
    double("by its own").execute(1, &ctx).await.unwrap();
    let (begun, ended) = times(&recorder.0.span("by its own.execute"));
    assert_eq!(ended - begun, MILLISECOND);
}
