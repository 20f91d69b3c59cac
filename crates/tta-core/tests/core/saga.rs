use std::sync::{Arc, Mutex};

use tta_core::{Error, ErrorKind, Flow, Level, Observed, Primitive, saga, step_with};
use tta_testkit::measured::measured;
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::RecordingRecorder;

use super::{double, down};

#[tokio::test]
async fn nothing_is_compensated_on_success() {
    let undo = MockPrimitive::<u64, ()>::new("undo");
    let flow = saga(double("forward"), undo.clone());
    assert_eq!(flow.run(1).await.unwrap(), 2);
    assert_eq!(undo.calls(), 0);
}

#[tokio::test]
async fn a_compensation_gets_the_original_input_and_the_failure_is_returned() {
    let undo = MockPrimitive::<u64, ()>::new("undo").with_answer(Answer::value(()));
    let flow = (double("changes_it") >> down("forward")).with_compensation(undo.clone());
    let error = flow.run(21).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(undo.inputs(), [21]);
}

#[tokio::test]
async fn a_compensation_that_fails_is_logged_counted_and_attached() {
    let recorder = RecordingRecorder::new();
    let undo = MockPrimitive::<u64, ()>::new("undo").with_answer(Answer::fail(Error::new(
        ErrorKind::Timeout,
        "undo took too long",
    )));
    let flow = saga(down("forward"), undo).with_name("undoes_badly");
    let error = flow.execute(1, &recorder.context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.related()[0].kind(), ErrorKind::Timeout);
    let lines = recorder.logs();
    let line = lines
        .iter()
        .find(|line| line.event == "saga_compensation_failed")
        .unwrap();
    assert_eq!(line.level, Level::Error);
    assert_eq!(line.field("primitive"), Some("undoes_badly"));
    assert_eq!(line.field("error"), Some("undo took too long"));
    let count = measured("saga_compensations_total", &["undoes_badly", "error"]);
    assert!((count - 1.0).abs() < f64::EPSILON, "{count}");
}

#[tokio::test]
async fn nested_sagas_compensate_from_the_inside_out() {
    let order = Arc::new(Mutex::new(Vec::new()));
    let note = |name: &'static str| -> Flow<Observed<_>> {
        step_with(name, (name, Arc::clone(&order)), note)
    };
    let inner = saga(down("charge"), note("refund"));
    let flow = saga(double("reserve") >> inner, note("release"));
    flow.run(1).await.unwrap_err();
    assert_eq!(*order.lock().unwrap(), ["refund", "release"]);
}

async fn note(
    (name, order): &(&'static str, Arc<Mutex<Vec<&'static str>>>),
    _: u64,
) -> tta_core::Result<()> {
    order.lock().unwrap().push(name);
    Ok(())
}

#[tokio::test]
async fn forward_and_compensation_have_spans_below_the_saga() {
    let recorder = RecordingRecorder::new();
    let flow = saga(down("forward"), double("undo")).with_name("spans");
    assert_eq!(flow.primitive_type(), "SagaPrimitive");
    flow.execute(1, &recorder.context()).await.unwrap_err();
    let saga = recorder.span("spans.execute").span_id;
    for part in ["saga.forward", "saga.compensation"] {
        assert_eq!(recorder.span(part).parent_id, saga, "{part}");
    }
}
