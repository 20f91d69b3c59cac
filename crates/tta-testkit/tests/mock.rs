//! The mock does what it is told and remembers it.

use std::time::Duration;

use tta_core::{ErrorKind, Flow};
use tta_testkit::conformance::{check_primitive, poll_then_drop};
use tta_testkit::mock::{Answer, MockPrimitive};

#[tokio::test(start_paused = true)]
async fn a_delay_is_waited_for_on_tokios_clock() {
    let mock = MockPrimitive::<u64, u64>::new("delayed")
        .with_answer(Answer::value(1).after(Duration::from_secs(7)));
    let begun = tokio::time::Instant::now();
    assert_eq!(Flow::new(mock).run(0).await.unwrap(), 1);
    assert_eq!(begun.elapsed(), Duration::from_secs(7));
}

#[tokio::test]
async fn a_script_that_is_used_up_is_an_error_and_a_default_goes_on() {
    let mock = MockPrimitive::<u64, u64>::new("used_up").with_answer(Answer::value(1));
    let flow = Flow::new(mock.clone());
    assert_eq!(flow.run(0).await.unwrap(), 1);
    let error = flow.run(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    let flow = Flow::new(mock.clone().with_default(|n| Answer::value(n * 2)));
    assert_eq!(flow.run(21).await.unwrap(), 42);
    assert_eq!(mock.inputs(), [0, 0, 21]);
}

#[tokio::test]
async fn calls_at_once_and_drops_are_counted() {
    let mock = MockPrimitive::<u64, u64>::new("hangs").with_default(|_| Answer::hang());
    let flow = Flow::new(mock.clone());
    poll_then_drop(
        async { tokio::join!(flow.run(1), flow.run(2), flow.run(3)) },
        1,
    )
    .await;
    assert_eq!(
        (mock.calls(), mock.running(), mock.most_running()),
        (3, 0, 3)
    );
    assert_eq!((mock.dropped(), mock.answered()), (3, 0));
}

#[tokio::test]
async fn a_panic_counts_as_an_answer() {
    let mock = MockPrimitive::<u64, u64>::new("panics").with_answer(Answer::panic("told to"));
    let error = Flow::new(mock.clone()).run(1).await.unwrap_err();
    assert_eq!(error.to_string(), "step panicked: told to");
    assert_eq!((mock.answered(), mock.dropped()), (1, 0));
}

#[test]
#[should_panic(expected = "spans named `conforming_inner_")]
fn a_primitive_that_answers_without_what_it_wraps_does_not_conform() {
    check_primitive(|_| tta_core::step("cheats", async |n: u64| Ok(n * 2 + 1)));
}
