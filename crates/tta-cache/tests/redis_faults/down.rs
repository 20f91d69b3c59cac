//! Redis that is down: at the start, in between, and back.

use std::sync::Arc;
use std::time::Duration;

use tta_cache::RedisState;
use tta_core::{install_recorder, uninstall_recorder};
use tta_testkit::faults::report;
use tta_testkit::network::ClosedPort;
use tta_testkit::recording::RecordingRecorder;
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, ask_for, cached, p99, tier, timed, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_down_at_the_start() {
    let _alone = crate::ALONE.lock().await;
    let closed = ClosedPort::reserve().unwrap();
    let (tier, calls) = (
        tier(&format!("redis://{}", closed.address())),
        Calls::default(),
    );
    let flow = cached(&tier, &calls);
    timed(&flow, "first").await;
    until(&tier, RedisState::Down, Duration::from_secs(2)).await;
    let took = ask_for(&flow, Duration::from_secs(2), Duration::from_micros(200)).await;
    let p99 = p99(&took);
    report(
        39,
        "down at the start, added p99",
        "<= 1 ms",
        format!("{p99:?}"),
        p99 <= MILLISECOND,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_down_and_back_in_between() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    let (tier, calls) = (tier(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "kept").await;
    redis.stop();
    until(&tier, RedisState::Down, Duration::from_secs(2)).await;
    let took = ask_for(&flow, Duration::from_secs(2), Duration::from_micros(200)).await;
    let p99 = p99(&took);
    report(
        39,
        "down in between, added p99",
        "<= 1 ms",
        format!("{p99:?}"),
        p99 <= MILLISECOND,
    );
    redis.restart().unwrap();
    let back = until(&tier, RedisState::Recovering, Duration::from_secs(10)).await;
    let before = calls.count();
    timed(&flow, "again").await;
    timed(&flow, "again").await;
    assert_eq!(calls.count(), before + 1, "answers are kept again");
    let met = back <= Duration::from_secs(2);
    report(
        39,
        "reconnect after a restart",
        "<= 2 s",
        format!("{back:?}"),
        met,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_logged_once_at_its_begin_and_once_at_its_end() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    let recorder = RecordingRecorder::new();
    install_recorder(Arc::clone(&recorder) as Arc<dyn tta_core::Recorder>);
    let (tier, calls) = (tier(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "before").await;
    redis.stop();
    until(&tier, RedisState::Down, Duration::from_secs(2)).await;
    ask_for(&flow, Duration::from_secs(1), MILLISECOND).await;
    redis.restart().unwrap();
    until(&tier, RedisState::Up, Duration::from_secs(40)).await;
    uninstall_recorder();
    let endpoint = redis.address().to_string();
    let changes: Vec<_> = recorder
        .logs()
        .into_iter()
        .filter(|line| line.field("endpoint") == Some(&endpoint))
        .filter(|line| line.event != "cache_tier_error")
        .collect();
    let events: Vec<_> = changes.iter().map(|line| line.event).collect();
    assert_eq!(events, ["cache_degraded", "cache_recovered"]);
    assert_eq!(changes[0].field("error_type"), Some("connection"));
    assert_eq!(changes[0].field("tier"), Some("redis"));
    let down_for: f64 = changes[1].field("duration_ms").unwrap().parse().unwrap();
    assert!(down_for > 10_000.0, "{down_for}");
    assert_eq!(tier.changes(), 2);
}

const MILLISECOND: Duration = Duration::from_millis(1);
