//! Several processes: this executable, run again for one test.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tta_cache::{CacheExt, Json, SharedConfig};
use tta_core::step_with;
use tta_testkit::require;
use tta_testkit::servers::RedisServer;

use crate::support::{by_text, tier};

/// What a child does: asks one question whose computation counts itself in Redis.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(url), Ok(takes)) = (std::env::var(URL), std::env::var(TAKES)) else {
        return;
    };
    let takes = Duration::from_millis(takes.parse().unwrap());
    let address = url
        .trim_start_matches("redis://")
        .trim_end_matches('/')
        .to_owned();
    let model = step_with(
        "model",
        (address, takes),
        async |(address, takes): &(String, Duration), question: String| {
            count(address);
            tokio::time::sleep(*takes).await;
            Ok(format!("answer to {question}"))
        },
    );
    let shared =
        SharedConfig::new("answers", tier(&url), Json).with_lock_hold(Duration::from_secs(2));
    let flow = model.cached(by_text().with_shared(shared)).unwrap();
    println!("\nanswer={}", flow.run("q".to_owned()).await.unwrap());
}

#[test]
fn eight_processes_compute_once() {
    let redis = require!(RedisServer::start());
    let children: Vec<_> = (0..8).map(|_| start(&redis, 1500)).collect();
    for child in children {
        assert_eq!(answer_of(child), "answer to q");
    }
    assert_eq!(computed(&redis), "1");
}

#[test]
fn when_the_one_that_computes_is_killed_another_does() {
    let redis = require!(RedisServer::start());
    let mut first = start(&redis, 60_000);
    let deadline = Instant::now() + Duration::from_secs(20);
    while computed(&redis) != "1" {
        assert!(Instant::now() < deadline, "it does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    let others: Vec<_> = (0..7).map(|_| start(&redis, 100)).collect();
    first.kill().unwrap();
    first.wait().unwrap();
    for child in others {
        assert_eq!(answer_of(child), "answer to q");
    }
    assert_eq!(computed(&redis), "2");
}

#[test]
fn an_answer_survives_its_program() {
    let redis = require!(RedisServer::start());
    for _ in 0..2 {
        assert_eq!(answer_of(start(&redis, 1)), "answer to q");
    }
    assert_eq!(computed(&redis), "1");
}

fn start(redis: &RedisServer, takes_ms: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["processes::child", "--exact", "--nocapture"])
        .env(URL, redis.url())
        .env(TAKES, takes_ms.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn answer_of(mut child: Child) -> String {
    let mut output = String::new();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut output)
        .unwrap();
    assert!(child.wait().unwrap().success(), "{output}");
    let answer = output.lines().find_map(|line| line.strip_prefix("answer="));
    answer
        .unwrap_or_else(|| panic!("no answer in {output}"))
        .to_owned()
}

fn computed(redis: &RedisServer) -> String {
    redis
        .command(&["GET", "computed"])
        .unwrap()
        .unwrap_or_default()
}

/// Adds one to what all processes have computed.
fn count(address: &str) {
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    std::io::Write::write_all(&mut stream, b"INCR computed\r\n").unwrap();
    assert!(stream.read(&mut [0; 8]).unwrap() > 0);
}

const URL: &str = "TTA_CACHE_CHILD_URL";
const TAKES: &str = "TTA_CACHE_CHILD_TAKES_MS";
