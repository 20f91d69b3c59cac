//! A cluster, and Sentinels.

use std::time::{Duration, Instant};

use tta_testkit::faults::report;
use tta_testkit::require;
use tta_testkit::servers::{RedisCluster, RedisSentinel};

use crate::support::{Calls, cached, patient, tier, timed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_cluster_moved_slots() {
    let _alone = crate::ALONE.lock().await;
    let cluster = require!(RedisCluster::start());
    let (tier, calls) = (patient(&cluster.url()), Calls::default());
    let flow = cached(&tier, &calls);
    for question in 0..100 {
        timed(&flow, &question.to_string()).await;
    }
    assert_eq!(calls.count(), 100);
    // A node gives no slot away that has keys.
    cluster.nodes()[0].command(&["FLUSHALL"]).unwrap();
    for slot in 0..1000 {
        cluster.move_slot(slot, 1).unwrap();
    }
    let mut computed = Vec::new();
    for _ in 0..2 {
        let before = calls.count();
        for question in 0..100 {
            timed(&flow, &question.to_string()).await;
        }
        computed.push(calls.count() - before);
    }
    assert!((1..=60).contains(&computed[0]), "{computed:?}");
    let again = computed[1];
    report(
        42,
        "MOVED in a cluster, computed again",
        "0 of 100",
        again,
        again == 0,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_39_cluster_loses_a_master() {
    let _alone = crate::ALONE.lock().await;
    let cluster = require!(RedisCluster::start());
    // Told of the node that is lost and of no other: it is for the tier to remember those it met.
    let url = format!("redis+cluster://{}", cluster.nodes()[0].address());
    let (tier, calls) = (tier(&url), Calls::default());
    assert_eq!(tier.changes(), 0);
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
        // One that is being promoted resets the connections that it has.
        let role = replica.command(&["INFO", "replication"]);
        let role = role.ok().flatten().unwrap_or_default();
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
    assert!(tier.changes() > 0, "what was told of the lost node counts");
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
    let _alone = crate::ALONE.lock().await;
    let sentinel = require!(RedisSentinel::start());
    let (tier, calls) = (patient(&sentinel.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "kept").await;
    timed(&flow, "kept").await;
    assert_eq!(calls.count(), 1);
    // A replica follows in its own time; what it has not seen dies with the master.
    let holds = |entries: &str| {
        let size = sentinel.replica().command(&["DBSIZE"]);
        size.is_ok_and(|size| size.as_deref() == Some(entries))
    };
    while !holds("1") {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sentinel.master().kill();
    let killed = Instant::now();
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        let before = calls.count();
        timed(&flow, "after").await;
        timed(&flow, "after").await;
        if calls.count() <= before + 1 && holds("2") {
            break;
        }
        assert!(Instant::now() < deadline, "not back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Half a second until the Sentinel finds the master gone, then its vote.
    let back = killed.elapsed();
    let met = back <= Duration::from_secs(10);
    let figure = format!("{back:?}");
    report(
        39,
        "Sentinel, kept again after its master was killed",
        "<= 10 s",
        figure,
        met,
    );
}
