//! What blocks runs where it is in nobody's way, and can be given up there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{MS, times_out};
use tta_core::{ErrorKind, Result, WorkflowContext, step, step_with};
use tta_testkit::recording::{RecordingRecorder, error_type};
use tta_timeout::{BlockingExt, BlockingPrimitive, TimeoutExt};

/// Set when it is dropped.
struct Sets(Arc<AtomicBool>);

impl Drop for Sets {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Waits for what another thread is about to do.
fn eventually(done: impl Fn() -> bool) -> bool {
    let begun = Instant::now();
    while !done() && begun.elapsed() < Duration::from_secs(30) {
        thread::sleep(MS);
    }
    done()
}

#[tokio::test]
async fn the_step_runs_on_another_thread_in_the_same_trace() -> Result<()> {
    let flow = step("blocks", async |(): (), ctx: &WorkflowContext| {
        ctx.put(7_u32);
        tokio::time::sleep(MS).await;
        Ok(thread::current().id())
    })
    .on_blocking_thread();
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    assert_ne!(flow.execute((), &ctx).await?, thread::current().id());
    assert_eq!(ctx.state::<u32>().as_deref(), Some(&7));
    drop(ctx);
    let outer = recorder.span("BlockingPrimitive.execute");
    assert_eq!(recorder.span("blocks.execute").parent_id, outer.span_id);
    Ok(())
}

/// The step blocks its thread until the test has had its answer.
#[tokio::test]
async fn a_timeout_around_it_answers_although_the_step_still_blocks() -> Result<()> {
    let (release, held) = mpsc::channel::<()>();
    let told = Arc::new(AtomicBool::new(false));
    let state = (std::sync::Mutex::new(held), Arc::clone(&told));
    let flow = step_with(
        "blocks",
        state,
        async |(held, told): &(std::sync::Mutex<mpsc::Receiver<()>>, Arc<AtomicBool>),
               (): (),
               ctx: &WorkflowContext| {
            let _ = held.lock().unwrap().recv();
            told.store(ctx.is_cancelled(), Ordering::SeqCst);
            Ok(())
        },
    )
    .on_blocking_thread()
    .timeout(10 * MS)?;
    assert!(times_out(flow.run(()).await));
    assert!(!told.load(Ordering::SeqCst));
    release.send(()).unwrap();
    assert!(
        eventually(|| told.load(Ordering::SeqCst)),
        "told that nobody waits"
    );
    Ok(())
}

#[tokio::test]
async fn a_step_that_waits_there_is_dropped_when_its_caller_goes() -> Result<()> {
    let dropped = Arc::new(AtomicBool::new(false));
    let flow = step_with(
        "waits",
        Arc::clone(&dropped),
        async |dropped: &Arc<AtomicBool>, (): ()| {
            let _sets = Sets(Arc::clone(dropped));
            std::future::pending::<()>().await;
            Ok(())
        },
    )
    .on_blocking_thread()
    // Time enough for the other thread to begin: what has not begun has nothing to drop.
    .timeout(1_000 * MS)?;
    assert!(times_out(flow.run(()).await));
    assert!(eventually(|| dropped.load(Ordering::SeqCst)));
    Ok(())
}

#[tokio::test]
async fn an_answer_cancels_nothing_that_was_left_behind() -> Result<()> {
    let flow = step("blocks", async |(): (), ctx: &WorkflowContext| {
        Ok(ctx.clone())
    })
    .on_blocking_thread();
    assert!(!flow.run(()).await?.is_cancelled());
    Ok(())
}

#[tokio::test]
async fn a_panic_there_is_an_error_here() -> Result<()> {
    let flow = step("panics", async |n: u64| {
        assert!(n > 0, "nothing");
        Ok(n)
    })
    .on_blocking_thread();
    let recorder = RecordingRecorder::new();
    let error = flow.execute(0, &recorder.context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(error_type(&recorder.span("panics.execute")), Some("panic"));
    assert_eq!(flow.run(1).await?, 1);
    Ok(())
}

#[test]
fn without_a_runtime_the_error_says_what_is_missing() {
    let flow = step("blocks", async |(): ()| Ok(())).on_blocking_thread();
    let mut run = std::pin::pin!(flow.run(()));
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(Err(error)) = run.as_mut().poll(&mut cx) else {
        panic!("must fail at once")
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

#[test]
fn a_step_that_had_not_begun_when_its_caller_went_never_begins() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(1)
        .build()?;
    let began = Arc::new(AtomicBool::new(false));
    let (release, held) = mpsc::channel::<()>();
    runtime.block_on(async {
        let holds = tokio::task::spawn_blocking(move || held.recv());
        let flow = step_with(
            "late",
            Arc::clone(&began),
            async |began: &Arc<AtomicBool>, (): ()| {
                began.store(true, Ordering::SeqCst);
                Ok(())
            },
        );
        let flow = BlockingPrimitive::new(flow).timeout(10 * MS)?;
        assert!(times_out(flow.run(()).await));
        release.send(())?;
        holds.await??;
        // Behind it in the queue of the one thread.
        tokio::task::spawn_blocking(|| ()).await?;
        Ok::<_, tta_core::Error>(())
    })?;
    assert!(!began.load(Ordering::SeqCst));
    Ok(())
}
