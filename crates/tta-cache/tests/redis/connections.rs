//! Which connections there are, and to whom.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tta_cache::{RedisConfig, RedisState, RedisTier};
use tta_testkit::resp::{Command, Reply, RespServer};

use crate::support::{Calls, PATIENCE, cached, connecting_within, patient, timed, until, wait_for};

#[tokio::test]
async fn a_tier_that_is_dropped_closes_its_connection() {
    let server = RespServer::start(nothing_kept).unwrap();
    let tier = patient(&server.url());
    timed(&cached(&tier, &Calls::default()), "q").await;
    assert_eq!(server.open_connections(), 1);
    drop(tier);
    wait_for(|| server.open_connections() == 0).await;
}

#[tokio::test]
async fn who_waits_on_a_connection_that_is_given_up_waits_no_longer() {
    let asked = AtomicUsize::new(0);
    let server = RespServer::start(move |command| {
        if is_probe(command) {
            return Reply::value("");
        }
        // The first is told what the second has led to; the second is told nothing.
        match asked.fetch_add(1, Ordering::Relaxed) {
            0 => Reply::Nothing,
            1 => Reply::error("LOADING Redis is loading the dataset in memory"),
            _ => nothing_kept(command),
        }
    });
    let server = server.unwrap();
    let config = RedisConfig::new(server.url()).unwrap().with_failures(1);
    let budget = Duration::from_hours(1);
    let config = config.with_budget(budget).with_patience(budget * 10);
    let (tier, calls) = (RedisTier::new(config).unwrap(), Calls::default());
    let flow = cached(&tier, &calls);
    let both = async { tokio::join!(timed(&flow, "first"), timed(&flow, "second")) };
    tokio::time::timeout(PATIENCE, both).await.unwrap();
    assert_eq!(calls.count(), 2);
}

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

/// A server that takes everything and has nothing.
fn nothing_kept(command: &Command) -> Reply {
    match command.name() {
        "GETRANGE" => Reply::value(""),
        "EVAL" => Reply::bytes(":1\r\n"),
        "ROLE" => Reply::bytes("*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"),
        _ => Reply::ok(),
    }
}

/// Whether the background asks, as it does before callers may and every few seconds.
fn is_probe(command: &Command) -> bool {
    command.argument(1).ends_with(":probe")
}
