//! Redis that hangs, is slow, or comes and goes.

use std::time::{Duration, Instant};

use tta_cache::{RedisState, RedisTier};
use tta_testkit::faults::report;
use tta_testkit::network::ClosedPort;
use tta_testkit::proxy::{Fault, FaultProxy};
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, ask_for, cached, p99, tier, timed, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_40_hung() {
    let _alone = crate::ALONE.lock().await;
    let [stopped, paused, writes] = [(); 3].map(|()| RedisServer::start());
    let (stopped, paused, writes) = (require!(stopped), require!(paused), require!(writes));
    let clients_pause = |redis: &RedisServer, which: &str| {
        redis.command(&["CLIENT", "PAUSE", "60000", which]).unwrap();
    };
    tokio::join!(
        hung(&stopped, "SIGSTOP", || stopped.pause()),
        hung(&paused, "CLIENT PAUSE ALL", || clients_pause(
            &paused, "ALL"
        )),
        // Reads, and so the background's probes, are answered all the time.
        hung(&writes, "CLIENT PAUSE WRITE", || clients_pause(
            &writes, "WRITE"
        )),
    );
}

/// Asks for half a minute, each question once here and once where Redis is known to be down: what the
/// cache itself and a busy machine add, they add to both.
async fn hung(redis: &RedisServer, how: &str, hang: impl FnOnce()) {
    let (tier, calls) = (tier(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    let closed = ClosedPort::reserve().unwrap();
    let nowhere = down(&closed).await;
    let without_redis = cached(&nowhere, &calls);
    timed(&flow, "before").await;
    hang();
    let begun = Instant::now();
    let (mut with, mut without) = (Vec::new(), Vec::new());
    while begun.elapsed() < Duration::from_secs(30) {
        let question = with.len().to_string();
        with.push(timed(&flow, &question).await);
        without.push(timed(&without_redis, &question).await);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let added = given_up(&with).saturating_sub(given_up(&without));
    let within = added <= Duration::from_millis(250);
    let part = format!("{how}, added in 30 s");
    report(40, &part, "<= 250 ms", format!("{added:?}"), within);
    let p99 = p99(&with);
    let fast = p99 <= Duration::from_millis(1);
    let part = format!("{how}, p99 of a call");
    report(40, &part, "<= 1 ms", format!("{p99:?}"), fast);
}

/// The time of the calls that waited for an operation to its end, which is 50 ms; one that is not
/// asked takes microseconds, and the percentile is for those.
fn given_up(took: &[Duration]) -> Duration {
    took.iter()
        .filter(|took| **took > Duration::from_millis(25))
        .sum()
}

async fn down(closed: &ClosedPort) -> RedisTier {
    let tier = tier(&format!("redis://{}", closed.address()));
    timed(&cached(&tier, &Calls::default()), "first").await;
    until(&tier, RedisState::Down, Duration::from_secs(5)).await;
    tier
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_41_slow() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    let proxy = FaultProxy::start(redis.address()).unwrap();
    let (tier, calls) = (
        tier(&format!("redis://{}", proxy.address())),
        Calls::default(),
    );
    let flow = cached(&tier, &calls);
    timed(&flow, "before").await;
    proxy.to_client(Fault::Delay(Duration::from_millis(20)));
    ask_for(&flow, Duration::from_secs(10), Duration::from_millis(5)).await;
    let changes = tier.changes();
    report(
        41,
        "slow by 20 ms for 10 s",
        "<= 2 changes",
        changes,
        changes <= 2,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_41_flapping() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    let proxy = FaultProxy::start(redis.address()).unwrap();
    let (tier, calls) = (
        tier(&format!("redis://{}", proxy.address())),
        Calls::default(),
    );
    let flow = cached(&tier, &calls);
    timed(&flow, "before").await;
    let begun = Instant::now();
    let mut changed: Vec<Instant> = Vec::new();
    for turn in 0.. {
        if begun.elapsed() > Duration::from_secs(30) {
            break;
        }
        match turn % 3 {
            0 => proxy.to_client(Fault::Reset),
            1 => proxy.heal(),
            _ => proxy.to_client(Fault::BlackHole),
        }
        note_changes(
            &tier,
            &mut changed,
            ask_for(&flow, Duration::from_millis(700), Duration::from_millis(5)),
        )
        .await;
    }
    let close = changed
        .windows(2)
        .filter(|two| two[1] - two[0] < Duration::from_secs(5))
        .count();
    let figure = format!("{} in 30 s, {close} within 5 s of another", changed.len());
    report(41, "flapping", "<= 1 change in 5 s", figure, close == 0);
}

async fn note_changes<T>(
    tier: &RedisTier,
    changed: &mut Vec<Instant>,
    asking: impl Future<Output = T>,
) {
    let before = tier.changes();
    asking.await;
    for _ in before..tier.changes() {
        changed.push(Instant::now());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_that_is_lost_and_replaced_at_once_is_no_change() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    let (tier, calls) = (tier(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "kept").await;
    redis
        .command(&["CLIENT", "KILL", "TYPE", "normal"])
        .unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    timed(&flow, "kept").await;
    assert_eq!((calls.count(), tier.changes()), (1, 0));
    assert_ne!(tier.state(), RedisState::Down);
}
