use std::fmt;
use std::panic::panic_any;

use tta_core::{
    Error, ErrorKind, Flow, Observed, Primitive, Result, SpanSpec, WorkflowContext, conditional,
    fallback, saga, step, switch, with_current,
};
use tta_testkit::conformance::{PanickingRecorder, poll_then_drop};
use tta_testkit::mock::{Answer, MockPrimitive};
use tta_testkit::recording::{RecordingRecorder, error_type};

use super::double;

/// Runs the flow once recorded and once not; it must panic inside and not beyond.
async fn panics<P>(flow: Flow<P>) -> Error
where
    P: Primitive<Input = u64, Output = u64>,
{
    let silent = flow.run(1).await.unwrap_err();
    let recorder = RecordingRecorder::new();
    let observed = flow.execute(1, &recorder.context()).await.unwrap_err();
    assert_eq!(silent.kind(), ErrorKind::Panic, "{silent}");
    assert_eq!(observed.kind(), ErrorKind::Panic, "{observed}");
    assert!(with_current(|_| ()).is_none(), "the thread is left clean");
    silent
}

#[tokio::test]
async fn a_panic_of_a_step_is_an_error_that_names_the_step_and_the_message() {
    let flow = step("bursts", async |n: u64| {
        assert!(n > 1_000, "{n} is too small");
        Ok(n)
    });
    let error = panics(flow).await;
    assert_eq!(error.to_string(), "step panicked: 1 is too small");
    assert_eq!(error.step(), "workflow/bursts");
    assert!(!error.is_retryable());
}

#[tokio::test]
async fn a_panic_before_the_first_await_is_an_error_too() {
    struct Eager;
    impl Primitive for Eager {
        type Input = u64;
        type Output = u64;
        fn execute(
            &self,
            input: u64,
            _: &WorkflowContext,
        ) -> impl Future<Output = Result<u64>> + Send {
            assert!(input > 1, "before there is a future");
            async move { Ok(input) }
        }
    }
    panics(Flow::new(Eager)).await;
}

#[tokio::test]
async fn a_panic_of_a_predicate_is_an_error_of_its_step() {
    let flow = conditional(|_: &u64, _| -> bool { panic!("undecided") }, double("then"));
    panics(flow).await;
}

#[tokio::test]
async fn a_panic_of_a_selector_is_an_error_of_its_step() {
    let flow = switch(|_: &u64, _| -> Result<&'static str> { panic!("undecided") })
        .case("a", double("a"))
        .build()
        .unwrap();
    panics(flow).await;
}

#[tokio::test]
async fn a_panic_of_a_branch_is_an_error_and_cancels_its_siblings() {
    let recorder = RecordingRecorder::new();
    let hanging = MockPrimitive::<u64, u64>::new("sibling").with_answer(Answer::hang());
    let burst = MockPrimitive::<u64, u64>::new("burst").with_answer(Answer::panic("no"));
    let flow = Flow::new(hanging.clone()) | burst;
    let error = flow.execute(1, &recorder.context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panic);
    assert_eq!(hanging.dropped(), 1);
    assert_eq!(
        error_type(&recorder.span("sibling.execute")),
        Some("cancelled")
    );
}

#[tokio::test]
async fn a_panic_in_a_part_of_a_step_is_an_error_of_the_step() {
    static PART: SpanSpec = SpanSpec {
        name: "part_that_panics",
        help: "",
        attributes: &[],
    };
    let now = step("part_now", async |_: u64, ctx: &WorkflowContext| {
        Ok(ctx.in_span_now(&PART, || -> u64 { panic!("in a part") }))
    });
    panics(now).await;
    let waiting = step("part_waiting", async |_: u64, ctx: &WorkflowContext| {
        ctx.in_span(&PART, async { panic!("in a part") }).await
    });
    panics(waiting).await;
}

#[tokio::test]
async fn a_panic_of_the_primary_is_answered_by_the_fallback() {
    let burst = MockPrimitive::<u64, u64>::new("burst").with_answer(Answer::panic("no"));
    let flow = fallback(burst, double("instead"));
    assert_eq!(flow.run(4).await.unwrap(), 8);
}

#[tokio::test]
async fn a_panic_of_a_compensation_does_not_hide_what_went_wrong_first() {
    let burst = MockPrimitive::<u64, u64>::new("undo").with_answer(Answer::panic("undo failed"));
    let error = saga(super::down("forward"), burst)
        .run(1)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.related()[0].kind(), ErrorKind::Panic);
}

