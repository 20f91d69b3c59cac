//! Values past their time, and before it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, advance};
use tta_cache::{CacheConfig, CacheExt, CacheVerdict};
use tta_core::{Error, ErrorKind, IntoFlow, Result, Value, WorkflowContext, step, step_with};
use tta_testkit::measured::measured;
use tta_testkit::recording::RecordingRecorder;

use crate::shelf::Shelf;
use crate::support::{Calls, ask, by_text, counting, failing_later};

const TTL: Duration = Duration::from_mins(1);
const SECOND: Duration = Duration::from_secs(1);

/// So long before a minute is over.
fn but(time: Duration) -> Duration {
    TTL.saturating_sub(time)
}

fn config<V>() -> CacheConfig<String, V> {
    by_text()
        .with_ttl(TTL)
        .with_clock(|| Instant::now().into_std())
}

/// Lets every task that can run do so.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_value_answers_at_once_and_is_computed_anew_once_behind_the_callers() -> Result<()>
{
    let calls = Calls::default();
    let config = config().with_stale_while_revalidate(TTL);
    let flow = step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        tokio::time::sleep(Duration::from_secs(1)).await;
        Ok(calls.count())
    })
    .cached(config)?
    .with_name("revalidates");
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(TTL).await;
    let begun = Instant::now();
    for _ in 0..100 {
        assert_eq!(flow.run(ask("q")).await?, 1);
    }
    assert_eq!(begun.elapsed(), Duration::ZERO, "nobody waits");
    assert_eq!(calls.count(), 1, "not begun yet");
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(flow.run(ask("q")).await?, 2);
    assert_eq!(calls.count(), 2);
    let stats = flow.stats();
    assert_eq!((stats.stale, stats.refreshes, stats.hits), (100, 1, 101));
    let count = |operation, result| {
        measured(
            "cache_operation_duration_seconds",
            &["revalidates", operation, result],
        )
    };
    assert!((count("get", "stale") - 100.0).abs() < 1e-9);
    assert!((count("refresh", "ok") - 1.0).abs() < 1e-9);
    assert_eq!(stats.entries, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn past_the_window_of_revalidation_callers_wait_again() -> Result<()> {
    let calls = Calls::default();
    let flow = counting(&calls).cached(config().with_stale_while_revalidate(TTL))?;
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(TTL * 2).await;
    assert_eq!(flow.run(ask("q")).await?, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_seen_in_the_trace_of_who_triggered_it_and_outlives_the_deadline() -> Result<()>
{
    let calls = Calls::default();
    let flow = step_with(
        "model",
        calls.clone(),
        async |calls: &Calls, _: String, ctx: &WorkflowContext| {
            calls.add();
            assert_eq!(ctx.remaining(), None);
            Ok(calls.count())
        },
    )
    .cached(config().with_stale_while_revalidate(TTL))?
    .with_name("traced_refresh");
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(TTL).await;
    let recorder = RecordingRecorder::new();
    let ctx = recorder
        .context()
        .with_deadline(std::time::Instant::now() + TTL);
    assert_eq!(flow.execute(ask("q"), &ctx).await?, 1);
    settle().await;
    drop(ctx);
    assert_eq!(flow.stats().refreshes, 1, "the step found no deadline");
    let get = recorder.span("cache.get");
    let refresh = recorder.span("cache.refresh");
    assert_eq!(refresh.parent_id, get.span_id);
    assert_eq!(recorder.span("model.execute").parent_id, refresh.span_id);
    let reason = recorder.attribute(refresh.span_id, "cache.refresh_reason");
    assert_eq!(reason, Some("stale".into()));
    let stale = recorder.attribute(get.span_id, "cache.stale");
    assert_eq!(stale, Some(Value::Bool(true)));
    assert!(
        recorder
            .traces()
            .iter()
            .all(|it| it.trace_id == get_trace(&recorder))
    );
    Ok(())
}

fn get_trace(recorder: &RecordingRecorder) -> tta_core::TraceId {
    recorder.traces().first().unwrap().trace_id
}

#[tokio::test(start_paused = true)]
async fn a_refresh_that_fails_is_counted_and_the_old_value_answers_on() -> Result<()> {
    let calls = Calls::default();
    let flow = failing_later(&calls)
        .cached(config().with_stale_while_revalidate(TTL))?
        .with_name("refresh_fails");
    for _ in 0..2 {
        assert_eq!(flow.run(ask("q")).await?, 1);
        advance(but(SECOND)).await;
        settle().await;
    }
    assert_eq!(flow.run(ask("q")).await?, 1);
    settle().await;
    let failed = measured(
        "cache_operation_duration_seconds",
        &["refresh_fails", "refresh", "error"],
    );
    assert!((failed - 1.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_refresh_is_dropped_with_the_cache() -> Result<()> {
    let held = Arc::new(());
    let state = (Arc::clone(&held), Calls::default());
    let flow = step_with(
        "model",
        state,
        async |state: &(Arc<()>, Calls), _: String| {
            state.1.add();
            if state.1.count() > 1 {
                std::future::pending::<()>().await;
            }
            Ok(1)
        },
    )
    .cached(config().with_stale_while_revalidate(TTL))?
    .with_name("refresh_dropped");
    flow.run(ask("q")).await?;
    advance(TTL).await;
    flow.run(ask("q")).await?;
    settle().await;
    assert_eq!(Arc::strong_count(&held), 2);
    drop(flow);
    settle().await;
    assert_eq!(
        Arc::strong_count(&held),
        1,
        "the task and all it held are gone"
    );
    assert!(measured("cache_size", &["refresh_dropped", "memory"]).abs() < 1e-9);
    Ok(())
}

/// Runs a future without a runtime.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[test]
fn without_a_runtime_a_stale_value_is_computed_anew_by_its_caller() -> Result<()> {
    let calls = Calls::default();
    let config = by_text()
        .with_ttl(Duration::from_nanos(1))
        .with_stale_while_revalidate(TTL);
    let flow = counting(&calls).cached(config)?;
    assert_eq!(block_on(flow.run(ask("q")))?, 1);
    assert_eq!(block_on(flow.run(ask("q")))?, 2);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_expired_value_stands_in_for_an_error_as_long_as_it_may() -> Result<()> {
    let calls = Calls::default();
    let flow = failing_later(&calls)
        .cached(config().with_stale_if_error(TTL))?
        .with_name("stands_in");
    assert_eq!(flow.run(ask("q")).await?, 1);
    advance(TTL + but(Duration::from_millis(1))).await;
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(calls.count(), 2, "it was tried");
    let stats = flow.stats();
    assert_eq!((stats.stood_in, stats.misses, stats.hits), (1, 2, 0));
    advance(Duration::from_millis(1)).await;
    let error = flow.run(ask("q")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(flow.stats().stood_in, 1);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn values_past_their_time_answer_out_of_a_tier_outside_too() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let today = std::time::SystemTime::now;
    let tomorrow = || std::time::SystemTime::now() + Duration::from_hours(24);
    let day = Duration::from_hours(24);
    let hour = Duration::from_hours(1);
    let process = |clock: fn() -> std::time::SystemTime, model: fn(&Calls) -> _| {
        let config = shelf
            .config()
            .with_ttl(hour)
            .with_wall_clock(clock)
            .without_memory();
        (config, model(&calls))
    };
    let (config, model) = process(today, counting);
    assert_eq!(model.cached(config)?.run(ask("q")).await?, 1);

    let (config, _) = process(tomorrow, counting);
    let failing = step("model", async |_: String| -> Result<usize> {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    });
    let error = failing.cached(config)?.run(ask("q")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "not kept that long");

    let (config, model) = process(today, counting);
    let flow = model.cached(config.with_stale_while_revalidate(day))?;
    flow.clear().await?;
    assert_eq!(flow.run(ask("q")).await?, 2);
    let (config, model) = process(tomorrow, counting);
    let flow = model.cached(config.with_stale_while_revalidate(day))?;
    assert_eq!(flow.run(ask("q")).await?, 2, "once more");
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(calls.count(), 3);
    assert_eq!(flow.run(ask("q")).await?, 3);

    let (config, model) = process(today, counting);
    let flow = model.cached(config.with_stale_if_error(day))?;
    flow.clear().await?;
    assert_eq!(flow.run(ask("q")).await?, 4);
    let (config, _) = process(tomorrow, counting);
    let failing = step("model", async |_: String| -> Result<usize> {
        Err(Error::new(ErrorKind::Unavailable, "down"))
    });
    let flow = failing.cached(config.with_stale_if_error(day))?;
    assert_eq!(flow.run(ask("q")).await?, 4, "stands in");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_value_is_computed_anew_before_its_time_the_nearer_its_end_the_likelier() -> Result<()> {
    let refreshed_after = async |age: Duration, eagerness: f64| -> Result<usize> {
        let calls = Calls::default();
        let flow = step_with("model", calls.clone(), async |calls: &Calls, _: String| {
            calls.add();
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(())
        })
        .cached(config().with_early_refresh(eagerness))?;
        for i in 0..200 {
            flow.run(format!("{i}")).await?;
        }
        let mut refreshed = 0;
        for i in 0..200 {
            let flow = &flow;
            let ctx = WorkflowContext::new();
            flow.invalidate(&format!("{i}"), &ctx).await?;
            flow.run(format!("{i}")).await?;
            advance(age).await;
            let before = calls.count();
            flow.run(format!("{i}")).await?;
            settle().await;
            refreshed += calls.count() - before;
        }
        Ok(refreshed)
    };
    // A second to compute: with a second left, one in e; with ten, one in e to the tenth.
    let near = refreshed_after(but(SECOND), 1.0).await?;
    assert!((40..=110).contains(&near), "{near} of 200");
    let far = refreshed_after(TTL / 2, 1.0).await?;
    assert_eq!(far, 0);
    let eager = refreshed_after(but(SECOND), 10.0).await?;
    assert!(eager > 160, "{eager} of 200");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn values_stored_together_do_not_expire_together_with_jitter() -> Result<()> {
    let left_after = async |share: f64, age: Duration| -> Result<u64> {
        let flow = counting(&Calls::default()).cached(config().with_ttl_jitter(share))?;
        for i in 0..1_000 {
            flow.run(format!("{i}")).await?;
        }
        advance(age).await;
        flow.evict_expired();
        Ok(flow.stats().entries)
    };
    assert_eq!(left_after(0.0, but(SECOND)).await?, 1_000);
    assert_eq!(
        left_after(0.5, (TTL / 2).saturating_sub(SECOND)).await?,
        1_000
    );
    let left = left_after(0.5, TTL * 3 / 4).await?;
    assert!((400..=600).contains(&left), "{left}");
    assert_eq!(left_after(0.5, TTL).await?, 0);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn what_the_verdict_calls_negative_is_kept_for_less_long() -> Result<()> {
    let calls = Calls::default();
    let config = config()
        .with_negative_ttl(Duration::from_secs(5))
        .with_verdict(|answer: &Option<usize>| match answer {
            Some(0) => CacheVerdict::Skip,
            Some(_) => CacheVerdict::Store,
            None => CacheVerdict::StoreNegative,
        });
    let flow = step_with(
        "find",
        calls.clone(),
        async |calls: &Calls, text: String| {
            calls.add();
            Ok(text.parse().ok())
        },
    )
    .cached(config)?;
    let recorder = RecordingRecorder::new();
    flow.execute(ask("none"), &recorder.context()).await?;
    let set = recorder.span("cache.set").span_id;
    assert_eq!(recorder.attribute(set, "cache.negative"), Some(true.into()));
    for (question, after, computed) in [
        ("none", 4, 1),
        ("1", 0, 2),
        ("none", 1, 3),
        ("1", 54, 3),
        ("0", 0, 4),
        ("0", 0, 5),
    ] {
        advance(Duration::from_secs(after)).await;
        flow.run(ask(question)).await?;
        assert_eq!(calls.count(), computed, "{question} after {after} s");
    }
    Ok(())
}

#[test]
fn ages_that_contradict_each_other_are_refused() {
    let second = Duration::from_secs(1);
    let useless: [CacheConfig<String, usize>; 9] = [
        by_text().with_stale_while_revalidate(second),
        by_text().with_stale_if_error(second),
        by_text().with_early_refresh(1.0),
        config().with_negative_ttl(Duration::ZERO),
        config().with_ttl_jitter(1.0),
        config().with_ttl_jitter(-0.1),
        config().with_ttl_jitter(f64::NAN),
        config().with_early_refresh(-1.0),
        config().with_early_refresh(f64::INFINITY),
    ];
    for config in useless {
        let shown = format!("{config:?}");
        let error = counting(&Calls::default()).cached(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_presets_keep_what_they_say_for_as_long_as_they_say() -> Result<()> {
    let clock = || Instant::now().into_std();
    let calls = Calls::default();
    let standard = counting(&calls).cached(by_text().standard().with_clock(clock))?;
    standard.run(ask("q")).await?;
    advance(Duration::from_secs(269)).await;
    standard.run(ask("q")).await?;
    assert_eq!(calls.count(), 1);
    advance(Duration::from_secs(31)).await;
    standard.run(ask("q")).await?;
    assert_eq!(calls.count(), 2);

    let calls = Calls::default();
    let llm = failing_later(&calls).cached(by_text().llm().with_clock(clock))?;
    llm.run(ask("q")).await?;
    advance(Duration::from_mins(53)).await;
    llm.run(ask("q")).await?;
    assert_eq!(calls.count(), 1);
    advance(Duration::from_hours(24)).await;
    assert_eq!(llm.run(ask("q")).await?, 1, "stands in");
    advance(Duration::from_hours(1)).await;
    llm.run(ask("q")).await.unwrap_err();
    let _ = llm.into_flow();
    Ok(())
}
