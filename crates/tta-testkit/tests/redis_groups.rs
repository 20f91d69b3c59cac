//! Redis with TLS, with users, as a cluster and behind a Sentinel.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use tta_testkit::require;
use tta_testkit::servers::{RedisCluster, RedisSentinel, RedisServer};

#[test]
fn a_killed_redis_refuses_and_comes_back_on_its_port() {
    let redis = require!(RedisServer::start());
    redis.kill();
    assert!(TcpStream::connect(redis.address()).is_err());
    redis.restart().unwrap();
    redis.command(&["PING"]).unwrap();
}

#[test]
fn a_user_may_do_what_it_was_given() {
    let redis = require!(RedisServer::start());
    redis.add_user("reader", "secret", &["~*", "+get"]).unwrap();
    let rights = redis
        .command(&["ACL", "DRYRUN", "reader", "GET", "key"])
        .unwrap();
    assert_eq!(rights.as_deref(), Some("OK"));
    let refused = redis.command(&["ACL", "DRYRUN", "reader", "SET", "key", "value"]);
    assert_ne!(refused.unwrap().as_deref(), Some("OK"));
    redis.configure("maxmemory", "1mb").unwrap();
}

#[test]
fn a_redis_with_tls_speaks_it_on_its_second_port() {
    let redis = require!(RedisServer::start_with_tls());
    assert!(redis.authority().contains("BEGIN CERTIFICATE"));
    let port: u16 = redis
        .tls_url()
        .trim_end_matches('/')
        .rsplit_once(':')
        .unwrap()
        .1
        .parse()
        .unwrap();
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    std::io::Write::write_all(&mut stream, b"PING\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut stream, &mut answer);
    assert!(!answer.starts_with(b"+PONG"), "plain text was understood");
}

#[test]
fn a_cluster_shares_its_slots_and_replaces_a_killed_master() {
    let cluster = require!(RedisCluster::start());
    // The slot of `foo` is 12182, the third master's.
    let moved = cluster.nodes()[0].command(&["GET", "foo"]).unwrap_err();
    let third = cluster.nodes()[2].address();
    assert_eq!(moved.to_string(), format!("MOVED 12182 {third}"));
    assert_eq!(cluster.nodes()[2].command(&["GET", "foo"]).unwrap(), None);
    cluster.kill_master();
    wait_until(|| is_master(&cluster.nodes()[3]));
}

#[test]
fn a_moved_slot_is_another_nodes() {
    let cluster = require!(RedisCluster::start());
    cluster.move_slot(12_182, 1).unwrap();
    assert_eq!(cluster.nodes()[1].command(&["GET", "foo"]).unwrap(), None);
    cluster.nodes()[2].command(&["GET", "foo"]).unwrap_err();
}

#[test]
fn a_sentinel_promotes_the_replica_of_a_killed_master() {
    let sentinel = require!(RedisSentinel::start());
    assert!(sentinel.url().starts_with("redis+sentinel://127.0.0.1:"));
    sentinel.master().kill();
    wait_until(|| is_master(sentinel.replica()));
}

/// A replica that is being promoted resets the connections that it has.
fn is_master(node: &RedisServer) -> bool {
    let info = node.command(&["INFO", "replication"]);
    info.is_ok_and(|info| info.is_some_and(|info| info.contains("role:master")))
}

fn wait_until(done: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !done() {
        assert!(Instant::now() < deadline);
        std::thread::sleep(Duration::from_millis(20));
    }
}
