//! How large a flow may grow.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use tta_core::{BoxFlow, ErrorKind, conditional, step};
use tta_testkit::recording::RecordingRecorder;

fn add_one() -> tta_core::Flow<impl tta_core::Operand<Input = u64, Output = u64>> {
    step("add_one", async |n: u64| Ok(n + 1))
}

/// Runs on a thread with the 2 MiB stack that tokio's workers and spawned threads have.
fn on_a_small_stack<R: Send + 'static>(work: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new()
        .stack_size(2 * 1024 * 1024)
        .spawn(work)
        .unwrap()
        .join()
        .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn twenty_static_steps_run_on_a_small_stack_and_their_future_is_send() {
    let sum = on_a_small_stack(|| {
        let s = add_one;
        let flow = s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s()
            >> s();
        block_on(async move {
            let task = tokio::spawn(async move { flow.run(0).await });
            task.await.unwrap().unwrap()
        })
    });
    assert_eq!(sum, 20);
}

#[test]
fn ten_thousand_boxed_steps_run_and_drop_on_a_small_stack() {
    let (sum, spans) = on_a_small_stack(|| {
        let mut flow: BoxFlow<u64, u64> = add_one().boxed().unwrap();
        for _ in 1..10_000 {
            flow = (flow >> add_one()).boxed().unwrap();
        }
        let recorder = RecordingRecorder::new();
        let ctx = recorder.context();
        let sum = block_on(flow.execute(0, &ctx)).unwrap();
        drop(flow);
        drop(ctx);
        (sum, recorder.spans().len())
    });
    assert_eq!((sum, spans), (10_000, 10_001));
}

#[test]
fn nesting_up_to_the_limit_runs_and_drops_on_a_small_stack() {
    let sum = on_a_small_stack(|| {
        let mut flow: BoxFlow<u64, u64> = add_one().boxed().unwrap();
        loop {
            match conditional(|_: &u64, _| true, flow.clone()).boxed() {
                Ok(deeper) => flow = deeper,
                Err(_) => break block_on(flow.run(1)).unwrap(),
            }
        }
    });
    assert_eq!(sum, 2);
}

#[test]
fn nesting_past_the_limit_is_refused_when_it_is_built() {
    let mut flow: BoxFlow<u64, u64> = add_one().boxed().unwrap();
    let error = loop {
        match conditional(|_: &u64, _| true, flow).boxed() {
            Ok(deeper) => flow = deeper,
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("at most 512"), "{error}");
}
