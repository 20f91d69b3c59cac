//! A client that sends exactly the bytes it is told to.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use tta_metrics_server::{RunningServer, ServerStats};

/// An answer, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (header, value) = line.split_once(':')?;
            header.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).expect("the server listens");
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a read timeout can be set");
    stream
}

/// A whole request for `path` that asks for the connection to be closed.
pub(crate) fn request(method: &str, path: &str, headers: &str) -> String {
    format!("{method} {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n")
}

pub(crate) fn get(address: SocketAddr, path: &str, headers: &str) -> Answer {
    exchange(address, request("GET", path, headers).as_bytes())
}

/// Sends these bytes and reads one answer to the end of the connection.
pub(crate) fn exchange(address: SocketAddr, bytes: &[u8]) -> Answer {
    let mut stream = connect(address);
    // A server that has seen enough may close while the rest is still being sent.
    let _refused = stream.write_all(bytes);
    read_answer(&mut stream)
}

pub(crate) fn read_answer(stream: &mut TcpStream) -> Answer {
    let raw = read_to_end(stream);
    let end = raw
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no answer in {:?}", String::from_utf8_lossy(&raw)));
    let head = String::from_utf8(raw[..end].to_vec()).expect("a head is ASCII");
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .expect("a status");
    Answer {
        status,
        head,
        body: raw[end + 4..].to_vec(),
    }
}

/// Everything the server sends until it closes. Fails the test if it never does.
pub(crate) fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut raw = Vec::new();
    match stream.read_to_end(&mut raw) {
        Ok(_) => {}
        Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
        Err(error) => panic!("the server did not close the connection: {error}"),
    }
    raw
}

/// Waits until the server's counters say so.
pub(crate) fn wait_for(server: &RunningServer, condition: impl Fn(&ServerStats) -> bool) {
    let start = Instant::now();
    while !condition(&server.stats()) {
        assert!(
            start.elapsed() < PATIENCE,
            "never came true: {:?}",
            server.stats()
        );
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Far beyond every deadline that a test sets.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
