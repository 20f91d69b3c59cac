//! `--probe`: what a health check of an image without a shell runs.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;

use assistant::probe;

#[test]
fn it_asks_where_the_metrics_are_served() {
    let url = |variables: &'static [(&str, &str)]| {
        probe::url(None, move |name| {
            let found = variables.iter().find(|(variable, _)| *variable == name);
            found.map(|(_, value)| (*value).to_owned())
        })
    };
    assert_eq!(url(&[]), "http://localhost:9464/health/ready");
    assert_eq!(
        url(&[("OTEL_EXPORTER_PROMETHEUS_HOST", "")]),
        "http://localhost:9464/health/ready"
    );
    assert_eq!(
        url(&[
            ("OTEL_EXPORTER_PROMETHEUS_HOST", "0.0.0.0"),
            ("OTEL_EXPORTER_PROMETHEUS_PORT", "9000"),
            ("PROMETHEUS_PORT", "9001"),
        ]),
        "http://127.0.0.1:9000/health/ready"
    );
    assert_eq!(
        url(&[("PROMETHEUS_HOST", "::")]),
        "http://[::1]:9464/health/ready"
    );
    assert_eq!(
        url(&[("PROMETHEUS_HOST", "10.0.0.7")]),
        "http://10.0.0.7:9464/health/ready"
    );
}

#[test]
fn it_succeeds_where_the_answer_is_ready_and_fails_where_it_is_not() {
    for (status, succeeds) in [("200 OK", true), ("503 Service Unavailable", false)] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/health/ready", listener.local_addr().unwrap());
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 1024];
            let read = stream.read(&mut request).unwrap();
            let answer =
                format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            stream.write_all(answer.as_bytes()).unwrap();
            String::from_utf8_lossy(request.get(..read).unwrap()).into_owned()
        });

        assert_eq!(probe::ask(&url).is_ok(), succeeds, "{status}");
        assert!(server.join().unwrap().starts_with("GET /health/ready "));
    }
}

#[test]
fn it_fails_where_nothing_listens() {
    let closed = tta_testkit::network::ClosedPort::reserve().unwrap();
    let url = format!("{}/health/ready", closed.endpoint());
    assert!(probe::ask(&url).is_err());
}
