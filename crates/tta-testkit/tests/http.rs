//! The blocking request, against answers written by hand.

#![expect(
    clippy::expect_used,
    reason = "the helper of a test fails by panicking, as it does"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener};

use tta_testkit::http;

#[test]
fn status_headers_and_body_are_read() {
    let address =
        answers("HTTP/1.1 418 Teapot\r\nContent-Type: text/plain\r\n\r\nshort\r\n\r\nstout");
    let response = http::get(address, "/tea?cups=2").unwrap();
    assert_eq!(response.status(), 418);
    assert_eq!(response.header("content-type"), Some("text/plain"));
    assert_eq!(response.header("content-length"), None);
    assert_eq!(response.text(), "short\r\n\r\nstout");
}

#[test]
fn what_is_not_http_is_an_error() {
    let error = http::get(answers("+PONG\r\n"), "/").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidData);
}

fn answers(text: &'static str) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener
        .local_addr()
        .expect("a bound socket has an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("the test connects");
        let _ = stream.read(&mut [0; 1024]);
        let _ = stream.write_all(text.as_bytes());
    });
    address
}
