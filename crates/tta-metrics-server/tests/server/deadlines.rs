use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_metrics_server::MetricsServer;
use tta_testkit::faults::report;

use crate::exposition::{BODY, Gate, Rendering, plain, start};
use crate::scraper::{connect, get, read_answer, read_to_end, request, wait_for};

const SHORT: Duration = Duration::from_millis(200);
/// Deadlines act on time, give or take a busy machine.
const SLACK: Duration = Duration::from_secs(2);

#[test]
fn a_silent_connection_is_closed() {
    let server = start(plain().with_header_timeout(SHORT));
    let begun = Instant::now();
    let mut stream = connect(server.local_addr());
    assert!(read_to_end(&mut stream).is_empty());
    let elapsed = begun.elapsed();
    assert!(
        elapsed >= SHORT / 2 && elapsed < SHORT + SLACK,
        "{elapsed:?}"
    );
    wait_for(&server, |stats| {
        stats.connections_timed_out == 1 && stats.connections_open == 0
    });
}

#[test]
fn a_half_sent_request_is_closed() {
    let server = start(plain().with_header_timeout(SHORT));
    let begun = Instant::now();
    let mut stream = connect(server.local_addr());
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-Part")
        .expect("it is open");
    assert!(read_to_end(&mut stream).is_empty());
    assert!(begun.elapsed() < SHORT + SLACK);
}

#[test]
fn fault_30_slow_clients_are_closed_in_time() {
    let server = start(plain());
    let head = "GET /metrics HTTP/1.1\r\nHost: x\r\nX-Part";
    let closing = |first: &'static str, each_second: Option<u8>| {
        let address = server.local_addr();
        std::thread::spawn(move || {
            let begun = Instant::now();
            let mut stream = connect(address);
            let _sent = stream.write_all(first.as_bytes());
            let mut closed = stream.try_clone().expect("it is a socket");
            let reading = std::thread::spawn(move || read_to_end(&mut closed));
            // The pace of the client is what is tested here.
            while !reading.is_finished() {
                std::thread::sleep(Duration::from_millis(10));
                let due = begun.elapsed().as_millis() % 1_000 < 10;
                if let Some(byte) = each_second.filter(|_| due) {
                    let _sent = stream.write_all(&[byte]);
                }
            }
            begun.elapsed()
        })
    };
    let clients = [
        ("a client that sends nothing", closing("", None)),
        ("half a header", closing(head, None)),
        ("a byte a second", closing(head, Some(b'x'))),
    ];
    for (part, client) in clients {
        let took = client.join().expect("the server closed");
        let met = took <= Duration::from_millis(5_100);
        report(
            30,
            part,
            "closed after 5 s, within 0.1 s",
            format!("{took:.2?}"),
            met,
        );
    }
}

#[test]
fn sending_a_byte_at_a_time_does_not_extend_the_deadline() {
    let server = start(plain().with_header_timeout(SHORT));
    let begun = Instant::now();
    let mut stream = connect(server.local_addr());
    let bytes = request("GET", "/metrics", &"X-Slow: slow\r\n".repeat(50));
    for byte in bytes.as_bytes() {
        // The pace of the client is what is tested here.
        std::thread::sleep(Duration::from_millis(20));
        if stream.write_all(&[*byte]).is_err() {
            break;
        }
        assert!(
            begun.elapsed() < SHORT + SLACK,
            "the server went on reading"
        );
    }
    assert_eq!(server.stats().requests_served, 0);
}

#[test]
fn an_idle_connection_between_requests_is_closed() {
    let server = start(plain().with_header_timeout(SHORT));
    let begun = Instant::now();
    let mut stream = connect(server.local_addr());
    stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("it is open");
    assert_eq!(read_answer(&mut stream).text(), BODY);
    assert!(begun.elapsed() < SHORT + SLACK);
}

#[test]
fn a_connection_that_stays_busy_is_told_to_close_and_closed_in_the_end() {
    let server = start(plain().with_connection_timeout(SHORT));
    let begun = Instant::now();
    let mut stream = connect(server.local_addr());
    let mut requests = 0;
    while stream
        .write_all(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        .is_ok()
    {
        requests += 1;
        assert!(
            begun.elapsed() < SHORT + SLACK,
            "still open after {requests} requests"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
    let answers = String::from_utf8(read_to_end(&mut stream)).expect("text");
    assert!(
        answers.matches("200 OK").count() >= 2,
        "it was kept alive at first"
    );
    assert_eq!(
        answers.matches("connection: close").count(),
        1,
        "the last one says so"
    );
}

#[test]
fn a_client_that_does_not_read_its_answer_is_closed() {
    let large = vec![b'x'; 64 << 20];
    let exposition = Rendering(move || large.clone());
    let server = start(
        MetricsServer::new(exposition)
            .with_port(0)
            .with_connection_timeout(SHORT),
    );
    let mut stream = connect(server.local_addr());
    stream
        .write_all(request("GET", "/metrics", "").as_bytes())
        .expect("it is open");
    wait_for(&server, |stats| {
        stats.connections_timed_out == 1 && stats.connections_open == 0
    });
}

#[test]
fn a_rendering_that_takes_too_long_is_answered_with_503() {
    let gate = Arc::new(Gate::default());
    let door = Arc::clone(&gate);
    let exposition = Rendering(move || {
        door.pass();
        BODY.as_bytes().to_vec()
    });
    let server = start(
        MetricsServer::new(exposition)
            .with_port(0)
            .with_render_timeout(SHORT),
    );
    // The second waits for the first, which never ends, and must not wait for ever either.
    for _ in 0..2 {
        let answer = get(server.local_addr(), "/metrics", "");
        assert_eq!(answer.status, 503);
        assert!(answer.header("retry-after").is_some());
    }
    assert_eq!(
        get(server.local_addr(), "/health", "").status,
        200,
        "health does not wait"
    );
    gate.open();
    wait_for(&server, |stats| stats.renderings >= 2);
    assert_eq!(get(server.local_addr(), "/metrics", "").text(), BODY);
    assert_eq!(server.stats().requests_render_timed_out, 2);
}
