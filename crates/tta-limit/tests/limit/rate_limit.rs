//! So many in a time, the others in their order or not at all.

use std::time::Duration;

use proptest::prelude::*;
use tokio::time::{Instant, advance};
use tta_core::{ErrorKind, Flow, Result};
use tta_limit::{LimitExt, RateLimit, RateLimitConfig};
use tta_testkit::conformance::{poll_then_drop, tokio_clock};

use crate::support::{SECOND, context, counted, flow, hurried, is_rejected, operation};

fn limit(name: &str, config: RateLimitConfig) -> RateLimit {
    RateLimit::new(name, config.with_clock(tokio_clock)).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_full_bucket_lets_a_burst_begin_and_then_one_for_each_token_that_comes() {
    let limit = limit("burst", RateLimitConfig::per_second(4).with_burst(3));
    let ctx = context();
    for _ in 0..3 {
        assert!(limit.acquire(&ctx).await.is_ok());
    }
    for _ in 0..5 {
        assert!(is_rejected(&limit.acquire(&ctx).await));
        advance(SECOND / 4).await;
        assert!(limit.acquire(&ctx).await.is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_quiet_time_saves_up_no_more_than_the_burst() {
    let limit = limit("quiet", RateLimitConfig::per_second(10));
    let ctx = context();
    advance(1_000 * SECOND).await;
    for _ in 0..10 {
        assert!(limit.acquire(&ctx).await.is_ok());
    }
    assert!(is_rejected(&limit.acquire(&ctx).await));
}

#[tokio::test(start_paused = true)]
async fn who_is_rejected_is_told_when_there_is_a_token() {
    let config = RateLimitConfig::new(3, SECOND).with_burst(1);
    let limit = limit("told", config);
    let ctx = context();
    assert!(limit.acquire(&ctx).await.is_ok());
    let error = limit.acquire(&ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Rejected);
    let wait = error.retry_after().unwrap();
    assert_eq!(wait, Duration::from_nanos(333_333_334));
    assert!(error.is_retryable());
    assert_eq!(
        error.to_string(),
        "`told` lets 3 calls begin in 1s, and has no token left; the next comes in 333.333334ms"
    );
    advance(wait.saturating_sub(Duration::from_nanos(1))).await;
    assert!(is_rejected(&limit.acquire(&ctx).await));
    advance(Duration::from_nanos(1)).await;
    assert!(limit.acquire(&ctx).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_begin_one_after_the_other_at_the_rate() -> Result<()> {
    let config = RateLimitConfig::per_second(10)
        .with_burst(1)
        .with_queue(100);
    let limit = limit("paced", config);
    let begun = Instant::now();
    let calls: Vec<_> = (0..21_u32)
        .map(|caller| {
            let limit = limit.clone();
            tokio::spawn(async move {
                limit.acquire(&context()).await?;
                Ok::<_, tta_core::Error>((caller, begun.elapsed()))
            })
        })
        .collect();
    for call in calls {
        let (caller, after) = call.await??;
        assert_eq!(after, caller * SECOND / 10, "caller {caller}");
    }
    assert_eq!(counted("paced"), [21, 0, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn who_would_wait_longer_than_the_queue_timeout_is_rejected_at_once() {
    let config = RateLimitConfig::per_second(1)
        .with_queue(10)
        .with_queue_timeout(2 * SECOND);
    let limit = limit("hopeless", config);
    let ctx = context();
    assert!(limit.acquire(&ctx).await.is_ok());
    let mut waiting = Vec::new();
    for _ in 0..2 {
        let mut call = Box::pin(limit.acquire(&ctx));
        assert!(poll_then_drop(call.as_mut(), 1).await.is_none());
        waiting.push(call);
    }
    let error = limit.acquire(&ctx).await.unwrap_err();
    assert_eq!(ctx.elapsed(), Duration::ZERO, "at once");
    assert_eq!(
        error.retry_after(),
        Some(3 * SECOND),
        "behind those who wait"
    );
    assert!(error.to_string().contains("no token within 2s"), "{error}");
    for call in waiting {
        assert!(call.await.is_ok());
    }
    assert_eq!(counted("hopeless"), [3, 0, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn who_cannot_be_served_before_the_deadline_is_rejected_at_once() {
    let limit = limit("hurried", RateLimitConfig::per_second(1).with_queue(10));
    assert!(limit.acquire(&context()).await.is_ok());
    let ctx = hurried(SECOND.saturating_sub(Duration::from_nanos(1)));
    let error = limit.acquire(&ctx).await.unwrap_err();
    assert_eq!(
        (ctx.elapsed(), error.retry_after()),
        (Duration::ZERO, Some(SECOND))
    );
    assert!(error.to_string().contains("before the deadline"), "{error}");
    assert!(limit.acquire(&hurried(SECOND)).await.is_ok());
    assert_eq!(counted("hurried"), [2, 0, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_has_passed_takes_no_token() {
    let limit = limit("passed", RateLimitConfig::per_second(1));
    assert!(is_rejected(&limit.acquire(&hurried(Duration::ZERO)).await));
    assert!(limit.acquire(&context()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_finds_the_queue_full_is_rejected_at_once() {
    let limit = limit("crowded", RateLimitConfig::per_second(1).with_queue(1));
    let ctx = context();
    assert!(limit.acquire(&ctx).await.is_ok());
    let mut waiting = Box::pin(limit.acquire(&ctx));
    assert!(poll_then_drop(waiting.as_mut(), 1).await.is_none());
    assert_eq!(limit.queued(), 1);
    let error = limit.acquire(&ctx).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(2 * SECOND));
    assert!(error.to_string().contains("the 1 places"), "{error}");
    assert!(waiting.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_comes_later_takes_no_token_from_those_who_wait() {
    let limit = limit("orderly", RateLimitConfig::per_second(1).with_queue(1));
    let ctx = context();
    assert!(limit.acquire(&ctx).await.is_ok());
    let mut waiting = Box::pin(limit.acquire(&ctx));
    assert!(poll_then_drop(waiting.as_mut(), 1).await.is_none());
    advance(SECOND).await;
    assert!(
        is_rejected(&limit.acquire(&ctx).await),
        "the token is promised"
    );
    let error = limit.try_acquire().unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND), "the token after it");
    assert!(waiting.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_takes_no_token() {
    let limit = limit("gave_up", RateLimitConfig::per_second(1).with_queue(5));
    let ctx = context();
    assert!(limit.acquire(&ctx).await.is_ok());
    for _ in 0..3 {
        assert!(poll_then_drop(limit.acquire(&ctx), 1).await.is_none());
    }
    assert_eq!(limit.queued(), 0);
    advance(SECOND).await;
    assert!(limit.acquire(&ctx).await.is_ok());
    assert_eq!(counted("gave_up"), [2, 0, 0, 0, 3]);
}

#[tokio::test(start_paused = true)]
async fn tokens_are_given_without_waiting_and_outside_a_workflow() {
    let limit = limit("at_once", RateLimitConfig::per_second(1));
    assert!(limit.try_acquire().is_ok());
    let error = limit.try_acquire().unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND));
    advance(SECOND).await;
    assert!(limit.try_acquire().is_ok());
    assert_eq!(counted("at_once"), [2, 1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_primitive_calls_at_the_rate_and_no_faster() -> Result<()> {
    let operation = operation();
    let config = RateLimitConfig::per_second(2).with_burst(1).with_queue(1);
    let flow = Flow::new(operation.clone()).limit(config.with_clock(tokio_clock))?;
    let ctx: Vec<_> = (0..3).map(|_| context()).collect();
    let (a, b, c) = tokio::join!(
        flow.execute(0, &ctx[0]),
        flow.execute(0, &ctx[1]),
        flow.execute(0, &ctx[2])
    );
    assert!(a.is_ok() && b.is_ok() && is_rejected(&c));
    assert_eq!(ctx[0].elapsed(), SECOND / 2);
    assert_eq!(operation.calls(), 2);
    assert_eq!(flow.rate_limit().queued(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn primitives_that_share_a_rate_limit_draw_on_one_allowance() -> Result<()> {
    let shared = limit("allowance", RateLimitConfig::per_second(1));
    let one = flow().limit(shared.clone())?.with_name("one");
    let other = flow().limit(shared.clone())?.with_name("other");
    assert!(one.execute(0, &context()).await.is_ok());
    assert!(is_rejected(&other.execute(0, &context()).await));
    assert_eq!(counted("allowance"), [1, 1, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_limit_of_a_primitives_own_is_called_like_it() -> Result<()> {
    let config = RateLimitConfig::per_second(1).with_clock(tokio_clock);
    let flow = flow().limit(config)?.with_name("own_rate");
    assert!(flow.execute(0, &context()).await.is_ok());
    let error = flow.execute(0, &context()).await.unwrap_err();
    assert!(error.to_string().contains("`own_rate`"), "{error}");
    assert_eq!(counted("own_rate"), [1, 1, 0, 0, 0]);
    Ok(())
}

proptest! {
    #[test]
    fn in_no_span_of_time_do_more_begin_than_the_burst_and_the_rate_allow(
        calls in 1..50_u32, millis in 1..5_000_u64, burst in 1..20_u32,
        pauses in prop::collection::vec(0..400_u64, 1..200),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let period = Duration::from_millis(millis);
            let limit = limit("proptest", RateLimitConfig::new(calls, period).with_burst(burst));
            let mut admitted: Vec<Instant> = Vec::new();
            for pause in pauses {
                advance(Duration::from_millis(pause)).await;
                let now = Instant::now();
                // How many tokens there are, counted from every admission so far.
                let allowed = admitted.iter().enumerate().all(|(first, since)| {
                    let among = (admitted.len() - first) as u128;
                    let came = (now - *since).as_nanos() * u128::from(calls) / period.as_nanos();
                    among < u128::from(burst) + came
                });
                assert_eq!(limit.try_acquire().is_ok(), allowed);
                if allowed {
                    admitted.push(now);
                }
            }
        });
    }
}
