//! Redis that is down: at the start, in between, and back.

use std::time::Duration;

use tta_cache::RedisState;
use tta_testkit::faults::report;
use tta_testkit::network::ClosedPort;
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, ask_for, cached, p99, tier, timed, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_down_at_the_start() {
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

const MILLISECOND: Duration = Duration::from_millis(1);
