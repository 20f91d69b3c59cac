//! A tier outside the process, as the caches of two processes see it.

use std::time::Duration;

use tokio::time::advance;
use tta_cache::{CacheConfig, CacheExt, Scope, SharedConfig};
use tta_core::{ErrorKind, Result, WorkflowContext, step};
use tta_testkit::measured::measured;
use tta_testkit::recording::RecordingRecorder;

use crate::shelf::Shelf;
use crate::support::{Calls, ask, counting};

const TTL: Duration = Duration::from_mins(1);

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-9
}

#[tokio::test(start_paused = true)]
async fn a_value_that_one_process_computed_answers_in_another_and_then_from_its_memory()
-> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let one = counting(&calls).cached(shelf.config().with_ttl(TTL))?;
    assert_eq!(one.run(ask("q")).await?, 1);
    drop(one);
    let other = counting(&calls)
        .cached(shelf.config().with_ttl(TTL))?
        .with_name("other_process");
    assert_eq!(other.run(ask("q")).await?, 1);
    let fetched = shelf.fetches();
    assert_eq!(other.run(ask("q")).await?, 1);
    assert_eq!(shelf.fetches(), fetched, "memory answers");
    assert_eq!(calls.count(), 1);
    assert!(is(
        measured("cache_hits_total", &["other_process", "shelf"]),
        1.0
    ));
    assert!(is(
        measured("cache_hits_total", &["other_process", "memory"]),
        1.0
    ));
    let stats = other.stats();
    assert_eq!((stats.hits, stats.outside_hits, stats.misses), (2, 1, 0));
    assert!(is(stats.hit_rate, 1.0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn without_memory_each_lookup_asks_outside() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let flow = counting(&calls)
        .cached(shelf.config().without_memory())?
        .with_name("no_memory");
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 1);
    let stats = flow.stats();
    assert_eq!((stats.outside_hits, stats.entries), (2, 0));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_is_kept_outside_for_as_long_as_it_may_answer() -> Result<()> {
    let shelf = Shelf::new();
    let config = shelf.config().with_ttl(TTL).with_stale_if_error(TTL);
    counting(&Calls::default())
        .cached(config)?
        .run(ask("canary-5e1d"))
        .await?;
    let (key, value) = shelf.only();
    assert_eq!(value.keep, Some(TTL * 2));
    assert!(key.starts_with("answers:"), "{key}");
    assert!(!String::from_utf8_lossy(&value.bytes).contains("canary"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_tier_that_is_down_costs_nothing_but_the_computation() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    shelf.down(true);
    let flow = counting(&calls)
        .cached(shelf.config())?
        .with_name("is_down");
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 1, "memory answers");
    assert!(is(
        measured("cache_misses_total", &["is_down", "backend_error"]),
        1.0
    ));
    shelf.down(false);
    assert!(shelf.values().is_empty());
    assert_eq!(flow.run(ask("r")).await?, 2);
    assert_eq!(shelf.values().len(), 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_not_the_value_asked_for_is_a_miss_and_removed_and_counted() -> Result<()> {
    type Damage = fn(&Shelf);
    let damages: [(&str, Damage); 6] = [
        ("flipped", |shelf| shelf.tamper(|bytes| bytes[40] ^= 1)),
        // Before the sum: the last digit of the value, which then is another number.
        ("digit", |shelf| {
            shelf.tamper(|bytes| {
                let last = bytes.len() - 9;
                bytes[last] ^= 2;
            });
        }),
        ("truncated", |shelf| {
            shelf.tamper(|bytes| bytes.truncate(60));
        }),
        ("empty", |shelf| shelf.tamper(Vec::clear)),
        ("noise", |shelf| {
            shelf.tamper(|bytes| *bytes = b"not a value".to_vec());
        }),
        ("longer", |shelf| shelf.tamper(|bytes| bytes.push(0))),
    ];
    for (damage, harm) in damages {
        let (shelf, calls) = (Shelf::new(), Calls::default());
        let process = || counting(&calls).cached(shelf.config());
        assert_eq!(process()?.run(ask("q")).await?, 1);
        harm(&shelf);
        shelf.hold_stores();
        let flow = process()?.with_name(damage);
        let ctx = WorkflowContext::new();
        assert_eq!(flow.get(&ask("q"), &ctx).await?, None, "{damage}");
        assert!(shelf.values().is_empty(), "{damage}");
        assert!(is(
            measured("cache_misses_total", &[damage, "corrupt"]),
            1.0
        ));
        shelf.let_one_in();
        assert_eq!(flow.run(ask("q")).await?, 2, "{damage}");
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_under_the_key_of_another_is_never_given() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let process = || counting(&calls).cached(shelf.config());
    let first = process()?;
    assert_eq!(first.run(ask("mine")).await?, 1);
    let (_, mine) = shelf.only();
    assert_eq!(first.run(ask("yours")).await?, 2);
    for (key, _) in shelf.values() {
        shelf.put(&key, mine.bytes.clone());
    }
    let second = process()?;
    assert_eq!(second.run(ask("mine")).await?, 1);
    assert_eq!(second.run(ask("yours")).await?, 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn values_of_another_version_codec_tenant_or_namespace_are_not_found() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let config =
        |shared| CacheConfig::of_input(Scope::Tenant("tenant_id".into())).with_shared(shared);
    let shared = || shelf.shared();
    let tenant = |name: &str| {
        WorkflowContext::builder()
            .metadata("tenant_id", name)
            .build()
    };
    let first = counting(&calls).cached(config(shared()))?;
    assert_eq!(first.execute(ask("q"), &tenant("ada")).await?, 1);
    let versions = counting(&calls).cached(config(shared().with_version(1)))?;
    assert_eq!(versions.execute(ask("q"), &tenant("ada")).await?, 2);
    let namespace = SharedConfig::new("others", shelf.clone(), tta_cache::Json);
    let others = counting(&calls).cached(config(namespace))?;
    assert_eq!(others.execute(ask("q"), &tenant("ada")).await?, 3);
    let again = counting(&calls).cached(config(shared()))?;
    assert_eq!(again.execute(ask("q"), &tenant("bob")).await?, 4);
    assert_eq!(again.execute(ask("q"), &tenant("ada")).await?, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_that_is_too_large_is_kept_in_memory_alone() -> Result<()> {
    let shelf = Shelf::new();
    let process = || {
        let shared = shelf.shared().with_max_value_bytes(100);
        let model = step("repeat", async |n: String| Ok("x".repeat(n.parse()?)));
        model.cached(shelf.config().with_shared(shared))
    };
    let flow = process()?.with_name("too_large_outside");
    flow.run(ask("99")).await?;
    assert!(shelf.values().is_empty());
    flow.run(ask("98")).await?;
    assert_eq!(shelf.values().len(), 1);
    flow.run(ask("99")).await?;
    assert_eq!(flow.stats().hits, 1);
    let other = process()?.with_name("largest_outside");
    other.run(ask("98")).await?;
    assert_eq!(other.stats().outside_hits, 1, "as long as is allowed");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn one_of_several_processes_computes() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let process = || {
        let calls = calls.clone();
        let model = tta_core::step_with("model", calls, async |calls: &Calls, _: String| {
            calls.add();
            tokio::time::sleep(Duration::from_secs(20)).await;
            Ok(calls.count())
        });
        model.cached(shelf.config())
    };
    let flows = (0..8).map(|_| process()).collect::<Result<Vec<_>>>()?;
    let mut running = tokio::task::JoinSet::new();
    for flow in flows {
        running.spawn(async move { flow.run(ask("q")).await });
    }
    while let Some(answer) = running.join_next().await {
        assert_eq!(answer??, 1);
    }
    assert_eq!(calls.count(), 1);
    assert_eq!(shelf.locks(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_lock_is_given_back_when_its_holder_fails_or_is_dropped() -> Result<()> {
    let shelf = Shelf::new();
    let failing = step("model", async |_: String| -> Result<usize> {
        Err(tta_core::Error::new(ErrorKind::Unavailable, "down"))
    })
    .cached(shelf.config())?;
    failing.run(ask("q")).await.unwrap_err();
    assert_eq!(shelf.locks(), 0);

    let hanging = step("model", async |_: String| {
        std::future::pending::<Result<usize>>().await
    })
    .cached(shelf.config())?;
    let run = tokio::time::timeout(Duration::from_mins(1), hanging.run(ask("q")));
    assert!(run.await.is_err());
    tokio::task::yield_now().await;
    assert_eq!(shelf.locks(), 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_killed_is_waited_for_as_long_as_its_lock_holds() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let flow = counting(&calls).cached(shelf.config())?;
    flow.run(ask("q")).await?;
    let (key, _) = shelf.only();
    flow.clear().await?;
    shelf.lock_all(&key, Duration::from_secs(4));
    let begun = tokio::time::Instant::now();
    assert_eq!(flow.run(ask("q")).await?, 2);
    let waited = begun.elapsed();
    assert!((3_900..=4_500).contains(&waited.as_millis()), "{waited:?}");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_another_process_longer_than_allowed_or_past_the_deadline() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let shared = shelf.shared().with_lock_wait(Duration::from_secs(7));
    let flow = counting(&calls).cached(shelf.config().with_shared(shared))?;
    flow.run(ask("q")).await?;
    let (key, _) = shelf.only();
    flow.clear().await?;
    shelf.lock_all(&key, Duration::from_hours(1));
    let begun = tokio::time::Instant::now();
    assert_eq!(flow.run(ask("q")).await?, 2);
    assert_eq!(begun.elapsed().as_secs(), 7);

    flow.clear().await?;
    let begun = tokio::time::Instant::now();
    let ctx = WorkflowContext::builder()
        .clock(|| tokio::time::Instant::now().into_std())
        .deadline((begun + Duration::from_secs(3)).into_std())
        .build();
    let error = flow.execute(ask("q"), &ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout);
    assert_eq!(begun.elapsed().as_secs(), 3);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn memory_answers_for_its_own_time_and_longer_only_if_outside_cannot_be_asked() -> Result<()>
{
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let config = || {
        shelf
            .config()
            .with_ttl(TTL)
            .with_memory_ttl(Duration::from_secs(5))
    };
    let (one, other) = (
        counting(&calls).cached(config())?,
        counting(&calls).cached(config())?,
    );
    assert_eq!(one.run(ask("q")).await?, 1);
    let ctx = WorkflowContext::new();
    assert!(other.invalidate(&ask("q"), &ctx).await?);
    assert_eq!(one.run(ask("q")).await?, 1, "not known of yet");
    advance(Duration::from_secs(5)).await;
    shelf.down(true);
    assert_eq!(one.run(ask("q")).await?, 1, "better than computing");
    assert_eq!(one.get(&ask("q"), &ctx).await?, Some(1));
    shelf.down(false);
    assert_eq!(one.run(ask("q")).await?, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_removed_is_removed_in_all_tiers_and_a_failure_to_do_so_is_told() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let config = shelf
        .config()
        .with_tags(|question: &String| vec![question[..1].to_owned()])
        .with_value_tags(|answer: &usize| vec![format!("answer {answer}")]);
    let flow = counting(&calls).cached(config)?.with_name("tiers");
    for question in ["a1", "a2", "b1", "b2"] {
        flow.run(ask(question)).await?;
    }
    assert_eq!(flow.invalidate_tag("a").await?, 2);
    assert_eq!((flow.stats().entries, shelf.values().len()), (2, 2));
    assert_eq!(flow.invalidate_tag("answer 3").await?, 1);
    assert_eq!(flow.invalidate_tag("none such").await?, 0);
    let ctx = WorkflowContext::new();
    shelf.down(true);
    let error = flow.invalidate(&ask("b2"), &ctx).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(flow.stats().entries, 0, "gone from memory all the same");
    assert!(flow.clear().await.is_err());
    assert!(flow.invalidate_tag("b").await.is_err());
    shelf.down(false);
    assert!(flow.invalidate(&ask("b2"), &ctx).await?);
    assert!(!flow.invalidate(&ask("b2"), &ctx).await?);
    flow.run(ask("c")).await?;
    assert_eq!(flow.clear().await?, 1);
    assert!(shelf.values().is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_is_invalidated_on_its_way_out_does_not_stay_there() -> Result<()> {
    type Remove = fn(
        &std::sync::Arc<
            tta_core::Flow<
                tta_core::Observed<
                    tta_cache::CachePrimitive<tta_core::BoxPrimitive<String, usize>>,
                >,
            >,
        >,
    ) -> tokio::task::JoinHandle<()>;
    let removals: [Remove; 3] = [
        |flow| {
            let flow = flow.clone();
            tokio::spawn(async move {
                flow.invalidate(&ask("q"), &WorkflowContext::new())
                    .await
                    .unwrap();
            })
        },
        |flow| {
            let flow = flow.clone();
            tokio::spawn(async move { flow.invalidate_tag("tag").await.map(drop).unwrap() })
        },
        |flow| {
            let flow = flow.clone();
            tokio::spawn(async move { flow.clear().await.map(drop).unwrap() })
        },
    ];
    for remove in removals {
        let (shelf, calls) = (Shelf::new(), Calls::default());
        let config = shelf
            .config()
            .with_tags(|_: &String| vec!["tag".to_owned()]);
        let flow = std::sync::Arc::new(counting(&calls).boxed()?.cached(config)?);
        shelf.hold_stores();
        let run = {
            let flow = flow.clone();
            tokio::spawn(async move { flow.run(ask("q")).await })
        };
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(calls.count(), 1);
        remove(&flow).await?;
        shelf.let_one_in();
        assert_eq!(run.await??, 1);
        assert!(shelf.values().is_empty());
        assert_eq!(flow.stats().entries, 0);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_slow_tier_does_not_keep_the_answer_past_the_deadline() -> Result<()> {
    let shelf = Shelf::new();
    shelf.hold_stores();
    let flow = counting(&Calls::default()).cached(shelf.config())?;
    let begun = tokio::time::Instant::now();
    let ctx = WorkflowContext::builder()
        .clock(|| tokio::time::Instant::now().into_std())
        .deadline((begun + Duration::from_secs(2)).into_std())
        .build();
    let answer = tokio::time::timeout(TTL, flow.execute(ask("q"), &ctx)).await?;
    assert_eq!(answer?, 1);
    assert_eq!(begun.elapsed().as_secs(), 1, "half of what was left");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn spans_tell_the_tier_and_whether_a_value_was_kept_outside() -> Result<()> {
    let shelf = Shelf::new();
    let flow = || counting(&Calls::default()).cached(shelf.config().with_ttl(TTL));
    let (miss, hit) = (RecordingRecorder::new(), RecordingRecorder::new());
    flow()?.execute(ask("q"), &miss.context()).await?;
    let set = miss.span("cache.set").span_id;
    assert_eq!(miss.attribute(set, "cache.outside"), Some(true.into()));
    assert_eq!(miss.attribute(set, "cache.ttl_ms"), Some(60_000_u64.into()));
    assert_eq!(miss.attribute(set, "cache.negative"), Some(false.into()));
    flow()?.execute(ask("q"), &hit.context()).await?;
    let get = hit.span("cache.get").span_id;
    assert_eq!(hit.attribute(get, "cache.tier"), Some("shelf".into()));
    Ok(())
}

#[test]
fn a_shared_tier_that_cannot_work_is_refused() {
    let shelf = Shelf::new();
    let config = |shared: SharedConfig<usize>| shelf.config().with_shared(shared);
    let shared = || shelf.shared();
    let useless = [
        config(SharedConfig::new("", shelf.clone(), tta_cache::Json)),
        config(SharedConfig::new("a:b", shelf.clone(), tta_cache::Json)),
        config(SharedConfig::new(
            "x".repeat(65),
            shelf.clone(),
            tta_cache::Json,
        )),
        config(shared().with_max_value_bytes(0)),
        config(shared().with_max_value_bytes(1 << 30)),
        config(shared().with_lock_hold(Duration::from_millis(99))),
        config(shared().with_lock_hold(Duration::from_secs(601))),
        config(shared()).without_memory().with_memory_ttl(TTL),
        CacheConfig::of_input(Scope::Global).without_memory(),
        CacheConfig::of_input(Scope::Global).with_memory_ttl(TTL),
    ];
    for config in useless {
        let shown = format!("{config:?}");
        let error = counting(&Calls::default()).cached(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{shown}");
    }
    for hold in [Duration::from_millis(100), Duration::from_mins(10)] {
        let fine = config(shared().with_lock_hold(hold));
        drop(counting(&Calls::default()).cached(fine).unwrap());
    }
    for name in ["a", "A-z.0_9", &"x".repeat(64)] {
        let fine = config(SharedConfig::new(name, shelf.clone(), tta_cache::Json));
        drop(counting(&Calls::default()).cached(fine).unwrap());
    }
}
