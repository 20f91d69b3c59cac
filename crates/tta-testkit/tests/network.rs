//! Sockets that misbehave on purpose.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use tta_testkit::network::{BlackHole, ClosedPort};

#[test]
fn a_closed_port_refuses() {
    let closed = ClosedPort::reserve().unwrap();
    let refused = TcpStream::connect(closed.address()).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn two_closed_ports_differ() {
    let (one, two) = (
        ClosedPort::reserve().unwrap(),
        ClosedPort::reserve().unwrap(),
    );
    assert_ne!(one.address(), two.address());
}

#[test]
fn a_black_hole_takes_a_request_and_gives_nothing() {
    let hole = BlackHole::open().unwrap();
    let mut stream = TcpStream::connect(hole.address()).unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let nothing = stream.read(&mut [0; 1]).unwrap_err();
    assert!(
        matches!(nothing.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{nothing}"
    );
    assert_eq!(hole.connections(), 1);
}

#[test]
fn a_dropped_black_hole_refuses() {
    let hole = BlackHole::open().unwrap();
    let address = hole.address();
    drop(hole);
    assert_eq!(
        TcpStream::connect(address).unwrap_err().kind(),
        ErrorKind::ConnectionRefused
    );
}
