//! The program that is observed, in a process of its own.

use std::io::BufRead;
use std::time::{Duration, Instant};

use opentelemetry::KeyValue;
use opentelemetry::trace::{Span, Tracer};
use tta_core::{
    Attribute, Error, MetricSpec, OpenSpan, Parent, Result, SpanId, SpanKind, SpanSpec, TraceId,
    Unit, WorkflowContext, registry, step,
};
use tta_http::Propagation;
use tta_telemetry::opentelemetry;

use crate::row::IS_PROGRAM;

/// Does what services do, says that it is ready, and ends when its standard input does.
#[test]
fn program() {
    if std::env::var_os(IS_PROGRAM).is_none() {
        // Nobody looks.
        return;
    }
    let guard = tta_telemetry::initialize_observability("table");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let headers = runtime.block_on(work()).unwrap();
    let held = if std::env::var_os("TTA_TAIL_KEEP").is_some() {
        runtime.block_on(undecided())
    } else {
        Vec::new()
    };
    drop(held);
    foreign();
    labels();
    tracing::info!(target: "app", long = LONG.repeat(1_500), a = 1, b = 2, c = 3, "said");
    tracing::debug!(target: "app", "whispered");
    let url = guard.status().metrics_url;
    println!("\nheaders {headers:?}");
    println!("ready {}", url.as_deref().unwrap_or("-"));
    let _ = std::io::stdin().lock().lines().count();
    let began = Instant::now();
    let report = guard.shutdown();
    println!("\nended after {} ms: {report}", began.elapsed().as_millis());
    // The harness has a line of its own to write, which no terminal needs.
    std::thread::sleep(Duration::from_millis(1));
}

/// A workflow that says much, and forty that say little.
async fn work() -> Result<Vec<String>> {
    let much = step("work", async |(): (), ctx: &WorkflowContext| {
        for number in 1..=5_usize {
            ctx.set_attribute(format!("a{number}"), number);
            let attributes = (1..=4_usize).map(|key| Attribute::new(format!("k{key}"), key));
            ctx.event(format!("e{number}"), attributes.collect());
            let trace = TraceId::from_u128(number as u128);
            if let Some(link) = Parent::remote(trace, SpanId::from_u64(1), true) {
                ctx.add_link(link);
            }
        }
        ctx.set_attribute("long", LONG.repeat(3_000));
        ctx.set_attribute("db.password", "canary-attribute");
        ctx.record_content("gen_ai.input.messages", || "what ails me?".to_owned());
        let mut carrier = std::collections::HashMap::new();
        Propagation::from_env().inject(ctx, &mut carrier);
        let mut names: Vec<String> = carrier.into_keys().collect();
        names.sort();
        Ok(names)
    });
    let ctx = WorkflowContext::builder().baggage("tenant", "acme").build();
    let headers = much.named("table").execute((), &ctx).await?;
    for _ in 0..40 {
        let little = step("double", async |number: u32| Ok(number * 2));
        little
            .named("many")
            .execute(21, &WorkflowContext::new())
            .await?;
    }
    Ok(headers)
}

/// A workflow that fails, and five whose ends are not yet known.
async fn undecided() -> Vec<OpenSpan> {
    let failing = step("failing", async |(): ()| Err::<(), _>(Error::msg("no")));
    let _ = failing
        .named("fails")
        .execute((), &WorkflowContext::new())
        .await;
    let roots: Vec<_> = (0..5)
        .map(|_| WorkflowContext::builder().open(&HELD, SpanKind::Server))
        .collect();
    for root in &roots {
        let ctx = root.context().child();
        let part = step("part", async |(): (), ctx: &WorkflowContext| {
            ctx.set_attribute("long", LONG.repeat(500));
            Ok(())
        });
        let _ = part.execute((), &ctx).await;
    }
    roots
}

static HELD: SpanSpec = SpanSpec {
    name: "held",
    help: "A request whose end is not yet known.",
    attributes: &[],
};

/// A span of OpenTelemetry.
fn foreign() {
    let mut span = opentelemetry::global::tracer("other").start("foreign");
    for number in 1..=5 {
        span.set_attribute(KeyValue::new(format!("a{number}"), number));
        span.add_event(
            format!("e{number}"),
            vec![KeyValue::new("k1", 1), KeyValue::new("k2", 2)],
        );
        span.add_link(
            opentelemetry::trace::SpanContext::new(
                7_u128.into(),
                7_u64.into(),
                opentelemetry::trace::TraceFlags::SAMPLED,
                true,
                opentelemetry::trace::TraceState::NONE,
            ),
            vec![KeyValue::new("k1", 1), KeyValue::new("k2", 2)],
        );
    }
    span.set_attribute(KeyValue::new("long", LONG.repeat(3_000)));
    span.end();
}

fn labels() {
    for language in ["en", "de", "fr", "it", "es"] {
        let greetings = registry().counter(&GREETINGS, &[language]).unwrap();
        greetings.increment();
    }
}

static GREETINGS: MetricSpec =
    MetricSpec::counter("greetings_total", Unit::One, "Greetings by language.")
        .labels(&["language"]);

/// Two bytes, so that a cut between them shows.
const LONG: &str = "é";
