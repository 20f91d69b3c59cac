//! One computation for all processes, each with a tier of its own here.

use std::time::{Duration, Instant};

use tta_cache::{CacheExt, Json, SharedConfig};
use tta_core::step_with;
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, by_text, cached, tier, timed};

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
        tier(&redis.url().replace("redis://", "redis://least:p@")),
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
        let shared = SharedConfig::new("answers", tier(url), Json);
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
