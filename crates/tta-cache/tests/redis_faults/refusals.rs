//! Errors that Redis answers with.

use std::sync::Arc;
use std::time::Duration;

use tta_core::{install_recorder, uninstall_recorder};
use tta_testkit::faults::report;
use tta_testkit::recording::RecordingRecorder;
use tta_testkit::require;
use tta_testkit::resp::{Reply, RespServer};
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, cached, patient, tier, timed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_scripted_errors() {
    let _alone = crate::ALONE.lock().await;
    for (name, error) in [
        (
            "OOM",
            "OOM command not allowed when used memory > 'maxmemory'.",
        ),
        (
            "READONLY",
            "READONLY You can't write against a read only replica.",
        ),
        (
            "WRONGTYPE",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("NOAUTH", "NOAUTH Authentication required."),
        ("NOPERM", "NOPERM this user has no permissions"),
        ("LOADING", "LOADING Redis is loading the dataset in memory"),
        ("MOVED", "MOVED 12182 127.0.0.1:1"),
        ("ASK", "ASK 12182 127.0.0.1:1"),
        ("CLUSTERDOWN", "CLUSTERDOWN Hash slot not served"),
        ("nonsense", ""),
    ] {
        let server = RespServer::start(move |_| match error {
            "" => Reply::bytes("HTTP/1.1 400 Bad Request\r\n\r\n"),
            error => Reply::error(error),
        })
        .unwrap();
        refused(&server.url(), name).await;
        if name == "NOAUTH" {
            let logins = server.connections();
            report(42, "NOAUTH, connections", "<= 2", logins, logins <= 2);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_wrong_password_is_not_tried_hot() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    redis.add_user("ada", "right", &["~*", "+@all"]).unwrap();
    let before = connections(&redis);
    let url = redis.url().replace("redis://", "redis://ada:wrong@");
    refused(&url, "real WRONGPASS").await;
    // One of them is the question itself.
    let tried = connections(&redis) - before - 1;
    report(42, "real WRONGPASS, logins", "<= 2", tried, tried <= 2);
}

fn connections(redis: &RedisServer) -> u64 {
    let info = redis.command(&["INFO", "stats"]).unwrap().unwrap();
    let line = info
        .lines()
        .find_map(|line| line.strip_prefix("total_connections_received:"));
    line.unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_full_memory() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start_with(&[
        "--maxmemory",
        "1mb",
        "--maxmemory-policy",
        "noeviction"
    ]));
    let fill = "for i=1,100000 do if not pcall(redis.call,'SET','x'..i,string.rep('x',1000)) then return i end end";
    let _ = redis.command(&["EVAL", fill, "0"]);
    refused(&redis.url(), "real OOM").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_replica() {
    let _alone = crate::ALONE.lock().await;
    let master = require!(RedisServer::start());
    let replica = require!(RedisServer::start());
    let port = master.address().port().to_string();
    replica.command(&["REPLICAOF", "127.0.0.1", &port]).unwrap();
    refused(&replica.url(), "real READONLY").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_42_wrong_type_and_no_permission() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    redis.add_user("reader", "p", &["~*", "+getrange"]).unwrap();
    let url = redis.url().replace("redis://", "redis://reader:p@");
    refused(&url, "real NOPERM").await;
}

#[tokio::test]
async fn a_key_of_another_type_is_removed_and_kept_anew() {
    let _alone = crate::ALONE.lock().await;
    let redis = require!(RedisServer::start());
    // What is kept first has to arrive, however long that takes.
    let (tier, calls) = (patient(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "q").await;
    let spoil = "local k=redis.call('KEYS','tta:answers:v:*')[1] redis.call('DEL',k) redis.call('LPUSH',k,'x') return k";
    redis.command(&["EVAL", spoil, "0"]).unwrap();
    timed(&flow, "q").await;
    timed(&flow, "q").await;
    assert_eq!(calls.count(), 2);
}

/// Asks for two seconds; nobody sees an error, and each kind is logged once.
async fn refused(url: &str, name: &str) {
    let recorder = RecordingRecorder::new();
    install_recorder(Arc::clone(&recorder) as Arc<dyn tta_core::Recorder>);
    let (tier, calls) = (tier(url), Calls::default());
    let flow = cached(&tier, &calls);
    let mut errors = 0;
    for question in 0..200 {
        let answered = flow.run(question.to_string()).await;
        errors += usize::from(answered.is_err());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    uninstall_recorder();
    report(
        42,
        &format!("{name}, errors of users"),
        "0",
        errors,
        errors == 0,
    );
    let endpoint = url
        .rsplit(['@', '/'])
        .find(|part| !part.is_empty())
        .unwrap();
    let logs = recorder.logs();
    let of_tier = || {
        logs.iter()
            .filter(|line| line.field("endpoint") == Some(endpoint))
    };
    let mut kinds: Vec<_> = of_tier()
        .filter(|line| line.event == "cache_tier_error")
        .filter_map(|line| line.field("error_type"))
        .collect();
    let lines = kinds.len();
    kinds.sort_unstable();
    kinds.dedup();
    let figure = format!("{lines} of {} kinds: {kinds:?}", kinds.len());
    report(
        42,
        &format!("{name}, log lines"),
        "<= 1 a kind",
        figure,
        lines == kinds.len() && of_tier().count() > 0,
    );
}
