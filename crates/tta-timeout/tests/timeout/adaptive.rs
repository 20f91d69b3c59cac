//! A limit that follows what is observed.

use std::time::Duration;

use crate::support::{MS, context, times_out};
use tta_core::{ErrorKind, Flow, Primitive, Result, WorkflowContext, step};
use tta_timeout::{AdaptiveLimit, Ending, LimitPolicy, TimeoutConfig, TimeoutExt};

/// Takes as many milliseconds as it is told.
fn takes() -> Flow<impl Primitive<Input = u64, Output = u64> + std::fmt::Debug> {
    step("takes", async |ms: u64| {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        Ok(ms)
    })
}

fn limit() -> AdaptiveLimit {
    AdaptiveLimit::between(5 * MS, 1_000 * MS)
}

/// Told as a timeout does.
fn note(limit: &AdaptiveLimit, ms: u64, ending: Ending) {
    LimitPolicy::<u64>::observe(limit, Duration::from_millis(ms), ending);
}

fn minimum(limit: &AdaptiveLimit) -> Duration {
    LimitPolicy::<u64>::minimum(limit)
}

#[tokio::test(start_paused = true)]
async fn until_it_has_seen_enough_the_limit_is_the_longest_and_then_it_follows() -> Result<()> {
    let limit = limit().with_warm_up(10);
    let flow = takes().timeout(TimeoutConfig::from_policy(limit.clone()))?;
    for _ in 0..9 {
        flow.execute(20, &context()).await?;
        assert_eq!(limit.current(), 1_000 * MS);
    }
    flow.execute(20, &context()).await?;
    assert_eq!(limit.current(), 40 * MS);
    let ctx = context();
    assert!(times_out(flow.execute(500, &ctx).await));
    assert_eq!(ctx.elapsed(), 40 * MS);
    Ok(())
}

#[test]
fn it_is_the_percentile_by_nearest_rank_times_the_factor() {
    for (percentile, factor, expected) in [
        (99.0, 2.0, 198),
        (50.0, 3.0, 150),
        (100.0, 1.0, 100),
        (0.5, 20.0, 20),
    ] {
        let limit = limit().with_percentile(percentile).with_factor(factor);
        for ms in (1..=100).rev() {
            note(&limit, ms, Ending::Success);
        }
        assert_eq!(limit.current(), MS * expected, "{percentile}");
    }
}

#[test]
fn it_never_leaves_its_range() {
    for (ms, expected) in [(1, 5 * MS), (10_000, 1_000 * MS), (u64::MAX, 1_000 * MS)] {
        let limit = limit().with_warm_up(1);
        note(&limit, ms, Ending::Success);
        assert_eq!(limit.current(), expected);
    }
}

#[test]
fn it_follows_when_calls_become_slower_or_faster_and_forgets_what_is_old() {
    let limit = limit().with_warm_up(10).with_window(100);
    for (ms, expected) in [(10, 20), (100, 200), (10, 20)] {
        for _ in 0..104 {
            note(&limit, ms, Ending::Success);
        }
        assert_eq!(limit.current(), MS * expected);
    }
}

/// Sorting for each call would cost more than it brings.
#[test]
fn the_percentiles_are_taken_32_times_in_each_window() {
    let limit = limit().with_warm_up(10).with_window(320);
    for _ in 0..10 {
        note(&limit, 10, Ending::Success);
    }
    assert_eq!(limit.current(), 20 * MS);
    for _ in 0..9 {
        note(&limit, 100, Ending::Success);
        assert_eq!(limit.current(), 20 * MS);
    }
    note(&limit, 100, Ending::Success);
    assert_eq!(limit.current(), 200 * MS);
}

#[test]
fn a_minimum_up_to_the_longest_limit_is_taken() {
    let flow = |minimum| {
        let config = TimeoutConfig::from_policy(limit()).with_minimum(minimum);
        takes().timeout(config)
    };
    assert!(flow(1_000 * MS).is_ok());
    let error = flow(1_001 * MS).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}

