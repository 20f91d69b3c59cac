//! Traces of more and more spans, sampled, with four attributes each.

use fastrace::future::FutureExt as _;
use fastrace::prelude::SpanContext;
use opentelemetry::KeyValue;
use opentelemetry::trace::{TraceContextExt as _, Tracer as _, TracerProvider as _};
use opentelemetry_sdk::trace::Sampler;
use tta_benches::{Curve, Group, Options, now};
use tta_core::{Error, WorkflowContext};

use crate::peers::{
    collected, fastrace_catches_up, fastrace_to_nowhere, span_provider, with_attributes,
};
use crate::{at, sampled, sizes};

pub(crate) fn curve(options: &Options) -> Curve {
    let mut curve = Curve::new("spans", "Spans of one trace", "spans", "ns a span");
    fastrace_to_nowhere();
    for size in sizes(&[1, 2, 4, 8, 16, 32, 64], options) {
        let mut group = Group::without_floor("spans", at(size, options));
        let (flow, recorder) = (with_attributes(), sampled());
        group.bench("tta, sampled", move |b| {
            b.iter(|| {
                let ctx = WorkflowContext::builder()
                    .recorder(recorder.clone())
                    .build();
                let steps = async {
                    let mut n = 1;
                    for _ in 1..size {
                        n = flow.execute(n, &ctx).await?;
                    }
                    Ok::<_, Error>(n)
                };
                now(ctx.workflow("workflow", steps)).unwrap_or_default()
            });
        });
        group.bench("fastrace", move |b| {
            fastrace_catches_up();
            b.iter(|| {
                let root = fastrace::Span::root("workflow", SpanContext::random());
                let steps = async {
                    let mut n = 1;
                    for _ in 1..size {
                        n = collected(n).await;
                    }
                    n
                };
                now(steps.in_span(root))
            });
        });
        let provider = span_provider(Sampler::AlwaysOn);
        group.bench("opentelemetry_sdk", move |b| {
            let tracer = provider.tracer("bench");
            b.iter(|| {
                tracer.in_span("workflow", |_| {
                    for _ in 1..size {
                        tracer.in_span("step", |cx| {
                            let span = cx.span();
                            span.set_attribute(KeyValue::new("model", "small"));
                            span.set_attribute(KeyValue::new("prompt_tokens", 1));
                            span.set_attribute(KeyValue::new("cost_usd", 0.25));
                            span.set_attribute(KeyValue::new("cached", false));
                        });
                    }
                });
            });
        });
        curve.points(size as f64, size as f64, &group.measured());
    }
    curve
}
