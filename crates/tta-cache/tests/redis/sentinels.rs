//! What Sentinels say, and what is thought of it.

use std::time::Duration;

use tta_cache::{RedisConfig, RedisState, RedisTier};
use tta_testkit::resp::{Command, Reply, RespServer};

use crate::support::{
    Calls, PATIENCE, cached, connecting_within, nothing_kept, timed, until, wait_for,
};

#[tokio::test]
async fn a_sentinel_that_hangs_leaves_time_for_the_next() {
    let master = RespServer::start(nothing_kept).unwrap();
    let hung = RespServer::start(|_| Reply::Nothing).unwrap();
    let knows = names(&master);
    let tier = tier_of(&[&hung, &knows]);
    timed(&cached(&tier, &Calls::default()), "q").await;
    until(&tier, RedisState::Up, PATIENCE).await;
    assert!(hung.connections() > 0, "it was asked first");
}

#[tokio::test]
async fn who_is_no_master_is_not_used_though_a_sentinel_names_it() {
    let replica = RespServer::start(|command| match command.name() {
        "ROLE" => Reply::bytes("*2\r\n$5\r\nslave\r\n$9\r\n127.0.0.1\r\n"),
        _ => nothing_kept(command),
    });
    let replica = replica.unwrap();
    let sentinel = names(&replica);
    let tier = tier_of(&[&sentinel]);
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(tier.state(), RedisState::Down);
    let commands = replica.commands();
    let asked: Vec<_> = commands.iter().map(Command::name).collect();
    assert!(
        asked.contains(&"ROLE") && !asked.contains(&"GETRANGE"),
        "{asked:?}"
    );
}

#[tokio::test]
async fn who_may_not_ask_a_server_for_its_role_trusts_the_sentinel() {
    let master = RespServer::start(|command| match command.name() {
        "ROLE" => Reply::error("NOPERM this user has no permissions to run the 'role' command"),
        _ => nothing_kept(command),
    });
    let master = master.unwrap();
    let sentinel = names(&master);
    let tier = tier_of(&[&sentinel]);
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(tier.state(), RedisState::Up);
    let commands = master.commands();
    assert!(commands.iter().any(|command| command.name() == "SET"));
}

#[tokio::test]
async fn a_master_that_has_become_a_replica_is_looked_for_anew() {
    let master = refusing("READONLY You can't write against a read only replica.");
    let sentinel = names(&master);
    let tier = tier_of(&[&sentinel]);
    timed(&cached(&tier, &Calls::default()), "q").await;
    wait_for(|| sentinel.commands().len() > 1).await;
}

#[tokio::test]
async fn what_a_master_refuses_is_no_reason_to_look_for_another() {
    let master = refusing("NOPERM this user has no permissions to run the 'set' command");
    let sentinel = names(&master);
    let tier = tier_of(&[&sentinel]);
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(tier.state(), RedisState::Up);
    assert_eq!(sentinel.commands().len(), 1);
}

/// A master that writes nothing.
fn refusing(error: &'static str) -> RespServer {
    let server = RespServer::start(move |command| match command.name() {
        "SET" => Reply::error(error),
        _ => nothing_kept(command),
    });
    server.unwrap()
}

/// A Sentinel that knows this master.
fn names(master: &RespServer) -> RespServer {
    let port = master.address().port().to_string();
    let length = port.len();
    let address = format!("*2\r\n$9\r\n127.0.0.1\r\n${length}\r\n{port}\r\n");
    RespServer::start(move |_| Reply::bytes(&address)).unwrap()
}

fn tier_of(sentinels: &[&RespServer]) -> RedisTier {
    let addresses = sentinels.iter().map(|it| it.address().to_string());
    let addresses: Vec<_> = addresses.collect();
    let url = format!("redis+sentinel://{}/main", addresses.join(","));
    connecting_within(RedisConfig::new(url).unwrap(), Duration::from_millis(1500))
}