/// Otherwise each cut would make the next limit shorter.
#[test]
fn calls_that_are_cut_off_raise_the_limit_and_errors_and_deadlines_leave_it() {
    let limit = limit().with_warm_up(10).with_window(100);
    for _ in 0..100 {
        note(&limit, 10, Ending::Success);
    }
    for _ in 0..100 {
        note(&limit, 1, Ending::Error);
        note(&limit, 500, Ending::PastDeadline);
    }
    assert_eq!(limit.current(), 20 * MS);
    for _ in 0..8 {
        note(&limit, 20, Ending::PastLimit);
    }
    assert_eq!(limit.current(), 40 * MS);
}

#[test]
fn the_minimum_is_a_low_percentile_if_one_was_asked_for() {
    let (with, without) = (limit().with_minimum_percentile(5.0), limit());
    for ms in 1..=100 {
        note(&with, ms, Ending::Success);
        note(&without, ms, Ending::Success);
    }
    assert_eq!(minimum(&with), 5 * MS);
    assert_eq!(minimum(&without), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_call_is_not_started_when_less_is_left_than_calls_have_taken() -> Result<()> {
    let limit = limit().with_warm_up(10).with_minimum_percentile(5.0);
    let flow = takes().timeout(TimeoutConfig::from_policy(limit))?;
    for _ in 0..10 {
        flow.execute(20, &context()).await?;
    }
    let ctx = context();
    let error = flow
        .execute(1, &ctx.with_deadline(ctx.now() + 19 * MS))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("needs 20ms"), "{error}");
    assert_eq!(ctx.elapsed(), Duration::ZERO);
    Ok(())
}

#[test]
fn what_cannot_work_is_refused_with_what_to_do() {
    let refused = [
        (AdaptiveLimit::between(Duration::ZERO, MS), "above zero"),
        (AdaptiveLimit::between(2 * MS, MS), "no shorter"),
        (limit().with_percentile(0.0), "99 is usual"),
        (limit().with_percentile(100.1), "99 is usual"),
        (limit().with_percentile(f64::NAN), "99 is usual"),
        (limit().with_minimum_percentile(-1.0), "99 is usual"),
        (limit().with_factor(0.99), "factor of 1 or more"),
        (limit().with_factor(f64::INFINITY), "factor of 1 or more"),
        (limit().with_warm_up(0), "at least 1"),
        (limit().with_warm_up(1_001), "window no smaller"),
    ];
    for (limit, says) in refused {
        let error = takes()
            .timeout(TimeoutConfig::from_policy(limit))
            .unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(says), "{error}");
    }
    let config = TimeoutConfig::from_policy(limit()).with_minimum(1_001 * MS);
    assert!(takes().timeout(config).is_err());
    for fine in [
        AdaptiveLimit::between(MS, MS),
        limit().with_percentile(100.0).with_factor(1.0),
        limit().with_warm_up(1_000),
    ] {
        assert!(takes().timeout(TimeoutConfig::from_policy(fine)).is_ok());
    }
}

#[test]
fn threads_that_take_note_at_once_lose_nothing() {
    let limit = limit().with_warm_up(4_000).with_window(4_000);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..1_000).for_each(|_| note(&limit, 20, Ending::Success)));
        }
    });
    assert_eq!(limit.current(), 40 * MS);
}

#[tokio::test(start_paused = true)]
async fn clones_share_what_they_have_seen() -> Result<()> {
    let limit = limit().with_warm_up(1);
    let one = takes().timeout(TimeoutConfig::from_policy(limit.clone()))?;
    one.execute(30, &context()).await?;
    let ctx = WorkflowContext::new();
    assert_eq!(LimitPolicy::limit(&limit.clone(), &1_u64, &ctx), 60 * MS);
    Ok(())
}
