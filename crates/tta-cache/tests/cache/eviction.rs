//! What goes, and why.

use std::time::Duration;

use tokio::time::{Instant, advance};
use tta_cache::CacheExt;
use tta_core::{Result, WorkflowContext, step, step_with};
use tta_testkit::measured::measured;

use crate::support::{Calls, ask, by_text, counting};

const TTL: Duration = Duration::from_mins(1);

#[tokio::test(start_paused = true)]
async fn an_expired_value_is_computed_anew_and_counted() -> Result<()> {
    let calls = Calls::default();
    let config = by_text()
        .with_ttl(TTL)
        .with_clock(|| Instant::now().into_std());
    let flow = counting(&calls).cached(config)?.with_name("expires");
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(TTL.saturating_sub(Duration::from_millis(1))).await;
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(Duration::from_millis(1)).await;
    assert_eq!(flow.run(ask("q")).await?, 2);
    assert!((measured("cache_misses_total", &["expires", "expired"]) - 1.0).abs() < 1e-9);
    assert!((measured("cache_misses_total", &["expires", "absent"]) - 1.0).abs() < 1e-9);
    let stats = flow.stats();
    assert_eq!((stats.evicted_expired, stats.entries), (1, 1));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn expired_entries_that_nobody_asks_for_can_be_swept() -> Result<()> {
    let config = by_text()
        .with_ttl(TTL)
        .with_clock(|| Instant::now().into_std());
    let flow = counting(&Calls::default())
        .cached(config)?
        .with_name("swept");
    for question in ["a", "b", "c"] {
        flow.run(ask(question)).await?;
    }
    advance(TTL / 2).await;
    flow.run(ask("d")).await?;
    advance(TTL / 2).await;
    assert_eq!(flow.evict_expired(), 3);
    assert_eq!(flow.stats().entries, 1);
    assert_eq!(flow.stats().evicted_expired, 3);
    assert!((measured("cache_size", &["swept", "memory"]) - 1.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test]
async fn entries_go_when_there_are_too_many_and_each_is_counted() -> Result<()> {
    let flow = counting(&Calls::default())
        .cached(by_text().with_capacity(10))?
        .with_name("crowded");
    for i in 0..100 {
        flow.run(format!("question {i}")).await?;
    }
    let stats = flow.stats();
    assert!((1..=10).contains(&stats.entries), "{stats:?}");
    assert_eq!(stats.entries + stats.evicted_by_capacity, 100);
    let size = measured("cache_size", &["crowded", "memory"]);
    assert!((size - stats.entries as f64).abs() < 1e-9);
    Ok(())
}

#[tokio::test]
async fn entries_go_when_they_are_too_large_together_and_size_and_bytes_stay_right() -> Result<()> {
    let config = by_text().with_capacity_bytes(1_000, String::len);
    let flow = step("repeat", async |n: String| Ok("x".repeat(n.parse()?)))
        .cached(config)?
        .with_name("heavy");
    for n in 101..150 {
        flow.run(n.to_string()).await?;
    }
    let stats = flow.stats();
    assert!((1..=9).contains(&stats.entries), "{stats:?}");
    assert!((101..=1_000).contains(&stats.bytes), "{stats:?}");
    assert_eq!(stats.entries + stats.evicted_by_capacity, 49);
    let bytes = measured("cache_size_bytes", &["heavy", "memory"]);
    assert!((bytes - stats.bytes as f64).abs() < 1e-9);

    flow.run(ask("5000")).await?;
    let ctx = WorkflowContext::new();
    assert_eq!(
        flow.get(&ask("5000"), &ctx).await?,
        None,
        "larger than the whole cache"
    );
    assert_eq!(flow.stats().entries, stats.entries);
    flow.clear().await?;
    assert_eq!(flow.stats().bytes, 0);
    Ok(())
}

#[tokio::test]
async fn invalidating_and_clearing_remove_and_count() -> Result<()> {
    let flow = counting(&Calls::default())
        .cached(by_text())?
        .with_name("cleared");
    for question in ["a", "b", "c"] {
        flow.run(ask(question)).await?;
    }
    let ctx = WorkflowContext::new();
    assert!(flow.invalidate(&ask("a"), &ctx).await?);
    assert!(!flow.invalidate(&ask("a"), &ctx).await?);
    assert_eq!(flow.clear().await?, 2);
    assert_eq!(flow.stats().entries, 0);
    assert_eq!(flow.stats().evicted_explicitly, 3);
    assert_eq!(flow.run(ask("b")).await?, 4);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_gauges_follow_whatever_leaves() -> Result<()> {
    let config = by_text()
        .with_capacity_bytes(1_000, String::len)
        .with_ttl(TTL)
        .with_clock(|| Instant::now().into_std());
    let flow = step("repeat", async |n: String| Ok("x".repeat(n.parse()?)))
        .cached(config)?
        .with_name("leaving");
    let check = |why: &str| {
        let stats = flow.stats();
        let held = [stats.entries as f64, stats.bytes as f64];
        let shown =
            ["cache_size", "cache_size_bytes"].map(|it| measured(it, &["leaving", "memory"]));
        let off = held
            .iter()
            .zip(shown)
            .map(|(held, shown)| (held - shown).abs());
        assert!(off.fold(0.0, f64::max) < 1e-6, "{why}: {held:?} {shown:?}");
        stats.entries
    };
    for size in ["100", "110", "120", "130", "140"] {
        flow.run(ask(size)).await?;
    }
    assert!(check("kept") > 1);
    flow.run(ask("700")).await?;
    check("evicted for want of room");
    assert!(flow.stats().evicted_by_capacity > 0);
    flow.invalidate(&ask("700"), &WorkflowContext::new())
        .await?;
    check("invalidated");
    flow.run(ask("100")).await?;
    flow.run(ask("110")).await?;
    advance(TTL).await;
    flow.run(ask("100")).await?;
    check("expired, and computed anew");
    flow.evict_expired();
    assert_eq!(check("swept"), 1);
    flow.clear().await?;
    assert_eq!(check("cleared"), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_that_takes_the_place_of_another_is_counted_once() -> Result<()> {
    let calls = Calls::default();
    let config = by_text()
        .with_capacity_bytes(1_000, String::len)
        .with_ttl(TTL)
        .with_stale_while_revalidate(TTL)
        .with_clock(|| Instant::now().into_std());
    let flow = step_with("grow", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        Ok("x".repeat(100 * calls.count()))
    })
    .cached(config)?
    .with_name("replaced");
    let shown =
        || ["cache_size", "cache_size_bytes"].map(|it| measured(it, &["replaced", "memory"]));
    assert_eq!(flow.run(ask("q")).await?.len(), 100);
    let [entries, of_one] = shown();
    assert!((entries - 1.0).abs() < 1e-9 && of_one >= 100.0, "{of_one}");
    advance(TTL).await;
    assert_eq!(flow.run(ask("q")).await?.len(), 100, "once more");
    while flow.stats().refreshes == 0 {
        tokio::task::yield_now().await;
    }
    let [entries, bytes] = shown();
    assert!((entries - 1.0).abs() < 1e-9, "{entries}");
    assert!(
        (bytes - of_one - 100.0).abs() < 1e-6,
        "{of_one} then {bytes}"
    );
    assert_eq!(flow.stats().evicted_by_capacity, 0, "nothing made room");
    Ok(())
}

#[tokio::test]
async fn what_is_held_moves_with_the_name_and_goes_with_the_cache() -> Result<()> {
    let held = |name| {
        let metrics = ["cache_size", "cache_size_bytes"];
        #[expect(clippy::cast_possible_truncation, reason = "a gauge of a few bytes")]
        metrics.map(|metric| measured(metric, &[name, "memory"]).round() as i64)
    };
    let config = by_text().with_capacity_bytes(1_000, String::len);
    let flow = step("repeat", async |n: String| Ok("x".repeat(n.parse()?)))
        .cached(config)?
        .with_name("first_name");
    flow.run(ask("100")).await?;
    assert_eq!(held("first_name")[0], 1);
    let bytes = held("first_name")[1];
    assert!(bytes >= 100, "{bytes}");
    let flow = flow.with_name("second_name");
    assert_eq!(held("first_name"), [0, 0]);
    assert_eq!(held("second_name"), [1, bytes]);
    drop(flow);
    assert_eq!(held("second_name"), [0, 0]);
    Ok(())
}