/// Panics when it is dropped, with the message.
struct Bomb(&'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0.is_empty(), "{}", self.0);
    }
}

/// Holds a bomb over an await point.
fn holding(name: &'static str) -> Flow<Observed<impl Primitive<Input = u64, Output = u64>>> {
    step(name, async |n: u64| {
        let bomb = Bomb("a destructor panicked");
        if n == 0 {
            std::future::pending::<()>().await;
        }
        tokio::task::yield_now().await;
        drop(bomb);
        Ok(n)
    })
}

#[tokio::test]
async fn a_panic_of_a_destructor_in_a_step_is_an_error() {
    panics(holding("drops_a_bomb")).await;
}

#[tokio::test]
async fn a_panic_of_a_destructor_during_cancellation_is_reported_and_goes_no_further() {
    let recorder = RecordingRecorder::new();
    let flow = holding("cancelled_with_a_bomb");
    let ctx = recorder.context();
    let result = poll_then_drop(flow.execute(0, &ctx), 1).await;
    assert!(result.is_none());
    drop(ctx);
    let span = recorder.span("cancelled_with_a_bomb.execute");
    assert_eq!(error_type(&span), Some("panic"));
    let metrics = flow.metrics();
    assert_eq!((metrics.executions(), metrics.in_flight()), (1, 0));
    assert_eq!(metrics.errors_of(ErrorKind::Panic), 1);
}

#[tokio::test]
async fn siblings_whose_destructors_all_panic_do_not_abort_the_process() {
    let flow = (holding("bomb_a") | holding("bomb_b"))
        | step("breaks", async |_: u64| {
            tokio::task::yield_now().await;
            Err::<u64, _>(Error::msg("it broke"))
        });
    let error = flow.run(0).await.unwrap_err();
    assert_eq!(error.to_string(), "it broke");
}

#[tokio::test]
async fn a_panic_whose_message_panics_when_dropped_is_an_error() {
    let flow = step("bombed_payload", async |n: u64| {
        if n > 0 {
            panic_any(Bomb("the payload panicked too"));
        }
        Ok(n)
    });
    let error = panics(flow).await;
    assert_eq!(error.to_string(), "step panicked: a value that is no text");
}

#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("an error that cannot say what it is")
    }
}

impl std::error::Error for Unspeakable {}

#[tokio::test]
async fn an_error_whose_display_panics_stays_that_error() {
    let recorder = RecordingRecorder::new();
    let flow = step("unspeakable", async |_: u64| {
        Err::<u64, _>(Unspeakable.into())
    });
    for ctx in [recorder.context(), WorkflowContext::new()] {
        let error = flow.execute(1, &ctx).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        assert!(error.downcast_ref::<Unspeakable>().is_some());
    }
    let span = recorder.span("unspeakable.execute");
    assert_eq!(error_type(&span), Some("other"));
    assert_eq!(recorder.events(span.span_id).len(), 1);
}

#[tokio::test]
async fn a_compensation_whose_error_cannot_be_displayed_hides_nothing() {
    let undo = step("undo", async |_: u64| Err::<u64, _>(Unspeakable.into()));
    let recorder = RecordingRecorder::new();
    let flow = saga(super::down("forward"), undo);
    let error = flow.execute(1, &recorder.context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(error.related().len(), 1);
}

#[tokio::test]
async fn another_workflow_on_the_same_flow_does_not_notice_a_panic() {
    let flow = step("shared", async |n: u64| {
        tokio::task::yield_now().await;
        assert!(n != 13, "unlucky");
        tokio::task::yield_now().await;
        Ok(n)
    });
    let (bad, good) = tokio::join!(flow.run(13), flow.run(7));
    assert_eq!(bad.unwrap_err().kind(), ErrorKind::Panic);
    assert_eq!(good.unwrap(), 7);
    assert_eq!(flow.metrics().in_flight(), 0);
}

#[tokio::test]
async fn a_recorder_that_panics_everywhere_changes_no_result() {
    let before = tta_core::recorder_panics();
    let recorder = std::sync::Arc::new(PanickingRecorder);
    let ctx = WorkflowContext::builder().recorder(recorder).build();
    let flow = double("a") >> (double("b") | double("c"));
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), (4, 4));
    assert!(tta_core::recorder_panics() >= before + 4);
}
