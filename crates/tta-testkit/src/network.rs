//! Sockets that misbehave on purpose.
//!
//! ```
//! use std::net::TcpStream;
//! use tta_testkit::network::ClosedPort;
//!
//! let closed = ClosedPort::reserve()?;
//! assert!(TcpStream::connect(closed.address()).is_err());
//! # Ok::<(), std::io::Error>(())
//! ```

use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use socket2::{Domain, Socket, Type};

/// A loopback port that refuses every connection while this value lives.
///
/// The port is bound and not listened on, so that nobody else is given it meanwhile.
#[derive(Debug)]
pub struct ClosedPort {
    address: SocketAddr,
    _bound: Socket,
}

impl ClosedPort {
    /// Takes a free port.
    ///
    /// # Errors
    ///
    /// When the machine has no port to give.
    pub fn reserve() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        let address = socket
            .local_addr()?
            .as_socket()
            .ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok(Self {
            address,
            _bound: socket,
        })
    }

    /// Where connections are refused.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an `http://` address, as an exporter is given it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// A loopback port that accepts every connection, and never reads or answers.
#[derive(Debug)]
pub struct BlackHole {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    closing: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl BlackHole {
    /// Opens one on a free port.
    ///
    /// # Errors
    ///
    /// When the machine has no port or thread to give.
    pub fn open() -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let accepted = Arc::new(AtomicUsize::new(0));
        let closing = Arc::new(AtomicBool::new(false));
        let (count, stop) = (Arc::clone(&accepted), Arc::clone(&closing));
        let thread = std::thread::Builder::new()
            .name("black-hole".into())
            .spawn(move || {
                let mut held = Vec::new();
                for stream in listener.incoming() {
                    if stop.load(Ordering::Acquire) {
                        return;
                    }
                    held.extend(stream);
                    count.store(held.len(), Ordering::Release);
                }
            })?;
        Ok(Self {
            address,
            accepted,
            closing,
            thread: Some(thread),
        })
    }

    /// Where connections disappear.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an `http://` address, as an exporter is given it.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many connections it holds.
    pub fn connections(&self) -> usize {
        self.accepted.load(Ordering::Acquire)
    }
}

impl Drop for BlackHole {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Release);
        // Wakes the thread from its accept.
        if TcpStream::connect(self.address).is_ok()
            && let Some(thread) = self.thread.take()
        {
            let _ = thread.join();
        }
    }
}

/// A port that was free a moment ago, and that this process has not been given before.
///
/// For programs that must be told a port; whoever can bind port 0 should do that instead.
pub fn free_port() -> io::Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    // Holding the refused ones open makes the system offer others.
    let mut refused = Vec::new();
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        if given.insert(port) {
            return Ok(port);
        }
        refused.push(listener);
    }
}
