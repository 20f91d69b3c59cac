//! Rows of the table of faults that need a server of their own.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tta_metrics_server::{MetricsServer, RunningServer};
use tta_testkit::faults::report;

use crate::exposition::{Gate, Rendering, start};
use crate::scraper::{PATIENCE, connect, get, read_answer, read_to_end, request, wait_for};

/// A page beyond what sockets hold, so that sending it takes a reader.
const LARGE: usize = 32 << 20;

#[test]
fn fault_37_clients_that_leave_in_mid_scrape_leave_nothing_behind() {
    let gate = Arc::new(Gate::default());
    let door = Arc::clone(&gate);
    let server = start_with(move || {
        door.pass();
        vec![b'\n'; LARGE]
    });
    let scrape = || {
        let mut stream = connect(server.local_addr());
        let bytes = request("GET", "/metrics", "");
        stream.write_all(bytes.as_bytes()).expect("it is open");
        stream
    };
    // Some leave while the page is rendered,
    let rendering: Vec<_> = (0..8).map(|_| scrape()).collect();
    wait_for(&server, |stats| stats.requests_in_flight == 8);
    drop(rendering);
    wait_for(&server, |stats| stats.connections_open == 0);
    gate.open();
    // others while it is sent.
    for _ in 0..8 {
        let mut stream = scrape();
        let _first = stream.read(&mut [0; 1_024]).expect("it answers");
    }
    wait_for(&server, |stats| {
        stats.connections_open + stats.requests_in_flight + stats.scrapes_rendering == 0
    });
    let stats = server.stats();
    let whole = get(server.local_addr(), "/metrics", "").body.len() == LARGE;
    report(
        37,
        "16 clients leave",
        "no connection, request or rendering left; the next scrape is whole",
        format!(
            "{} connections and {} requests left, {} abandoned",
            stats.connections_open, stats.requests_in_flight, stats.requests_abandoned
        ),
        whole && stats.requests_abandoned == 8,
    );
}

#[test]
fn fault_37_a_stop_in_mid_scrape_lets_it_finish_in_a_second() {
    let gate = Arc::new(Gate::default());
    let door = Arc::clone(&gate);
    let server = start_with(move || {
        door.pass();
        vec![b'\n'; 1 << 20]
    });
    let address = server.local_addr();
    let mut stream = connect(address);
    let bytes = request("GET", "/metrics", "");
    stream.write_all(bytes.as_bytes()).expect("it is open");
    gate.arrived(1);
    let stop = thread::spawn(move || (server.shutdown(PATIENCE), server));
    // Once nobody is let in any more it has noticed.
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(begun.elapsed() < PATIENCE, "it does not stop");
    }
    let begun = Instant::now();
    gate.open();
    let answer = read_answer(&mut stream);
    let (stopped, _server) = stop.join().expect("it stops");
    let took = begun.elapsed();
    assert_eq!((stopped.finished, stopped.aborted), (1, 0));
    assert_eq!(answer.body.len(), 1 << 20);
    report(
        37,
        "drain",
        "<= 1 s, the scrape whole",
        format!("{took:.1?}"),
        took <= Duration::from_secs(1),
    );
}

#[test]
fn fault_37_a_stop_does_not_wait_for_who_takes_nothing() {
    let server = start_with(|| vec![b'\n'; LARGE]);
    let mut stream = connect(server.local_addr());
    let bytes = request("GET", "/metrics", "");
    stream.write_all(bytes.as_bytes()).expect("it is open");
    let _first = stream.read(&mut [0; 1_024]).expect("it answers");
    let begun = Instant::now();
    let stopped = server.shutdown(Duration::from_millis(500));
    let took = begun.elapsed();
    assert_eq!((stopped.finished, stopped.aborted), (0, 1));
    assert!(read_to_end(&mut stream).len() < LARGE);
    report(
        37,
        "drain, a client that takes nothing",
        "cut off at the deadline of 0.5 s, <= 1 s in all",
        format!("{took:.2?}"),
        took <= Duration::from_secs(1),
    );
}

fn start_with(page: impl Fn() -> Vec<u8> + Send + Sync + 'static) -> RunningServer {
    start(MetricsServer::new(Rendering(page)).with_port(0))
}
