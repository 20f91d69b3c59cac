//! Memory and the tier outside, where one of them has nothing or too little to say.

use std::time::{Duration, SystemTime};

use tokio::time::advance;
use tta_cache::CacheExt;
use tta_core::{ErrorKind, Result, WorkflowContext};
use tta_testkit::measured::measured;

use crate::shelf::Shelf;
use crate::support::{Calls, ask, counting, failing_later};

const TTL: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

/// How often a lookup of this cache found nothing for this reason.
fn missed(cache: &str, reason: &str) -> f64 {
    measured("cache_misses_total", &[cache, reason])
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-9
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn looking_finds_what_is_outside_and_takes_it_into_memory() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    counting(&calls)
        .cached(shelf.config())?
        .run(ask("q"))
        .await?;
    let flow = counting(&calls)
        .cached(shelf.config())?
        .with_name("looks_outside");
    let ctx = WorkflowContext::new();
    assert_eq!(flow.get(&ask("q"), &ctx).await?, Some(1));
    let fetched = shelf.fetches();
    assert_eq!(flow.get(&ask("q"), &ctx).await?, Some(1));
    assert_eq!(shelf.fetches(), fetched, "memory answers");
    let stats = flow.stats();
    assert_eq!((stats.hits, stats.outside_hits, stats.misses), (2, 1, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn looking_finds_nothing_in_what_is_kept_for_errors_alone() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let config = || shelf.config().with_ttl(HOUR).with_stale_if_error(HOUR * 48);
    counting(&calls).cached(config())?.run(ask("q")).await?;
    let tomorrow = || SystemTime::now() + HOUR * 24;
    let flow = counting(&calls)
        .cached(config().with_wall_clock(tomorrow))?
        .with_name("looks_too_late");
    let found = flow.get(&ask("q"), &WorkflowContext::new()).await?;
    assert_eq!(found, None);
    assert!(is(missed("looks_too_late", "expired"), 1.0));
    assert_eq!(flow.stats().hits, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn looking_where_nothing_can_be_asked_is_a_miss_that_is_counted() -> Result<()> {
    let shelf = Shelf::new();
    shelf.down(true);
    let flow = counting(&Calls::default())
        .cached(shelf.config())?
        .with_name("looks_in_vain");
    let found = flow.get(&ask("q"), &WorkflowContext::new()).await?;
    assert_eq!(found, None);
    assert!(is(missed("looks_in_vain", "backend_error"), 1.0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_hit_outside_asks_once_and_computes_nothing_behind_the_caller() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let process = || {
        let config = shelf.config().without_memory().with_ttl(TTL);
        counting(&calls).cached(config.with_stale_while_revalidate(TTL))
    };
    process()?.run(ask("q")).await?;
    let flow = process()?.with_name("asks_once");
    let before = shelf.fetches();
    assert_eq!(flow.run(ask("q")).await?, 1);
    settle().await;
    assert_eq!(shelf.fetches() - before, 1);
    assert_eq!(flow.stats().refreshes, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_memory_has_no_leave_to_give_stands_in_for_an_error_if_that_is_wanted() -> Result<()> {
    let gone_outside = async |name: &'static str, stands_in: bool| -> Result<_> {
        let (shelf, calls) = (Shelf::new(), Calls::default());
        let config = || {
            let config = shelf.config().with_ttl(TTL);
            if stands_in {
                config.with_stale_if_error(TTL)
            } else {
                config
            }
        };
        let in_memory = config().with_memory_ttl(Duration::from_secs(5));
        let flow = failing_later(&calls).cached(in_memory)?.with_name(name);
        flow.run(ask("q")).await?;
        let other = counting(&Calls::default()).cached(config())?;
        let ctx = WorkflowContext::new();
        assert!(other.invalidate(&ask("q"), &ctx).await?);
        advance(Duration::from_secs(5)).await;
        let ended = flow.run(ask("q")).await.map_err(|error| error.kind());
        assert_eq!(calls.count(), 2, "it was tried");
        Ok((ended, flow.stats().stood_in))
    };
    assert_eq!(gone_outside("stands_in_unchecked", true).await?, (Ok(1), 1));
    let failed = Err(ErrorKind::Unavailable);
    assert_eq!(gone_outside("fails_unchecked", false).await?, (failed, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_another_process_has_computed_since_is_found_by_a_refresh() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let process = || {
        let config = shelf.config().with_ttl(TTL);
        counting(&calls).cached(config.with_stale_while_revalidate(TTL))
    };
    let (one, other) = (process()?, process()?);
    assert_eq!(one.run(ask("q")).await?, 1);
    other.clear().await?;
    assert_eq!(other.run(ask("q")).await?, 2);
    advance(TTL).await;
    assert_eq!(one.run(ask("q")).await?, 1, "once more");
    settle().await;
    assert_eq!(one.run(ask("q")).await?, 2);
    assert_eq!(calls.count(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_computed_before_its_time_is_not_looked_for_outside_where_it_is_still_good()
-> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let model = tta_core::step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        tokio::time::sleep(Duration::from_secs(30)).await;
        Ok(calls.count())
    });
    // So eager that each lookup but one in a million is in time.
    let config = shelf.config().with_ttl(TTL).with_early_refresh(1e6);
    let flow = model.cached(config)?;
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 1);
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(calls.count(), 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn tags_that_are_too_long_together_keep_a_value_in_memory_alone() -> Result<()> {
    for (length, kept) in [(32_766, 1), (32_767, 0)] {
        let shelf = Shelf::new();
        let config = shelf
            .config()
            .with_tags(move |_: &String| vec!["x".repeat(length)]);
        let flow = counting(&Calls::default()).cached(config)?;
        flow.run(ask("q")).await?;
        assert_eq!(shelf.values().len(), kept, "{length}");
        assert_eq!(flow.run(ask("q")).await?, 1);
    }
    Ok(())
}
