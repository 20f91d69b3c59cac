use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use tta_metrics_server::{MetricsServer, MetricsServerError, RunningServer};

use crate::exposition::{BODY, Gate, Rendering, plain, start};
use crate::scraper::{PATIENCE, connect, get, read_to_end, request, wait_for};

#[test]
fn localhost_answers_on_both_families_at_the_same_port() {
    let server = start(plain());
    let port = server.local_addr().port();
    assert!(server.local_addr().is_ipv4());
    for address in server.local_addrs() {
        assert!(address.ip().is_loopback());
        assert_eq!(address.port(), port);
        assert_eq!(get(*address, "/metrics", "").text(), BODY);
    }
    if TcpListener::bind("[::1]:0").is_ok() {
        assert_eq!(server.local_addrs().len(), 2, "this machine has IPv6");
    }
}

#[test]
fn a_host_may_be_an_address_or_a_name() {
    for host in ["127.0.0.1", "0.0.0.0", "LOCALHOST"] {
        let server = start(plain().with_host(host));
        let address = SocketAddr::from(([127, 0, 0, 1], server.local_addr().port()));
        assert_eq!(get(address, "/metrics", "").text(), BODY, "{host}");
    }
    let error = plain()
        .with_host("")
        .start()
        .expect_err("it has no address");
    assert!(matches!(error, MetricsServerError::UnknownHost { .. }));
    assert!(error.to_string().contains(r#"host """#), "{error}");
    let error = plain()
        .with_host("203.0.113.1")
        .start()
        .expect_err("it is not of this machine");
    assert!(matches!(error, MetricsServerError::Bind { .. }));
    assert!(error.to_string().contains("203.0.113.1"), "{error}");
}

#[test]
fn a_taken_port_is_an_error_that_names_it() {
    // The second family counts as well: a client may try either.
    for taken in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(holder) = TcpListener::bind(taken) else {
            continue;
        };
        let address = holder.local_addr().expect("it is bound");
        let error = plain()
            .with_port(address.port())
            .start()
            .expect_err("the port is taken");
        assert!(matches!(error, MetricsServerError::AddressInUse { address: a } if a == address));
        let text = error.to_string();
        assert!(
            text.contains(&address.to_string()) && text.contains("another port"),
            "{text}"
        );
    }
}

#[test]
fn limits_that_make_no_sense_are_refused() {
    let absurd = [Duration::ZERO, Duration::MAX];
    for (limit, server) in [
        plain().with_max_connections(0),
        plain().with_max_connections(usize::MAX),
    ]
    .map(|server| ("with_max_connections", server))
    .into_iter()
    .chain(absurd.map(|time| ("with_header_timeout", plain().with_header_timeout(time))))
    .chain(absurd.map(|time| {
        (
            "with_connection_timeout",
            plain().with_connection_timeout(time),
        )
    }))
    .chain(absurd.map(|time| ("with_render_timeout", plain().with_render_timeout(time))))
    {
        let error = server.start().expect_err("the limit makes no sense");
        assert!(error.to_string().contains(limit), "{error}");
    }
}

#[test]
fn requests_being_answered_finish_when_the_server_stops() {
    let (server, gate) = gated();
    let address = server.local_addr();
    let scrape = thread::spawn(move || get(address, "/metrics", ""));
    let mut idle = connect(address);
    let mut half_sent = connect(address);
    half_sent
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: ")
        .expect("it is open");
    wait_for(&server, |stats| stats.connections_open == 3);
    gate.arrived(1);
    let stop = thread::spawn(move || (server.shutdown(Duration::from_secs(5)), server));
    assert!(
        read_to_end(&mut idle).is_empty(),
        "an idle connection is not waited for"
    );
    assert!(
        read_to_end(&mut half_sent).is_empty(),
        "nor is half a request"
    );
    let begun = Instant::now();
    while TcpStream::connect(address).is_ok() {
        assert!(
            begun.elapsed() < PATIENCE,
            "new connections are still accepted"
        );
    }
    gate.open();
    let (report, server) = stop.join().expect("it stops");
    assert_eq!((report.finished, report.aborted), (1, 0));
    assert_eq!(scrape.join().expect("it was answered").text(), BODY);
    assert_eq!(server.stats().connections_open, 0);
    assert!(!server.is_running());
}

#[test]
fn requests_that_do_not_finish_are_cut_off_at_the_deadline() {
    let (server, gate) = gated();
    let mut stuck = connect(server.local_addr());
    stuck
        .write_all(request("GET", "/metrics", "").as_bytes())
        .expect("it is open");
    gate.arrived(1);
    let begun = Instant::now();
    let report = server.shutdown(Duration::from_millis(100));
    assert_eq!((report.finished, report.aborted), (0, 1));
    let elapsed = begun.elapsed();
    assert!(elapsed >= Duration::from_millis(100) && elapsed < Duration::from_secs(2));
    assert!(read_to_end(&mut stuck).is_empty());
    assert_eq!(server.stats().requests_abandoned, 1);
    gate.open();
}

#[test]
fn shutting_down_again_or_at_once_from_everywhere_is_the_same_shutdown() {
    let server = start(plain());
    thread::scope(|scope| {
        let calls: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| server.shutdown(Duration::MAX)))
            .collect();
        let reports: Vec<_> = calls
            .into_iter()
            .map(|call| call.join().expect("it returns"))
            .collect();
        assert!(reports.iter().all(|report| *report == reports[0]));
    });
    assert_eq!(
        server.shutdown(Duration::ZERO),
        server.shutdown(Duration::ZERO)
    );
    assert!(!server.is_running());
}

