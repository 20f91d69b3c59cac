//! Callers that leave between command and reply.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tta_cache::{CacheExt, RedisConfig, RedisTier};
use tta_testkit::faults::report;
use tta_testkit::proxy::{Fault, FaultProxy};
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, answer, config, model};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_45_cancelled_between_command_and_reply() {
    let redis = require!(RedisServer::start());
    let proxy = FaultProxy::start(redis.address()).unwrap();
    let url = format!("redis://{}", proxy.address());
    // Patient, so that every question is really asked.
    let patient = RedisConfig::new(url)
        .unwrap()
        .with_budget(Duration::from_secs(10))
        .with_patience(Duration::from_secs(3600));
    let (tier, calls) = (RedisTier::new(patient).unwrap(), Calls::default());
    let flow = Arc::new(model(&calls).cached(config(&tier)).unwrap());
    for question in 0..KEYS {
        assert_eq!(
            flow.run(question.to_string()).await.unwrap(),
            answer(&question.to_string())
        );
    }
    proxy.to_client(Fault::Jitter(Duration::from_millis(2)));
    let [crossed, cancelled, answered] = [(); 3].map(|()| Arc::new(AtomicUsize::new(0)));
    let mut tasks = Vec::new();
    for task in 0..TASKS {
        let flow = Arc::clone(&flow);
        let [crossed, cancelled, answered] = [&crossed, &cancelled, &answered].map(Arc::clone);
        tasks.push(tokio::spawn(async move {
            for turn in 0.. {
                if cancelled.load(Ordering::Relaxed) >= CANCELLED {
                    return;
                }
                let question = ((task * 7919 + turn * 31) % KEYS).to_string();
                let random = RandomState::new().hash_one(turn);
                let leave = tokio::time::sleep(Duration::from_micros(random % 3000));
                tokio::select! {
                    got = flow.run(question.clone()) => {
                        answered.fetch_add(1, Ordering::Relaxed);
                        if got.unwrap() != answer(&question) {
                            crossed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                    () = leave => { cancelled.fetch_add(1, Ordering::Relaxed); }
                }
            }
        }));
    }
    for task in tasks {
        task.await.unwrap();
    }
    let (crossed, answered) = (
        crossed.load(Ordering::Relaxed),
        answered.load(Ordering::Relaxed),
    );
    let cancelled = cancelled.load(Ordering::Relaxed);
    assert!(answered > 1000, "{answered} answered");
    let stats = flow.stats();
    assert!(stats.outside_hits > 1000, "{stats:?}");
    let part = format!("{cancelled} cancelled, {answered} answered");
    report(45, &part, "0 values of other keys", crossed, crossed == 0);
}

const KEYS: usize = 500;
const TASKS: usize = 200;
const CANCELLED: usize = 100_000;
