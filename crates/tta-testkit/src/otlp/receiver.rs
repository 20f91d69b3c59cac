//! The receiver as a test holds it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_rustls::rustls::ServerConfig;

use super::connection::accept_all;
use super::log::Log;
use super::received::{
    Payload, Protocol, ReceivedLog, ReceivedMetric, ReceivedRequest, ReceivedSpan, Signal, logs_of,
    metrics_of, spans_of,
};
use super::reply::Reply;
use crate::certificates::{Authority, Identity};

/// An OTLP server on two free loopback ports, on a thread and runtime of its own.
///
/// Its methods block, so that it serves tests with and without a runtime; in an async test wait
/// for it from a multi-threaded runtime, or export from another thread.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use tta_testkit::otlp::OtlpReceiver;
///
/// let receiver = OtlpReceiver::start()?;
/// // … export to `receiver.grpc_endpoint()` …
/// let spans = receiver.wait_for_spans(3, Duration::from_secs(5))?;
/// assert!(spans.iter().all(|span| span.trace_id() == spans[0].trace_id()));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct OtlpReceiver {
    log: Arc<Log>,
    grpc: SocketAddr,
    http: SocketAddr,
    tls: Option<Tls>,
    server: Mutex<Option<Server>>,
}

/// What each of the two protocols is inside of.
#[derive(Debug, Clone)]
struct Tls {
    grpc: Arc<ServerConfig>,
    http: Arc<ServerConfig>,
}

#[derive(Debug)]
struct Server {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl OtlpReceiver {
    /// Starts one that accepts everything.
    ///
    /// # Errors
    ///
    /// When the machine has no port or thread to give.
    pub fn start() -> io::Result<Self> {
        Self::launch(None)
    }

    /// Starts one that speaks TLS alone, as this identity; where `clients` is given, to those alone
    /// whom that authority vouches for.
    ///
    /// # Errors
    ///
    /// When the identity is none, or the machine has no port or thread to give.
    pub fn start_with_tls(identity: &Identity, clients: Option<&Authority>) -> io::Result<Self> {
        Self::launch(Some(Tls {
            grpc: Arc::new(identity.server_config("h2", clients)?),
            http: Arc::new(identity.server_config("http/1.1", clients)?),
        }))
    }

    fn launch(tls: Option<Tls>) -> io::Result<Self> {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let (grpc, http) = (TcpListener::bind(any)?, TcpListener::bind(any)?);
        let receiver = Self {
            log: Arc::default(),
            grpc: grpc.local_addr()?,
            http: http.local_addr()?,
            tls,
            server: Mutex::new(None),
        };
        receiver.serve(grpc, http)?;
        Ok(receiver)
    }

    /// For an exporter that speaks gRPC.
    pub fn grpc_endpoint(&self) -> String {
        self.endpoint(self.grpc)
    }

    /// For an exporter that speaks HTTP/protobuf, without the path of a signal.
    pub fn http_endpoint(&self) -> String {
        self.endpoint(self.http)
    }

    /// Where gRPC is served, for a proxy before it.
    pub fn grpc_address(&self) -> SocketAddr {
        self.grpc
    }

    /// Where HTTP is served, for a proxy before it.
    pub fn http_address(&self) -> SocketAddr {
        self.http
    }

    /// Answers one request so, after those pushed before.
    pub fn push(&self, reply: Reply) {
        self.log.update(|state| state.script.push(reply));
    }

    /// Answers one request of this signal so. These go before what [`OtlpReceiver::push`] gave.
    pub fn push_for(&self, signal: Signal, reply: Reply) {
        self.log
            .update(|state| state.script.push_for(signal, reply));
    }

    /// Answers so whenever nothing pushed is left.
    pub fn set_default(&self, reply: Reply) {
        self.log.update(|state| state.script.set_default(reply));
    }

    /// Every request that could be decoded, accepted or not, in order of arrival.
    pub fn requests(&self) -> Vec<ReceivedRequest> {
        self.log.lock().requests.clone()
    }

    /// How many requests came, accepted or not.
    pub fn request_count(&self) -> usize {
        self.log.lock().requests.len()
    }

    /// How many requests could not be decoded; they are answered 400 or `INVALID_ARGUMENT`.
    pub fn undecodable_count(&self) -> usize {
        self.log.lock().undecodable
    }

    /// How many connections were opened, over both protocols.
    pub fn connection_count(&self) -> usize {
        self.log.lock().connections
    }

    /// The spans of all requests that were told success, including those of a partial one.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        let mut spans = Vec::new();
        for payload in self.log.lock().accepted() {
            if let Payload::Traces(request) = payload {
                spans_of(request, &mut spans);
            }
        }
        spans
    }

