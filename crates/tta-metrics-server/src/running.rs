//! The server while it runs, and stopping it.

use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::ServerStats;
use crate::stats::Counters;

/// A server that answers until it is shut down or dropped.
///
/// Dropping it stops it at once, without letting requests finish, and frees the port.
#[derive(Debug)]
#[must_use = "dropping it stops the server"]
pub struct RunningServer {
    addresses: Vec<SocketAddr>,
    counters: Arc<Counters>,
    stop: watch::Sender<Option<Instant>>,
    completion: Completion,
    thread: Option<JoinHandle<()>>,
}

/// Reads a server's [counters](ServerStats), for as long as one likes.
#[derive(Debug, Clone)]
pub struct StatsReader(Arc<Counters>);

impl StatsReader {
    /// The counters as they are now, or were at the end.
    pub fn read(&self) -> ServerStats {
        self.0.snapshot()
    }
}

/// What became of the requests that were being answered when the server was told to stop.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Requests that were answered in full.
    pub finished: usize,
    /// Requests that were cut off at the deadline.
    pub aborted: usize,
}

impl RunningServer {
    pub(crate) fn new(
        addresses: Vec<SocketAddr>,
        counters: Arc<Counters>,
        stop: watch::Sender<Option<Instant>>,
        completion: Completion,
        thread: JoinHandle<()>,
    ) -> Self {
        Self {
            addresses,
            counters,
            stop,
            completion,
            thread: Some(thread),
        }
    }

    /// The address it listens on; the first, where the host has several.
    pub fn local_addr(&self) -> SocketAddr {
        // `listen` succeeds with one socket at least, so the fallback is never seen.
        self.addresses
            .first()
            .copied()
            .unwrap_or_else(|| ([127, 0, 0, 1], 0).into())
    }

    /// Every address it listens on, all with the same port.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// Whether the server is up: false once it has been shut down.
    pub fn is_running(&self) -> bool {
        !self.completion.is_complete()
    }

    /// The server's own counters, as they are now.
    pub fn stats(&self) -> ServerStats {
        self.counters.snapshot()
    }

    /// Reads the counters also when the server is elsewhere, or gone.
    pub fn stats_reader(&self) -> StatsReader {
        StatsReader(Arc::clone(&self.counters))
    }

    /// Stops accepting, lets requests that are being answered finish until the deadline, and
    /// closes everything.
    ///
    /// Blocks the calling thread until that is done, the `deadline` and a tenth of a second at
    /// most. Calling it again, or from several threads at once, is safe: each call returns the
    /// same report. The first call's deadline holds.
    ///
    /// A rendering that hangs is not waited for; its thread ends when it returns.
    pub fn shutdown(&self, deadline: Duration) -> ShutdownReport {
        // A deadline beyond what a clock can say is no deadline; an hour is as good.
        let now = Instant::now();
        let until = now.checked_add(deadline).unwrap_or(now + LONGEST_WAIT);
        self.request_stop(until);
        let patience = deadline.min(LONGEST_WAIT).saturating_add(STOP_MARGIN);
        self.completion
            .wait(patience)
            .unwrap_or_else(|| ShutdownReport {
                aborted: usize::try_from(self.stats().connections_open).unwrap_or(usize::MAX),
                ..ShutdownReport::default()
            })
    }

    fn request_stop(&self, until: Instant) {
        self.stop.send_if_modified(|stop| {
            let first = stop.is_none();
            stop.get_or_insert(until);
            first
        });
    }
}

impl Drop for RunningServer {
    fn drop(&mut self) {
        self.request_stop(Instant::now());
        if self.completion.wait(DROP_PATIENCE).is_some()
            && let Some(thread) = self.thread.take()
        {
            // It has nothing left to do, so this is only for the thread to be gone when the
            // server is. Otherwise it is left to end by itself.
            let _ended = thread.join();
        }
    }
}

/// Tells when the server's thread is done.
#[derive(Debug)]
pub(crate) struct Completion(Arc<Done>);

/// The thread's end of a [`Completion`]. Dropped without a report it still completes.
#[derive(Debug)]
pub(crate) struct CompletionSignal(Arc<Done>);

#[derive(Debug, Default)]
struct Done {
    report: Mutex<Option<ShutdownReport>>,
    changed: Condvar,
}

impl Completion {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn signal(&self) -> CompletionSignal {
        CompletionSignal(Arc::clone(&self.0))
    }

    fn is_complete(&self) -> bool {
        self.0
            .report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some()
    }

    fn wait(&self, patience: Duration) -> Option<ShutdownReport> {
        let report = self.0.report.lock().unwrap_or_else(PoisonError::into_inner);
        let (report, _timed_out) = self
            .0
            .changed
            .wait_timeout_while(report, patience, |report| report.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        *report
    }
}

impl CompletionSignal {
    pub(crate) fn complete(&self, report: ShutdownReport) {
        self.0
            .report
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(report);
        self.0.changed.notify_all();
    }
}

impl Drop for CompletionSignal {
    fn drop(&mut self) {
        self.complete(ShutdownReport::default());
    }
}

const LONGEST_WAIT: Duration = Duration::from_hours(1);
/// How long past the deadline the server's thread may take to close its sockets.
const STOP_MARGIN: Duration = Duration::from_millis(100);
const DROP_PATIENCE: Duration = Duration::from_millis(8);
