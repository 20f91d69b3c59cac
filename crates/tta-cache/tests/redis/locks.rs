//! One computation for all processes, each with a tier of its own here.

use std::time::{Duration, Instant};

use tta_cache::{CacheExt, Json, Lock, LockToken, RedisTier, Remote, SharedConfig};
use tta_core::step_with;
use tta_testkit::require;
use tta_testkit::resp::{Command, Reply, RespServer};
use tta_testkit::servers::RedisServer;

use crate::key::key;
use crate::support::{Calls, by_text, cached, nothing_kept, patient, timed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn caches_that_share_nothing_but_redis_compute_once() {
    let redis = require!(RedisServer::start());
    compute_once(&redis.url()).await;
    assert_eq!(locks_left(&redis), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_is_given_back_by_a_user_who_may_run_no_scripts() {
    let redis = require!(RedisServer::start());
    let rights = ["~tta:*", "+@all", "-@scripting"];
    redis.add_user("plain", "p", &rights).unwrap();
    compute_once(&redis.url().replace("redis://", "redis://plain:p@")).await;
    assert_eq!(locks_left(&redis), "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_that_cannot_be_given_back_runs_out() {
    let redis = require!(RedisServer::start());
    let rights = ["~tta:*", "+getrange", "+set", "+unlink"];
    redis.add_user("least", "p", &rights).unwrap();
    let (tier, calls) = (
        patient(&redis.url().replace("redis://", "redis://least:p@")),
        Calls::default(),
    );
    timed(&cached(&tier, &calls), "q").await;
    assert_eq!(locks_left(&redis), "1");
    let left = "return redis.call('PTTL',redis.call('KEYS','tta:answers:l:*')[1])";
    let left: i64 = redis
        .command(&["EVAL", left, "0"])
        .unwrap()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=5000).contains(&left), "{left}");
    timed(&cached(&tier, &calls), "q").await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_lock_is_kept_and_given_back_by_its_holder_alone() {
    let redis = require!(RedisServer::start());
    let rights = ["~tta:*", "+@all", "-@scripting"];
    redis.add_user("plain", "p", &rights).unwrap();
    let without_scripts = redis.url().replace("redis://", "redis://plain:p@");
    for url in [redis.url(), without_scripts] {
        for tier in tiers(&url) {
            held_by_one(&tier).await;
        }
    }
}

async fn held_by_one(tier: &RedisTier) {
    let key = key().await;
    let (minute, stranger) = (Duration::from_mins(1), LockToken::random());
    let Lock::Held(token) = tier.lock(&key, minute).await else {
        panic!("nobody else wants it");
    };
    assert_eq!(tier.lock(&key, minute).await, Lock::Taken);
    assert_eq!(tier.renew(&key, stranger, minute).await, Lock::Taken);
    assert_eq!(tier.renew(&key, token, minute).await, Lock::Held(token));
    tier.unlock(&key, stranger).await;
    assert_eq!(tier.lock(&key, minute).await, Lock::Taken);
    tier.unlock(&key, token).await;
    assert_eq!(tier.renew(&key, token, minute).await, Lock::Taken);
    let Lock::Held(token) = tier.lock(&key, minute).await else {
        panic!("it was given back");
    };
    tier.unlock(&key, token).await;
}

#[tokio::test]
async fn a_lock_is_renewed_by_one_script_where_scripts_are_allowed() {
    let server = RespServer::start(nothing_kept).unwrap();
    let (tier, token) = (patient(&server.url()), LockToken::random());
    let key = key().await;
    for _ in 0..2 {
        let renewed = tier.renew(&key, token, Duration::from_mins(1));
        assert_eq!(renewed.await, Lock::Held(token));
    }
    let commands = server.commands();
    let asked: Vec<_> = commands.iter().map(Command::name).collect();
    assert!(
        asked.contains(&"EVAL") && !asked.contains(&"WATCH"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn a_lock_that_passes_on_while_it_is_renewed_is_somebody_elses() {
    let token = LockToken::random();
    let server = RespServer::start(move |command| match command.name() {
        "EVAL" => Reply::error("NOPERM this user has no permissions to run the 'eval' command"),
        "GET" => Reply::value(token.to_string()),
        "PEXPIRE" => Reply::bytes("+QUEUED\r\n"),
        // What was watched is not what it was.
        "EXEC" => Reply::bytes("*-1\r\n"),
        _ => nothing_kept(command),
    });
    let server = server.unwrap();
    let (tier, key) = (patient(&server.url()), key().await);
    let renewed = tier.renew(&key, token, Duration::from_mins(1));
    assert_eq!(renewed.await, Lock::Taken);
}

#[cfg(feature = "redis-pool")]
fn tiers(url: &str) -> Vec<RedisTier> {
    let pooled = tta_cache::RedisConfig::new(url).unwrap().with_pool(1);
    vec![patient(url), crate::support::patient_with(pooled)]
}

#[cfg(not(feature = "redis-pool"))]
fn tiers(url: &str) -> Vec<RedisTier> {
    vec![patient(url)]
}

async fn compute_once(url: &str) {
    let calls = Calls::default();
    let mut flows = Vec::new();
    for _ in 0..8 {
        let model = step_with(
            "model",
            calls.clone(),
            async |calls: &Calls, question: String| {
                tokio::time::sleep(Duration::from_millis(300)).await;
                calls.add();
                Ok(question)
            },
        );
        let shared = SharedConfig::new("answers", patient(url), Json);
        let config = by_text().with_shared(shared).without_memory();
        flows.push(model.cached(config).unwrap());
    }
    let begun = Instant::now();
    let mut asked = Vec::new();
    for flow in flows {
        asked.push(tokio::spawn(async move {
            flow.run("q".to_owned()).await.unwrap()
        }));
    }
    for asked in asked {
        assert_eq!(asked.await.unwrap(), "q");
    }
    assert_eq!(calls.count(), 1);
    assert!(
        begun.elapsed() < Duration::from_secs(4),
        "nobody waited for the lock to run out"
    );
}

fn locks_left(redis: &RedisServer) -> String {
    let count = "return #redis.call('KEYS','tta:answers:l:*')";
    redis.command(&["EVAL", count, "0"]).unwrap().unwrap()
}
