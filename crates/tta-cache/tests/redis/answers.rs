//! What is kept, for how long, and what is removed.

use std::time::Duration;

use tta_cache::{CacheExt, Json, RedisConfig, RedisState, RedisTier, SharedConfig};
use tta_core::WorkflowContext;
use tta_testkit::measured::measured;
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{
    Calls, answer, by_text, cached, config, model, patient, patient_with, timed, until,
};

#[tokio::test]
async fn the_first_question_is_answered_from_redis_if_it_is_there() {
    let redis = require!(RedisServer::start());
    let calls = Calls::default();
    timed(&cached(&patient(&redis.url()), &calls), "q").await;
    // Another tier, not connected yet when it is asked.
    let flow = cached(&patient(&redis.url()), &calls).with_name("first_question");
    timed(&flow, "q").await;
    assert_eq!(calls.count(), 1);
    let hits = measured("cache_hits_total", &["first_question", "redis"]);
    assert!((hits - 1.0).abs() < 1e-9, "{hits}");
}

#[test]
fn a_tier_works_on_whichever_runtime_asks_and_outlives_them() {
    let redis = require!(RedisServer::start());
    let (tier, calls) = (patient(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    let runtime = || {
        // Without a clock or sockets: the tier has its own.
        tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap()
    };
    for _ in 0..3 {
        runtime().block_on(timed(&flow, "q"));
    }
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_long_value_is_read_back_whole() {
    let redis = require!(RedisServer::start());
    let calls = Calls::default();
    let question = "x".repeat(300_000);
    for _ in 0..2 {
        // Another tier each time, which has read nothing of this size before.
        timed(&cached(&patient(&redis.url()), &calls), &question).await;
    }
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_value_expires_in_redis_itself() {
    let redis = require!(RedisServer::start());
    let calls = Calls::default();
    let config = config(&patient(&redis.url()))
        .with_ttl(Duration::from_mins(1))
        .with_ttl_jitter(0.0);
    timed(&model(&calls).cached(config).unwrap(), "q").await;
    let keys = redis.command(&[
        "EVAL",
        "return redis.call('KEYS','tta:answers:v:*')[1]",
        "0",
    ]);
    let key = keys.unwrap().unwrap();
    let left: u64 = redis
        .command(&["PTTL", &key])
        .unwrap()
        .unwrap()
        .parse()
        .unwrap();
    assert!((50_000..=60_000).contains(&left), "{left}");
}

#[tokio::test]
async fn a_tag_removes_its_values_and_no_others() {
    let redis = require!(RedisServer::start());
    let calls = Calls::default();
    let config = config(&patient(&redis.url()))
        .with_ttl(Duration::from_mins(1))
        .with_tags(|question| vec![question.split(' ').next().unwrap_or_default().to_owned()]);
    let flow = model(&calls).cached(config).unwrap();
    for question in ["rust 1", "rust 2", "go 1"] {
        timed(&flow, question).await;
    }
    assert_eq!(flow.invalidate_tag("rust").await.unwrap(), 2);
    for question in ["rust 1", "rust 2", "go 1"] {
        timed(&flow, question).await;
    }
    assert_eq!(calls.count(), 5);
    assert_eq!(flow.invalidate_tag("none").await.unwrap(), 0);
}

#[tokio::test]
async fn clearing_counts_values_and_not_their_tags() {
    let redis = require!(RedisServer::start());
    let config = config(&patient(&redis.url())).with_tags(|_| vec!["all".to_owned()]);
    let flow = model(&Calls::default()).cached(config).unwrap();
    for question in ["first", "second"] {
        timed(&flow, question).await;
    }
    assert_eq!(flow.clear().await.unwrap(), 2);
    assert_eq!(redis.command(&["DBSIZE"]).unwrap().as_deref(), Some("0"));
}

#[tokio::test]
async fn clearing_removes_one_namespace_however_large() {
    let redis = require!(RedisServer::start());
    let (calls, tier) = (Calls::default(), patient(&redis.url()));
    let other = SharedConfig::new("other", tier.clone(), Json);
    let other = model(&calls)
        .cached(by_text().with_shared(other).without_memory())
        .unwrap();
    let flow = cached(&tier, &calls);
    timed(&other, "q").await;
    for number in 0..2500 {
        timed(&flow, &number.to_string()).await;
    }
    assert_eq!(flow.clear().await.unwrap(), 2500);
    let before = calls.count();
    timed(&other, "q").await;
    assert_eq!(calls.count(), before, "the other namespace is as it was");
    timed(&flow, "7").await;
    assert_eq!(calls.count(), before + 1);
}

#[tokio::test]
async fn one_question_is_removed_by_itself() {
    let redis = require!(RedisServer::start());
    let calls = Calls::default();
    let flow = cached(&patient(&redis.url()), &calls);
    timed(&flow, "q").await;
    let (question, ctx) = ("q".to_owned(), WorkflowContext::new());
    assert!(flow.invalidate(&question, &ctx).await.unwrap());
    timed(&flow, "q").await;
    assert_eq!(calls.count(), 2);
}

#[tokio::test]
async fn tls_and_a_user_of_its_own_are_used() {
    let redis = require!(RedisServer::start_with_tls());
    let rights = [
        "~tta:*",
        "+getrange",
        "+set",
        "+unlink",
        "+eval",
        "+get",
        "+del",
    ];
    redis.add_user("cache", "p@ss", &rights).unwrap();
    let config = RedisConfig::new(redis.tls_url()).unwrap();
    let config = config
        .with_authority(redis.authority())
        .with_credentials("cache", "p@ss");
    let (tier, calls) = (patient_with(config), Calls::default());
    timed(&cached(&tier, &calls), "q").await;
    timed(&cached(&tier, &calls), "q").await;
    assert_eq!(calls.count(), 1);
}

#[tokio::test]
async fn a_server_that_nobody_vouches_for_is_told_nothing() {
    let redis = require!(RedisServer::start_with_tls());
    let stranger = require!(RedisServer::start_with_tls());
    let config = RedisConfig::new(redis.tls_url()).unwrap();
    let config = config.with_authority(stranger.authority());
    let (tier, calls) = (RedisTier::new(config).unwrap(), Calls::default());
    let flow = cached(&tier, &calls);
    assert_eq!(flow.run("q".to_owned()).await.unwrap(), answer("q"));
    until(&tier, RedisState::Down, Duration::from_secs(5)).await;
    let stored = redis.command(&["DBSIZE"]).unwrap();
    assert_eq!(stored.as_deref(), Some("0"));
}

#[cfg(feature = "redis-pool")]
#[tokio::test]
async fn a_pool_keeps_and_answers_as_one_connection_does() {
    let redis = require!(RedisServer::start());
    let config = RedisConfig::new(redis.url()).unwrap().with_pool(4);
    let (tier, calls) = (patient_with(config), Calls::default());
    let flow = cached(&tier, &calls);
    let questions: Vec<_> = (0..50).map(|number| number.to_string()).collect();
    for _ in 0..2 {
        let asked = questions.iter().map(|question| timed(&flow, question));
        for asked in asked {
            asked.await;
        }
    }
    assert_eq!(calls.count(), 50);
}
