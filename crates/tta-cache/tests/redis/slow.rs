//! Redis that hangs, is slow, or comes and goes.

use std::time::{Duration, Instant};

use tta_cache::{RedisState, RedisTier};
use tta_testkit::faults::{percentile, report};
use tta_testkit::proxy::{Fault, FaultProxy};
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, ask_for, cached, p99, tier, timed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_40_stopped() {
    let redis = require!(RedisServer::start());
    hung(&redis, "SIGSTOP", || redis.pause()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_40_paused_clients() {
    let redis = require!(RedisServer::start());
    hung(&redis, "CLIENT PAUSE", || {
        redis.command(&["CLIENT", "PAUSE", "60000", "ALL"]).unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_40_paused_writes() {
    // Reads, and so the background's probes, are answered all the time.
    let redis = require!(RedisServer::start());
    hung(&redis, "CLIENT PAUSE WRITE", || {
        redis
            .command(&["CLIENT", "PAUSE", "60000", "WRITE"])
            .unwrap();
    })
    .await;
}

async fn hung(redis: &RedisServer, how: &str, hang: impl FnOnce()) {
    let (tier, calls) = (tier(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "before").await;
    hang();
    let took = ask_for(&flow, Duration::from_secs(30), Duration::from_millis(5)).await;
    let usual = percentile(&mut took.clone(), 0.5);
    let added: Duration = took.iter().map(|took| took.saturating_sub(usual)).sum();
    let within = added <= Duration::from_millis(250);
    report(
        40,
        &format!("{how}, added in 30 s"),
        "<= 250 ms",
        format!("{added:?}"),
        within,
    );
    let p99 = p99(&took);
    let fast = p99 <= Duration::from_millis(1);
    report(
        40,
        &format!("{how}, p99 of a call"),
        "<= 1 ms",
        format!("{p99:?}"),
        fast,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_41_slow() {
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
