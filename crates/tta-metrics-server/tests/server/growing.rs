//! Pages too long to be held, made as their client takes them.

use std::io::{Read as _, Write as _};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;
use tta_metrics_server::{
    AnsweredRequest, Exposition, HealthReport, HealthStatus, MetricsServer, Pieces, RunningServer,
    ServerObserver,
};

use crate::exposition::{HEALTHY, TEXT, start};
use crate::scraper::{PATIENCE, connect, exchange, get, read_answer, request, wait_for};

/// Shows so many pieces of 64 KiB, each of lines that say which piece they are of.
#[derive(Clone, Default)]
struct Long {
    pieces: usize,
    made: Arc<AtomicUsize>,
    breaks: Arc<AtomicBool>,
}

impl Long {
    fn of(pieces: usize) -> Self {
        Self {
            pieces,
            ..Self::default()
        }
    }

    fn piece(number: usize) -> Vec<u8> {
        let line = format!("long_total{{piece=\"{number:06}\"}} {number}\n");
        line.repeat(PIECE / line.len()).into_bytes()
    }

    fn page(&self) -> Vec<u8> {
        (0..self.pieces).flat_map(Self::piece).collect()
    }
}

impl Exposition for Long {
    fn metrics(&self, _content_type: &'static str) -> Vec<u8> {
        self.page()
    }

    fn metric_pieces(&self, _content_type: &'static str) -> Pieces {
        let own = self.clone();
        Box::new((0..self.pieces).map(move |number| {
            own.made.fetch_add(1, Ordering::Relaxed);
            let is_late = number > own.pieces / 2;
            assert!(!(is_late && own.breaks.load(Ordering::Relaxed)), "broken");
            Self::piece(number)
        }))
    }

    fn health(&self) -> HealthReport {
        HealthReport::new(HealthStatus::Healthy, HEALTHY)
    }
}

fn serve(long: &Long) -> RunningServer {
    let server = MetricsServer::new(long.clone()).with_port(0);
    // What is to be seen here is not how soon a busy machine is done.
    start(server.with_connection_timeout(Duration::from_mins(1)))
}

/// The bytes that chunks carry, and whether the last one came.
fn unchunked(mut body: &[u8]) -> (Vec<u8>, bool) {
    let mut bytes = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let length = std::str::from_utf8(&body[..end]).expect("it is hexadecimal");
        let length = usize::from_str_radix(length, 16).expect("it is hexadecimal");
        if length == 0 {
            return (bytes, true);
        }
        let Some(chunk) = body.get(end + 2..end + 2 + length) else {
            break;
        };
        bytes.extend_from_slice(chunk);
        body = body.get(end + 4 + length..).unwrap_or_default();
    }
    (bytes, false)
}

#[test]
fn a_long_page_arrives_whole_in_either_coding() {
    let long = Long::of(100);
    let server = serve(&long);
    let plain = get(server.local_addr(), "/metrics", "");
    assert_eq!(plain.status, 200);
    assert_eq!(plain.header("content-type"), Some(TEXT));
    assert_eq!(plain.header("transfer-encoding"), Some("chunked"));
    assert!(unchunked(&plain.body) == (long.page(), true));

    let zipped = get(server.local_addr(), "/metrics", "Accept-Encoding: gzip\r\n");
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let mut page = Vec::new();
    // These pieces shrink so much that one part holds them all.
    let body = match zipped.header("content-length") {
        Some(_) => zipped.body,
        None => unchunked(&zipped.body).0,
    };
    let decoded = GzDecoder::new(body.as_slice()).read_to_end(&mut page);
    decoded.expect("it is gzip to its end");
    assert!(page == long.page());
}

#[test]
fn a_page_in_few_pieces_has_a_length() {
    let long = Long::of(2);
    let server = serve(&long);
    let answer = get(server.local_addr(), "/metrics", "");
    let length = long.page().len().to_string();
    assert_eq!(answer.header("content-length"), Some(length.as_str()));
    assert!(answer.body == long.page());
}

#[test]
fn the_head_of_a_long_page_is_answered_without_the_page() {
    let long = Long::of(1_000);
    let server = serve(&long);
    let answer = exchange(
        server.local_addr(),
        request("HEAD", "/metrics", "").as_bytes(),
    );
    assert_eq!((answer.status, answer.body.len()), (200, 0));
    assert!(long.made.load(Ordering::Relaxed) < 10);
}

#[test]
fn a_client_that_takes_nothing_has_little_made_for_it_and_keeps_no_other_waiting() {
    // 40 MiB: more than every buffer on the way together.
    let long = Long::of(640);
    let server = serve(&long);
    let mut slow = connect(server.local_addr());
    slow.write_all(request("GET", "/metrics", "").as_bytes())
        .expect("it is open");
    // Until the buffers on the way are full.
    let (mut before, begun) = (0, Instant::now());
    loop {
        std::thread::sleep(Duration::from_millis(200));
        let made = long.made.load(Ordering::Relaxed);
        if made > 0 && made == before {
            break;
        }
        before = made;
        assert!(begun.elapsed() < PATIENCE, "it is still being made");
    }
    assert!(before < 400, "{before} pieces are made and not taken");

    let health = get(server.local_addr(), "/health", "");
    assert_eq!(health.status, 200);
    let head = request("HEAD", "/metrics", "");
    let other = exchange(server.local_addr(), head.as_bytes());
    assert_eq!(other.status, 200);

    let answer = read_answer(&mut slow);
    assert!(unchunked(&answer.body) == (long.page(), true));
}

#[test]
fn a_panic_in_the_middle_of_a_page_cuts_its_client_off() {
    let long = Long::of(200);
    long.breaks.store(true, Ordering::Relaxed);
    let server = serve(&long);
    let answer = get(server.local_addr(), "/metrics", "");
    assert_eq!(answer.status, 200, "it had begun");
    let (_, is_whole) = unchunked(&answer.body);
    assert!(!is_whole);
    wait_for(&server, |stats| {
        stats.render_panics == 1 && stats.scrapes_rendering == 0
    });
    long.breaks.store(false, Ordering::Relaxed);
    let answer = get(server.local_addr(), "/metrics", "");
    assert!(unchunked(&answer.body) == (long.page(), true));
}

#[test]
fn the_observer_is_told_of_a_long_page_at_its_end_with_its_length() {
    #[derive(Clone, Default)]
    struct Told(Arc<Mutex<Vec<AnsweredRequest>>>);

    impl ServerObserver for Told {
        fn request_answered(&self, request: &AnsweredRequest) {
            self.0.lock().expect("whole").push(*request);
        }
    }

    let (long, told) = (Long::of(50), Told::default());
    let server = start(
        MetricsServer::new(long.clone())
            .with_port(0)
            .with_observer(told.clone()),
    );
    let _page = get(server.local_addr(), "/metrics", "");
    wait_for(&server, |stats| stats.connections_open == 0);
    let told = told.0.lock().expect("whole");
    let lengths: Vec<_> = told.iter().map(|told| (told.status, told.bytes)).collect();
    assert_eq!(lengths, [(200, long.page().len())]);
}

#[test]
fn all_who_wait_for_a_long_page_get_one() {
    let long = Long::of(30);
    let server = serve(&long);
    let address = server.local_addr();
    let scrapes: Vec<_> = (0..8)
        .map(|_| std::thread::spawn(move || get(address, "/metrics", "")))
        .collect();
    for scrape in scrapes {
        let answer = scrape.join().expect("it was answered");
        assert!(unchunked(&answer.body) == (long.page(), true));
    }
}

const PIECE: usize = 64 << 10;
