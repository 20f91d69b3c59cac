//! What an exported span costs the thread that exports it: from the record to the bytes of a request,
//! beside the stock path from `SpanData` through the published messages, each with and without gzip.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::io::Write as _;
use std::sync::Arc;

use flate2::Compression;
use flate2::write::GzEncoder;
use opentelemetry::KeyValue;
use opentelemetry::trace::{Span as _, TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::transform::common::tonic::ResourceAttributesWithSchema;
use opentelemetry_proto::transform::trace::tonic::group_spans_by_resource_and_scope;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider, SpanData};
use prost::Message as _;
use tta_benches::{Group, Keep, now};
use tta_core::{Attribute, Recorder, TraceNotes, WorkflowContext, step};
use tta_telemetry::{RedactionPolicy, TraceEncoder};

/// Workflows of a root and three steps with four attributes each, as many as make a batch.
const WORKFLOWS: usize = 128;
const SPANS: usize = WORKFLOWS * 4;

fn records() -> Vec<TraceNotes> {
    let recorder = Arc::new(Keep::default());
    let one = |name| {
        step(name, async |n: u64, ctx: &WorkflowContext| {
            ctx.set_attributes([
                Attribute::new("model", "small"),
                Attribute::new("prompt_tokens", n),
                Attribute::new("cost_usd", 0.25),
                Attribute::new("cached", false),
            ]);
            Ok(n + 1)
        })
    };
    let flow = one("read") >> one("ask") >> one("answer");
    for _ in 0..WORKFLOWS {
        let recorder: Arc<dyn Recorder> = Arc::clone(&recorder) as _;
        let ctx = WorkflowContext::builder().recorder(recorder).build();
        now(flow.execute(1, &ctx)).unwrap();
    }
    recorder.take()
}

/// The same spans as the SDK keeps them.
fn span_data() -> Vec<SpanData> {
    let exporter = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder()
        .with_simple_exporter(exporter.clone())
        .build();
    let tracer = provider.tracer("bench");
    for _ in 0..WORKFLOWS {
        let who = || {
            [
                KeyValue::new("correlation_id", "0af7651916cd43dd8448eb211c80319c"),
                KeyValue::new("workflow.id", "0af7651916cd43dd8448eb211c80319c"),
            ]
        };
        let mut root = tracer.start("workflow");
        root.set_attributes(who());
        let cx = opentelemetry::Context::new().with_span(root);
        for name in ["read", "ask", "answer"] {
            let mut span = tracer.start_with_context(name, &cx);
            span.set_attributes(who());
            span.set_attributes([
                KeyValue::new("primitive.name", name),
                KeyValue::new("primitive.type", "StepPrimitive"),
                KeyValue::new("model", "small"),
                KeyValue::new("prompt_tokens", 1),
                KeyValue::new("cost_usd", 0.25),
                KeyValue::new("cached", false),
            ]);
            span.end();
        }
        cx.span().end();
    }
    exporter.get_finished_spans().unwrap()
}

fn stock(spans: Vec<SpanData>, resource: &ResourceAttributesWithSchema) -> Vec<u8> {
    let resource_spans = group_spans_by_resource_and_scope(spans, resource);
    ExportTraceServiceRequest { resource_spans }.encode_to_vec()
}

fn compressed(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn main() {
    let (records, spans) = (records(), span_data());
    let resource = [("service.name".to_owned(), "bench".to_owned())];
    let clean = TraceEncoder::new(&resource, RedactionPolicy::new());
    let resource = opentelemetry_sdk::Resource::builder_empty()
        .with_attribute(KeyValue::new("service.name", "bench"))
        .build();
    let resource = ResourceAttributesWithSchema::from(&resource);
    let mut group = Group::new("export");
    let ours = || records.clone();
    let theirs = || spans.clone();
    group.bench_batch("tta", SPANS, |b| {
        b.iter_batched(ours, |all| clean.encode(all));
    });
    group.bench_batch("opentelemetry-proto", SPANS, |b| {
        b.iter_batched(theirs, |all| stock(all, &resource));
    });
    group.bench_batch("tta, gzip", SPANS, |b| {
        b.iter_batched(ours, |all| compressed(&clean.encode(all)));
    });
    group.bench_batch("opentelemetry-proto, gzip", SPANS, |b| {
        b.iter_batched(theirs, |all| compressed(&stock(all, &resource)));
    });
    group.finish();
}
