//! What a request costs through a timeout and a limit, with the span of its operation: ours, and tower's
//! layers with tracing-opentelemetry.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

mod peers;

use std::convert::Infallible;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::{Sampler, SdkTracerProvider};
use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_http::trace::TraceLayer;
use tracing::level_filters::LevelFilter;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::SubscriberExt as _;
use tta_benches::{Discard, Group, now};
use tta_core::WorkflowContext;
use tta_limit::{BulkheadConfig, LimitExt as _};
use tta_timeout::TimeoutExt as _;

use crate::peers::{span_provider, with_attributes};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let mut group = Group::new("request");
    for (name, sampled) in [
        ("tta, statistics", None),
        ("tta, unsampled", Some(false)),
        ("tta, sampled", Some(true)),
    ] {
        let limited = with_attributes().limit(BulkheadConfig::new(ROOM)).unwrap();
        let flow = limited.timeout(MINUTE).unwrap();
        let recorder = sampled.map(Discard::recorder);
        group.bench(name, move |b| {
            b.iter(|| {
                let mut builder = WorkflowContext::builder();
                if let Some(recorder) = &recorder {
                    builder = builder.recorder(Arc::clone(recorder));
                }
                now(flow.execute(black_box(1), &builder.build())).unwrap()
            });
        });
    }
    for (name, sampler) in [
        ("tower trace, timeout, limit", Sampler::AlwaysOn),
        ("tower trace, timeout, limit, off", Sampler::AlwaysOff),
    ] {
        let provider = span_provider(sampler);
        let mut service = traced_by_tower();
        group.bench(name, move |b| {
            let _guard = subscribed(&provider);
            b.iter(|| call(&mut service));
        });
    }
    let mut service = service_fn(answer);
    group.bench("tower, no layer", move |b| b.iter(|| call(&mut service)));
    group.finish();
}

/// One span with the attributes of [`with_attributes`], around a timeout around a limit.
fn traced_by_tower()
-> impl Service<Request<String>, Response = Response<impl Sized>, Error: std::fmt::Debug> {
    let trace = TraceLayer::new_for_http().make_span_with(|request: &Request<String>| {
        tracing::info_span!(
            "request",
            model = "small",
            prompt_tokens = request.body().len(),
            cost_usd = 0.25,
            cached = false,
        )
    });
    ServiceBuilder::new()
        .layer(trace)
        .timeout(MINUTE)
        .concurrency_limit(ROOM)
        .service_fn(answer)
}

fn call<S>(service: &mut S) -> S::Response
where
    S: Service<Request<String>, Error: std::fmt::Debug>,
{
    now(async {
        let ready = service.ready().await.unwrap();
        ready.call(Request::new(String::new())).await.unwrap()
    })
}

async fn answer(request: Request<String>) -> Result<Response<String>, Infallible> {
    Ok(Response::new(black_box(request.into_body())))
}

/// As an application has it: the layer's own events, at debug, are off.
fn subscribed(provider: &SdkTracerProvider) -> DefaultGuard {
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("bench"));
    let subscriber = tracing_subscriber::registry()
        .with(LevelFilter::INFO)
        .with(layer);
    tracing::subscriber::set_default(subscriber)
}

const MINUTE: Duration = Duration::from_mins(1);
const ROOM: usize = 8;
