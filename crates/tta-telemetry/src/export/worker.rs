//! Sending one signal's records, through whatever the sink does.

use std::collections::VecDeque;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::task::Poll;
use std::time::{Duration, Instant};

use tokio::time::{sleep_until, timeout};
use tta_core::{Histogram, registry};

use super::health::ExporterHealth;
use super::outcome::{ExportError, Exported};
use super::queue::{Queue, Readiness};
use super::retry::Backoff;
use super::show::Show;
use super::signal::{Outgoing, Signal, Sink};
use crate::catalog::EXPORT_DURATION;
use crate::ledger::DropReason;
use crate::otlp::Resolver;
use crate::redaction::Redactor;
use crate::settings::Endpoint;

/// How one signal's batches are delivered.
pub(crate) struct Delivery<R> {
    pub(crate) make_sink: MakeSink<R>,
    /// The value of the label `protocol`.
    pub(crate) protocol: &'static str,
    /// Where to see whether anybody listens before there is something to send.
    pub(crate) probe: Option<Endpoint>,
    /// For one attempt.
    pub(crate) timeout: Duration,
    /// Sees each batch once, however often it is sent.
    pub(crate) watch: Option<Show<R>>,
}

/// Makes the sink, inside the runtime; again after a panic.
pub(crate) type MakeSink<R> = Box<dyn Fn() -> Result<Box<dyn Sink<R>>, String> + Send + Sync>;

/// Takes records from the queue to the sink until the queue is closed.
pub(super) struct Worker<S: Signal, R> {
    pub(super) queue: Arc<Queue<S>>,
    pub(super) health: Arc<ExporterHealth>,
    pub(super) delivery: Delivery<R>,
    pub(super) batch_size: usize,
    pub(super) redactor: Arc<Redactor>,
}

impl<S: Signal, R: Outgoing<Waiting = S::Waiting>> Worker<S, R> {
    /// Runs until the queue is closed, through whatever the sink does. `started` is told once
    /// whether there is a sink, and the backend has been looked for.
    pub(super) async fn supervise(self, started: SyncSender<Result<(), String>>) {
        let _done = Done(Arc::clone(&self.queue));
        let mut hands = Hands::default();
        let mut panics = 0;
        // What a panic can leave half done is the batch that was being sent, and it is dropped.
        while contained(self.run(&mut hands, &mut panics, &started))
            .await
            .is_err()
        {
            let staged: usize = hands.staged.iter().map(Vec::len).sum();
            let lost = self.queue.account().in_flight.saturating_sub(staged as u64);
            self.queue.settle(0, lost, DropReason::ExporterPanic);
            self.health
                .down("the exporter panicked; it is started anew");
            panics = (panics + 1).min(MOST_DOUBLINGS);
            let pause = FIRST_PAUSE * 2_u32.pow(panics - 1);
            // Until the pause is over, or the queue is closed.
            let _ = timeout(pause, self.closed()).await;
            if self.is_past_deadline() {
                return;
            }
        }
    }

    async fn run(
        &self,
        hands: &mut Hands<R>,
        panics: &mut u32,
        started: &SyncSender<Result<(), String>>,
    ) {
        let sink = match (self.delivery.make_sink)() {
            Ok(sink) => sink,
            Err(why) => {
                // Nobody listens any more when this is a restart, or when it took long to find out.
                if started.try_send(Err(why.clone())).is_err() {
                    self.health.down(&why);
                }
                return;
            }
        };
        self.look_for_backend().await;
        let _ = started.try_send(Ok(()));
        let durations = registry().histogram(&EXPORT_DURATION, &[S::NAME, self.delivery.protocol]);
        let durations = durations.unwrap_or_else(|_| Histogram::detached());
        loop {
            if hands.staged.is_empty() && !self.wait().await {
                return;
            }
            self.stage(hands);
            while let Some(batch) = hands.staged.pop_front() {
                if !self.deliver(&*sink, &batch, hands, &durations).await {
                    return;
                }
                *panics = 0;
            }
        }
    }

    /// Sees whether anybody listens, so that the state is known before the first span.
    async fn look_for_backend(&self) {
        let (Some(endpoint), None) = (&self.delivery.probe, self.health.is_up()) else {
            return;
        };
        let connecting = async {
            let mut addresses = Resolver.addresses(endpoint.bare_host()).await?;
            for address in &mut addresses {
                address.set_port(endpoint.port);
            }
            tokio::net::TcpStream::connect(addresses.as_slice()).await
        };
        if let Ok(Err(why)) = timeout(PROBE_PATIENCE, connecting).await {
            self.health
                .down(&format!("failed to connect to {endpoint}: {why}"));
        }
    }

    /// Waits until a batch should go out; false when there will be none any more.
    async fn wait(&self) -> bool {
        loop {
            match self.queue.readiness() {
                Readiness::Ready => return true,
                Readiness::Finished => return false,
                Readiness::Empty => self.queue.wake.notified().await,
                Readiness::Until(when) => {
                    let left = when.saturating_duration_since(Instant::now());
                    let _ = timeout(left, self.queue.wake.notified()).await;
                }
            }
        }
    }

