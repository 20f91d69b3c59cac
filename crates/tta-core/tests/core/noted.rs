//! What is recorded in a poll, wherever it is kept meanwhile.

use std::cell::RefCell;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::thread;

use tta_core::{Error, Value, WorkflowContext, step};
use tta_testkit::recording::RecordingRecorder;

use super::double;

fn set_elsewhere(ctx: &WorkflowContext, key: &'static str, value: u64) {
    let ctx = ctx.clone();
    thread::spawn(move || ctx.set_attribute(key, value))
        .join()
        .unwrap();
}

#[tokio::test]
async fn of_two_threads_that_set_an_attribute_in_turns_the_later_wins() {
    let recorder = RecordingRecorder::new();
    let flow = step("in_turns", async |n: u64, ctx: &WorkflowContext| {
        for key in ["two", "three", "four"] {
            ctx.set_attribute(key, 1_u64);
        }
        set_elsewhere(ctx, "two", 2);
        set_elsewhere(ctx, "three", 2);
        ctx.set_attribute("three", 3_u64);
        set_elsewhere(ctx, "four", 2);
        ctx.set_attribute("four", 3_u64);
        tokio::task::yield_now().await;
        set_elsewhere(ctx, "four", 4);
        Ok(n)
    });
    flow.execute(1, &recorder.context()).await.unwrap();
    let span = recorder.span("in_turns.execute").span_id;
    for (key, last) in [("two", 2_u64), ("three", 3), ("four", 4)] {
        assert_eq!(recorder.attribute(span, key), Some(last.into()), "{key}");
    }
}

#[tokio::test]
async fn a_thread_that_has_set_attributes_while_another_did_records_on_as_before() {
    let recorder = RecordingRecorder::new();
    let flow = step("disturbed", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("before", n);
        set_elsewhere(ctx, "elsewhere", n);
        Ok(n)
    }) >> step("quiet", async |n: u64, ctx: &WorkflowContext| {
        tokio::task::yield_now().await;
        ctx.set_attribute("after", n);
        Ok(n)
    });
    flow.execute(1, &recorder.context()).await.unwrap();
    let disturbed = recorder.span("disturbed.execute").span_id;
    let quiet = recorder.span("quiet.execute").span_id;
    for (span, key) in [
        (disturbed, "before"),
        (disturbed, "elsewhere"),
        (quiet, "after"),
    ] {
        assert_eq!(recorder.attribute(span, key), Some(1_u64.into()), "{key}");
    }
}

#[tokio::test]
async fn texts_of_the_program_and_texts_made_on_the_way_keep_their_order() {
    let recorder = RecordingRecorder::new();
    let flow = step("texts", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("model", "small");
        ctx.set_attribute("model", format!("large-{n}"));
        ctx.set_attribute(format!("key-{n}"), "first");
        ctx.set_attribute("voice", format!("loud-{n}"));
        ctx.set_attribute("voice", "low");
        ctx.set_attribute(format!("key-{n}"), "second");
        set_elsewhere(ctx, "other", n);
        ctx.set_attribute("other", format!("made-{n}"));
        Ok(n)
    });
    flow.execute(7, &recorder.context()).await.unwrap();
    let span = recorder.span("texts.execute").span_id;
    for (key, last) in [
        ("model", "large-7"),
        ("voice", "low"),
        ("key-7", "second"),
        ("other", "made-7"),
    ] {
        assert_eq!(recorder.attribute(span, key), Some(last.into()), "{key}");
    }
}

