//! A breaker opens for the reasons it was given, and for no other.

use tta_breaker::{CircuitBreakerConfig, CircuitState, Window};

use crate::support::{Guarded, SECOND, is_rejected, wait};

fn consecutive(failures: u32) -> CircuitBreakerConfig {
    CircuitBreakerConfig::new().with_consecutive_failures(failures)
}

fn rate(share: f64, window: Window, minimum: u32) -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_failure_rate(share, window)
        .with_minimum_throughput(minimum)
}

#[tokio::test(start_paused = true)]
async fn it_opens_at_the_last_of_so_many_failures_in_a_row_and_not_before() {
    let guarded = Guarded::by(consecutive(3));
    guarded.calls(&["fail", "fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_success_resets_the_failures_in_a_row() {
    let guarded = Guarded::by(consecutive(3));
    guarded.calls(&["fail", "fail", "ok", "fail", "fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn an_open_breaker_rejects_without_calling() {
    let guarded = Guarded::by(consecutive(1));
    guarded.calls(&["fail"]).await;
    for _ in 0..5 {
        assert!(is_rejected(&guarded.call("ok").await));
    }
    assert_eq!(guarded.service.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_opens_when_the_share_of_failures_reaches_the_rate() {
    let guarded = Guarded::by(rate(0.5, Window::Count(10), 4));
    guarded.calls(&["ok", "ok", "ok", "fail", "fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed, "2 of 5");
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "3 of 6");
}

#[tokio::test(start_paused = true)]
async fn below_the_minimum_throughput_no_rate_opens_it() {
    let guarded = Guarded::by(rate(0.5, Window::Count(10), 4));
    guarded.calls(&["fail"; 3]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_success_that_completes_the_minimum_throughput_does_not_open_it() {
    let guarded = Guarded::by(rate(0.5, Window::Count(10), 4));
    guarded.calls(&["fail", "fail", "fail", "ok"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_calls_forgets_those_before_the_last() {
    let guarded = Guarded::by(rate(0.75, Window::Count(4), 4));
    guarded.calls(&["fail", "fail", "ok", "ok", "fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed, "fail ok ok fail");
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed, "ok ok fail fail");
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "ok fail fail fail");
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_forgets_what_is_older() {
    let guarded = Guarded::by(rate(0.5, Window::Time(10 * SECOND), 4));
    guarded.calls(&["fail"; 3]).await;
    wait(10 * SECOND).await;
    guarded.calls(&["fail"]).await;
    assert_eq!(
        guarded.state(),
        CircuitState::Closed,
        "one call in the window"
    );
    guarded.calls(&["fail"; 3]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_time_keeps_what_is_younger_and_moves_on_by_tenths() {
    let guarded = Guarded::by(rate(0.5, Window::Time(10 * SECOND), 4));
    guarded.calls(&["fail"]).await;
    for _ in 0..2 {
        wait(3 * SECOND).await;
        guarded.calls(&["fail"]).await;
    }
    wait(3 * SECOND + SECOND / 2).await;
    assert_eq!(guarded.state(), CircuitState::Closed, "three within 9.5 s");
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "four within 9.5 s");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_ends_as_a_tenth_ends_belongs_to_the_next() {
    let guarded = Guarded::by(rate(0.5, Window::Time(10 * SECOND), 2));
    wait(SECOND).await;
    guarded.calls(&["fail"]).await;
    wait(9 * SECOND + SECOND / 2).await;
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "two within 9.5 s");
}

#[tokio::test(start_paused = true)]
async fn the_tenths_of_a_window_begin_with_it_and_not_with_a_call() {
    let guarded = Guarded::by(rate(0.5, Window::Time(10 * SECOND), 2));
    wait(SECOND + SECOND * 9 / 10).await;
    guarded.calls(&["fail"]).await;
    wait(9 * SECOND + SECOND * 6 / 10).await;
    guarded.calls(&["fail"]).await;
    assert_eq!(
        guarded.state(),
        CircuitState::Closed,
        "the second tenth is gone"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_spread_wider_than_the_window_never_open_it() {
    let guarded = Guarded::by(rate(0.1, Window::Time(10 * SECOND), 4));
    for _ in 0..50 {
        guarded.calls(&["fail"]).await;
        wait(4 * SECOND).await;
    }
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn slow_calls_open_it_although_they_succeed() {
    let config = CircuitBreakerConfig::new()
        .with_window(Window::Count(10))
        .with_slow_calls(2 * SECOND, 0.5)
        .with_minimum_throughput(2);
    let guarded = Guarded::by(config);
    guarded.calls(&["ok", "ok", "ok", "slow", "slow"]).await;
    assert_eq!(guarded.state(), CircuitState::Closed, "2 of 5");
    guarded.calls(&["slow"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "3 of 6");
}

#[tokio::test(start_paused = true)]
async fn a_window_forgets_slow_calls_too() {
    let config = CircuitBreakerConfig::new()
        .with_window(Window::Count(4))
        .with_slow_calls(2 * SECOND, 0.5)
        .with_minimum_throughput(4);
    let guarded = Guarded::by(config);
    guarded
        .calls(&["slow", "ok", "ok", "ok", "ok", "slow"])
        .await;
    assert_eq!(guarded.state(), CircuitState::Closed, "1 of the last 4");
    guarded.calls(&["slow"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "2 of the last 4");
}

#[tokio::test(start_paused = true)]
async fn calls_a_little_faster_than_slow_do_not_open_it() {
    let config = CircuitBreakerConfig::new()
        .with_window(Window::Count(10))
        .with_slow_calls(2 * SECOND + SECOND / 1_000, 0.1)
        .with_minimum_throughput(1);
    let guarded = Guarded::by(config);
    guarded.calls(&["slow"; 10]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_is_fast_is_no_slow_call() {
    let config = CircuitBreakerConfig::new()
        .with_window(Window::Count(10))
        .with_slow_calls(2 * SECOND, 0.5)
        .with_minimum_throughput(1);
    let guarded = Guarded::by(config);
    guarded.calls(&["fail"; 10]).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
    guarded.calls(&["slow fail"; 10]).await;
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn of_several_reasons_the_first_that_holds_opens_it() {
    let both = || rate(0.5, Window::Count(20), 10).with_consecutive_failures(3);
    let guarded = Guarded::by(both());
    guarded.calls(&["fail"; 3]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "three in a row");
    let guarded = Guarded::by(both());
    guarded.calls(&["fail", "ok"].repeat(5)).await;
    assert_eq!(guarded.state(), CircuitState::Closed);
    guarded.calls(&["fail"]).await;
    assert_eq!(guarded.state(), CircuitState::Open, "6 of 11");
}

#[tokio::test(start_paused = true)]
async fn answers_of_calls_that_began_before_it_opened_change_nothing() {
    let guarded = Guarded::by(consecutive(1));
    let (late, fast) = tokio::join!(guarded.call("slow"), guarded.call("fail"));
    assert!(fast.is_err());
    assert_eq!(late.unwrap(), 1, "its caller gets the answer");
    assert_eq!(guarded.state(), CircuitState::Open);
}

#[tokio::test(start_paused = true)]
async fn the_presets_open_on_what_they_say() {
    let standard = Guarded::by(CircuitBreakerConfig::standard());
    standard.calls(&["fail"; 4]).await;
    assert_eq!(standard.state(), CircuitState::Closed);
    standard.calls(&["fail"]).await;
    assert_eq!(standard.state(), CircuitState::Open);
    let standard = Guarded::by(CircuitBreakerConfig::default());
    standard.calls(&["ok", "fail"].repeat(9)).await;
    assert_eq!(
        standard.state(),
        CircuitState::Closed,
        "18 calls are too few"
    );
    standard.calls(&["ok", "fail"]).await;
    assert_eq!(standard.state(), CircuitState::Open, "10 of 20");

    let llm = Guarded::by(CircuitBreakerConfig::llm());
    llm.calls(&["ok", "fail"].repeat(4)).await;
    assert_eq!(llm.state(), CircuitState::Closed, "8 calls are too few");
    llm.calls(&["ok", "fail"]).await;
    assert_eq!(llm.state(), CircuitState::Open, "5 of 10");
}
