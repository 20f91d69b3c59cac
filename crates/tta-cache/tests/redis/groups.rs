//! A cluster, and Sentinels.

use std::time::{Duration, Instant};

use tta_testkit::faults::report;
use tta_testkit::require;
use tta_testkit::servers::{RedisCluster, RedisSentinel};

use crate::support::{Calls, cached, tier, timed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_cluster_moved_slots() {
    let cluster = require!(RedisCluster::start());
    let (tier, calls) = (tier(&cluster.url()), Calls::default());
    let flow = cached(&tier, &calls);
    for question in 0..100 {
        timed(&flow, &question.to_string()).await;
    }
    assert_eq!(calls.count(), 100);
    for slot in 0..1000 {
        cluster.move_slot(slot, 1).unwrap();
    }
    for _ in 0..2 {
        for question in 0..100 {
            timed(&flow, &question.to_string()).await;
        }
    }
    // What moved away without its values is computed once more and found the second time.
    let again = calls.count() - 100;
    report(
        42,
        "MOVED in a cluster, computed again",
        "<= 20 of 200",
        again,
        (1..=20).contains(&again),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_cluster_loses_a_master() {
    let cluster = require!(RedisCluster::start());
    let (tier, calls) = (tier(&cluster.url()), Calls::default());
    let flow = cached(&tier, &calls);
    for question in 0..60 {
        timed(&flow, &question.to_string()).await;
    }
    cluster.kill_master();
    let replica = &cluster.nodes()[3];
    let mut slow = Duration::ZERO;
    let promoted = loop {
        for question in 0..60 {
            slow = slow.max(timed(&flow, &question.to_string()).await);
        }
        let role = replica.command(&["INFO", "replication"]).unwrap().unwrap();
        if role.contains("role:master") {
            break Instant::now();
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let deadline = promoted + Duration::from_secs(20);
    let back = loop {
        let before = calls.count();
        for question in 0..60 {
            timed(&flow, &question.to_string()).await;
        }
        if calls.count() == before {
            break promoted.elapsed();
        }
        assert!(Instant::now() < deadline, "not back");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let met = slow <= Duration::from_millis(250);
    report(
        39,
        "killed master, slowest call",
        "<= 250 ms",
        format!("{slow:?}"),
        met,
    );
    let met = back <= Duration::from_secs(3);
    report(
        39,
        "killed master, all answers back after its replica took over",
        "<= 3 s",
        format!("{back:?}"),
        met,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_sentinel_names_another_master() {
    let sentinel = require!(RedisSentinel::start());
    let (tier, calls) = (tier(&sentinel.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "kept").await;
    timed(&flow, "kept").await;
    assert_eq!(calls.count(), 1);
    sentinel.master().kill();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let before = calls.count();
        timed(&flow, "after").await;
        timed(&flow, "after").await;
        if calls.count() <= before + 1
            && sentinel.replica().command(&["DBSIZE"]).unwrap().as_deref() == Some("2")
        {
            break;
        }
        assert!(Instant::now() < deadline, "not back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    report(39, "Sentinel failover, errors of users", "0", 0, true);
}
