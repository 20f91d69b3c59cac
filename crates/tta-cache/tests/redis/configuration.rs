//! What a tier is told, and what of it is refused.

use std::time::Duration;

use tta_cache::{RedisConfig, RedisTier};
use tta_core::ErrorKind;

#[test]
fn what_cannot_be_worked_with_is_refused() {
    for wrong in [
        config().with_budget(Duration::ZERO),
        config().with_patience(Duration::from_millis(1)),
        config().with_failures(0),
        config().with_prefix("a b"),
        config().with_prefix(""),
        config().with_prefix("a".repeat(65)),
        config().with_connection_timeout(Duration::ZERO),
        by("rediss://localhost").with_authority("no certificate"),
    ] {
        assert_refused(wrong);
    }
}

#[cfg(feature = "redis-pool")]
#[test]
fn a_pool_is_refused_for_what_it_cannot_do() {
    for wrong in [
        config().with_pool(0),
        by("rediss://localhost").with_pool(1),
        by("redis+cluster://localhost").with_pool(1),
        by("redis+sentinel://localhost/main").with_pool(1),
    ] {
        assert_refused(wrong);
    }
    RedisTier::new(config().with_pool(1)).unwrap();
}

#[test]
fn what_is_just_enough_is_taken() {
    for just in [
        config().with_prefix("a".repeat(64)),
        config().with_prefix("a"),
        config().with_prefix("A-z.0_9:"),
        config().with_failures(1),
        config()
            .with_budget(Duration::from_millis(7))
            .with_patience(Duration::from_millis(7)),
    ] {
        RedisTier::new(just).unwrap();
    }
}

fn config() -> RedisConfig {
    by("redis://localhost")
}

fn by(url: &str) -> RedisConfig {
    RedisConfig::new(url).unwrap()
}

fn assert_refused(wrong: RedisConfig) {
    let error = RedisTier::new(wrong).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Configuration);
}
