//! For how long callers wait, and what that leads to.

use std::time::Duration;

use tta_cache::{RedisConfig, RedisState, RedisTier};
use tta_testkit::network::ClosedPort;
use tta_testkit::resp::{Reply, RespServer};

use crate::support::{Calls, PATIENCE, cached, is_probe, nothing_kept, tier, timed, until};

#[tokio::test]
async fn who_waits_for_a_connection_is_told_when_there_will_be_none() {
    let closed = ClosedPort::reserve().unwrap();
    let url = format!("redis://{}", closed.address());
    let budget = Duration::from_hours(1);
    let config = RedisConfig::new(url).unwrap().with_budget(budget);
    let tier = RedisTier::new(config.with_patience(budget * 10)).unwrap();
    let flow = cached(&tier, &Calls::default());
    let answered = tokio::time::timeout(PATIENCE, timed(&flow, "q")).await;
    assert!(answered.is_ok());
}

#[tokio::test]
async fn who_takes_a_connection_and_answers_nothing_is_not_asked() {
    let server = RespServer::start(|_| Reply::Nothing).unwrap();
    let tier = tier(&server.url());
    timed(&cached(&tier, &Calls::default()), "q").await;
    until(&tier, RedisState::Down, PATIENCE).await;
    assert!(server.commands().iter().all(is_probe));
}

#[tokio::test]
async fn a_wait_in_vain_for_the_first_connection_gives_nothing_up() {
    let server = RespServer::start(|_| Reply::Nothing).unwrap();
    let url = server.url().replace("redis://", "redis://:password@");
    let config = RedisConfig::new(url).unwrap().with_failures(1);
    let config = config.with_connection_timeout(Duration::from_mins(5));
    let tier = RedisTier::new(config).unwrap();
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(tier.state(), RedisState::Connecting);
}

#[tokio::test]
async fn waits_in_vain_use_the_patience_up_however_many_failures_are_allowed() {
    let server = RespServer::start(|command| {
        if is_probe(command) {
            nothing_kept(command)
        } else {
            Reply::Nothing
        }
    });
    let server = server.unwrap();
    let config = RedisConfig::new(server.url()).unwrap();
    let config = config.with_failures(u32::MAX);
    let config = config.with_budget(Duration::from_millis(100));
    let tier = RedisTier::new(config.with_patience(Duration::from_millis(310))).unwrap();
    let flow = cached(&tier, &Calls::default());
    let until_down = async {
        while tier.state() != RedisState::Down {
            timed(&flow, "q").await;
        }
    };
    let down = tokio::time::timeout(PATIENCE, until_down).await;
    assert!(down.is_ok());
}
