//! The server before it runs: its settings, and starting it.

use std::fmt;
use std::net::TcpListener;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};
use std::{io, thread};

use tokio::runtime;
use tokio::sync::watch;

use crate::accept::accept_connections;
use crate::access::Access;
use crate::admission::Admission;
use crate::connection::Shared;
use crate::event::Listener;
use crate::listen::listen;
use crate::observer::Observer;
use crate::render::Renderer;
use crate::running::Completion;
use crate::stats::Counters;
#[cfg(feature = "tls")]
use crate::tls::{Tls, TlsFiles};
use crate::{
    BasicAuth, Exposition, MetricsServerError, RunningServer, ServerEvent, ServerObserver,
    ShutdownReport,
};

/// Serves an [`Exposition`] at `/metrics` and `/health`.
///
/// # Examples
///
/// ```
/// # use tta_metrics_server::{Exposition, HealthReport, HealthStatus};
/// # struct App;
/// # impl Exposition for App {
/// #     fn metrics(&self, _: &'static str) -> Vec<u8> { Vec::new() }
/// #     fn health(&self) -> HealthReport { HealthReport::new(HealthStatus::Healthy, "{}") }
/// # }
/// use tta_metrics_server::MetricsServer;
///
/// let server = MetricsServer::new(App).with_port(0).start()?;
/// assert_ne!(server.local_addr().port(), 0);
/// # Ok::<(), tta_metrics_server::MetricsServerError>(())
/// ```
#[must_use = "nothing is served until `start`"]
pub struct MetricsServer {
    exposition: Arc<dyn Exposition>,
    host: String,
    port: u16,
    max_connections: usize,
    header_timeout: Duration,
    connection_timeout: Duration,
    render_timeout: Duration,
    auth: Option<BasicAuth>,
    #[cfg(feature = "tls")]
    tls: Option<TlsFiles>,
    listener: Listener,
    observer: Observer,
}

impl MetricsServer {
    /// The host that is listened on unless another is set.
    pub const DEFAULT_HOST: &'static str = "localhost";

    /// The port that is listened on unless another is set.
    ///
    /// Source: `OTEL_EXPORTER_PROMETHEUS_PORT` of the OpenTelemetry specification.
    pub const DEFAULT_PORT: u16 = 9464;

    /// How long [`RunningServer::shutdown`] should let requests finish, unless there is a reason
    /// for another time.
    pub const DEFAULT_DRAIN: Duration = Duration::from_secs(1);

    /// A server for this exposition, on `localhost:9464` and with the default limits.
    pub fn new(exposition: impl Exposition) -> Self {
        Self {
            exposition: Arc::new(exposition),
            host: Self::DEFAULT_HOST.to_owned(),
            port: Self::DEFAULT_PORT,
            max_connections: 64,
            header_timeout: Duration::from_secs(5),
            connection_timeout: Duration::from_secs(10),
            render_timeout: Duration::from_secs(5),
            auth: None,
            #[cfg(feature = "tls")]
            tls: None,
            listener: Listener::default(),
            observer: Observer::default(),
        }
    }

    /// Listens on every address of this host: a name or an IP address.
    ///
    /// `localhost` is loopback over IPv4 and IPv6 without asking a resolver. Any other name is
    /// looked up by [`start`](Self::start), on the thread that calls it.
    pub fn with_host(mut self, host: impl Into<String>) -> Self {
        self.host = host.into();
        self
    }

    /// Listens on this port; 0 takes a free one, which [`RunningServer::local_addr`] tells.
    pub fn with_port(mut self, port: u16) -> Self {
        self.port = port;
        self
    }

