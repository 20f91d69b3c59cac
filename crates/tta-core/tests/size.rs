//! How large a flow may grow.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use tta_core::{BoxFlow, ErrorKind, conditional, step};
use tta_testkit::faults::report;
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
fn fault_54_ten_thousand_boxed_steps_run_and_drop_on_a_small_stack() {
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
    let measured = format!("{sum} steps, {spans} spans");
    let met = (sum, spans) == (10_000, 10_001);
    report(
        54,
        "10,000 steps, run and dropped",
        "all run on 2 MiB",
        measured,
        met,
    );
}

#[test]
fn fault_54_nesting_up_to_the_limit_runs_and_drops_on_a_small_stack() {
    let (sum, depth, error) = on_a_small_stack(|| {
        let mut flow: BoxFlow<u64, u64> = add_one().boxed().unwrap();
        let mut depth = 1;
        loop {
            match conditional(|_: &u64, _| true, flow.clone()).boxed() {
                Ok(deeper) => flow = deeper,
                Err(error) => break (block_on(flow.run(1)).unwrap(), depth, error),
            }
            depth += 1;
        }
    });
    let refused = error.kind() == ErrorKind::Configuration;
    let measured = format!("{depth} deep runs, the next is refused: {refused}");
    let met = refused && (sum, depth) == (2, 512);
    report(
        54,
        "nesting",
        "512 deep runs on 2 MiB, more is refused",
        measured,
        met,
    );
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
