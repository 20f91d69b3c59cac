//! Only expected errors count, and a rejection says why.

use tta_breaker::{CircuitBreakerConfig, CircuitBreakerPrimitive, CircuitState, LastFailure};
use tta_core::{Error, ErrorKind, Flow, Result, step_with};
use tta_testkit::conformance::{poll_then_drop, tokio_clock};
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{Guarded, SECOND, context, wait};

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(2)
        .with_wait(5 * SECOND)
        .with_clock(tokio_clock)
}

/// Where a breaker for two failures in a row stands after: a failure, this error, a failure.
async fn after_one_between_two_failures(kind: ErrorKind) -> CircuitState {
    let unavailable = || Answer::fail(Error::new(ErrorKind::Unavailable, "down"));
    let service = MockPrimitive::<(), u64>::new("service")
        .with_answer(unavailable())
        .with_answer(Answer::fail(Error::new(kind, "something")))
        .with_answer(unavailable());
    let flow =
        CircuitBreakerPrimitive::new(Flow::new(service), config().with_consecutive_failures(3))
            .unwrap();
    for _ in 0..3 {
        let _ = flow.execute((), &context()).await;
    }
    // Open: it counted. Otherwise the next two failures tell a success from nothing.
    flow.breaker().state()
}

#[tokio::test(start_paused = true)]
async fn errors_that_speak_against_the_service_count_and_others_do_not() {
    use ErrorKind::*;
    for kind in ErrorKind::ALL {
        let counts = matches!(kind, Other | RateLimited | Unavailable | Timeout | Panic);
        let expected = if counts {
            CircuitState::Open
        } else {
            CircuitState::Closed
        };
        assert_eq!(
            after_one_between_two_failures(kind).await,
            expected,
            "{kind}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_an_error_resets_and_a_call_that_was_never_made_does_not() {
    use ErrorKind::*;
    for (kind, resets) in [
        (InvalidInput, true),
        (NotFound, true),
        (PermissionDenied, true),
        (Configuration, false),
        (Cancelled, false),
        (Rejected, false),
    ] {
        let unavailable = || Answer::fail(Error::new(Unavailable, "down"));
        let service = MockPrimitive::<(), u64>::new("service")
            .with_answer(unavailable())
            .with_answer(Answer::fail(Error::new(kind, "something")))
            .with_answer(unavailable());
        let flow = CircuitBreakerPrimitive::new(Flow::new(service), config()).unwrap();
        for _ in 0..3 {
            let _ = flow.execute((), &context()).await;
        }
        let expected = if resets {
            CircuitState::Closed
        } else {
            CircuitState::Open
        };
        assert_eq!(flow.breaker().state(), expected, "{kind}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_user_says_which_errors_count() {
    let only_timeouts = config().with_failure_if(|error| error.kind() == ErrorKind::Timeout);
    let service = MockPrimitive::<(), u64>::new("service")
        .with_default(|()| Answer::fail(Error::new(ErrorKind::Unavailable, "down")));
    let flow = CircuitBreakerPrimitive::new(Flow::new(service.clone()), only_timeouts).unwrap();
    for _ in 0..5 {
        let _ = flow.execute((), &context()).await;
    }
    assert_eq!(flow.breaker().state(), CircuitState::Closed);
    for _ in 0..2 {
        service.push(Answer::fail(Error::new(ErrorKind::Timeout, "slow")));
        let _ = flow.execute((), &context()).await;
    }
    assert_eq!(flow.breaker().state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn calls_that_their_callers_gave_up_count_neither_way() {
    let guarded = Guarded::by(config());
    guarded.calls(&["fail"]).await;
    for _ in 0..5 {
        let context = context();
        poll_then_drop(guarded.flow.execute("hang", &context), 1).await;
    }
    assert_eq!(guarded.state(), CircuitState::Closed, "no failures");
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "and no successes");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_carries_the_last_error_and_says_why_and_when() {
    let guarded = Guarded::named(config(), "says_why");
    guarded.calls(&["panic", "fail"]).await;
    let error = guarded.call("ok").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    assert_eq!(
        error.to_string(),
        "`says_why` is open because 2 calls failed in a row; it admits a probe in 5s"
    );
    assert_eq!(error.source().unwrap().to_string(), "the service is down");
    let last = error.downcast_ref::<LastFailure>().unwrap();
    assert_eq!(last.kind(), ErrorKind::Unavailable);
    assert_eq!(last.step(), "service");
    assert_eq!(guarded.breaker().last_failure().as_ref(), Some(last));
}

#[tokio::test(start_paused = true)]
async fn a_breaker_that_one_failure_opens_says_so() {
    let guarded = Guarded::named(config().with_consecutive_failures(1), "says_one");
    guarded.calls(&["fail"]).await;
    let error = guarded.call("ok").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "`says_one` is open because a call failed; it admits a probe in 5s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_error_is_not_the_last_failure() {
    let guarded = Guarded::by(config().with_consecutive_failures(1));
    let (late, _) = tokio::join!(guarded.call("slow fail"), guarded.call("panic"));
    assert_eq!(late.unwrap_err().kind(), ErrorKind::Unavailable);
    assert_eq!(
        guarded.breaker().last_failure().unwrap().kind(),
        ErrorKind::Panic
    );
}

#[tokio::test(start_paused = true)]
async fn a_predicate_that_panics_fails_its_own_call_and_wedges_nothing() {
    let guarded = Guarded::by(
        config()
            .with_consecutive_failures(1)
            .with_failure_if(|error| {
                assert!(error.kind() != ErrorKind::Panic, "the predicate fell over");
                true
            }),
    );
    guarded.calls(&["fail"]).await;
    wait(5 * SECOND).await;
    let error = guarded.call("panic").await.unwrap_err();
    assert!(
        error.to_string().contains("the predicate fell over"),
        "{error}"
    );
    assert_eq!(guarded.state(), CircuitState::HalfOpen);
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn an_error_whose_message_panics_opens_it_all_the_same() {
    #[derive(Debug)]
    struct Unspeakable;
    impl std::fmt::Display for Unspeakable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            panic!("no words")
        }
    }
    impl std::error::Error for Unspeakable {}
    let flow = step_with("service", (), async |(): &(), (): ()| -> Result<u64> {
        Err(Unspeakable.into())
    });
    let flow = CircuitBreakerPrimitive::new(flow, config().with_consecutive_failures(1)).unwrap();
    assert!(flow.execute((), &context()).await.is_err());
    assert_eq!(flow.breaker().state(), CircuitState::Open);
    let error = flow.execute((), &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
}