    /// How many spans [`OtlpReceiver::spans`] would have.
    pub fn span_count(&self) -> usize {
        self.log.lock().accepted_count(Signal::Traces)
    }

    /// The metrics of all requests that were told success.
    pub fn metrics(&self) -> Vec<ReceivedMetric> {
        let mut metrics = Vec::new();
        for payload in self.log.lock().accepted() {
            if let Payload::Metrics(request) = payload {
                metrics_of(request, &mut metrics);
            }
        }
        metrics
    }

    /// The log records of all requests that were told success.
    pub fn logs(&self) -> Vec<ReceivedLog> {
        let mut logs = Vec::new();
        for payload in self.log.lock().accepted() {
            if let Payload::Logs(request) = payload {
                logs_of(request, &mut logs);
            }
        }
        logs
    }

    /// Waits until so many spans were accepted, and answers all that were.
    ///
    /// # Errors
    ///
    /// Says how many there are, at the deadline.
    pub fn wait_for_spans(
        &self,
        count: usize,
        deadline: Duration,
    ) -> io::Result<Vec<ReceivedSpan>> {
        self.wait_for(Signal::Traces, "spans", count, deadline)?;
        Ok(self.spans())
    }

    /// Waits until so many metrics were accepted, and answers all that were.
    ///
    /// # Errors
    ///
    /// Says how many there are, at the deadline.
    pub fn wait_for_metrics(
        &self,
        count: usize,
        deadline: Duration,
    ) -> io::Result<Vec<ReceivedMetric>> {
        self.wait_for(Signal::Metrics, "metrics", count, deadline)?;
        Ok(self.metrics())
    }

    /// Waits until so many log records were accepted, and answers all that were.
    ///
    /// # Errors
    ///
    /// Says how many there are, at the deadline.
    pub fn wait_for_logs(&self, count: usize, deadline: Duration) -> io::Result<Vec<ReceivedLog>> {
        self.wait_for(Signal::Logs, "log records", count, deadline)?;
        Ok(self.logs())
    }

    /// Waits until so many requests came, accepted or not, and answers all that did.
    ///
    /// # Errors
    ///
    /// Says how many there are, at the deadline.
    pub fn wait_for_requests(
        &self,
        count: usize,
        deadline: Duration,
    ) -> io::Result<Vec<ReceivedRequest>> {
        self.log
            .wait_for("requests", count, deadline, |state| state.requests.len())?;
        Ok(self.requests())
    }

    /// Forgets all requests and counts; the script stays.
    pub fn forget(&self) {
        self.log.update(|state| {
            state.requests.clear();
            (state.undecodable, state.connections) = (0, 0);
        });
    }

    /// Closes both ports and all connections; connecting is refused afterwards.
    pub fn stop(&self) {
        let server = self
            .server
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(Server { stop, thread }) = server {
            let _ = stop.send(());
            let _ = thread.join();
        }
    }

    /// Stops if need be, and listens again where it did. What was received is kept.
    ///
    /// # Errors
    ///
    /// When somebody else took a port meanwhile.
    pub fn restart_on_same_port(&self) -> io::Result<()> {
        self.stop();
        self.serve(TcpListener::bind(self.grpc)?, TcpListener::bind(self.http)?)
    }

    fn serve(&self, grpc: TcpListener, http: TcpListener) -> io::Result<()> {
        grpc.set_nonblocking(true)?;
        http.set_nonblocking(true)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (grpc, http) = {
            let _inside = runtime.enter();
            (
                tokio::net::TcpListener::from_std(grpc)?,
                tokio::net::TcpListener::from_std(http)?,
            )
        };
        let (stop, stopped) = oneshot::channel();
        let tls = self.tls.clone();
        let (grpc_tls, http_tls) = tls.map(|tls| (tls.grpc, tls.http)).unzip();
        let (for_grpc, for_http) = (Arc::clone(&self.log), Arc::clone(&self.log));
        let thread = std::thread::Builder::new()
            .name("otlp-receiver".into())
            .spawn(move || {
                runtime.spawn(accept_all(grpc, grpc_tls, Protocol::Grpc, for_grpc));
                runtime.spawn(accept_all(http, http_tls, Protocol::Http, for_http));
                // Either way the runtime is dropped next, and with it every task and socket.
                let _ = runtime.block_on(stopped);
            })?;
        let server = Server { stop, thread };
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = Some(server);
        Ok(())
    }

    fn endpoint(&self, address: SocketAddr) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{address}")
    }

    fn wait_for(
        &self,
        signal: Signal,
        what: &str,
        count: usize,
        deadline: Duration,
    ) -> io::Result<()> {
        self.log
            .wait_for(what, count, deadline, |state| state.accepted_count(signal))
    }
}

impl Drop for OtlpReceiver {
    fn drop(&mut self) {
        self.stop();
    }
}
