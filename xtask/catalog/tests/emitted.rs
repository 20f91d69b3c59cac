//! What a run of everything emits is what is declared, no more and no less.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;
use tta::prelude::*;
use tta::{
    BulkheadConfig, CacheConfig, CircuitBreakerConfig, HedgeConfig, HttpClientLayer,
    HttpServerLayer, Messages, ObservabilityConfig, Recorder, Scope, SpanName,
    WorkflowContextBuilder, parallel_all,
};
use tta_catalog::CATALOGS;
use tta_telemetry::logs::DECLARED_FIELDS;
use tta_testkit::http;
use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::recording::RecordingRecorder;

async fn fails(_: u32) -> Result<u32> {
    Err(Error::new(ErrorKind::Unavailable, "down"))
}

/// Runs every primitive in every way that has telemetry of its own.
async fn run_everything(context: impl Fn() -> WorkflowContextBuilder) -> Result<()> {
    let ctx = || context().build();
    let double = || step("double", async |n: u32| Ok(n * 2));
    let parallel = parallel_all([double().boxed()?, double().boxed()?])?;
    parallel.execute(1, &ctx()).await?;
    (double() | double())
        .named("both")
        .execute(1, &ctx())
        .await?;
    double().with_busy_time().execute(1, &ctx()).await?;
    conditional(|n: &u32, _| *n > 1, double())
        .execute(1, &ctx())
        .await?;

    fallback(step("fails", fails), double())
        .execute(1, &ctx())
        .await?;
    let undone = saga(step("fails", fails), double())
        .execute(1, &ctx())
        .await;
    let not_undone = saga(step("fails", fails), step("fails", fails))
        .execute(1, &ctx())
        .await;
    assert!(undone.is_err() && not_undone.is_err());

    run_routers(&ctx).await?;
    run_caches(&ctx).await?;
    run_what_takes_time(&ctx).await?;
    run_what_rejects(&ctx).await?;

    tta::registry().set_label_limit(1);
    step("beyond_the_limit", async |n: u32| Ok(n))
        .execute(1, &ctx())
        .await?;
    tta::registry().set_label_limit(2_000);
    context().correlation_id("not an identifier").build();
    Ok(())
}

/// Runs the routers.
async fn run_routers(ctx: &impl Fn() -> WorkflowContext) -> Result<()> {
    let double = || step("double", async |n: u32| Ok(n * 2));
    let router = RouterPrimitive::builder()
        .route("cheap", double(), CostModel::per_call(0.001))
        .route("down", step("fails", fails), CostModel::per_call(0.01))
        .strategy(|n: &u32, _: &WorkflowContext| match n {
            0 => Ok("cheap"),
            1 => Ok("down"),
            _ => Err(Error::msg("no idea")),
        })
        .default_route("cheap")
        .build()?;
    router.execute(0, &ctx()).await?;
    router.execute(1, &ctx()).await.unwrap_err();
    router.execute(2, &ctx()).await?;

    let unsure = async |n: &u32, _: &u32, _: &WorkflowContext| match n {
        0 => Err(Error::msg("no idea")),
        n => Ok(*n > 1),
    };
    let cascade = double().cascade(double(), unsure)?;
    for n in 0..3 {
        cascade.execute(n, &ctx()).await?;
    }
    Ok(())
}

/// Runs the caches.
async fn run_caches(ctx: &impl Fn() -> WorkflowContext) -> Result<()> {
    let double = || step("double", async |n: u32| Ok(n * 2));
    let config = CacheConfig::new(Scope::Global, |n: &u32, _, key| {
        key.text(&n.to_string());
    });
    let cache = double().cached(config.with_capacity(1).with_cost_per_call(0.01))?;
    for n in [1, 1, 2, 3] {
        cache.execute(n, &ctx()).await?;
    }
    cache.clear().await?;
    let ageing = CacheConfig::of_input(Scope::Global)
        .with_ttl(Duration::from_nanos(1))
        .with_stale_while_revalidate(Duration::from_mins(1));
    let refreshed = double().cached(ageing)?.with_name("refreshed");
    for _ in 0..2 {
        refreshed.execute(1, &ctx()).await?;
    }
    while refreshed.stats().refreshes == 0 {
        tokio::task::yield_now().await;
    }
    let config = CacheConfig::new(Scope::Global, |_: &u32, _, key| {
        key.text("one");
    });
    let slow = step("slow", async |n: u32| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(n)
    });
    let shared = slow.cached(config)?;
    let (one, other) = (ctx(), ctx());
    let (one, other) = tokio::join!(shared.execute(1, &one), shared.execute(1, &other));
    one.and(other)?;
    assert!(shared.invalidate(&1, &ctx()).await?);
    Ok(())
}

/// Runs what waits, tries again or gives up.
async fn run_what_takes_time(ctx: &impl Fn() -> WorkflowContext) -> Result<()> {
    let double = || step("double", async |n: u32| Ok(n * 2));
    step("fails", fails)
        .retry(1)?
        .execute(1, &ctx())
        .await
        .unwrap_err();
    let slow = step("slow", async |n: u32| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(n)
    });
    let hedge = HedgeConfig::new(Duration::from_millis(1));
    slow.hedged(hedge)?.execute(1, &ctx()).await?;

    let hangs = || {
        step("hangs", async |_: u32| {
            std::future::pending::<Result<u32>>().await
        })
    };
    double()
        .timeout(Duration::from_secs(10))?
        .execute(1, &ctx())
        .await?;
    hangs()
        .timeout(Duration::from_millis(5))?
        .execute(1, &ctx())
        .await
        .unwrap_err();
    hangs()
        .timeout_or(Duration::from_millis(5), double())?
        .execute(1, &ctx())
        .await?;
    Ok(())
}