    /// Takes what waits into hand, in batches of the right size.
    fn stage(&self, hands: &mut Hands<R>) {
        let mut records = Vec::new();
        for waiting in self.queue.take() {
            R::prepare(waiting, &self.redactor, &mut records);
        }
        if let Some(watch) = &self.delivery.watch {
            // What could not be shown is counted where it was to be shown, and exported.
            let _ = watch(&records);
        }
        let mut begin = 0;
        let mut bytes = 0;
        let mut ends = Vec::new();
        for (index, record) in records.iter().enumerate() {
            let more = record.bytes();
            let is_full = index - begin >= self.batch_size || bytes + more > MOST_REQUEST_BYTES;
            if is_full && index > begin {
                ends.push(index);
                (begin, bytes) = (index, 0);
            }
            bytes += more;
        }
        // From the end, so that each record is moved once.
        let first = hands.staged.len();
        for end in ends.into_iter().rev() {
            hands.staged.insert(first, records.split_off(end));
        }
        if !records.is_empty() {
            hands.staged.insert(first, records);
        }
    }

    /// Sends a batch until it is accounted for; false when time is up.
    async fn deliver(
        &self,
        sink: &dyn Sink<R>,
        batch: &[R],
        hands: &mut Hands<R>,
        durations: &Histogram,
    ) -> bool {
        let count = batch.len() as u64;
        let mut backoff = Backoff::new(Instant::now());
        loop {
            let began = Instant::now();
            let Some(outcome) = self.attempt(sink, batch).await else {
                return false;
            };
            durations.record(began.elapsed());
            let error = match outcome {
                Ok(exported) => {
                    let rejected = exported.rejected.min(count);
                    let delivered = count - rejected;
                    // Before whoever waits for the flush can look.
                    self.health.up(self.queue.account().dropped() + rejected);
                    self.queue.settle(delivered, rejected, DropReason::Rejected);
                    return true;
                }
                Err(error) => error,
            };
            self.health.down(&format!("failed to {error}"));
            let Some(wait) = backoff.after(&error, Instant::now()) else {
                let reason = match error {
                    ExportError::TryLater { .. } => DropReason::RetriesExhausted,
                    _ => DropReason::Rejected,
                };
                self.queue.settle(0, count, reason);
                return true;
            };
            // One more batch in hand, so that the queue has room for as long as an outage lasts.
            if hands.staged.is_empty() && self.queue.has_batch() {
                self.stage(hands);
            }
            self.pause(wait).await;
            if self.is_past_deadline() {
                return false;
            }
        }
    }

    /// One attempt; none when the queue's deadline passed meanwhile.
    async fn attempt(
        &self,
        sink: &dyn Sink<R>,
        batch: &[R],
    ) -> Option<Result<Exported, ExportError>> {
        tokio::select! {
            biased;
            outcome = timeout(self.delivery.timeout, sink.send(batch)) => {
                Some(outcome.unwrap_or_else(|_| Err(ExportError::Unreachable {
                    message: format!("no answer within {} ms", self.delivery.timeout.as_millis()),
                })))
            }
            () = self.past_deadline() => None,
        }
    }

    /// Waits between two attempts. Closing the queue ends the wait, for there is little time left.
    async fn pause(&self, wait: Duration) {
        match self.queue.deadline() {
            None => {
                let _ = timeout(wait, self.closed()).await;
            }
            Some(_) => {
                let _ = timeout(wait.min(MOST_WAIT_AT_END), self.past_deadline()).await;
            }
        }
    }

    async fn past_deadline(&self) {
        self.closed().await;
        match self.queue.deadline() {
            Some(deadline) => sleep_until(deadline.into()).await,
            // A closed queue has a deadline.
            None => pending().await,
        }
    }

    async fn closed(&self) {
        while self.queue.deadline().is_none() {
            self.queue.closing.notified().await;
        }
    }

    fn is_past_deadline(&self) -> bool {
        self.queue
            .deadline()
            .is_some_and(|deadline| Instant::now() >= deadline)
    }
}

/// Runs a future; `Err` when it panicked.
async fn contained(future: impl Future<Output = ()>) -> Result<(), ()> {
    let mut future = pin!(future);
    std::future::poll_fn(
        |cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(poll) => poll.map(Ok),
            Err(_) => Poll::Ready(Err(())),
        },
    )
    .await
}

/// Batches that have been taken from the queue and not been sent.
struct Hands<R> {
    staged: VecDeque<Vec<R>>,
}

impl<R> Default for Hands<R> {
    fn default() -> Self {
        Self {
            staged: VecDeque::new(),
        }
    }
}

/// Says that the worker has ended, however it did.
struct Done<S: Signal>(Arc<Queue<S>>);

impl<S: Signal> Drop for Done<S> {
    fn drop(&mut self) {
        self.0.worker_ended();
    }
}

/// Collectors take 4 MiB; the rest is for what the process says of itself.
const MOST_REQUEST_BYTES: usize = 7 << 19;

const PROBE_PATIENCE: Duration = Duration::from_millis(500);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const MOST_DOUBLINGS: u32 = 6;
const MOST_WAIT_AT_END: Duration = Duration::from_millis(200);
