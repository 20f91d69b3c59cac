//! Spans of OpenTelemetry and `tracing`, on their way through the same queue.
//!
//! Globals can be set and not unset, so what is set here only points to the present pipeline.

use std::sync::LazyLock;
use std::time::Duration;

use opentelemetry::trace::{
    Link, SpanContext, SpanKind, TraceContextExt, TraceId as OtelTraceId, TraceState,
    TracerProvider,
};
use opentelemetry::{Context, KeyValue, global};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{
    SamplingDecision, SamplingResult, SdkTracer, SdkTracerProvider, ShouldSample, Span, SpanData,
    SpanProcessor,
};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::filter::dynamic_filter_fn;
use tracing_subscriber::layer::Filter;
use tracing_subscriber::registry::LookupSpan;
use tta_core::{Parent, SpanId, TraceId};

use super::convert::RANDOM;
use super::spans::Spans;
use super::{Traces, limits, present};

/// The layer that makes `tracing` spans part of our traces, for a subscriber of your own.
///
/// Where no global subscriber is set, initialising sets one that has this layer already.
///
/// # Examples
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
///
/// let subscriber = tracing_subscriber::registry().with(tta_telemetry::opentelemetry_layer());
/// # drop(subscriber);
/// ```
pub fn opentelemetry_layer<S>() -> OpenTelemetryLayer<S, SdkTracer>
where
    S: Subscriber + for<'span> LookupSpan<'span>,
{
    OpenTelemetryLayer::new(PROVIDER.tracer("tracing"))
}

/// Which spans of `tracing` become part of our traces in the subscriber that we set: those at info
/// and above, and none of the libraries that the exporter itself is made of.
pub(crate) fn span_filter<S: Subscriber>() -> impl Filter<S> {
    dynamic_filter_fn(|metadata, _| {
        *metadata.level() <= tracing::Level::INFO
            && present().is_some_and(|traces| traces.is_open())
            && !metadata
                .target()
                .split("::")
                .next()
                .is_some_and(|library| OWN_LIBRARIES.contains(&library))
    })
    .with_max_level_hint(tracing::level_filters::LevelFilter::INFO)
}

/// Makes spans that are made through OpenTelemetry's global provider part of our traces.
pub(crate) fn install_provider() {
    global::set_tracer_provider(PROVIDER.clone());
}

/// The span of OpenTelemetry, `tracing` or another workflow of ours around the caller.
pub(crate) fn ambient_parent() -> Option<Parent> {
    Context::map_current(|cx| {
        if cx.is_telemetry_suppressed() {
            return None;
        }
        parent(cx.span().span_context())
    })
}

/// A span of OpenTelemetry as the core knows one to begin at or to link to.
pub(super) fn parent(span: &SpanContext) -> Option<Parent> {
    let trace_id = TraceId::from_u128(u128::from_be_bytes(span.trace_id().to_bytes()));
    let span_id = SpanId::from_u64(u64::from_be_bytes(span.span_id().to_bytes()));
    let parent = if span.is_remote() {
        Parent::remote(trace_id, span_id, span.is_sampled())
    } else {
        Parent::local(trace_id, span_id, span.is_sampled())
    };
    // The SDKs' identifiers are random, and the one that made this one may say so.
    let is_random = !span.is_remote() || span.trace_flags().to_u8() & RANDOM != 0;
    parent.map(|parent| {
        parent
            .with_random(is_random)
            .with_trace_state(span.trace_state().header())
    })
}

/// Whether the caller wants none of what it does to be traced.
pub(crate) fn is_suppressed() -> bool {
    Context::is_current_telemetry_suppressed()
}

/// Hands spans to the present pipeline.
#[derive(Debug)]
struct PresentProcessor;

impl SpanProcessor for PresentProcessor {
    fn on_start(&self, _span: &mut Span, _cx: &Context) {}

    fn on_end(&self, span: SpanData) {
        let Some(traces) = present() else {
            return;
        };
        if span.span_context.is_sampled() {
            traces.push(Spans::Foreign(Box::new(span)));
        } else {
            traces.hold(Spans::Foreign(Box::new(span)));
        }
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _timeout: Duration) -> OTelSdkResult {
        Ok(())
    }
}

/// Decides as the present pipeline does for our own spans.
#[derive(Clone, Debug)]
struct PresentSampler;

impl ShouldSample for PresentSampler {
    fn should_sample(
        &self,
        parent_context: Option<&Context>,
        trace_id: OtelTraceId,
        _name: &str,
        _kind: &SpanKind,
        _attributes: &[KeyValue],
        _links: &[Link],
    ) -> SamplingResult {
        let around = parent_context.filter(|cx| cx.span().span_context().is_valid());
        let trace_state = around.map_or(TraceState::NONE, |cx| {
            cx.span().span_context().trace_state().clone()
        });
        let trace_id = TraceId::from_u128(u128::from_be_bytes(trace_id.to_bytes()));
        let decision = present().map_or(SamplingDecision::Drop, |traces| {
            decide(&traces, trace_id, around)
        });
        SamplingResult {
            decision,
            attributes: Vec::new(),
            trace_state,
        }
    }
}

/// A span inside one of this process goes the way of that one; any other begins a trace here.
fn decide(traces: &Traces, trace_id: TraceId, around: Option<&Context>) -> SamplingDecision {
    let inside = around.and_then(|cx| {
        let span = cx.span();
        let context = span.span_context();
        (!context.is_remote()).then(|| (context.is_sampled(), span.is_recording()))
    });
    let (is_sampled, is_held) = if let Some((is_sampled, is_recording)) = inside {
        (is_sampled && traces.is_open(), is_recording)
    } else {
        let parent = around.and_then(|cx| {
            let span = cx.span();
            let id = span.span_context().span_id();
            let id = SpanId::from_u64(u64::from_be_bytes(id.to_bytes()));
            Parent::remote(trace_id, id, span.span_context().is_sampled())
        });
        (traces.sample(trace_id, parent.as_ref()), true)
    };
    if is_sampled {
        SamplingDecision::RecordAndSample
    } else if is_held && traces.holds_unsampled() {
        SamplingDecision::RecordOnly
    } else {
        SamplingDecision::Drop
    }
}

/// One for the life of the process; our own exporter states the resource.
static PROVIDER: LazyLock<SdkTracerProvider> = LazyLock::new(|| {
    // What is to go out must not be left out here; what is not is trimmed where all spans are.
    let limits = limits::present();
    let most = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX).max(128);
    SdkTracerProvider::builder()
        .with_max_attributes_per_span(most(limits.attributes))
        .with_max_events_per_span(most(limits.events))
        .with_max_links_per_span(most(limits.links))
        .with_max_attributes_per_event(most(limits.event_attributes))
        .with_max_attributes_per_link(most(limits.link_attributes))
        .with_sampler(PresentSampler)
        .with_span_processor(PresentProcessor)
        .with_resource(Resource::builder_empty().build())
        .build()
});

const OWN_LIBRARIES: [&str; 7] = [
    "h2",
    "hyper",
    "hyper_util",
    "opentelemetry",
    "opentelemetry_sdk",
    "tonic",
    "tower",
];
