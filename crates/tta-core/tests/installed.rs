//! The recorder of the process: installed once, so its tests are one binary and take turns.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tta_core::{
    MetricSpec, Parent, Recorder, Registry, SpanId, TraceId, TraceNotes, TraceRecords, Unit,
    WorkflowContext, install_recorder, step, uninstall_recorder,
};
use tta_testkit::conformance::PanickingRecorder;
use tta_testkit::recording::RecordingRecorder;

/// The right to install recorders; leaves the process without one.
struct Turn(#[expect(dead_code, reason = "held for its destructor")] MutexGuard<'static, ()>);

impl Drop for Turn {
    fn drop(&mut self) {
        uninstall_recorder();
    }
}

fn turn() -> Turn {
    static TURN: Mutex<()> = Mutex::new(());
    Turn(TURN.lock().unwrap_or_else(PoisonError::into_inner))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

#[test]
fn a_primitive_built_before_the_recorder_is_recorded_after_it() {
    let _turn = turn();
    let flow = step("built_before", async |n: u64| Ok(n));
    block_on(flow.run(1)).unwrap();
    let recorder = RecordingRecorder::new();
    install_recorder(recorder.clone());
    block_on(flow.run(1)).unwrap();
    assert_eq!(recorder.spans_named("built_before.execute").len(), 1);
    assert_eq!(flow.metrics().executions(), 2);
}

#[test]
fn a_context_keeps_the_recorder_it_was_made_with() {
    let _turn = turn();
    let (first, second) = (RecordingRecorder::new(), RecordingRecorder::new());
    assert!(install_recorder(first.clone()).is_none());
    let ctx = WorkflowContext::new();
    assert!(install_recorder(second.clone()).is_some());
    block_on(step("keeps", async |n: u64| Ok(n)).execute(1, &ctx)).unwrap();
    assert_eq!((first.spans().len(), second.spans().len()), (2, 0));
    uninstall_recorder();
    assert!(!WorkflowContext::new().is_sampled());
}

#[test]
fn a_span_active_around_the_caller_is_the_parent() {
    struct Within(Parent, Mutex<Vec<TraceRecords>>);
    impl Recorder for Within {
        fn ambient_parent(&self) -> Option<Parent> {
            Some(self.0.clone())
        }
        fn sample(&self, _: TraceId, parent: Option<&Parent>) -> bool {
            parent.is_some_and(|parent| parent.sampled)
        }
        fn record(&self, trace: TraceNotes) {
            self.1.lock().unwrap().push(trace.into_records());
        }
    }
    let _turn = turn();
    let around = Parent::local(TraceId::from_u128(5), SpanId::from_u64(6), true).unwrap();
    let recorder = Arc::new(Within(around.clone(), Mutex::default()));
    install_recorder(recorder.clone());
    block_on(step("within", async |n: u64| Ok(n)).run(1)).unwrap();
    let traces = recorder.1.lock().unwrap();
    let root = traces[0].spans.last().unwrap();
    assert_eq!(traces[0].trace_id, around.trace_id);
    assert_eq!(
        (root.parent_id, root.parent_is_remote),
        (around.span_id, false)
    );
}

#[test]
fn the_label_limit_is_reported_once_for_each_metric() {
    static FIRST: MetricSpec =
        MetricSpec::counter("installed_first_total", Unit::One, "h").labels(&["user"]);
    static SECOND: MetricSpec =
        MetricSpec::counter("installed_second_total", Unit::One, "h").labels(&["user"]);
    let _turn = turn();
    let recorder = RecordingRecorder::new();
    install_recorder(recorder.clone());
    let registry = Registry::new();
    registry.set_label_limit(2);
    for user in ["__overflow__", "a", "b", "c", "d", "e"] {
        registry.counter(&FIRST, &[user]).unwrap().increment();
        registry.counter(&SECOND, &[user]).unwrap().increment();
    }
    let reported: Vec<_> = recorder
        .logs()
        .iter()
        .filter(|line| line.event == "label_limit_reached")
        .map(|line| line.field("metric").unwrap().to_owned())
        .collect();
    assert_eq!(
        reported,
        ["installed_first_total", "installed_second_total"]
    );
}

#[test]
fn a_recorder_that_panics_when_it_is_asked_for_a_parent_costs_the_parent_only() {
    let _turn = turn();
    install_recorder(Arc::new(PanickingRecorder));
    let before = tta_core::recorder_panics();
    let flow = step("asked", async |n: u64| Ok(n + 1));
    assert_eq!(block_on(flow.run(1)).unwrap(), 2);
    assert!(tta_core::recorder_panics() > before);
}