#[test]
fn dropping_stops_at_once_and_frees_the_port() {
    let (server, gate) = gated_at(APART);
    let address = server.local_addr();
    let mut stuck = connect(address);
    stuck
        .write_all(request("GET", "/metrics", "").as_bytes())
        .expect("it is open");
    gate.arrived(1);
    let begun = Instant::now();
    drop(server);
    assert!(
        begun.elapsed() < Duration::from_millis(500),
        "{:?}",
        begun.elapsed()
    );
    assert!(read_to_end(&mut stuck).is_empty());
    let again = start(plain().with_host(APART).with_port(address.port()));
    assert_eq!(get(again.local_addr(), "/metrics", "").text(), BODY);
    gate.open();
}

#[test]
fn starting_and_stopping_many_times_leaves_no_socket_behind() {
    let port = start(plain().with_host(APART)).local_addr().port();
    for _ in 0..20 {
        let server = start(plain().with_host(APART).with_port(port));
        assert_eq!(get(server.local_addr(), "/metrics", "").status, 200);
        let _report = server.shutdown(MetricsServer::DEFAULT_DRAIN);
    }
}

#[test]
fn it_starts_serves_and_stops_inside_a_runtime_that_is_blocked() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    runtime.block_on(async {
        let server = start(plain());
        // This blocks the only thread of the application's runtime.
        assert_eq!(get(server.local_addr(), "/metrics", "").text(), BODY);
        let _report = server.shutdown(MetricsServer::DEFAULT_DRAIN);
        drop(server);
        drop(start(plain()));
        let holder = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = holder.local_addr().expect("it is bound").port();
        assert!(plain().with_port(port).start().is_err());
    });
}

#[test]
fn a_running_server_can_be_shared_between_threads() {
    fn assert_shared<T: Send + Sync + 'static>() {}
    assert_shared::<RunningServer>();
    assert_shared::<MetricsServer>();
}

/// A server whose scrapes wait at the gate.
fn gated() -> (RunningServer, Arc<Gate>) {
    gated_at(MetricsServer::DEFAULT_HOST)
}

fn gated_at(host: &str) -> (RunningServer, Arc<Gate>) {
    let gate = Arc::new(Gate::default());
    let door = Arc::clone(&gate);
    let exposition = Rendering(move || {
        door.pass();
        BODY.as_bytes().to_vec()
    });
    (
        start(MetricsServer::new(exposition).with_host(host).with_port(0)),
        gate,
    )
}

/// A loopback address of which no other test takes a port.
const APART: &str = "127.0.0.2";
