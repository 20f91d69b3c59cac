use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use tta_core::{
    BoxFlow, Error, FailurePolicy, Flow, Observed, Primitive, Result, parallel_all, step, step_with,
};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::{RecordingRecorder, error_type};

use super::down;

fn after(name: &'static str, ms: u64) -> Flow<Observed<impl Primitive<Input = u64, Output = u64>>> {
    step_with(name, ms, async |ms: &u64, n: u64| {
        sleep(Duration::from_millis(*ms)).await;
        Ok(n + ms)
    })
}

#[tokio::test(start_paused = true)]
async fn branches_overlap_and_keep_their_order() {
    let begun = Instant::now();
    let flow = after("a", 100) | after("b", 90) | after("c", 80);
    assert_eq!(flow.run(0).await.unwrap(), (100, 90, 80));
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn branches_made_at_run_time_overlap_and_keep_their_order() {
    let begun = Instant::now();
    let branches = [100, 90, 80].map(|ms| after("made", ms).boxed().unwrap());
    let flow = parallel_all(branches).unwrap();
    assert_eq!(flow.run(0).await.unwrap(), [100, 90, 80]);
    assert_eq!(begun.elapsed(), Duration::from_millis(100));
}

#[tokio::test(start_paused = true)]
async fn the_first_error_drops_the_siblings_and_their_spans_say_cancelled() {
    let recorder = RecordingRecorder::new();
    let slow = MockPrimitive::<u64, u64>::new("hanging").with_answer(Answer::hang());
    let broken = step("broken", async |_: u64| {
        sleep(Duration::from_millis(10)).await;
        Err::<u64, _>(Error::msg("it broke"))
    });
    let flow = Flow::new(slow.clone()) | broken;
    let ctx = recorder.builder().clock(tokio_clock).build();
    let error = flow.execute(1, &ctx).await.unwrap_err();
    assert_eq!(error.to_string(), "it broke");
    assert_eq!((slow.dropped(), slow.running()), (1, 0));
    assert_eq!(
        error_type(&recorder.span("hanging.execute")),
        Some("cancelled")
    );
    assert_eq!(error_type(&recorder.span("broken.execute")), Some("other"));
}

#[tokio::test(start_paused = true)]
async fn the_first_error_drops_siblings_made_at_run_time() {
    let recorder = RecordingRecorder::new();
    let slow = MockPrimitive::<u64, u64>::new("hanging").with_answer(Answer::hang());
    let branches = [Flow::new(slow.clone()).boxed(), down("broken").boxed()].map(Result::unwrap);
    let flow = parallel_all(branches).unwrap();
    let ctx = recorder.context();
    flow.execute(1, &ctx).await.unwrap_err();
    assert_eq!((slow.dropped(), slow.running()), (1, 0));
    let kinds: Vec<_> = recorder
        .spans_named("parallel.branch")
        .iter()
        .map(error_type)
        .collect();
    assert_eq!(kinds, [Some("unavailable"), Some("cancelled")]);
}

#[tokio::test]
async fn each_branch_has_a_numbered_span_around_its_step() {
    let recorder = RecordingRecorder::new();
    let flow = step("left", async |n: u64| Ok(n)) | step("right", async |n: u64| Ok(n));
    flow.execute(1, &recorder.context()).await.unwrap();
    for (step, index) in [("left.execute", 0_u64), ("right.execute", 1)] {
        let branch = recorder.span(step).parent_id;
        assert_eq!(
            recorder.attribute(branch, "branch.index"),
            Some(index.into())
        );
    }
}

#[tokio::test]
async fn a_branch_that_is_done_is_not_polled_while_others_wait() {
    static POLLED: AtomicUsize = AtomicUsize::new(0);
    let quick = step("quick", async |(): ()| {
        POLLED.fetch_add(1, Ordering::Relaxed);
        Ok(())
    });
    let slow = step("slow", async |(): ()| {
        for _ in 0..10 {
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    (quick | slow).run(()).await.unwrap();
    assert_eq!(POLLED.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn only_the_branch_that_was_woken_is_polled_among_those_made_at_run_time() {
    /// Counts its polls until the gate opens.
    async fn waits((polls, gate): &(Arc<AtomicUsize>, Arc<Notify>), n: u64) -> Result<u64> {
        let mut opened = pin!(gate.notified());
        std::future::poll_fn(|cx| {
            polls.fetch_add(1, Ordering::Relaxed);
            opened.as_mut().poll(cx)
        })
        .await;
        Ok(n)
    }
    async fn works(gate: &Arc<Notify>, n: u64) -> Result<u64> {
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        gate.notify_one();
        Ok(n)
    }
    let (polls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let idle = step_with("idle", (Arc::clone(&polls), Arc::clone(&gate)), waits);
    let busy = step_with("busy", gate, works);
    let branches = [idle.boxed(), busy.boxed()].map(Result::unwrap);
    parallel_all(branches).unwrap().run(1).await.unwrap();
    assert_eq!(polls.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn eight_branches_fit_into_one_tuple() {
    let s = || step("one_of_eight", async |n: u64| Ok(n));
    let flow = s() | s() | s() | s() | s() | s() | s() | s();
    assert_eq!(flow.run(5).await.unwrap(), (5, 5, 5, 5, 5, 5, 5, 5));
}

/// Two that fail, after 10 and 20 ms, around one that takes 30 ms.
fn failing_around(slow: &MockPrimitive<u64, u64>) -> [BoxFlow<u64, u64>; 3] {
    let breaks = |name, ms| {
        step_with(name, ms, async |ms: &u64, _: u64| {
            sleep(Duration::from_millis(*ms)).await;
            Err::<u64, _>(Error::msg(format!("broke after {ms} ms")))
        })
    };
    slow.push(Answer::value(7).after(Duration::from_millis(30)));
    let slow = Flow::new(slow.clone()).boxed();
    [
        breaks("late", 20).boxed(),
        slow,
        breaks("early", 10).boxed(),
    ]
    .map(Result::unwrap)
}

#[tokio::test(start_paused = true)]
async fn branches_that_are_awaited_run_to_their_end_before_the_first_error_is_returned() {
    let recorder = RecordingRecorder::new();
    let slow = MockPrimitive::<u64, u64>::new("awaited");
    let [late, middle, early] = failing_around(&slow);
    let flow = (late | middle).with_failure_policy(FailurePolicy::AwaitAll) | early;
    let begun = Instant::now();
    let ctx = recorder.builder().clock(tokio_clock).build();
    let error = flow.execute(1, &ctx).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_millis(30));
    assert_eq!(error.to_string(), "broke after 10 ms");
    assert_eq!(error.related()[0].to_string(), "broke after 20 ms");
    assert_eq!((slow.answered(), slow.dropped()), (1, 0));
    assert_eq!(error_type(&recorder.span("awaited.execute")), None);
}

#[tokio::test(start_paused = true)]
async fn branches_made_at_run_time_are_awaited_too_where_that_is_chosen() {
    let slow = MockPrimitive::<u64, u64>::new("awaited_too");
    let flow = parallel_all(failing_around(&slow)).unwrap();
    let flow = flow.with_failure_policy(FailurePolicy::AwaitAll);
    let begun = Instant::now();
    let error = flow.run(1).await.unwrap_err();
    assert_eq!(begun.elapsed(), Duration::from_millis(30));
    assert_eq!(error.to_string(), "broke after 10 ms");
    assert_eq!(error.related()[0].to_string(), "broke after 20 ms");
    assert_eq!((slow.answered(), slow.dropped()), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_parallel_that_awaits_all_answers_like_any_other_where_none_fails() {
    let both = (after("a", 10) | after("b", 20)).with_failure_policy(FailurePolicy::AwaitAll);
    assert_eq!(both.run(1).await.unwrap(), (11, 21));
    let branches = [10, 20].map(|ms| after("made", ms).boxed().unwrap());
    let all = parallel_all(branches).unwrap();
    let all = all.with_failure_policy(FailurePolicy::AwaitAll);
    assert_eq!(all.run(1).await.unwrap(), [11, 21]);
}
