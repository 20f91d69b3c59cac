//! Asking twice when the first answer takes long.

use std::sync::Arc;
use std::time::Duration;

use tta_core::{Error, ErrorKind, Flow, Observed, Primitive};
use tta_retry::{HedgeConfig, HedgePrimitive, RetryBudget, RetryExt};
use tta_testkit::mock::{Answer, MockPrimitive};

use crate::support::{MS, SECOND, broken, context, count, down, failing, hedges, related, sleeper};

/// Answers so many milliseconds after it is called, call by call, with the number of the call.
fn answering(delays: &[u64]) -> MockPrimitive<u64, u64> {
    let mock = MockPrimitive::new("service");
    for (number, delay) in delays.iter().enumerate() {
        mock.push(Answer::value(number as u64).after(Duration::from_millis(*delay)));
    }
    mock
}

/// Hedged after ten milliseconds, without a limit worth mentioning.
fn hedged<P: Primitive<Input = u64, Output = u64>>(
    name: &str,
    service: P,
) -> Flow<Observed<HedgePrimitive<Observed<P>>>> {
    let config = HedgeConfig::fixed(10 * MS).with_budget(&plenty());
    HedgePrimitive::new(Flow::new(service), config)
        .unwrap()
        .with_name(name.to_owned())
}

fn plenty() -> RetryBudget {
    RetryBudget::new(1.0, 1_000).unwrap()
}

#[tokio::test(start_paused = true)]
async fn an_answer_before_the_delay_is_one_attempt() {
    let service = answering(&[9]);
    let flow = hedged("in_good_time", service.clone());
    let ctx = context();
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), 0);
    assert_eq!((service.calls(), ctx.elapsed()), (1, 9 * MS));
    assert_eq!(hedges("in_good_time"), [1, 0, 0, 0, 0]);
    assert_eq!(count("hedge_delay_seconds", &["in_good_time"]), 0);
}

#[tokio::test(start_paused = true)]
async fn a_second_attempt_that_is_faster_wins_and_the_first_is_cancelled() {
    let service = answering(&[100, 5]);
    let flow = hedged("second_wins", service.clone());
    let ctx = context();
    assert_eq!(flow.execute(7, &ctx).await.unwrap(), 1);
    assert_eq!(ctx.elapsed(), 15 * MS);
    assert_eq!(service.inputs(), [7, 7]);
    assert_eq!((service.dropped(), service.running()), (1, 0));
    assert_eq!(hedges("second_wins"), [0, 0, 1, 0, 0]);
    assert_eq!(count("hedge_delay_seconds", &["second_wins"]), 1);
}