    /// Serves at most this many connections at one time (64). More than that make room by
    /// closing idle ones; the README's "Limits" says which.
    pub fn with_max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// Closes a connection that has sent no complete request head for this long (5 s), be it
    /// silent, idle between requests, or sending a byte at a time.
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = timeout;
        self
    }

    /// Closes a connection this long after it was opened (10 s), whatever it is doing. Once half
    /// of the time is over, an answer is the connection's last and says so.
    pub fn with_connection_timeout(mut self, timeout: Duration) -> Self {
        self.connection_timeout = timeout;
        self
    }

    /// Answers 503 if a rendering takes longer than this (5 s), waiting for its turn included.
    pub fn with_render_timeout(mut self, timeout: Duration) -> Self {
        self.render_timeout = timeout;
        self
    }

    /// Answers only those who say who they are. Without a right name and password there is a 401,
    /// whatever is asked for, but for the probes `/health/live` and `/health/ready`: they tell one
    /// word, to orchestrators that can keep no secret.
    ///
    /// Over a connection in clear the password can be read on the way: use [TLS](Self::with_tls),
    /// or a loopback address.
    pub fn with_basic_auth(mut self, auth: BasicAuth) -> Self {
        self.auth = Some(auth);
        self
    }

    /// Speaks TLS, and nothing else.
    #[cfg(feature = "tls")]
    pub fn with_tls(mut self, files: TlsFiles) -> Self {
        self.tls = Some(files);
        self
    }

    /// Tells this of every answer and every connection that is turned away.
    pub fn with_observer(mut self, observer: impl ServerObserver) -> Self {
        self.observer = Observer::new(observer);
        self
    }

    /// Calls this with every [`ServerEvent`]. It runs on the server's threads, so it must not
    /// block; should it panic, the event is lost and nothing else.
    pub fn with_event_listener(
        mut self,
        listener: impl Fn(&ServerEvent) + Send + Sync + 'static,
    ) -> Self {
        self.listener = Listener::new(listener);
        self
    }

    /// Listens and serves on threads of its own, so it needs no tokio runtime and disturbs none.
    ///
    /// When it returns, the port answers.
    ///
    /// # Errors
    ///
    /// The address is taken, unknown or not permitted, a limit makes no sense, TLS cannot be spoken
    /// with the files as they are, or a thread cannot be started. Nothing is left behind.
    pub fn start(self) -> Result<RunningServer, MetricsServerError> {
        self.check_limits()?;
        #[cfg(feature = "tls")]
        let tls = self.tls.map(Tls::new).transpose()?.map(Arc::new);
        let access = Access {
            #[cfg(feature = "tls")]
            needs_certificate: tls.as_ref().is_some_and(|tls| tls.asks_for_certificate()),
            #[cfg(not(feature = "tls"))]
            needs_certificate: false,
            auth: self.auth,
        };
        let sockets = listen(&self.host, self.port)?;
        let thread_error = |source| MetricsServerError::Thread { source };
        let addresses = sockets
            .iter()
            .map(TcpListener::local_addr)
            .collect::<io::Result<Vec<_>>>()
            .map_err(thread_error)?;
        let counters = Arc::new(Counters::new(self.observer));
        let renderer = Renderer::start(
            self.exposition,
            self.render_timeout,
            Arc::clone(&counters),
            self.listener.clone(),
        )
        .map_err(thread_error)?;
        let (stop_sender, stop) = watch::channel(None);
        let shared = Shared {
            renderer: Arc::new(renderer),
            counters: Arc::clone(&counters),
            access: Arc::new(access),
            #[cfg(feature = "tls")]
            tls,
            listener: self.listener.clone(),
            header_timeout: self.header_timeout,
            connection_timeout: self.connection_timeout,
            stop,
        };
        let admission = Admission::new(self.max_connections, Arc::clone(&counters));
        let completion = Completion::new();
        let (ready_sender, ready) = mpsc::channel();
        let signal = completion.signal();
        let run = move || {
            // Built here, because a runtime must not be dropped on a thread that runs async code,
            // which the caller's may be.
            let runtime = match runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(error) => return drop(ready_sender.send(Err(error))),
            };
            let report = runtime.block_on(async {
                match adopt(sockets) {
                    Ok(sockets) => {
                        let _caller_waits = ready_sender.send(Ok(()));
                        run_until_stopped(sockets, admission, shared, self.listener).await
                    }
                    Err(error) => {
                        let _caller_waits = ready_sender.send(Err(error));
                        ShutdownReport::default()
                    }
                }
            });
            drop(runtime);
            signal.complete(report);
        };
        let thread = thread::Builder::new()
            .name("metrics-server".to_owned())
            .spawn(run)
            .map_err(thread_error)?;
        ready
            .recv()
            .unwrap_or_else(|_| Err(io::Error::other("the server's thread ended")))
            .map_err(thread_error)?;
        Ok(RunningServer::new(
            addresses,
            counters,
            stop_sender,
            completion,
            thread,
        ))
    }

    fn check_limits(&self) -> Result<(), MetricsServerError> {
        let within = |timeout| Duration::ZERO < timeout && timeout <= LONGEST_TIMEOUT;
        let limits = [
            (
                "with_max_connections",
                (1..=MOST_CONNECTIONS).contains(&self.max_connections),
            ),
            ("with_header_timeout", within(self.header_timeout)),
            ("with_connection_timeout", within(self.connection_timeout)),
            ("with_render_timeout", within(self.render_timeout)),
        ];
        match limits.into_iter().find(|(_, valid)| !valid) {
            Some((limit, _)) => Err(MetricsServerError::InvalidLimit { limit }),
            None => Ok(()),
        }
    }
}

impl fmt::Debug for MetricsServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetricsServer")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("max_connections", &self.max_connections)
            .field("header_timeout", &self.header_timeout)
            .field("connection_timeout", &self.connection_timeout)
            .field("render_timeout", &self.render_timeout)
            .field("auth", &self.auth)
            .field("listener", &self.listener)
            .field("observer", &self.observer)
            .finish_non_exhaustive()
    }
}

fn adopt(sockets: Vec<TcpListener>) -> io::Result<Vec<tokio::net::TcpListener>> {
    sockets
        .into_iter()
        .map(tokio::net::TcpListener::from_std)
        .collect()
}

async fn run_until_stopped(
    sockets: Vec<tokio::net::TcpListener>,
    admission: Arc<Admission>,
    shared: Shared,
    listener: Listener,
) -> ShutdownReport {
    let mut stop = shared.stop.clone();
    let mut acceptors = tokio::task::JoinSet::new();
    for socket in sockets {
        let (admission, shared) = (Arc::clone(&admission), shared.clone());
        acceptors.spawn(accept_connections(
            socket,
            admission,
            shared,
            listener.clone(),
        ));
    }
    // A sender that is gone without a word is a stop at once.
    let deadline = stop
        .wait_for(Option::is_some)
        .await
        .map_or(None, |deadline| *deadline);
    let busy = admission.busy();
    acceptors.shutdown().await;
    let deadline = deadline.unwrap_or_else(Instant::now);
    let drained = tokio::time::timeout_at(deadline.into(), admission.emptied()).await;
    let aborted = if drained.is_ok() { 0 } else { admission.busy() };
    ShutdownReport {
        finished: busy.saturating_sub(aborted),
        aborted,
    }
}

const MOST_CONNECTIONS: usize = 65_536;
const LONGEST_TIMEOUT: Duration = Duration::from_hours(1);
