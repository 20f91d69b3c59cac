//! A proxy that does to connections what bad networks do.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tta_testkit::proxy::{Fault, FaultProxy};

#[test]
fn without_a_fault_bytes_pass_both_ways_and_are_captured() {
    let proxy = before_an_echo();
    proxy.capture();
    let mut stream = connect(&proxy);
    assert_eq!(echo(&mut stream, b"hello"), b"hello");
    assert_eq!(proxy.captured_from_clients(), b"hello");
    assert_eq!(proxy.captured_from_server(), b"hello");
    assert_eq!((proxy.connections(), proxy.open_connections()), (1, 1));
}

#[test]
fn a_delay_is_added_to_each_direction_it_is_set_on() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    proxy.to_server(Fault::Delay(Duration::from_millis(60)));
    proxy.to_client(Fault::Delay(Duration::from_millis(60)));
    let begun = Instant::now();
    assert_eq!(echo(&mut stream, b"late"), b"late");
    assert!(begun.elapsed() >= Duration::from_millis(120));
}

#[test]
fn a_delay_is_latency_and_keeps_the_order() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    proxy.to_server(Fault::Delay(Duration::from_millis(100)));
    let begun = Instant::now();
    for byte in 0..20 {
        stream.write_all(&[byte]).unwrap();
        std::thread::sleep(Duration::from_millis(2));
    }
    proxy.heal();
    stream.write_all(&[20]).unwrap();
    let mut all = [0; 21];
    stream.read_exact(&mut all).unwrap();
    assert!(all.iter().copied().eq(0..21), "{all:?}");
    assert!(
        begun.elapsed() < Duration::from_secs(1),
        "20 delays in turn"
    );
}

#[test]
fn in_pieces_all_arrives_and_what_arrived_is_counted() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    let pause = Duration::from_millis(20);
    proxy.to_client(Fault::Pieces { bytes: 2, pause });
    let begun = Instant::now();
    assert_eq!(echo(&mut stream, b"in pieces"), b"in pieces");
    assert!(begun.elapsed() >= 4 * pause, "{:?}", begun.elapsed());
    // The last piece is counted once it is on its way, and may arrive before that.
    let deadline = Instant::now() + Duration::from_secs(30);
    while proxy.passed_to_clients() < 9 && Instant::now() < deadline {
        std::thread::yield_now();
    }
    assert_eq!(proxy.passed_to_clients(), 9);
}

#[test]
fn forgotten_connections_lead_nowhere_and_new_ones_pass() {
    let proxy = before_an_echo();
    let mut old = connect(&proxy);
    assert_eq!(echo(&mut old, b"known"), b"known");
    proxy.forget_connections();
    let mut new = connect(&proxy);
    assert_eq!(echo(&mut new, b"new"), b"new");
    old.write_all(b"forgotten").unwrap();
    old.set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let error = old.read(&mut [0; 1]).unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        "{error}"
    );
}

#[test]
fn dropped_bytes_do_not_come_later_and_held_ones_do() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    proxy.to_client(Fault::Drop);
    stream.write_all(b"lost").unwrap();
    assert_eq!(nothing(&mut stream), ErrorKind::WouldBlock);
    proxy.to_client(Fault::BlackHole);
    stream.write_all(b"held").unwrap();
    assert_eq!(nothing(&mut stream), ErrorKind::WouldBlock);
    proxy.heal();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"held");
}

#[test]
fn bytes_come_one_at_a_time() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    proxy.to_client(Fault::ByteAtATime(Duration::from_millis(5)));
    stream.write_all(b"slowly").unwrap();
    let mut buffer = [0; 6];
    assert_eq!(stream.read(&mut buffer).unwrap(), 1);
    stream.read_exact(&mut buffer[1..]).unwrap();
    assert_eq!(&buffer, b"slowly");
}

#[test]
fn every_third_byte_is_corrupt() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    proxy.to_client(Fault::Corrupt { every: 3 });
    assert_eq!(
        echo(&mut stream, b"abcabc"),
        [b'a', b'b', !b'c', b'a', b'b', !b'c']
    );
}

#[test]
fn a_half_closed_direction_ends_and_the_other_goes_on() {
    let proxy = before_an_echo();
    proxy.capture();
    let mut stream = connect(&proxy);
    assert_eq!(echo(&mut stream, b"a"), b"a");
    proxy.to_client(Fault::HalfClose);
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
    stream.write_all(b"still heard").unwrap();
    let deadline = Instant::now() + Duration::from_secs(5);
    while proxy.captured_from_clients() != b"astill heard" {
        assert!(Instant::now() < deadline);
        std::thread::yield_now();
    }
}

#[test]
fn a_reset_ends_open_connections_and_new_ones_until_healed() {
    let proxy = before_an_echo();
    let mut stream = connect(&proxy);
    assert_eq!(echo(&mut stream, b"a"), b"a");
    proxy.to_client(Fault::Reset);
    assert_eq!(
        stream.read(&mut [0; 1]).unwrap_err().kind(),
        ErrorKind::ConnectionReset
    );
    let mut refused = connect(&proxy);
    assert!(!matches!(refused.read(&mut [0; 1]), Ok(1..)));
    proxy.heal();
    assert_eq!(echo(&mut connect(&proxy), b"b"), b"b");
    assert_eq!(proxy.connections(), 3);
}

#[test]
fn a_dropped_proxy_refuses() {
    let proxy = before_an_echo();
    let address = proxy.address();
    drop(proxy);
    let refused = TcpStream::connect(address).unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);
}

fn before_an_echo() -> FaultProxy {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            std::thread::spawn(move || {
                let mut buffer = [0; 1024];
                while let Ok(1..) = stream.read(&mut buffer[..1]) {
                    let _ = stream.write_all(&buffer[..1]);
                }
            });
        }
    });
    FaultProxy::start(address).unwrap()
}

fn connect(proxy: &FaultProxy) -> TcpStream {
    let stream = TcpStream::connect(proxy.address()).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

fn echo(stream: &mut TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    let mut answer = vec![0; bytes.len()];
    stream.read_exact(&mut answer).unwrap();
    answer
}

fn nothing(stream: &mut TcpStream) -> ErrorKind {
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let kind = stream.read(&mut [0; 1]).unwrap_err().kind();
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    kind
}
