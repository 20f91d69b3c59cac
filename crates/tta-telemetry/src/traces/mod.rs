//! Spans on their way out: sampled, queued, converted, exported, accounted for.

mod convert;
mod foreign;
mod health;
mod otlp;
mod queue;
mod retry;
mod sampler;
mod scope;
mod sink;
mod spans;
mod worker;

pub use foreign::opentelemetry_layer;
pub(crate) use foreign::{ambient_parent, install_provider, is_suppressed, span_filter};
pub(crate) use scope::scope;
pub use sink::{ExportError, Exported, Exporting, SpanSink};

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::thread::{JoinHandle, ThreadId};
use std::time::{Duration, Instant};

use tta_core::{Level, LogRecord, Parent, TraceId, TraceRecords};

use self::health::ExporterHealth;
use self::otlp::{GrpcSink, HttpSink};
use self::queue::{Pushed, Queue};
use self::sampler::Decision;
use self::spans::Spans;
use self::worker::{MakeSink, Worker};
use crate::catalog::LATE_SPANS;
use crate::ledger::SignalLedger;
use crate::settings::{Endpoint, Protocol, Resolved};
use crate::{metrics, report};

/// The pipeline of one initialisation.
#[derive(Debug)]
pub(crate) struct Traces {
    queue: Arc<Queue>,
    health: Arc<ExporterHealth>,
    decision: Decision,
    pub(crate) protocol: &'static str,
    worker: Mutex<Option<JoinHandle<()>>>,
    worker_thread: ThreadId,
    is_closed: AtomicBool,
    has_said_late: AtomicBool,
}

impl Traces {
    /// Starts the pipeline to the endpoint that is set, or to a sink that a test brought.
    pub(crate) fn start(
        settings: &Resolved,
        sink: Option<&Arc<dyn SpanSink>>,
    ) -> Result<Arc<Self>, String> {
        let (make_sink, probe, protocol) = if let Some(sink) = sink {
            let (sink, protocol) = (Arc::clone(sink), sink.protocol());
            let make: MakeSink = Box::new(move || Ok(Arc::clone(&sink)));
            (make, None, protocol)
        } else {
            let endpoint = settings.otlp.endpoint.clone().ok_or("no endpoint is set")?;
            let protocol = settings.otlp.protocol;
            let make = sink_maker(settings, &endpoint)?;
            (make, Some(endpoint), protocol.as_str())
        };
        let queue = Queue::new(settings.batch);
        let health = Arc::new(ExporterHealth::default());
        let worker = Worker {
            queue: Arc::clone(&queue),
            health: Arc::clone(&health),
            make_sink,
            probe,
            batch_size: settings.batch.size,
            timeout: settings.otlp.timeout,
        };
        let (started, is_started) = sync_channel(1);
        let thread = worker
            .spawn(started)
            .map_err(|why| format!("start the exporter's thread: {why}"))?;
        let traces = Arc::new(Self {
            queue,
            health,
            decision: Decision::of(settings.sampler),
            protocol,
            worker_thread: thread.thread().id(),
            worker: Mutex::new(Some(thread)),
            is_closed: AtomicBool::new(false),
            has_said_late: AtomicBool::new(false),
        });
        // A resolver may take its time, and the application does not wait for it.
        if let Ok(Err(why)) = is_started.recv_timeout(START_PATIENCE) {
            traces.shutdown(Instant::now());
            return Err(why);
        }
        remember(&traces.queue);
        let exporter = Arc::downgrade(&traces);
        metrics::register_exporter(protocol, move || {
            let is_up = |traces: Arc<Self>| traces.is_open() && traces.is_up() == Some(true);
            exporter.upgrade().is_some_and(is_up)
        });
        *present_slot() = Some(Arc::clone(&traces));
        Ok(traces)
    }

