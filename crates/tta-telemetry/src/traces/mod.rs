//! Spans: sampled, taken, and handed to the exporter.

mod convert;
mod foreign;
mod judge;
pub(crate) mod limits;
mod places;
mod rate;
mod sampler;
mod scope;
mod sink;
mod spans;
mod tail;
mod trim;

pub(crate) use convert::{OWN_SCOPE, RANDOM, SAMPLED, trace_state};
pub use foreign::opentelemetry_layer;
pub(crate) use foreign::{ambient_parent, install_provider, is_suppressed, span_filter};
pub(crate) use places::{Chains, Places};
pub(crate) use scope::scope;
pub use sink::{Exporting, SpanSink};
pub(crate) use spans::Spans;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};

use opentelemetry_sdk::trace::SpanData;
use tta_core::{Level, LogRecord, Parent, TraceId, TraceNotes, registry};

use self::sampler::Samplers;
use self::tail::{Settled, Tail};
use crate::catalog::{LATE_SPANS, TAIL_HELD_BYTES, TAIL_HELD_TRACES};
use crate::export::{
    Accounts, Backends, Delivery, Exporter, MakeSink, Outgoing, Pushed, Show, Signal, Start, shown,
};
use crate::fork::{self, Home};
use crate::ledger::DropReason;
use crate::otlp::{self, Encode, WrittenSpan};
use crate::redaction::{Redactor, redact_span};
use crate::report;
use crate::settings::{Resolved, SpanLimits};

/// The spans of one initialisation.
#[derive(Debug)]
pub(crate) struct Traces {
    pub(crate) exporter: Arc<Exporter<Spans>>,
    /// Where they are exported; in a child of that process nothing is recorded.
    home: Home,
    samplers: Samplers,
    tail: Option<Tail>,
    has_said_late: AtomicBool,
}

impl Traces {
    /// A pipeline to the endpoint that is set, or to a sink that a test brought, or to people.
    pub(crate) fn new(
        settings: &Resolved,
        sink: Option<&Arc<dyn SpanSink>>,
        show: Option<Show<SpanData>>,
        backends: &Backends,
    ) -> Result<(Arc<Self>, Start), String> {
        let (limits, timeout) = (settings.span_batching, settings.traces.timeout);
        let (exporter, start) = match (sink, show) {
            (Some(sink), show) => {
                let (sink, protocol) = (Arc::clone(sink), sink.protocol());
                let make_sink: MakeSink<SpanData> =
                    Box::new(move || Ok(Box::new(Arc::clone(&sink))));
                let delivery = Delivery {
                    make_sink,
                    protocol,
                    probe: None,
                    timeout,
                    watch: show,
                };
                Exporter::new(limits, delivery, backends)
            }
            (None, Some(show)) if !settings.traces.goes_over_otlp() => {
                Exporter::new(limits, shown(&show, timeout), backends)
            }
            (None, Some(show)) => {
                let delivery = Delivery {
                    watch: Some(show),
                    ..over_otlp(settings, otlp::encode_spans)?
                };
                Exporter::new(limits, delivery, backends)
            }
            (None, None) => {
                let delivery = over_otlp(settings, otlp::encode_written)?;
                Exporter::new(limits, delivery, backends)
            }
        };
        let traces = Arc::new(Self {
            exporter,
            home: Home::here(),
            samplers: Samplers::new(&settings.sampling),
            tail: settings.sampling.tail.map(Tail::new),
            has_said_late: AtomicBool::new(false),
        });
        Ok((traces, start))
    }

    /// Makes it the one that spans of other libraries go to.
    pub(crate) fn announce(self: &Arc<Self>) {
        self.exporter.announce();
        if let Some(mut present) = fork::write(&PRESENT) {
            *present = Some(Arc::clone(self));
        }
        register_held();
    }

