use tta_core::{Error, ErrorKind, Flow, fallback, step};
use tta_testkit::conformance::poll_then_drop;
use tta_testkit::measured::measured;
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::RecordingRecorder;

use super::{double, down};

#[tokio::test]
async fn the_fallback_is_not_called_on_success() {
    let spare = MockPrimitive::<u64, u64>::new("spare");
    let flow = fallback(double("main"), spare.clone());
    assert_eq!(flow.run(2).await.unwrap(), 4);
    assert_eq!(spare.calls(), 0);
}

#[tokio::test]
async fn the_fallback_is_given_the_same_input() {
    let spare = MockPrimitive::<u64, u64>::new("spare").with_answer(Answer::value(7));
    let flow = down("main").with_fallback(spare.clone());
    assert_eq!(flow.run(21).await.unwrap(), 7);
    assert_eq!(spare.inputs(), [21]);
}

#[tokio::test]
async fn when_both_fail_the_error_is_the_primarys_with_the_fallbacks_beside_it() {
    let spare = step("spare_too", async |_: u64| {
        Err::<u64, _>(Error::new(ErrorKind::RateLimited, "slow down"))
    });
    let flow = fallback(down("main"), spare).with_name("both");
    let error = flow.run(1).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.step()),
        (ErrorKind::Unavailable, "workflow/both/main")
    );
    let related: Vec<_> = error
        .related()
        .iter()
        .map(|it| (it.kind(), it.step()))
        .collect();
    assert_eq!(related, [(ErrorKind::RateLimited, "spare_too")]);
}

#[tokio::test]
async fn each_path_is_counted_under_the_name_that_was_given() {
    let primary = MockPrimitive::<u64, u64>::new("p")
        .with_answer(Answer::value(1))
        .with_default(|_| Answer::fail(Error::msg("no")));
    let spare = MockPrimitive::<u64, u64>::new("s").with_answer(Answer::value(2));
    let flow = fallback(primary, spare).with_name("counted_paths");
    let answers = [flow.run(0).await, flow.run(0).await, flow.run(0).await];
    assert_eq!(answers.map(Result::ok), [Some(1), Some(2), None]);
    for path in ["primary", "fallback", "none"] {
        let count = measured("fallback_executions_total", &["counted_paths", path]);
        assert!((count - 1.0).abs() < f64::EPSILON, "{path}: {count}");
    }
}

#[tokio::test]
async fn both_tries_have_a_span_and_the_second_says_why() {
    let recorder = RecordingRecorder::new();
    let flow = fallback(down("main"), double("spare"));
    flow.execute(1, &recorder.context()).await.unwrap();
    let (first, second) = (
        recorder.span("fallback.primary"),
        recorder.span("fallback.fallback"),
    );
    assert_eq!(recorder.span("main.execute").parent_id, first.span_id);
    assert_eq!(recorder.span("spare.execute").parent_id, second.span_id);
    assert_eq!(
        recorder.attribute(second.span_id, "fallback.reason"),
        Some("unavailable".into())
    );
}

#[tokio::test]
async fn a_primary_that_is_cancelled_does_not_run_the_fallback() {
    let spare = MockPrimitive::<u64, u64>::new("spare");
    let hanging = MockPrimitive::<u64, u64>::new("main").with_answer(Answer::hang());
    let flow = fallback(Flow::new(hanging), spare.clone());
    poll_then_drop(flow.run(1), 1).await;
    assert_eq!(spare.calls(), 0);
}
