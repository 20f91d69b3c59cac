//! What the observer is told of the server's own work.

use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tta_metrics_server::{AnsweredRequest, Endpoint, MetricsServer, Rejection, ServerObserver};

use crate::exposition::{BODY, Formats, OPEN_METRICS, TEXT, plain, start};
use crate::scraper::{connect, exchange, get, read_to_end, request, wait_for};

#[derive(Clone, Default)]
struct Told(Arc<Mutex<(Vec<AnsweredRequest>, Vec<Rejection>)>>);

impl ServerObserver for Told {
    fn request_answered(&self, request: &AnsweredRequest) {
        self.0.lock().expect("whole").0.push(*request);
    }

    fn connection_rejected(&self, reason: Rejection) {
        self.0.lock().expect("whole").1.push(reason);
    }
}

#[test]
fn each_answer_is_told_once_with_its_status_format_and_length() {
    let told = Told::default();
    let formats = Formats(tta_metrics_server::HealthStatus::Healthy);
    let server = start(
        MetricsServer::new(formats)
            .with_port(0)
            .with_observer(told.clone()),
    );
    let ask = |method, path, headers: &str| {
        let request = request(method, path, headers);
        exchange(server.local_addr(), request.as_bytes()).body.len()
    };
    let open = "Accept: application/openmetrics-text\r\n";
    let zipped = "Accept-Encoding: gzip\r\n";
    let expected = [
        (
            Endpoint::Metrics,
            200,
            Some(TEXT),
            ask("GET", "/metrics", ""),
        ),
        (
            Endpoint::Metrics,
            200,
            Some(OPEN_METRICS),
            ask("GET", "/metrics", open),
        ),
        (
            Endpoint::Metrics,
            200,
            Some(TEXT),
            ask("GET", "/metrics", zipped),
        ),
        (
            Endpoint::Metrics,
            200,
            Some(TEXT),
            ask("HEAD", "/metrics", ""),
        ),
        (Endpoint::Metrics, 405, None, ask("PUT", "/metrics", "")),
        (Endpoint::Health, 200, None, ask("GET", "/health", "")),
        (Endpoint::Live, 200, None, ask("GET", "/health/live", "")),
        (Endpoint::Ready, 200, None, ask("GET", "/health/ready", "")),
        (Endpoint::Other, 404, None, ask("GET", "/a/secret/path", "")),
    ];
    assert_eq!(expected[0].3, BODY.len());
    assert!(expected[2].3 != BODY.len() && expected[3].3 == 0);
    let told = told.0.lock().expect("whole");
    let answers: Vec<_> = told
        .0
        .iter()
        .map(|told| (told.endpoint, told.status, told.content_type, told.bytes))
        .collect();
    assert_eq!(answers, expected);
    assert_eq!(told.1, []);
}

#[test]
fn each_connection_that_is_turned_away_is_told_with_the_reason() {
    let told = Told::default();
    let server = start(
        plain()
            .with_max_connections(2)
            .with_header_timeout(Duration::from_millis(300))
            .with_observer(told.clone()),
    );
    let mut garbage = connect(server.local_addr());
    let bytes = b"GET /metrics HTTP/3.0\r\n\r\n";
    garbage.write_all(bytes).expect("it is open");
    let _answer = read_to_end(&mut garbage);
    drop(garbage);
    wait_for(&server, |stats| stats.requests_malformed == 1);
    let mut silent: Vec<_> = (0..3).map(|_| connect(server.local_addr())).collect();
    wait_for(&server, |stats| {
        stats.connections_evicted + stats.connections_timed_out == 3
    });
    for stream in &mut silent {
        let _end = read_to_end(stream);
    }
    let told = told.0.lock().expect("whole");
    let count = |reason| told.1.iter().filter(|&&told| told == reason).count() as u64;
    let stats = server.stats();
    assert_eq!(count(Rejection::Malformed), 1);
    assert!(stats.connections_evicted > 0 && stats.connections_timed_out > 0);
    assert_eq!(count(Rejection::Evicted), stats.connections_evicted);
    assert_eq!(count(Rejection::TimedOut), stats.connections_timed_out);
    assert_eq!(told.0.len(), 0, "nothing was asked for");
}

#[test]
fn an_observer_that_panics_costs_nobody_an_answer() {
    struct Broken;
    impl ServerObserver for Broken {
        fn request_answered(&self, _request: &AnsweredRequest) {
            panic!("the observer is broken");
        }
    }
    let server = start(plain().with_observer(Broken));
    for _ in 0..3 {
        assert_eq!(get(server.local_addr(), "/metrics", "").text(), BODY);
    }
}