    /// Whether a trace is recorded.
    pub(crate) fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        self.is_open() && self.samplers.sample(trace_id, parent) && self.home.seems_here()
    }

    /// Whether a trace is recorded that begins with this workflow, where that makes a difference.
    pub(crate) fn sample_workflow(
        &self,
        workflow: &str,
        trace_id: TraceId,
        parent: Option<&Parent>,
    ) -> Option<bool> {
        if !self.is_open() {
            return None;
        }
        let decided = self.samplers.sample_workflow(workflow, trace_id, parent)?;
        Some(decided && self.home.seems_here())
    }

    /// Whether traces that are not sampled are recorded to see how they end.
    pub(crate) fn holds_unsampled(&self) -> bool {
        self.tail.is_some() && self.is_open() && self.home.seems_here()
    }

    /// Takes the finished spans of a workflow; never waits.
    pub(crate) fn record(&self, trace: TraceNotes) {
        if trace.is_sampled() {
            self.push(Spans::Ours(trace));
        } else {
            self.hold(Spans::Ours(trace));
        }
    }

    /// Decides about what is held as it stands, and takes no more; for the end.
    pub(crate) fn settle(&self) {
        if let Some(tail) = &self.tail {
            self.settled(tail.take_rest());
        }
    }

    /// Takes finished spans of a trace that is not sampled; never waits.
    fn hold(&self, spans: Spans) {
        if let Some(tail) = &self.tail {
            self.settled(tail.take(spans));
        }
    }

    fn settled(&self, settled: Settled) {
        if settled.evicted > 0 {
            self.exporter
                .lose(settled.evicted as u64, DropReason::TailFull);
        }
        for spans in settled.kept {
            self.push(spans);
        }
    }

    /// How many traces are undecided, and how many bytes they take.
    fn held(&self) -> (usize, usize) {
        self.tail.as_ref().map_or((0, 0), Tail::held)
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

fn over_otlp<R: Send + Sync + 'static>(
    settings: &Resolved,
    encode: Encode<R>,
) -> Result<Delivery<R>, String> {
    otlp::delivery(&settings.traces, otlp::TRACES, &settings.resource, encode)
}

impl Signal for Spans {
    const NAME: &'static str = "traces";
    const PART: &'static str = "traces";
    type Waiting = Self;

    fn accounts() -> &'static Mutex<Accounts<Self>> {
        &ACCOUNTS
    }
}

/// For whom sees spans: the console, and sinks that are brought.
impl Outgoing for SpanData {
    type Waiting = Spans;

    fn bytes(&self) -> usize {
        otlp::span_bytes(self)
    }

    fn prepare(waiting: Spans, redactor: &Redactor, into: &mut Vec<Self>) {
        prepare_data(waiting, &limits::present(), redactor, into);
    }
}

/// Appends the spans as OpenTelemetry has them, within the limits and without what must not leave
/// the process.
pub(crate) fn prepare_data(
    waiting: Spans,
    limits: &SpanLimits,
    redactor: &Redactor,
    into: &mut Vec<SpanData>,
) {
    let base = into.len();
    convert::convert(waiting, limits, into);
    for span in into.get_mut(base..).unwrap_or_default() {
        redact_span(span, redactor);
    }
}

/// For whom sees bytes alone.
impl Outgoing for WrittenSpan {
    type Waiting = Spans;

    fn bytes(&self) -> usize {
        self.size()
    }

    fn prepare(waiting: Spans, redactor: &Redactor, into: &mut Vec<Self>) {
        match waiting {
            Spans::Ours(trace) => {
                Self::of_records(&trace.into_records(), &limits::present(), redactor, into);
            }
            Spans::Foreign(mut span) => {
                limits::trim(&mut span, &limits::present());
                redact_span(&mut span, redactor);
                into.push(Self::of_data(*span));
            }
        }
    }
}

/// Shows how much is held among the metrics, whichever pipeline is the present one.
fn register_held() {
    let held = || present().map_or((0, 0), |traces| traces.held());
    let metrics = registry();
    let registered = metrics
        .observe_gauge(&TAIL_HELD_TRACES, &[], move || held().0 as f64)
        .and_then(|()| metrics.observe_gauge(&TAIL_HELD_BYTES, &[], move || held().1 as f64));
    // Only an application that declares a metric of the same name is in the way.
    if let Err(why) = registered {
        report::degraded("metrics", &why.to_string());
    }
}

/// The pipeline of the latest initialisation, for spans that know of none.
fn present() -> Option<Arc<Traces>> {
    fork::read(&PRESENT)?.clone()
}

static PRESENT: RwLock<Option<Arc<Traces>>> = RwLock::new(None);
static ACCOUNTS: Mutex<Accounts<Spans>> = Mutex::new(Accounts::new());
