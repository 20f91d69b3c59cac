use std::env;
use std::fs::File;
use std::io::Write as _;
use std::process::Command;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use tta_metrics_server::ServerEvent;

use crate::exposition::{BODY, plain, start};
use crate::scraper::{PATIENCE, connect, read_answer, request, wait_for};

/// The limit on descriptors holds for a whole process, so the test is run again in one of its
/// own.
#[test]
fn without_file_descriptors_it_waits_instead_of_spinning_and_recovers() {
    if env::var_os(CHILD).is_some() {
        return run_out_of_descriptors();
    }
    let test = "descriptors::without_file_descriptors_it_waits_instead_of_spinning_and_recovers";
    let status = Command::new("sh")
        .args([
            "-c",
            "ulimit -n 64 && exec \"$0\" --exact \"$1\" --nocapture",
        ])
        .arg(env::current_exe().expect("this program has a path"))
        .arg(test)
        .env(CHILD, "1")
        .status()
        .expect("a shell runs");
    assert!(status.success());
}

fn run_out_of_descriptors() {
    let (sender, events) = mpsc::channel();
    let server = start(plain().with_event_listener(move |event| {
        let _over = sender.send(event.clone());
    }));
    // The client's socket exists before the last descriptors go, and the server's cannot.
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    drop(hoard.pop());
    let mut client = connect(server.local_addr());
    client
        .write_all(request("GET", "/metrics", "").as_bytes())
        .expect("the backlog takes it");

    let event = events.recv_timeout(PATIENCE).expect("it tells");
    assert!(
        matches!(event, ServerEvent::AcceptFailed { .. }),
        "{event:?}"
    );
    let errors = server.stats().accept_errors;
    let begun = Instant::now();
    wait_for(&server, |stats| stats.accept_errors >= errors + 3);
    let attempts = server.stats().accept_errors - errors;
    let elapsed = begun.elapsed();
    assert!(
        attempts <= 10 && elapsed >= Duration::from_millis(40),
        "{attempts} in {elapsed:?}"
    );

    drop(hoard);
    assert_eq!(read_answer(&mut client).text(), BODY);
    let event = events.recv_timeout(PATIENCE).expect("it tells");
    assert_eq!(event, ServerEvent::AcceptRecovered);
}

const CHILD: &str = "TTA_TEST_WITHOUT_DESCRIPTORS";
