//! What telemetry makes of what was recorded: pages, bytes and lines.

use std::hint::black_box;
use std::sync::Arc;

use tracing_subscriber::layer::SubscriberExt as _;
use tta_benches::Keep;
use tta_core::{
    Attribute, Error, Level, MetricSpec, Recorder, Unit, WorkflowContext, registry, step,
};
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};
use tta_telemetry::logs::{LogOptions, LogWriter, log_layer};
use tta_telemetry::{LogFormat, RedactionPolicy, TraceEncoder};

use crate::workflow::{context, done, now};

static WAITS: MetricSpec =
    MetricSpec::histogram("instructions_wait_seconds", Unit::Seconds, "Waits.")
        .labels(&["route", "method"])
        .bounds(&[
            0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 30.0,
        ]);

/// One more histogram of twelve bounds on a page of metrics.
pub(crate) fn series(rounds: usize, operations: usize) {
    registry().set_label_limit(operations + 100);
    for index in 0..operations {
        let route = format!("/v1/route/{index:02}");
        let histogram = done(registry().histogram(&WAITS, &[&route, "GET"]));
        for value in [0.003, 0.07, 0.4, 7.0] {
            histogram.record_value(value);
        }
    }
    let exposition = PrometheusExposition::new(ExpositionOptions::default());
    for _ in 0..rounds {
        for piece in exposition.pieces(ExpositionFormat::OpenMetrics) {
            black_box(piece);
        }
    }
}

/// One more sampled step with four attributes from its record to bytes: conversion, limits, and what
/// must not leave the process. With a copy of the record, since the encoder takes it.
pub(crate) fn span(rounds: usize, operations: usize) {
    let recorder = Arc::new(Keep::default());
    let handle: Arc<dyn Recorder> = Arc::clone(&recorder) as _;
    let ctx = context(Some(&handle));
    let flow = step("answer", async |n: u64, ctx: &WorkflowContext| {
        ctx.set_attributes([
            Attribute::new("model", "small"),
            Attribute::new("prompt_tokens", n),
            Attribute::new("cost_usd", 0.25),
            Attribute::new("cached", false),
        ]);
        Ok(black_box(n) + 1)
    });
    let calls = async {
        for _ in 0..operations {
            black_box(flow.execute(1, &ctx).await?);
        }
        Ok::<_, Error>(())
    };
    done(now(ctx.workflow("answers", calls)));
    let kept = recorder.take();
    let resource = [("service.name".to_owned(), "instructions".to_owned())];
    let encoder = TraceEncoder::new(&resource, RedactionPolicy::new());
    for _ in 0..rounds {
        black_box(encoder.encode(kept.iter().cloned()));
    }
}

/// One more line of JSON, up to where the writer takes it. There is room for none, so that its thread
/// has no part in the figure.
pub(crate) fn line(rounds: usize, operations: usize) {
    let writer = LogWriter::with_capacity(std::io::sink(), 1);
    let writer = writer.unwrap_or_else(|error| panic!("a path failed: {error}"));
    let layer = log_layer(LogOptions {
        service: "instructions".to_owned(),
        filter: Level::Info.into(),
        format: LogFormat::Json,
        writer,
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        for _ in 0..rounds {
            for number in 0..operations {
                let (order, amount, is_paid) = (number as u64, 12.5, true);
                tracing::info!(order, amount, is_paid, customer = "c-81", "order placed");
            }
        }
    });
}