/// Runs the primitives that do not call everything they are asked to.
async fn run_what_rejects(ctx: &impl Fn() -> WorkflowContext) -> Result<()> {
    let breaker = CircuitBreakerConfig::new().with_consecutive_failures(1);
    let guarded = step("fails", fails).circuit_breaker(breaker)?;
    for _ in 0..2 {
        guarded.execute(1, &ctx()).await.unwrap_err();
    }

    let slow = step("slow", async |n: u32| {
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(n)
    });
    let one_at_a_time = slow.limit(BulkheadConfig::new(1).with_queue(1))?;
    let (one, other) = (ctx(), ctx());
    let (one, other) = tokio::join!(
        one_at_a_time.execute(1, &one),
        one_at_a_time.execute(1, &other)
    );
    one.and(other)?;
    Ok(())
}

/// Serves a request, makes one, and passes a message.
async fn cross_every_edge(recorder: &Arc<RecordingRecorder>) -> Result<()> {
    let messages = Messages::new("memory", "jobs").with_builder({
        let recorder = Arc::clone(recorder);
        move || recorder.builder()
    });
    let mut headers = BTreeMap::new();
    messages.sender(&recorder.context(), &mut headers).end();
    messages.process(&headers, async |_| Ok(())).await?;
    let layer = HttpServerLayer::new().with_builder({
        let recorder = Arc::clone(recorder);
        move || recorder.builder()
    });
    let mut server = layer.layer(HttpClientLayer::default().layer(Empty));
    server.call(::http::Request::new(String::new())).await?;
    Ok(())
}

/// A service that answers nothing.
struct Empty;

impl Service<::http::Request<String>> for Empty {
    type Response = ::http::Response<String>;
    type Error = Error;
    type Future = std::future::Ready<Result<Self::Response>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: ::http::Request<String>) -> Self::Future {
        std::future::ready(Ok(::http::Response::new(String::new())))
    }
}

fn declared<'a>(names: impl Fn(&tta::Catalog) -> Vec<&'a str>) -> BTreeSet<String> {
    CATALOGS.iter().flat_map(names).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_declared_is_emitted_and_nothing_else() {
    let receiver = OtlpReceiver::start().unwrap();
    let observability = ObservabilityConfig::new("everything")
        .with_otlp_endpoint(receiver.http_endpoint())
        .with_prometheus_port(0)
        .with_tail_keep(true)
        .with_logs(false)
        .init();
    let recorder = RecordingRecorder::new();
    // Label limits are reported to the recorder of the process, everything else to the context's.
    let installed = tta::install_recorder(Arc::clone(&recorder) as Arc<dyn Recorder>);
    run_everything(|| recorder.builder()).await.unwrap();
    cross_every_edge(&recorder).await.unwrap();
    tta::install_recorder(installed.unwrap());
    step("exported", async |n: u32| Ok(n)).run(1).await.unwrap();
    assert!(observability.flush(Duration::from_secs(5)));

    let url = observability.status().metrics_url.unwrap();
    let address = url
        .trim_start_matches("http://")
        .trim_end_matches("/metrics")
        .parse()
        .unwrap();
    let page = http::get(address, "/metrics").unwrap().text();
    let types = page
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    let metrics: BTreeSet<String> = types.map(str::to_owned).collect();
    let all = declared(|catalog| catalog.metrics.iter().map(|it| it.name).collect());
    assert_eq!(metrics, all, "left: emitted, right: declared");

    let spans = recorder.spans().into_iter().map(|span| match span.name {
        SpanName::Step(_) => "{primitive}.execute".to_owned(),
        SpanName::Edge { spec, .. } => spec.name.to_owned(),
        SpanName::Workflow(_) => "{workflow}.execute".to_owned(),
        other => other.as_str().to_owned(),
    });
    let all = declared(|catalog| catalog.spans.iter().map(|it| it.name).collect());
    assert_eq!(
        spans.collect::<BTreeSet<_>>(),
        all,
        "left: emitted, right: declared"
    );

    // What the telemetry layer logs about itself, and the cache about a server that comes and goes, is
    // seen in those crates' own tests.
    let logs: BTreeSet<String> = recorder
        .logs()
        .into_iter()
        .map(|line| line.event.to_owned())
        .collect();
    let own = tta::catalog::TELEMETRY.logs.iter().map(|it| it.name);
    // Nor is there a Redis here to be lost and found again; that crate's tests have real ones.
    let redis = ["cache_degraded", "cache_recovered", "cache_tier_error"];
    let own: BTreeSet<&str> = own.chain(redis).collect();
    let all = declared(|catalog| catalog.logs.iter().map(|it| it.name).collect());
    let all = all.into_iter().filter(|name| !own.contains(name.as_str()));
    assert_eq!(logs, all.collect(), "left: emitted, right: declared");
}

#[test]
fn every_field_of_every_log_event_reaches_the_log() {
    let fields = CATALOGS
        .iter()
        .flat_map(|catalog| catalog.logs)
        .flat_map(|log| log.fields);
    let lost: Vec<_> = fields
        .filter(|field| !DECLARED_FIELDS.contains(field))
        .collect();
    assert!(lost.is_empty(), "not in DECLARED_FIELDS: {lost:?}");
}
