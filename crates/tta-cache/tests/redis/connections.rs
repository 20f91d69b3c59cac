//! Which connections there are, and to whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tta_cache::{RedisConfig, RedisState, RedisTier};
use tta_testkit::require;
use tta_testkit::resp::{Reply, RespServer};
use tta_testkit::servers::RedisServer;

use crate::support::{
    Calls, PATIENCE, cached, is_probe, nothing_kept, patient, patient_with, timed, until, wait_for,
};

#[tokio::test]
async fn a_tier_that_is_dropped_closes_its_connection() {
    let server = RespServer::start(nothing_kept).unwrap();
    let tier = patient(&server.url());
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(server.open_connections(), 1);
    drop(tier);
    wait_for(|| server.open_connections() == 0).await;
}

#[tokio::test]
async fn a_replica_by_its_own_address_is_still_asked() {
    let server = RespServer::start(|command| match command.name() {
        "SET" => Reply::error("READONLY You can't write against a read only replica."),
        _ => nothing_kept(command),
    });
    let server = server.unwrap();
    let tier = patient(&server.url());
    let flow = cached(&tier, &Calls::default());
    for question in ["first", "second"] {
        timed(&flow, question).await;
        assert_eq!(tier.state(), RedisState::Up);
    }
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_that_replaces_a_lost_one_must_prove_itself() {
    let redis = require!(RedisServer::start());
    let tier = patient(&redis.url());
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(tier.state(), RedisState::Up);
    close_all(&redis);
    until(&tier, RedisState::Recovering, PATIENCE).await;
    assert_eq!(tier.changes(), 0);
    let begun = Instant::now();
    while tier.changes() == 0 {
        assert!(
            begun.elapsed() < PATIENCE,
            "another loss soon after is no change"
        );
        close_all(&redis);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until(&tier, RedisState::Recovering, PATIENCE).await;
}

fn close_all(redis: &RedisServer) {
    let kill = ["CLIENT", "KILL", "TYPE", "normal"];
    redis.command(&kill).unwrap();
}

#[tokio::test]
async fn a_connection_that_is_given_up_is_a_change_and_not_one_that_was_lost() {
    let server = RespServer::start(|command| {
        if is_probe(command) {
            nothing_kept(command)
        } else {
            Reply::error("LOADING Redis is loading the dataset in memory")
        }
    });
    let server = server.unwrap();
    // Its end comes at the same moment.
    for _ in 0..50 {
        let config = RedisConfig::new(server.url()).unwrap().with_failures(1);
        let tier = patient_with(config);
        timed(&cached(&tier, &Calls::default()), "q").await;
        wait_for(|| tier.changes() == 1).await;
    }
}

#[tokio::test]
async fn who_waits_on_a_connection_that_is_given_up_waits_no_longer() {
    let asked = AtomicUsize::new(0);
    let server = RespServer::start(move |command| {
        if is_probe(command) {
            return Reply::value("");
        }
        // The first is told what the second has led to; the second is told nothing.
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::Nothing,
            1 => Reply::error("LOADING Redis is loading the dataset in memory"),
            _ => nothing_kept(command),
        }
    });
    let server = server.unwrap();
    let config = RedisConfig::new(server.url()).unwrap().with_failures(1);
    let budget = Duration::from_hours(1);
    let config = config.with_budget(budget).with_patience(budget * 10);
    let (tier, calls) = (RedisTier::new(config).unwrap(), Calls::default());
    let flow = cached(&tier, &calls);
    let both = async { tokio::join!(timed(&flow, "first"), timed(&flow, "second")) };
    tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!(calls.count(), 2);
}
