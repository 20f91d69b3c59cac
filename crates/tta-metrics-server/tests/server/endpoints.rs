use std::io::{Read as _, Write as _};
use std::time::Duration;

use tta_metrics_server::{HealthStatus, MetricsServer};

use crate::exposition::{BODY, Formats, HEALTHY, OPEN_METRICS, TEXT, plain, start};
use crate::scraper::{connect, exchange, get, read_to_end, request, wait_for};

#[test]
fn each_path_and_method_has_its_answer() {
    let server = start(plain());
    let table = [
        ("GET", "/metrics", "", 200),
        ("GET", "/metrics?name=x", "", 200),
        ("GET", "http://somewhere/metrics", "", 200),
        ("HEAD", "/metrics", "", 200),
        ("GET", "/health", "", 200),
        ("HEAD", "/health", "", 200),
        ("GET", "/", "", 404),
        ("GET", "/metrics/", "", 404),
        ("GET", "//metrics", "", 404),
        ("GET", "/Metrics", "", 404),
        ("GET", "/%6Detrics", "", 404),
        ("GET", "/../metrics", "", 404),
        ("DELETE", "/any/thing", "", 404),
        ("OPTIONS", "*", "", 404),
        ("CONNECT", "metrics:80", "", 404),
        ("POST", "/metrics", "", 405),
        ("DELETE", "/metrics", "", 405),
        ("OPTIONS", "/metrics", "", 405),
        ("BREW", "/health", "", 405),
        ("POST", "/metrics", "Content-Length: 4\r\n\r\nbody", 405),
        ("GET", "/metrics", "Content-Length: 4\r\n\r\nbody", 413),
        (
            "GET",
            "/metrics",
            "Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n",
            413,
        ),
        ("GET", "/metrics", "Content-Length: 0\r\n", 200),
        ("GET", "/metrics", "Host: another\r\n", 400),
        ("GET", "/metrics", "no colon here\r\n", 400),
        ("GET", "/metrics", "Content-Length: -1\r\n", 400),
        (
            "GET",
            "/metrics",
            "Content-Length: 1\r\nContent-Length: 2\r\n",
            400,
        ),
        ("GE\u{7f}T", "/metrics", "", 400),
        ("GET", "/me\u{0}trics", "", 400),
    ];
    for (method, path, headers, status) in table {
        let answer = exchange(
            server.local_addr(),
            request(method, path, headers).as_bytes(),
        );
        assert_eq!(answer.status, status, "{method} {path} {headers:?}");
        let is_metrics = answer.text().contains("answers_total");
        assert_eq!(
            is_metrics,
            status == 200 && method == "GET" && path.contains("metrics"),
            "only a GET of /metrics has the metrics: {method} {path} {headers:?}"
        );
    }
    assert_eq!(server.stats().render_panics, 0);
}

#[test]
fn metrics_come_in_the_format_that_the_exposition_chose() {
    let server = start(MetricsServer::new(Formats(HealthStatus::Healthy)).with_port(0));
    let text = get(server.local_addr(), "/metrics", "");
    assert_eq!(text.header("content-type"), Some(TEXT));
    assert_eq!(text.text(), BODY);
    // Two header lines are one list.
    let accept = "Accept: text/html\r\nAccept: application/openmetrics-text\r\n";
    let open = get(server.local_addr(), "/metrics", accept);
    assert_eq!(open.header("content-type"), Some(OPEN_METRICS));
    assert_eq!(open.text(), format!("{BODY}# EOF\n"));
    assert_eq!(open.header("vary"), Some("accept, accept-encoding"));
    assert_eq!(open.header("cache-control"), Some("no-store"));
}

