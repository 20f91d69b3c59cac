//! GETs a second of 50 tasks over one connection, beside `redis-benchmark` with 50 connections.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tta_benches::{Options, Report};
use tta_cache::{
    CacheConfig, CacheExt, Fetched, Json, Kept, Lock, LockToken, RedisConfig, RedisTier, Remote,
    RemoteFuture, RemoteKey, Removed, Scope, SharedConfig,
};
use tta_core::{WorkflowContext, step};
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

fn main() {
    let redis = require!(RedisServer::start());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    let (tier, key) = runtime.block_on(prepare(&redis));
    let name = redis
        .command(&["EVAL", "return redis.call('KEYS','tta:bench:v:*')[1]", "0"])
        .unwrap()
        .unwrap();
    let options = Options::from_args();
    let rounds = if options.quick { 3 } else { ROUNDS };
    let mut report = Report::new("redis", options);
    for _ in 0..rounds {
        report.sample("redis-benchmark -c 50 -P 1", redis_benchmark(&redis, &name));
        let ours = runtime.block_on(fetches(&tier, &key));
        report.sample("tta, 50 tasks", ours);
    }
    report.finish();
}

/// A tier that has answered, and the key of a value of 1 KiB in it.
async fn prepare(redis: &RedisServer) -> (RedisTier, RemoteKey) {
    let config = RedisConfig::new(redis.url()).unwrap();
    let tier = RedisTier::new(
        config
            .with_budget(Duration::from_secs(5))
            .with_patience(Duration::from_mins(1)),
    )
    .unwrap();
    let seen = Seen {
        tier: tier.clone(),
        key: Arc::default(),
    };
    let config = CacheConfig::new(Scope::Global, |question: &String, _, key| {
        key.text(question);
    })
    .with_shared(SharedConfig::new("bench", seen.clone(), Json))
    .without_memory();
    let model = step("model", async |_: String| Ok("x".repeat(900)));
    let flow = model.cached(config).unwrap();
    flow.execute("q".to_owned(), &WorkflowContext::new())
        .await
        .unwrap();
    let key = seen.key.lock().unwrap().clone().unwrap();
    assert!(matches!(tier.fetch(&key, LIMIT).await, Fetched::Found(_)));
    (tier, key)
}

async fn fetches(tier: &RedisTier, key: &RemoteKey) -> f64 {
    let begun = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (tier, key) = (tier.clone(), key.clone());
            tokio::spawn(async move {
                for _ in 0..REQUESTS / TASKS {
                    assert!(matches!(tier.fetch(&key, LIMIT).await, Fetched::Found(_)));
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    REQUESTS as f64 / begun.elapsed().as_secs_f64()
}

fn redis_benchmark(redis: &RedisServer, key: &str) -> f64 {
    let port = redis.address().port().to_string();
    let requests = (REQUESTS / 4).to_string();
    let output = Command::new("redis-benchmark")
        .args([
            "-p", &port, "-c", "50", "-P", "1", "-n", &requests, "--csv", "GET", key,
        ])
        .output()
        .unwrap();
    let output = String::from_utf8(output.stdout).unwrap();
    let line = output
        .lines()
        .find(|line| line.starts_with("\"GET"))
        .unwrap();
    let second = line.split(',').nth(1).unwrap();
    second.trim_matches('"').parse().unwrap()
}

/// Notes the key that the cache asks by.
#[derive(Clone, Debug)]
struct Seen {
    tier: RedisTier,
    key: Arc<Mutex<Option<RemoteKey>>>,
}

impl Remote for Seen {
    fn tier(&self) -> &'static str {
        self.tier.tier()
    }

    fn fetch<'a>(&'a self, key: &'a RemoteKey, limit: usize) -> RemoteFuture<'a, Fetched> {
        *self.key.lock().unwrap() = Some(key.clone());
        self.tier.fetch(key, limit)
    }

    fn store<'a>(
        &'a self,
        key: &'a RemoteKey,
        bytes: &'a [u8],
        keep: Option<Duration>,
        tags: &'a [Arc<str>],
    ) -> RemoteFuture<'a, Kept> {
        self.tier.store(key, bytes, keep, tags)
    }

    fn remove<'a>(&'a self, key: &'a RemoteKey) -> RemoteFuture<'a, Removed> {
        self.tier.remove(key)
    }

    fn remove_tag<'a>(&'a self, namespace: &'a str, tag: &'a str) -> RemoteFuture<'a, Removed> {
        self.tier.remove_tag(namespace, tag)
    }

    fn clear<'a>(&'a self, namespace: &'a str) -> RemoteFuture<'a, Removed> {
        self.tier.clear(namespace)
    }

    fn lock<'a>(&'a self, key: &'a RemoteKey, hold: Duration) -> RemoteFuture<'a, Lock> {
        self.tier.lock(key, hold)
    }

    fn renew<'a>(
        &'a self,
        key: &'a RemoteKey,
        token: LockToken,
        hold: Duration,
    ) -> RemoteFuture<'a, Lock> {
        self.tier.renew(key, token, hold)
    }

    fn unlock<'a>(&'a self, key: &'a RemoteKey, token: LockToken) -> RemoteFuture<'a, ()> {
        self.tier.unlock(key, token)
    }
}

const TASKS: usize = 50;
const REQUESTS: usize = 400_000;
const ROUNDS: usize = 5;
const LIMIT: usize = 1 << 20;
