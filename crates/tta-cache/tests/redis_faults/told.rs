//! What is logged of a server that does not do as it should.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{install_recorder, uninstall_recorder};
use tta_testkit::network::ClosedPort;
use tta_testkit::recording::{LoggedLine, RecordingRecorder};
use tta_testkit::resp::{Reply, RespServer};

use crate::support::{Calls, PATIENCE, cached, is_probe, nothing_kept, patient, timed};

#[tokio::test]
async fn a_service_that_no_sentinel_knows_is_told_as_refused() {
    let ignorant = RespServer::start(|_| Reply::bytes("*-1\r\n")).unwrap();
    let url = format!("redis+sentinel://{}/nobody", ignorant.address());
    let lines = told_of(&url, "cache_degraded").await;
    let line = the(&lines, "cache_degraded");
    assert_eq!(line.field("endpoint"), Some("nobody"));
    assert_eq!(line.field("error_type"), Some("refused"));
}

#[tokio::test]
async fn a_server_that_is_given_up_is_told_with_the_reason() {
    let server = RespServer::start(|command| {
        if is_probe(command) {
            nothing_kept(command)
        } else {
            Reply::error("LOADING Redis is loading the dataset in memory")
        }
    });
    let lines = told_of(&server.unwrap().url(), "cache_degraded").await;
    let line = the(&lines, "cache_degraded");
    assert_eq!(line.field("error_type"), Some("loading"));
}

#[tokio::test]
async fn each_error_is_told_by_its_kind() {
    for (error, kind) in [
        (
            "READONLY You can't write against a read only replica.",
            "read_only",
        ),
        ("NOPERM this user has no permissions", "no_permission"),
        (
            "OOM command not allowed when used memory > 'maxmemory'.",
            "out_of_memory",
        ),
        (
            "WRONGTYPE Operation against a key holding the wrong kind",
            "wrong_type",
        ),
        ("NOAUTH Authentication required.", "authentication"),
        ("WRONGPASS invalid username-password pair", "authentication"),
        (
            "DENIED Redis is running in protected mode",
            "authentication",
        ),
        ("LOADING Redis is loading the dataset in memory", "loading"),
        ("BUSY Redis is busy running a script", "loading"),
        ("CLUSTERDOWN Hash slot not served", "cluster_down"),
        ("MASTERDOWN Link with MASTER is down", "cluster_down"),
        (
            "TRYAGAIN Multiple keys request during rehashing of slot",
            "cluster_down",
        ),
        ("MOVED 12182 127.0.0.1:1", "moved"),
        ("ASK 12182 127.0.0.1:1", "moved"),
        ("TTATOOLARGE", "too_large"),
        ("ERR unknown command", "refused"),
    ] {
        assert_eq!(first_error(Reply::error(error)).await, kind, "{error}");
    }
    assert_eq!(first_error(Reply::Close).await, "connection");
    assert_eq!(
        first_error(Reply::bytes("HTTP/1.1 400\r\n")).await,
        "protocol"
    );
}

/// How the first error of a server is called that says this to all but the background.
async fn first_error(reply: Reply) -> String {
    let server = RespServer::start(move |command| {
        if is_probe(command) {
            nothing_kept(command)
        } else {
            reply.clone()
        }
    });
    let lines = told_of(&server.unwrap().url(), "cache_tier_error").await;
    let line = the(&lines, "cache_tier_error");
    line.field("error_type").unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_database_that_does_not_exist_is_told_as_refused() {
    let server = RespServer::start(|command| match command.name() {
        "SELECT" => Reply::error("ERR DB index is out of range"),
        _ => nothing_kept(command),
    });
    let server = server.unwrap();
    let url = format!("redis://{}/99", server.address());
    let lines = told_of(&url, "cache_degraded").await;
    let line = the(&lines, "cache_degraded");
    assert_eq!(line.field("error_type"), Some("refused"));
}

#[tokio::test]
async fn who_is_not_asked_is_no_error_of_its_own() {
    let closed = ClosedPort::reserve().unwrap();
    let lines = told_of(&format!("redis://{}", closed.address()), "cache_degraded").await;
    let kinds: Vec<_> = lines
        .iter()
        .filter_map(|line| line.field("error_type"))
        .collect();
    assert_eq!(kinds, ["connection"]);
}

#[tokio::test]
async fn a_cluster_that_moves_slots_has_no_errors_but_one_that_is_full_has() {
    let other = RespServer::start(nothing_kept).unwrap();
    let moved = format!("MOVED 7 {}", other.address());
    let full = "OOM command not allowed when used memory > 'maxmemory'.".to_owned();
    for (error, told) in [(moved, None), (full, Some("out_of_memory"))] {
        let node = RespServer::start(move |command| match command.name() {
            "SET" => Reply::error(&error),
            _ => nothing_kept(command),
        });
        let node = node.unwrap();
        let port = node.address().port();
        // Of one node with all slots.
        let map = format!("*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n$9\r\n127.0.0.1\r\n:{port}\r\n");
        let seed = RespServer::start(move |_| Reply::bytes(&map)).unwrap();
        let url = format!("redis+cluster://{}", seed.address());
        let lines = told_of(&url, "").await;
        let kinds: Vec<_> = lines
            .iter()
            .filter_map(|line| line.field("error_type"))
            .collect();
        assert_eq!(kinds, Vec::from_iter(told));
    }
}

/// Asks a few questions, and waits for a line of this event; what was told until then.
async fn told_of(url: &str, event: &str) -> Vec<LoggedLine> {
    let _alone = crate::ALONE.lock().await;
    let recorder = RecordingRecorder::new();
    install_recorder(Arc::clone(&recorder) as Arc<dyn tta_core::Recorder>);
    let (tier, begun) = (patient(url), Instant::now());
    let flow = cached(&tier, &Calls::default());
    for question in 0..3 {
        timed(&flow, &question.to_string()).await;
    }
    let lines = loop {
        let lines = recorder.logs();
        if event.is_empty() || lines.iter().any(|line| line.event == event) {
            break lines;
        }
        assert!(begun.elapsed() < PATIENCE, "no {event} in {lines:?}");
        tokio::time::sleep(Duration::from_millis(1)).await;
    };
    uninstall_recorder();
    lines
}

fn the<'a>(lines: &'a [LoggedLine], event: &str) -> &'a LoggedLine {
    let mut lines = lines.iter().filter(|line| line.event == event);
    lines.next().unwrap()
}