#[test]
fn health_is_503_only_when_the_application_cannot_work() {
    for (health, status) in [
        (HealthStatus::Healthy, 200),
        (HealthStatus::Degraded, 200),
        (HealthStatus::Unhealthy, 503),
    ] {
        let server = start(MetricsServer::new(Formats(health)).with_port(0));
        let answer = get(server.local_addr(), "/health", "");
        assert_eq!(answer.status, status);
        assert_eq!(answer.text(), format!(r#"{{"status":"{health:?}"}}"#));
        assert_eq!(answer.header("content-type"), Some("application/json"));
    }
}

#[test]
fn head_has_the_headers_of_get_and_no_body() {
    let server = start(plain());
    for path in ["/metrics", "/health", "/nothing"] {
        for headers in ["", "Accept-Encoding: gzip\r\n"] {
            let got = get(server.local_addr(), path, headers);
            let head = exchange(
                server.local_addr(),
                request("HEAD", path, headers).as_bytes(),
            );
            assert_eq!(head.status, got.status);
            assert!(head.body.is_empty(), "{path}");
            let length = got.body.len().to_string();
            for answer in [&got, &head] {
                assert_eq!(
                    answer.header("content-length"),
                    Some(length.as_str()),
                    "{path}"
                );
            }
            assert_eq!(head.header("content-type"), got.header("content-type"));
            assert_eq!(
                head.header("content-encoding"),
                got.header("content-encoding")
            );
        }
    }
}

#[test]
fn a_refused_method_is_told_which_ones_are_allowed() {
    let server = start(plain());
    let answer = exchange(
        server.local_addr(),
        request("PUT", "/metrics", "").as_bytes(),
    );
    assert_eq!(answer.header("allow"), Some("GET, HEAD"));
    assert_eq!(server.stats().requests_method_not_allowed, 1);
}

#[test]
fn nothing_of_a_request_comes_back() {
    let server = start(plain());
    let canary = "c4n4ry";
    let headers = format!("X-{canary}: {canary}\r\nAccept: {canary}\r\n");
    for (method, path) in [
        ("GET", format!("/{canary}")),
        (canary, "/metrics".to_owned()),
    ] {
        let answer = exchange(
            server.local_addr(),
            request(method, &path, &headers).as_bytes(),
        );
        assert!(!answer.head.contains(canary) && !answer.text().contains(canary));
    }
}

#[test]
fn a_header_that_is_too_large_is_refused_with_431() {
    let server = start(plain());
    let one_large = format!("X-Large: {}\r\n", "x".repeat(1 << 20));
    let many_small = "X-Small: x\r\n".repeat(200);
    for headers in [one_large, many_small] {
        assert_eq!(get(server.local_addr(), "/metrics", &headers).status, 431);
    }
    let path = format!("/{}", "x".repeat(1 << 20));
    let answer = get(server.local_addr(), &path, "");
    assert!(matches!(answer.status, 414 | 431), "{}", answer.status);
    wait_for(&server, |stats| stats.requests_malformed == 3);
}

#[test]
fn what_is_not_http_is_refused_and_closed() {
    let server = start(plain().with_header_timeout(Duration::from_millis(200)));
    let no_host = exchange(server.local_addr(), b"GET /metrics HTTP/1.1\r\n\r\n");
    assert_eq!(no_host.status, 400);
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"[..],
        b"\xff\xfe\xfd\xfc /\xc3\x28 HTTP/1.1\r\n\r\n",
        b"hello\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0",
        b"GET /metrics HTTP/3.0\r\nHost: x\r\n\r\n",
    ] {
        let mut stream = connect(server.local_addr());
        stream
            .write_all(garbage)
            .expect("the server takes it at first");
        let answer = read_to_end(&mut stream);
        let refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 400 ");
        assert!(refused, "{:?}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(get(server.local_addr(), "/metrics", "").status, 200);
}

#[test]
fn http_1_0_is_served_and_closed() {
    let server = start(plain());
    let answer = exchange(server.local_addr(), b"GET /metrics HTTP/1.0\r\n\r\n");
    assert_eq!((answer.status, answer.text()), (200, BODY));
}

#[test]
fn a_connection_serves_several_requests() {
    let server = start(plain());
    let mut stream = connect(server.local_addr());
    let mut answer = vec![0; 4096];
    for _ in 0..3 {
        stream
            .write_all(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
            .expect("it is still open");
        let mut read = 0;
        while !answer[..read].ends_with(HEALTHY.as_bytes()) {
            let more = stream.read(&mut answer[read..]).expect("it answers");
            assert_ne!(more, 0, "closed between requests");
            read += more;
        }
    }
    let stats = server.stats();
    assert_eq!((stats.connections_accepted, stats.requests_served), (1, 3));
}

#[test]
fn a_client_that_waits_for_leave_to_send_its_body_is_refused_at_once() {
    let server = start(plain());
    let headers = "Content-Length: 1000000\r\nExpect: 100-continue\r\n";
    let answer = get(server.local_addr(), "/metrics", headers);
    assert_eq!(answer.status, 413);
    assert_eq!(answer.header("connection"), Some("close"));
}

#[test]
fn a_client_that_is_refused_while_it_sends_may_finish_and_is_not_reset() {
    let server = start(plain());
    let part = "x".repeat(100_000);
    for header in ["Content-Length: 200000\r\n\r\n", "X-Large: "] {
        let mut stream = connect(server.local_addr());
        let begin = request("GET", "/metrics", &format!("{header}{part}"));
        stream
            .write_all(begin.as_bytes())
            .expect("the server listens");
        let mut answer = vec![0; 12];
        stream
            .read_exact(&mut answer)
            .expect("the refusal does not wait for the rest");
        assert!(answer.starts_with(b"HTTP/1.1 4"));
        for _ in 0..2 {
            stream
                .write_all(part.as_bytes())
                .expect("the server reads on");
        }
        stream
            .read_to_end(&mut answer)
            .expect("the connection ends in order");
    }
}
