//! What is kept, under which bounds, and with which tags.

use std::sync::Arc;
use std::time::Duration;

use tta_cache::{Fetched, Kept, Remote, Removed};
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::key::key;
use crate::support::patient;

#[tokio::test]
async fn a_value_of_the_limit_is_read_and_one_byte_more_is_none() {
    let redis = require!(RedisServer::start());
    let (tier, key) = (patient(&redis.url()), key().await);
    assert_eq!(tier.fetch(&key, 10).await, Fetched::Absent);
    assert_eq!(tier.store(&key, b"0123456789", None, &[]).await, Kept::Yes);
    let found = Fetched::Found(b"0123456789".to_vec());
    assert_eq!(tier.fetch(&key, 11).await, found);
    assert_eq!(tier.fetch(&key, 10).await, found);
    assert_eq!(tier.fetch(&key, 9).await, Fetched::Corrupt);
    assert_eq!(tier.fetch(&key, 8).await, Fetched::Corrupt);
}

#[tokio::test]
async fn a_tag_lives_as_long_as_the_longest_of_its_values() {
    let redis = require!(RedisServer::start());
    let (tier, key) = (patient(&redis.url()), key().await);
    let tags: [Arc<str>; 1] = ["all".into()];
    let (hour, minute) = (Duration::from_hours(1), Duration::from_mins(1));
    for (keep, at_least, at_most) in [
        (Some(minute), 30_000, 60_000),
        (Some(hour), 1_800_000, 3_600_000),
        (Some(minute), 1_800_000, 3_600_000),
        // For ever.
        (None, -1, -1),
    ] {
        assert_eq!(tier.store(&key, b"value", keep, &tags).await, Kept::Yes);
        let left = redis.command(&["PTTL", "tta:answers:t:all"]);
        let left: i64 = left.unwrap().unwrap().parse().unwrap();
        assert!((at_least..=at_most).contains(&left), "{keep:?}: {left}");
    }
}

#[tokio::test]
async fn a_tag_that_is_removed_leaves_nothing() {
    let redis = require!(RedisServer::start());
    let (tier, key) = (patient(&redis.url()), key().await);
    let tags: [Arc<str>; 1] = ["all".into()];
    tier.store(&key, b"value", None, &tags).await;
    let removed = tier.remove_tag("answers", "all");
    assert_eq!(removed.await, Removed::Entries(1));
    assert_eq!(redis.command(&["DBSIZE"]).unwrap().as_deref(), Some("0"));
}
