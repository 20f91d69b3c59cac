//! A TCP proxy that does to a connection what bad networks do, when it is told to.
//!
//! ```no_run
//! use std::time::Duration;
//! use tta_testkit::proxy::{Fault, FaultProxy};
//!
//! # fn example(server: std::net::SocketAddr) -> std::io::Result<()> {
//! let proxy = FaultProxy::start(server)?;
//! // … connect the client to `proxy.address()` …
//! proxy.to_client(Fault::Delay(Duration::from_millis(20)));
//! proxy.to_server(Fault::BlackHole);
//! proxy.heal();
//! # Ok(())
//! # }
//! ```

mod fault;
mod pump;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;

use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

pub use self::fault::Fault;
use self::pump::{Lines, reset, serve};

/// A loopback port whose connections lead to a server, through faults that are switched while they
/// run, for each direction apart.
///
/// Dropping it closes the port and every connection.
#[derive(Debug)]
pub struct FaultProxy {
    address: SocketAddr,
    lines: Arc<Lines>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl FaultProxy {
    /// Opens a free port that leads to `server`, without any fault yet.
    ///
    /// # Errors
    ///
    /// When the machine has no port or thread to give.
    pub fn start(server: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let lines = Arc::new(Lines::default());
        let (stop, stopped) = oneshot::channel();
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let carried = Arc::clone(&lines);
        let thread = std::thread::Builder::new()
            .name("fault-proxy".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = TcpListener::from_std(listener) else {
                        return;
                    };
                    tokio::select! {
                        () = accept_all(listener, server, carried) => {}
                        _ = stopped => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            lines,
            stop: Some(stop),
            thread: Some(thread),
        })
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on this happens to what clients send.
    pub fn to_server(&self, fault: Fault) {
        self.lines.to_server.send_replace(fault);
    }

    /// From now on this happens to what the server sends.
    pub fn to_client(&self, fault: Fault) {
        self.lines.to_client.send_replace(fault);
    }

    /// From now on nothing happens to anything. Connections that were reset stay so.
    pub fn heal(&self) {
        self.to_server(Fault::None);
        self.to_client(Fault::None);
    }

    /// From now on the connections that there are lead nowhere, as through a router that has forgotten
    /// them: what is sent on them is read and thrown away. New ones pass.
    pub fn forget_connections(&self) {
        let accepted = self.lines.accepted.load(Ordering::Acquire);
        self.lines.forgotten.send_replace(accepted);
    }

    /// How many connections clients have opened.
    pub fn connections(&self) -> usize {
        self.lines.accepted.load(Ordering::Acquire)
    }

    /// How many of them are open.
    pub fn open_connections(&self) -> usize {
        self.lines.open.load(Ordering::Acquire)
    }

    /// How many bytes clients were sent. In [`Fault::Pieces`] with a pause that lets them read each,
    /// it is what they have read.
    pub fn passed_to_clients(&self) -> usize {
        self.lines.passed_to_clients.load(Ordering::Acquire)
    }

    /// Keeps a copy of what passes from now on, as it reaches the proxy.
    pub fn capture(&self) {
        self.lines.capturing.store(true, Ordering::Release);
    }

    /// What clients have sent since [`capture`](Self::capture), of all connections.
    pub fn captured_from_clients(&self) -> Vec<u8> {
        self.lines.captured(|captured| &captured.from_clients)
    }

    /// What the server has sent since [`capture`](Self::capture), on all connections.
    pub fn captured_from_server(&self) -> Vec<u8> {
        self.lines.captured(|captured| &captured.from_server)
    }
}

impl Drop for FaultProxy {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn accept_all(listener: TcpListener, server: SocketAddr, lines: Arc<Lines>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let number = lines.accepted.fetch_add(1, Ordering::AcqRel);
        if lines.resets() {
            reset(&client);
            continue;
        }
        let lines = Arc::clone(&lines);
        tokio::spawn(async move {
            // A server that is down looks to the client as if it had been asked directly.
            match TcpStream::connect(server).await {
                Ok(server) => serve(client, server, number, lines).await,
                Err(_) => reset(&client),
            }
        });
    }
}
