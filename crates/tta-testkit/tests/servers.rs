//! Real servers: started, asked, stopped, and gone.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]
#![expect(clippy::float_cmp, reason = "the compared values are exact in binary")]

use std::net::TcpStream;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use tta_testkit::require;
use tta_testkit::servers::{PrometheusOptions, PrometheusServer, RedisServer};

#[test]
fn redis_keeps_values_until_it_is_restarted_on_its_port() {
    let redis = require!(RedisServer::start());
    redis.command(&["SET", "question", "an answer"]).unwrap();
    assert_eq!(
        redis.command(&["GET", "question"]).unwrap().as_deref(),
        Some("an answer")
    );
    let before = redis.process_id();
    redis.restart().unwrap();
    assert_eq!(redis.command(&["GET", "question"]).unwrap(), None);
    assert_ne!(redis.process_id(), before);
}

#[test]
fn redis_says_its_errors_and_takes_options() {
    let redis = require!(RedisServer::start_with(&["--maxmemory", "1mb"]));
    let full = redis
        .command(&["SET", "big", &"x".repeat(2_000_000)])
        .and_then(|_| redis.command(&["SET", "another", &"x".repeat(2_000_000)]));
    assert!(full.unwrap_err().to_string().starts_with("OOM "));
}

#[test]
fn a_stopped_redis_refuses_and_a_paused_one_hangs() {
    let redis = require!(RedisServer::start());
    redis.pause();
    let stream = TcpStream::connect(redis.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    std::io::Write::write_all(&mut &stream, b"PING\r\n").unwrap();
    let mut answer = [0; 7];
    std::io::Read::read(&mut &stream, &mut answer).unwrap_err();
    redis.resume();
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    std::io::Read::read_exact(&mut &stream, &mut answer).unwrap();
    assert_eq!(&answer, b"+PONG\r\n");
    redis.stop();
    assert!(TcpStream::connect(redis.address()).is_err());
    assert!(redis.output().contains("Ready to accept connections"));
}

#[test]
fn two_servers_of_a_kind_do_not_meet() {
    let one = require!(RedisServer::start());
    let two = require!(RedisServer::start());
    one.command(&["SET", "key", "one"]).unwrap();
    assert_eq!(two.command(&["GET", "key"]).unwrap(), None);
}

#[test]
fn a_server_is_gone_after_its_test_panicked_even_when_it_was_paused() {
    let redis = require!(RedisServer::start());
    let id = redis.process_id().unwrap();
    let panicked = catch_unwind(AssertUnwindSafe(move || {
        redis.pause();
        panic!("a failed assertion");
    }));
    assert!(panicked.is_err());
    assert!(!process(id).exists());
}

#[test]
fn a_server_is_gone_after_its_test_process_was_killed() {
    if std::env::var_os("TTA_TESTKIT_VICTIM").is_some() {
        let redis = RedisServer::start().unwrap();
        eprintln!("\nserver={}", redis.process_id().unwrap());
        std::thread::sleep(Duration::from_mins(1));
        return;
    }
    drop(require!(RedisServer::start()));
    let mut victim = Command::new(std::env::current_exe().unwrap())
        .args([
            "a_server_is_gone_after_its_test_process_was_killed",
            "--exact",
            "--nocapture",
        ])
        .env("TTA_TESTKIT_VICTIM", "1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stderr = std::io::BufReader::new(victim.stderr.take().unwrap());
    let server = std::io::BufRead::lines(stderr)
        .find_map(|line| {
            line.unwrap()
                .strip_prefix("server=")
                .map(|id| id.parse().unwrap())
        })
        .unwrap();
    assert!(process(server).exists());
    victim.kill().unwrap();
    victim.wait().unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    while is_running(server) && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!is_running(server));
}

#[test]
fn prometheus_scrapes_a_target_and_answers_queries() {
    let target = require!(PrometheusServer::start(&[], &PrometheusOptions::default()));
    let options = PrometheusOptions::default().with_scrape_interval(Duration::from_millis(300));
    let prometheus = require!(PrometheusServer::start(&[target.address()], &options));
    prometheus.wait_for_scrape(Duration::from_secs(20)).unwrap();
    let up = prometheus.query("up").unwrap();
    assert_eq!(up.len(), 1);
    assert_eq!(up[0].0["instance"], target.address().to_string());
    assert_eq!(up[0].1, 1.0);
    let version = prometheus
        .query("prometheus_build_info{instance=~\".+\"}")
        .unwrap();
    assert_eq!(version[0].0["__name__"], "prometheus_build_info");
    assert_eq!(
        prometheus.query("1 / 0").unwrap(),
        [(std::collections::BTreeMap::new(), f64::INFINITY)]
    );
    let refused = prometheus.query("sum by (").unwrap_err();
    assert!(refused.to_string().contains("parse error"), "{refused}");
}

#[test]
fn each_wait_for_a_scrape_sees_a_newer_one() {
    let target = Exposition::serve("# TYPE depth gauge\ndepth 1.0\n# EOF\n");
    let options = PrometheusOptions::default();
    let prometheus = require!(PrometheusServer::start(&[target.address], &options));
    let mut scraped = [0.0; 2];
    for time in &mut scraped {
        prometheus.wait_for_scrape(Duration::from_secs(20)).unwrap();
        *time = prometheus.query("timestamp(depth)").unwrap()[0].1;
    }
    assert!(scraped[0] < scraped[1], "{scraped:?}");
}

#[test]
fn prometheus_says_which_target_it_could_not_scrape() {
    let closed = tta_testkit::network::ClosedPort::reserve().unwrap();
    let targets = [closed.address()];
    let prometheus = require!(PrometheusServer::start(
        &targets,
        &PrometheusOptions::default()
    ));
    // It looks at its targets for the first time five seconds after its start.
    let error = prometheus
        .wait_for_scrape(Duration::from_secs(8))
        .unwrap_err();
    assert!(
        error.to_string().contains(&closed.address().to_string()),
        "{error}"
    );
}

#[test]
fn prometheus_keeps_exemplars_when_asked_to() {
    let exposition = "# TYPE calls counter\ncalls_total 5.0 # {trace_id=\"abc123\"} 0.25\n# EOF\n";
    let target = Exposition::serve(exposition);
    let options = PrometheusOptions::default().with_exemplar_storage();
    let prometheus = require!(PrometheusServer::start(&[target.address], &options));
    prometheus.wait_for_scrape(Duration::from_secs(20)).unwrap();
    let exemplars = prometheus.query_exemplars("calls_total").unwrap();
    assert_eq!(exemplars.len(), 1);
    assert_eq!(exemplars[0].labels["trace_id"], "abc123");
    assert_eq!(exemplars[0].series["__name__"], "calls_total");
    assert_eq!(exemplars[0].value, 0.25);
}

/// A target that shows the same text to every scrape.
struct Exposition {
    address: std::net::SocketAddr,
}

impl Exposition {
    fn serve(text: &'static str) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
                let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
                let head = format!("HTTP/1.0 200 OK\r\nContent-Type: {kind}\r\n\r\n");
                let _ = std::io::Write::write_all(&mut stream, (head + text).as_bytes());
            }
        });
        Self { address }
    }
}

fn process(id: u32) -> PathBuf {
    Path::new("/proc").join(id.to_string())
}

/// A killed process whose parent died too may stay a zombie where nobody reaps it.
fn is_running(id: u32) -> bool {
    let status = std::fs::read_to_string(process(id).join("status")).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}