#[tokio::test(start_paused = true)]
async fn a_first_attempt_that_answers_after_all_wins_and_the_second_is_cancelled() {
    let service = answering(&[20, 100]);
    let flow = hedged("first_wins", service.clone());
    let ctx = context();
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), 0);
    assert_eq!(ctx.elapsed(), 20 * MS);
    assert_eq!((service.calls(), service.dropped()), (2, 1));
    assert_eq!(hedges("first_wins"), [0, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_error_before_the_delay_is_given_back_and_not_repeated() {
    let service = broken(down);
    let flow = hedged("early_error", service.clone());
    let error = flow.execute(1, &context()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(service.calls(), 1);
    assert_eq!(hedges("early_error"), [1, 0, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn an_error_does_not_win_while_the_other_attempt_runs() {
    let first_fails = MockPrimitive::<u64, u64>::new("service")
        .with_answer(Answer::fail(down()).after(12 * MS))
        .with_answer(Answer::value(42).after(30 * MS));
    let flow = hedged("first_errs", first_fails);
    let ctx = context();
    assert_eq!(flow.execute(1, &ctx).await.unwrap(), 42);
    assert_eq!(ctx.elapsed(), 40 * MS);
    assert_eq!(hedges("first_errs"), [0, 0, 1, 0, 0]);

    let second_fails = MockPrimitive::<u64, u64>::new("service")
        .with_answer(Answer::value(42).after(30 * MS))
        .with_answer(Answer::fail(down()).after(2 * MS));
    let flow = hedged("second_errs", second_fails);
    assert_eq!(flow.execute(1, &context()).await.unwrap(), 42);
    assert_eq!(hedges("second_errs"), [0, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn two_errors_are_the_first_attempts_with_the_seconds() {
    for (first, second) in [(12, 30), (60, 5)] {
        let service = MockPrimitive::<u64, u64>::new("service")
            .with_answer(
                Answer::fail(Error::new(ErrorKind::Timeout, "one"))
                    .after(Duration::from_millis(first)),
            )
            .with_answer(Answer::fail(Error::msg("two")).after(Duration::from_millis(second)));
        let name = format!("both_err_{first}");
        let flow = hedged(&name, service);
        let error = flow.execute(1, &context()).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.to_string().as_str()),
            (ErrorKind::Timeout, "one")
        );
        assert_eq!(related(&error), ["two"]);
        assert_eq!(hedges(&name), [0, 0, 0, 1, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_the_calls_and_one_a_second_are_hedged_by_default() {
    let slow = MockPrimitive::new("service")
        .with_default(|n: &u64| Answer::value(*n).after(Duration::from_millis(20)));
    let config = HedgeConfig::fixed(10 * MS);
    let flow = HedgePrimitive::new(Flow::new(slow.clone()), config).unwrap();
    let flow = flow.with_name("capped");
    let flow = Arc::new(flow);
    let running: Vec<_> = (0..100)
        .map(|_| {
            let flow = Arc::clone(&flow);
            tokio::spawn(async move { flow.execute(1, &context()).await })
        })
        .collect();
    for run in running {
        assert_eq!(run.await.unwrap().unwrap(), 1);
    }
    assert_eq!(slow.calls(), 111);
    let [not_hedged, first, second, failed, budget] = hedges("capped");
    assert_eq!((not_hedged, first + second, failed, budget), (0, 11, 0, 89));
}

fn polled<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut cx) {
        std::task::Poll::Ready(output) => Some(output),
        std::task::Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn hedges_and_retries_can_share_a_budget() {
    let budget = RetryBudget::new(0.0, 1).unwrap();
    let retried = Flow::new(broken(down));
    let config = crate::support::quick(1).with_budget(&budget);
    retried
        .retry(config)
        .unwrap()
        .execute(1, &context())
        .await
        .unwrap_err();
    let service = answering(&[100, 5]);
    let config = HedgeConfig::fixed(10 * MS).with_budget(&budget);
    let flow = HedgePrimitive::new(Flow::new(service.clone()), config).unwrap();
    assert_eq!(flow.execute(1, &context()).await.unwrap(), 0);
    assert_eq!(service.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_second_attempt_begins_at_or_past_the_deadline() {
    for (deadline, calls) in [(10, 1), (11, 2), (5, 1)] {
        let service = answering(&[30, 30]);
        let flow = hedged("near_the_deadline", service.clone());
        let ctx = context();
        let hurried = ctx.with_deadline(ctx.now() + Duration::from_millis(deadline));
        flow.execute(1, &hurried).await.unwrap();
        assert_eq!(service.calls(), calls, "{deadline}");
    }
}

fn learning() -> HedgeConfig {
    HedgeConfig::new(500 * MS).with_budget(&plenty())
}

#[tokio::test(start_paused = true)]
async fn the_delay_is_the_configured_one_until_enough_was_seen_and_then_the_95th_percentile() {
    let flow = sleeper().hedged(learning()).unwrap();
    for ms in 1..=99 {
        flow.execute(ms, &context()).await.unwrap();
        assert_eq!(flow.delay(), 500 * MS);
    }
    flow.execute(100, &context()).await.unwrap();
    let delay = flow.delay();
    assert!(delay >= 95 * MS && delay <= 102 * MS, "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn percentile_and_number_of_samples_are_options() {
    let config = learning().with_percentile(0.5).with_min_samples(20);
    let flow = sleeper().hedged(config).unwrap();
    for ms in (5..=100).step_by(5) {
        assert_eq!(flow.delay(), 500 * MS);
        flow.execute(ms, &context()).await.unwrap();
    }
    let delay = flow.delay();
    assert!(delay >= 50 * MS && delay <= 57 * MS, "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn the_delay_follows_what_was_seen_lately() {
    let flow = sleeper().hedged(learning()).unwrap();
    for _ in 0..200 {
        flow.execute(400, &context()).await.unwrap();
    }
    assert!(flow.delay() >= 400 * MS);
    for _ in 0..2_000 {
        flow.execute(10, &context()).await.unwrap();
    }
    let delay = flow.delay();
    assert!(delay >= 10 * MS && delay < 11 * MS, "{delay:?}");
}

/// Each sample weighs more than the one before it, and a number has an end.
#[tokio::test(start_paused = true)]
async fn hundreds_of_thousands_of_samples_later_it_still_follows() {
    let config = HedgeConfig::new(SECOND)
        .with_min_samples(1)
        .with_budget(&plenty());
    let flow = tta_core::step("sometimes_ready", async |ms: u64| {
        if ms > 0 {
            tokio::time::sleep(Duration::from_millis(ms)).await;
        }
        Ok(())
    });
    let flow = flow.hedged(config).unwrap();
    let ctx = context();
    for _ in 0..360_000 {
        flow.execute(0, &ctx).await.unwrap();
    }
    // Nothing took any time, which is no delay to hedge after.
    assert_eq!(flow.delay(), SECOND);
    for _ in 0..4_000 {
        flow.execute(2, &ctx).await.unwrap();
    }
    let delay = flow.delay();
    assert!(delay >= 2 * MS && delay <= 3 * MS, "{delay:?}");
}

/// As for retries: a first attempt of ten seconds ago is no traffic any more, not even the call's own.
#[tokio::test(start_paused = true)]
async fn a_hedge_after_ten_seconds_finds_no_traffic_that_earns_it() {
    for (delay, calls) in [(SECOND * 9, 2), (SECOND * 10, 1)] {
        let service = answering(&[20_000, 1]);
        let budget = RetryBudget::new(1.0, 0).unwrap();
        let config = HedgeConfig::fixed(delay).with_budget(&budget);
        let flow = HedgePrimitive::new(Flow::new(service.clone()), config).unwrap();
        flow.execute(1, &context()).await.unwrap();
        assert_eq!(service.calls(), calls, "{delay:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn failures_teach_nothing_and_lost_races_what_they_have_lasted() {
    let config = HedgeConfig::new(20 * MS)
        .with_min_samples(3)
        .with_budget(&plenty());
    let service = broken(down);
    let flow = HedgePrimitive::new(Flow::new(service), config.clone()).unwrap();
    for _ in 0..5 {
        flow.execute(1, &context()).await.unwrap_err();
    }
    assert_eq!(flow.delay(), 20 * MS);

    let service = answering(&[500, 5, 500, 5, 500, 5]);
    let flow = HedgePrimitive::new(Flow::new(service), config).unwrap();
    for _ in 0..3 {
        flow.execute(1, &context()).await.unwrap();
    }
    let delay = flow.delay();
    assert!(delay >= 25 * MS && delay <= 27 * MS, "{delay:?}");
}

#[tokio::test(start_paused = true)]
async fn a_fixed_delay_learns_nothing() {
    let config = HedgeConfig::fixed(500 * MS).with_min_samples(1);
    let flow = sleeper().hedged(config).unwrap();
    for _ in 0..200 {
        flow.execute(1, &context()).await.unwrap();
    }
    assert_eq!(flow.delay(), 500 * MS);
}

#[test]
fn the_presets_wait_as_they_say() {
    let delay = |config| Flow::new(failing(0)).hedged(config).unwrap().delay();
    assert_eq!(delay(HedgeConfig::standard()), 100 * MS);
    assert_eq!(delay(HedgeConfig::llm()), 10 * SECOND);
}

#[test]
fn a_hedge_that_cannot_be_is_refused_with_a_word_on_what_to_do() {
    let refused = |config: HedgeConfig| {
        let error = Flow::new(failing(0)).hedged(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    assert!(refused(HedgeConfig::new(Duration::ZERO)).contains("above zero"));
    for share in [0.0, 1.0, -1.0, 95.0, f64::NAN] {
        let said = refused(HedgeConfig::new(MS).with_percentile(share));
        assert!(said.contains("such as 0.95"), "{said}");
    }
    for usd in [-0.1, f64::NAN, f64::INFINITY] {
        let said = refused(HedgeConfig::new(MS).with_cost_per_call(usd));
        assert!(said.contains("zero or more"), "{said}");
    }
    let free = HedgeConfig::new(MS).with_cost_per_call(0.0);
    assert!(Flow::new(failing(0)).hedged(free).is_ok());
}

#[test]
fn an_answer_that_is_ready_at_once_needs_no_runtime_and_one_that_waits_says_what_is_missing() {
    let flow = hedged("without_runtime", failing(0));
    let ready = polled(std::pin::pin!(flow.run(4)));
    assert_eq!(ready.unwrap().unwrap(), 4);
    let pending = tta_core::step("pending", async |n: u64| {
        std::future::pending::<()>().await;
        Ok(n)
    });
    let flow = pending.hedged(HedgeConfig::fixed(MS)).unwrap();
    let error = polled(std::pin::pin!(flow.run(4))).unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(error.to_string().contains("enable_time"), "{error}");
    assert!(error.to_string().contains("hedge"), "{error}");
}
