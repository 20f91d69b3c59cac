//! An open breaker probes when its wait is over, and what the probes find decides.

use std::time::Duration;

use tta_breaker::{CircuitBreakerConfig, CircuitState, Window};
use tta_core::{Error, ErrorKind, Flow};
use tta_testkit::conformance::{poll_then_drop, tokio_clock};
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{Guarded, SECOND, context, is_rejected, wait};

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(1)
        .with_wait(5 * SECOND)
}

/// Guarded by a breaker that has opened and waited.
async fn ready_to_probe(config: CircuitBreakerConfig) -> Guarded {
    let guarded = Guarded::by(config);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
    wait(5 * SECOND).await;
    guarded
}

fn retry_after(result: tta_core::Result<u64>) -> Option<Duration> {
    result.unwrap_err().retry_after()
}

#[tokio::test(start_paused = true)]
async fn until_the_wait_is_over_calls_are_told_what_is_left_of_it() {
    let guarded = Guarded::by(config());
    guarded.calls(&["fail"]).await;
    assert_eq!(retry_after(guarded.call("ok").await), Some(5 * SECOND));
    wait(4 * SECOND).await;
    assert_eq!(retry_after(guarded.call("ok").await), Some(SECOND));
    wait(SECOND).await;
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_succeeds_closes_it() {
    let guarded = ready_to_probe(config()).await;
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_fails_opens_it_for_another_wait() {
    let guarded = ready_to_probe(config()).await;
    assert_eq!(
        guarded.call("fail").await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
    assert_eq!(guarded.state(), CircuitState::Open);
    assert_eq!(retry_after(guarded.call("ok").await), Some(5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn it_closes_after_as_many_successes_as_it_needs() {
    let guarded = ready_to_probe(config().with_required_successes(3)).await;
    guarded.calls(&["ok", "ok"]).await;
    assert_eq!(guarded.state(), CircuitState::HalfOpen);
    guarded.calls(&["ok"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn successes_before_a_failed_probe_do_not_count_later() {
    let guarded = ready_to_probe(config().with_required_successes(2)).await;
    guarded.calls(&["ok", "fail"]).await;
    wait(5 * SECOND).await;
    guarded.calls(&["ok"]).await;
    assert_eq!(guarded.state(), CircuitState::HalfOpen);
}

#[tokio::test(start_paused = true)]
async fn of_a_thousand_callers_only_as_many_as_it_allows_probe_at_once() {
    let guarded = ready_to_probe(config().with_probes(3)).await;
    let context = context();
    let calls: Vec<_> = (0..1_000)
        .map(|_| Box::pin(guarded.flow.execute("slow", &context)))
        .collect();
    let mut rejected = 0;
    let mut probes = Vec::new();
    for mut call in calls {
        let polled =
            std::future::poll_fn(|cx| std::task::Poll::Ready(call.as_mut().poll(cx))).await;
        match polled {
            std::task::Poll::Ready(result) => rejected += usize::from(is_rejected(&result)),
            std::task::Poll::Pending => probes.push(call),
        }
    }
    assert_eq!((probes.len(), rejected), (3, 997));
    assert_eq!(guarded.service.running(), 3);
    for probe in probes {
        assert_eq!(probe.await.unwrap(), 1);
    }
    assert_eq!(guarded.service.most_running(), 3);
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_all_probes_are_under_way_may_try_again_but_is_not_told_when() {
    let guarded = ready_to_probe(config()).await;
    let (probe, other) = tokio::join!(guarded.call("slow"), guarded.call("ok"));
    assert!(probe.is_ok());
    let error = other.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry_after()),
        (ErrorKind::Rejected, None)
    );
    assert!(error.is_retryable());
    assert!(error.to_string().contains("half open"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_cancelled_decides_nothing_and_leaves_its_place_to_the_next() {
    let guarded = ready_to_probe(config()).await;
    let context = context();
    for _ in 0..3 {
        let cancelled = poll_then_drop(guarded.flow.execute("hang", &context), 1).await;
        assert!(cancelled.is_none());
        assert_eq!(guarded.state(), CircuitState::HalfOpen);
    }
    assert_eq!(guarded.service.dropped(), 3);
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_has_failed() {
    let guarded = ready_to_probe(config()).await;
    assert_eq!(
        guarded.call("panic").await.unwrap_err().kind(),
        ErrorKind::Panic
    );
    assert_eq!(guarded.state(), CircuitState::Open);
    wait(5 * SECOND).await;
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_is_slow_has_failed_although_it_answers() {
    let config = config()
        .with_window(Window::Count(10))
        .with_slow_calls(2 * SECOND, 1.0);
    let guarded = ready_to_probe(config.with_minimum_throughput(10)).await;
    assert_eq!(guarded.call("slow").await.unwrap(), 1);
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_probe_whose_error_says_nothing_of_the_service_decides_nothing() {
    let service = MockPrimitive::<(), u64>::new("service")
        .with_answer(Answer::fail(crate::support::down()))
        .with_answer(Answer::fail(Error::new(
            ErrorKind::Rejected,
            "a full queue",
        )))
        .with_answer(Answer::value(1));
    let flow = tta_breaker::CircuitBreakerPrimitive::new(
        Flow::new(service.clone()),
        config().with_clock(tokio_clock),
    )
    .unwrap();
    assert!(flow.execute((), &context()).await.is_err());
    wait(5 * SECOND).await;
    assert!(flow.execute((), &context()).await.is_err());
    assert_eq!(flow.breaker().state(), CircuitState::HalfOpen);
    assert_eq!(flow.execute((), &context()).await.unwrap(), 1);
    assert_eq!(flow.breaker().state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn late_answers_of_one_half_open_time_do_not_count_in_the_next() {
    let guarded = ready_to_probe(config().with_probes(2).with_required_successes(2)).await;
    let context = context();
    let mut late = Box::pin(guarded.flow.execute("slow", &context));
    assert!(poll_then_drop(late.as_mut(), 1).await.is_none());
    guarded.calls(&["fail"]).await;
    wait(5 * SECOND).await;
    guarded.calls(&["ok"]).await;
    assert_eq!(
        guarded.state(),
        CircuitState::HalfOpen,
        "one success of two"
    );
    assert_eq!(late.await.unwrap(), 1);
    assert_eq!(
        guarded.state(),
        CircuitState::HalfOpen,
        "the late one is none"
    );
    let (one, other) = tokio::join!(guarded.call("slow"), guarded.call("slow"));
    assert!(
        one.is_ok() && other.is_ok(),
        "the late one freed no place, and took none"
    );
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn the_wait_grows_with_each_failed_probe_up_to_the_longest_and_starts_anew_when_closed() {
    let guarded = Guarded::by(config().with_wait_growth(2.0, 15 * SECOND));
    guarded.calls(&["fail"]).await;
    for expected in [5, 10, 15, 15] {
        let left = retry_after(guarded.call("ok").await).unwrap();
        assert_eq!(left, expected * SECOND);
        wait(left).await;
        assert_eq!(
            guarded.call("fail").await.unwrap_err().kind(),
            ErrorKind::Unavailable
        );
    }
    wait(15 * SECOND).await;
    guarded.calls(&["ok", "fail"]).await;
    assert_eq!(retry_after(guarded.call("ok").await), Some(5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_longest_wait_below_the_wait_itself_does_not_shorten_it() {
    let guarded = Guarded::by(config().with_wait_growth(3.0, SECOND));
    guarded.calls(&["fail"]).await;
    assert_eq!(retry_after(guarded.call("ok").await), Some(5 * SECOND));
    wait(5 * SECOND).await;
    guarded.calls(&["fail"]).await;
    assert_eq!(retry_after(guarded.call("ok").await), Some(5 * SECOND));
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_service_asks_for_is_kept_up_to_the_longest() {
    for (asked, kept) in [(1, 5), (20, 20), (3_600, 30)] {
        let busy = Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(asked * SECOND);
        let service = MockPrimitive::<(), u64>::new("service").with_answer(Answer::fail(busy));
        let config = config().with_wait_growth(1.0, 30 * SECOND);
        let flow = tta_breaker::CircuitBreakerPrimitive::new(Flow::new(service), config).unwrap();
        let _ = flow.execute((), &context()).await;
        let rejected = flow.execute((), &context()).await;
        assert_eq!(
            retry_after(rejected),
            Some(kept * SECOND),
            "asked for {asked} s"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_wait_beyond_the_end_of_time_ends_by_a_reset_only() {
    let guarded = Guarded::by(config().with_wait(Duration::MAX));
    guarded.calls(&["fail"]).await;
    wait(Duration::from_hours(24_000)).await;
    let error = guarded.call("ok").await.unwrap_err();
    assert_eq!(error.retry_after(), None);
    assert!(error.to_string().contains("until it is reset"), "{error}");
    guarded.breaker().reset();
    assert_eq!(guarded.call("ok").await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_closed_it_starts_its_window_afresh() {
    let config = CircuitBreakerConfig::new()
        .with_failure_rate(0.5, Window::Count(4))
        .with_minimum_throughput(2)
        .with_wait(5 * SECOND);
    let guarded = Guarded::by(config);
    guarded.calls(&["fail", "fail"]).await;
    wait(5 * SECOND).await;
    guarded.calls(&["ok", "fail"]).await;
    assert_eq!(
        guarded.state(),
        CircuitState::Closed,
        "one call in the window"
    );
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}
