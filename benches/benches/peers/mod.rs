//! The peers that trace, sending to nowhere, and the step that all of them trace.

#![allow(
    dead_code,
    reason = "each of the programs that include this file uses a part of it"
)]

use std::borrow::Cow;
use std::future::ready;
use std::hint::black_box;
use std::sync::Once;
use std::time::Duration;

use fastrace::collector::{Config, Reporter, SpanRecord};
use fastrace::future::FutureExt as _;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider, SpanData, SpanExporter};
use tta_core::{Attribute, Flow, Operand, WorkflowContext, step};

/// An exporter that takes everything and drops it: what is measured is the caller's cost.
#[derive(Debug)]
pub(crate) struct SpansNowhere;

impl SpanExporter for SpansNowhere {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        drop(black_box(batch));
        Ok(())
    }
}

/// A provider with the batch processor before [`SpansNowhere`].
pub(crate) fn span_provider(sampler: Sampler) -> SdkTracerProvider {
    SdkTracerProvider::builder()
        .with_batch_exporter(SpansNowhere)
        .with_sampler(sampler)
        .build()
}

/// A reporter that takes everything and drops it.
#[derive(Debug)]
pub(crate) struct FastraceNowhere;

impl Reporter for FastraceNowhere {
    fn report(&mut self, spans: Vec<SpanRecord>) {
        drop(black_box(spans));
    }
}

/// Has fastrace collect into [`FastraceNowhere`] from now on, once a process.
pub(crate) fn fastrace_to_nowhere() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Its buffers grow without limit until the next report.
        let config = Config::default().report_interval(Duration::from_millis(20));
        fastrace::set_reporter(FastraceNowhere, config);
    });
}

/// Has fastrace's collector take what waits for it, outside what is measured: where it falls behind, its
/// buffers grow and every span costs more than the one before.
pub(crate) fn fastrace_catches_up() {
    fastrace::flush();
}

/// A step that is a `tracing` span with the attributes of [`with_attributes`].
#[tracing::instrument(name = "step", fields(model, prompt_tokens, cost_usd, cached))]
pub(crate) async fn traced(n: u64) -> u64 {
    let span = tracing::Span::current();
    span.record("model", "small");
    span.record("prompt_tokens", n);
    span.record("cost_usd", 0.25);
    span.record("cached", false);
    black_box(n) + 1
}

/// A step as `#[fastrace::trace]` makes one: a span that outlives a wait.
pub(crate) fn collected(n: u64) -> impl Future<Output = u64> {
    let span = fastrace::Span::enter_with_local_parent("step");
    span.add_properties(|| properties(n));
    ready(black_box(n) + 1).in_span(span)
}

/// All properties of fastrace are text.
pub(crate) fn properties(n: u64) -> [(&'static str, Cow<'static, str>); 4] {
    [
        ("model", "small".into()),
        ("prompt_tokens", n.to_string().into()),
        ("cost_usd", "0.25".into()),
        ("cached", "false".into()),
    ]
}

/// A step of ours with four attributes.
pub(crate) fn with_attributes() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("attributes", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attributes([
            Attribute::new("model", "small"),
            Attribute::new("prompt_tokens", n),
            Attribute::new("cost_usd", 0.25),
            Attribute::new("cached", false),
        ]);
        Ok(black_box(n) + 1)
    })
}