    /// Whether a trace is recorded.
    pub(crate) fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        self.is_open() && self.decision.sample(trace_id, parent)
    }

    /// Takes the finished spans of a workflow; never waits.
    pub(crate) fn record(&self, trace: TraceRecords) {
        self.push(Spans::Ours(trace));
    }

    /// Takes finished spans; never waits.
    fn push(&self, spans: Spans) {
        if self.queue.push(spans) == Pushed::Closed
            && !self.has_said_late.swap(true, Ordering::Relaxed)
        {
            report::log(&LogRecord::new(&LATE_SPANS, Level::Info, &[]));
        }
    }

    /// Exports everything now, and waits for it; false when it took longer.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        self.is_worker() || self.queue.flush(patience)
    }

    /// Refuses spans from now on, and gives the worker until `deadline` to export what waits.
    pub(crate) fn shutdown(&self, deadline: Instant) {
        self.is_closed.store(true, Ordering::Relaxed);
        self.queue.close(deadline);
        // A panic hook runs on the thread that panicked, and that may be the worker.
        if self.is_worker() {
            return;
        }
        let ended = self.queue.wait_for_worker(deadline + WORKER_MARGIN);
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let (true, Some(worker)) = (ended, worker) {
            // It has nothing left to do but to end, and it cannot have panicked.
            let _ended = worker.join();
        }
    }

    pub(crate) fn account(&self) -> SignalLedger {
        self.queue.account()
    }

    /// Whether the latest batch was taken; nothing before the first.
    pub(crate) fn is_up(&self) -> Option<bool> {
        self.health.is_up()
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.health.last_error()
    }

    pub(crate) fn is_open(&self) -> bool {
        !self.is_closed.load(Ordering::Relaxed)
    }

    pub(crate) fn is_worker(&self) -> bool {
        std::thread::current().id() == self.worker_thread
    }
}

/// What makes a sink for this endpoint, if there is one that can.
fn sink_maker(settings: &Resolved, endpoint: &Endpoint) -> Result<MakeSink, String> {
    if endpoint.is_https {
        // Never in clear instead.
        return Err(format!(
            "{endpoint} asks for TLS, which this version does not speak; send to a collector on \
             this machine over http:// instead"
        ));
    }
    let endpoint = endpoint.clone();
    let headers = settings.otlp.headers.clone();
    let resource = settings.resource.clone();
    Ok(match settings.otlp.protocol {
        Protocol::Grpc => Box::new(move || {
            let sink = GrpcSink::new(&endpoint, &headers, &resource)?;
            Ok(Arc::new(sink))
        }),
        Protocol::HttpProtobuf => Box::new(move || {
            let sink = HttpSink::new(&endpoint, &headers, &resource)?;
            Ok(Arc::new(sink))
        }),
    })
}

/// The pipeline of the latest initialisation, for spans that know of none.
fn present() -> Option<Arc<Traces>> {
    PRESENT
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

fn present_slot() -> std::sync::RwLockWriteGuard<'static, Option<Arc<Traces>>> {
    PRESENT.write().unwrap_or_else(PoisonError::into_inner)
}

/// The account of all pipelines of this process together.
pub(crate) fn account() -> SignalLedger {
    let mut accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    let accounts = &mut *accounts;
    // One that nobody can push to any more does not change, and need not be kept.
    for queue in accounts
        .queues
        .extract_if(.., |queue| Arc::strong_count(queue) == 1)
    {
        accounts.ended = accounts.ended.plus(queue.account());
    }
    let running = accounts.queues.iter().map(|queue| queue.account());
    running.fold(accounts.ended, SignalLedger::plus)
}

fn remember(queue: &Arc<Queue>) {
    let mut accounts = ACCOUNTS.lock().unwrap_or_else(PoisonError::into_inner);
    accounts.queues.push(Arc::clone(queue));
}

struct Accounts {
    ended: SignalLedger,
    queues: Vec<Arc<Queue>>,
}

static PRESENT: RwLock<Option<Arc<Traces>>> = RwLock::new(None);
static ACCOUNTS: Mutex<Accounts> = Mutex::new(Accounts {
    ended: SignalLedger::NONE,
    queues: Vec::new(),
});

/// How long an initialisation waits to learn whether the backend is there.
const START_PATIENCE: Duration = Duration::from_millis(30);
/// How long past its deadline the worker is waited for.
const WORKER_MARGIN: Duration = Duration::from_millis(50);
