//! The side of a pipeline that the application sees.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use super::health::{Backends, ExporterHealth};
use super::queue::{Pushed, Queue};
use super::signal::{Outgoing, Signal};
use super::thread::Job;
use super::worker::{Delivery, Worker};
use crate::fork;
use crate::ledger::{DropReason, SignalLedger};
use crate::metrics;
use crate::settings::{Batching, Endpoint};

/// The pipeline of one signal of one initialisation.
pub(crate) struct Exporter<S: Signal> {
    queue: Arc<Queue<S>>,
    health: Arc<ExporterHealth>,
    protocol: &'static str,
    is_closed: AtomicBool,
}

/// What starts with an exporter.
pub(crate) struct Start {
    /// What the export thread runs.
    pub(crate) job: Job,
    /// Told once whether there is a sink, and the backend has been looked for.
    pub(crate) started: Receiver<Result<(), String>>,
}

impl<S: Signal> Exporter<S> {
    /// A pipeline whose job has yet to be given to a thread.
    pub(crate) fn new<R: Outgoing<Waiting = S::Waiting>>(
        limits: Batching,
        delivery: Delivery<R>,
        backends: &Backends,
    ) -> (Arc<Self>, Start) {
        let queue = Queue::new(limits);
        let address = delivery.probe.as_ref().map(Endpoint::origin);
        let backend = backends.at(address.unwrap_or_else(|| S::PART.to_owned()));
        let redactor = backends.redactor();
        let health = ExporterHealth::new(S::PART, backend, Arc::clone(&redactor));
        let health = Arc::new(health);
        let exporter = Arc::new(Self {
            queue: Arc::clone(&queue),
            health: Arc::clone(&health),
            protocol: delivery.protocol,
            is_closed: AtomicBool::new(false),
        });
        let worker = Worker::<S, R> {
            queue,
            health,
            delivery,
            batch_size: limits.size,
            redactor,
        };
        let (sender, started) = sync_channel(1);
        let job: Job = Box::new(move || Box::pin(worker.supervise(sender)));
        (exporter, Start { job, started })
    }

    /// Counts it among the process's pipelines, and shows its state among the metrics.
    pub(crate) fn announce(self: &Arc<Self>) {
        if let Some(mut accounts) = fork::lock(S::accounts()) {
            accounts.remember(&self.queue);
        }
        let exporter = Arc::downgrade(self);
        metrics::register_exporter(S::NAME, self.protocol, move || {
            let is_up =
                |exporter: Arc<Self>| exporter.is_open() && exporter.health.is_up() == Some(true);
            exporter.upgrade().is_some_and(is_up)
        });
    }

    /// Takes records; never waits.
    pub(crate) fn push(&self, waiting: S::Waiting) -> Pushed {
        self.queue.push(waiting)
    }

    /// Accounts for records that were lost before they could be pushed.
    pub(crate) fn lose(&self, count: u64, reason: DropReason) {
        self.queue.lose(count, reason);
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed.load(Ordering::Relaxed)
    }
}

/// An exporter, whatever its signal.
pub(crate) trait AnyExporter: fmt::Debug + Send + Sync {
    fn signal(&self) -> &'static str;

    /// The name of the part in the status.
    fn part(&self) -> &'static str;

    /// The value of the label `protocol`.
    fn protocol(&self) -> &'static str;

    /// Asks for everything to be exported now.
    fn begin_flush(&self);

    /// Exports everything now, and waits for it; false when it took longer.
    fn flush(&self, patience: Duration) -> bool;

    /// Refuses records from now on, and gives the worker until `deadline` to export what waits.
    fn close(&self, deadline: Instant);

    /// Waits for the worker of a closed exporter; whether it has ended.
    fn wait(&self, deadline: Instant) -> bool;

    fn account(&self) -> SignalLedger;

    /// Whether the latest batch was taken; nothing before the first.
    fn is_up(&self) -> Option<bool>;

    fn last_error(&self) -> Option<String>;
}

impl<S: Signal> AnyExporter for Exporter<S> {
    fn signal(&self) -> &'static str {
        S::NAME
    }

    fn part(&self) -> &'static str {
        S::PART
    }

    fn protocol(&self) -> &'static str {
        self.protocol
    }

    fn begin_flush(&self) {
        self.queue.begin_flush();
    }

    fn flush(&self, patience: Duration) -> bool {
        self.queue.flush(patience)
    }

    fn close(&self, deadline: Instant) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.queue.close(deadline);
    }

    fn wait(&self, deadline: Instant) -> bool {
        self.queue.wait_for_worker(deadline + WORKER_MARGIN)
    }

    fn account(&self) -> SignalLedger {
        self.queue.account()
    }

    fn is_up(&self) -> Option<bool> {
        self.health.is_up()
    }

    fn last_error(&self) -> Option<String> {
        self.health.last_error()
    }
}

impl<S: Signal> fmt::Debug for Exporter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter")
            .field("queue", &self.queue)
            .field("protocol", &self.protocol)
            .finish_non_exhaustive()
    }
}

/// How long past its deadline the worker is waited for.
const WORKER_MARGIN: Duration = Duration::from_millis(50);
