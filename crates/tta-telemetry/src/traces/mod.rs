//! Spans: sampled, taken, and handed to the exporter.

mod convert;
mod foreign;
mod sampler;
mod scope;
mod sink;
mod spans;
mod trim;

pub use foreign::opentelemetry_layer;
pub(crate) use foreign::{ambient_parent, install_provider, is_suppressed, span_filter};
pub(crate) use scope::scope;
pub use sink::{Exporting, SpanSink};
pub(crate) use spans::Spans;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use opentelemetry_sdk::trace::SpanData;
use tta_core::{Level, LogRecord, Parent, TraceId, TraceRecords};

use self::sampler::Decision;
use crate::catalog::LATE_SPANS;
use crate::export::{Accounts, Backends, Delivery, Exporter, MakeSink, Pushed, Signal, Start};
use crate::otlp;
use crate::report;
use crate::settings::Resolved;

/// The spans of one initialisation.
#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) exporter: Arc<Exporter<Spans>>,
    decision: Decision,
    has_said_late: AtomicBool,
}

impl Traces {
    /// A pipeline to the endpoint that is set, or to a sink that a test brought.
    pub(crate) fn new(
        settings: &Resolved,
        sink: Option<&Arc<dyn SpanSink>>,
        backends: &Backends,
    ) -> Result<(Arc<Self>, Start), String> {
        let delivery = match sink {
            Some(sink) => {
                let (sink, protocol) = (Arc::clone(sink), sink.protocol());
                let make_sink: MakeSink<SpanData> =
                    Box::new(move || Ok(Box::new(Arc::clone(&sink))));
                Delivery {
                    make_sink,
                    protocol,
                    probe: None,
                    timeout: settings.traces.timeout,
                }
            }
            None => otlp::delivery(
                &settings.traces,
                otlp::TRACES,
                &settings.resource,
                otlp::encode_spans,
            )?,
        };
        let (exporter, start) = Exporter::new(settings.span_batching, delivery, backends);
        let traces = Arc::new(Self {
            exporter,
            decision: Decision::of(settings.sampler),
            has_said_late: AtomicBool::new(false),
        });
        Ok((traces, start))
    }

    /// Makes it the one that spans of other libraries go to.
    pub(crate) fn announce(self: &Arc<Self>) {
        self.exporter.announce();
        *present_slot() = Some(Arc::clone(self));
    }

    /// Whether a trace is recorded.
    pub(crate) fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        self.is_open() && self.decision.sample(trace_id, parent)
    }

    /// Takes the finished spans of a workflow; never waits.
    pub(crate) fn record(&self, trace: TraceRecords) {
        self.push(Spans::Ours(trace));
    }

    pub(crate) fn is_open(&self) -> bool {
        self.exporter.is_open()
    }

    /// Takes finished spans; never waits.
    fn push(&self, spans: Spans) {
        if self.exporter.push(spans) == Pushed::Closed
            && !self.has_said_late.swap(true, Ordering::Relaxed)
        {
            report::log(&LogRecord::new(&LATE_SPANS, Level::Info, &[]));
        }
    }
}

impl Signal for Spans {
    const NAME: &'static str = "traces";
    const PART: &'static str = "traces";
    type Waiting = Self;
    type Record = SpanData;

    fn bytes(record: &SpanData) -> usize {
        otlp::span_bytes(record)
    }

    fn convert(waiting: Self, into: &mut Vec<SpanData>) {
        convert::convert(waiting, into);
    }

    fn accounts() -> &'static Mutex<Accounts<Self>> {
        &ACCOUNTS
    }
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

static PRESENT: RwLock<Option<Arc<Traces>>> = RwLock::new(None);
static ACCOUNTS: Mutex<Accounts<Spans>> = Mutex::new(Accounts::new());