#[tokio::test]
async fn a_poll_that_sets_thousands_of_attributes_keeps_each() {
    let recorder = RecordingRecorder::new();
    let flow = step("thousands", async |n: i64, ctx: &WorkflowContext| {
        for i in 0..n {
            ctx.set_attribute(format!("key-{i}"), i);
        }
        Ok(())
    });
    flow.execute(2_000, &recorder.context()).await.unwrap();
    let span = recorder.span("thousands.execute").span_id;
    let kept: Vec<_> = recorder
        .traces()
        .into_iter()
        .flat_map(|trace| trace.attributes)
        .filter(|(id, _)| *id == span)
        .map(|(_, attribute)| attribute.value)
        .collect();
    assert_eq!(kept, (0..2_000).map(Value::Int).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_workflow_inside_the_poll_of_another_mixes_nothing_up() {
    let recorder = RecordingRecorder::new();
    let flow = step("outside", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("where", "outside");
        let child = ctx.child();
        let inside = step("inside", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attribute("where", "inside");
            Ok(n)
        });
        let stranger = RecordingRecorder::new();
        double("stranger").execute(n, &stranger.context()).await?;
        assert_eq!(stranger.spans_named("stranger.execute").len(), 1);
        let n = inside.execute(n, &child).await?;
        ctx.set_attribute("after", true);
        Ok::<_, Error>(n)
    });
    flow.execute(1, &recorder.context()).await.unwrap();
    assert_eq!(recorder.spans_named("stranger.execute").len(), 0);
    let outside = recorder.span("outside.execute").span_id;
    let inside = recorder.span("inside.execute").span_id;
    assert_eq!(recorder.attribute(outside, "where"), Some("outside".into()));
    assert_eq!(recorder.attribute(outside, "after"), Some(true.into()));
    assert_eq!(recorder.attribute(inside, "where"), Some("inside".into()));
}

#[tokio::test]
async fn what_a_poll_recorded_before_tracing_was_switched_off_is_given_up() {
    let recorder = RecordingRecorder::new();
    let flow = double("given_up")
        >> step("switches", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attribute("before", n);
            ctx.enable_tracing(false);
            ctx.enable_tracing(true);
            ctx.set_attribute("after", n);
            Ok(n)
        });
    flow.execute(1, &recorder.context()).await.unwrap();
    assert!(recorder.spans_named("given_up.execute").is_empty());
    let span = recorder.span("switches.execute").span_id;
    assert_eq!(recorder.attribute(span, "before"), None);
    assert_eq!(recorder.attribute(span, "after"), Some(2_u64.into()));
}

#[tokio::test]
async fn a_step_that_was_dropped_outside_any_poll_is_recorded_with_what_it_said() {
    let recorder = RecordingRecorder::new();
    let flow = double("finished")
        >> step("dropped", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attribute("said", n);
            std::future::pending::<()>().await;
            Ok(n)
        });
    let ctx = recorder.context();
    let mut running = Box::pin(flow.execute(1, &ctx));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(running.as_mut().poll(&mut cx).is_pending());
    drop(running);
    assert_eq!(recorder.spans_named("finished.execute").len(), 1);
    let span = recorder.span("dropped.execute").span_id;
    assert_eq!(recorder.attribute(span, "said"), Some(2_u64.into()));
}

#[tokio::test]
async fn what_a_poll_recorded_is_given_up_where_another_thread_switches_tracing_off() {
    let recorder = RecordingRecorder::new();
    let flow = double("given_up_elsewhere")
        >> step("switched", async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attribute("before", n);
            let elsewhere = ctx.clone();
            thread::spawn(move || elsewhere.enable_tracing(false))
                .join()
                .unwrap();
            Ok(n)
        });
    flow.execute(1, &recorder.context()).await.unwrap();
    assert!(recorder.spans().is_empty());
}

/// Runs a workflow when its thread ends, when what threads hold is gone already.
struct Farewell(Arc<RecordingRecorder>);

impl Drop for Farewell {
    fn drop(&mut self) {
        run_now(&self.0, "farewell");
    }
}

fn run_now(recorder: &Arc<RecordingRecorder>, name: &'static str) {
    let flow = step(name, async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attribute("said", n);
        Ok(n)
    });
    let ctx = recorder.context();
    let mut running = pin!(flow.execute(1, &ctx));
    let mut cx = Context::from_waker(Waker::noop());
    assert!(running.as_mut().poll(&mut cx).is_ready());
}

#[test]
fn what_a_thread_says_as_it_ends_is_kept_or_counted() {
    thread_local! {
        static LAST: RefCell<Option<Farewell>> = const { RefCell::new(None) };
    }
    let recorder = RecordingRecorder::new();
    let farewell = Farewell(Arc::clone(&recorder));
    let before = Arc::clone(&recorder);
    thread::spawn(move || {
        LAST.set(Some(farewell));
        run_now(&before, "before_farewell");
    })
    .join()
    .unwrap();
    let span = recorder.span("farewell.execute").span_id;
    let kept = u64::from(recorder.attribute(span, "said").is_some());
    let lost: u64 = recorder.traces().iter().map(|it| it.lost.attributes).sum();
    assert_eq!(kept + lost, 1);
}
