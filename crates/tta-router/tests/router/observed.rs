//! What a router tells about itself: spans, metrics, cancellation.

use std::task::{Context, Waker};

use tta_core::{Error, ErrorKind, Result, SpanRecord, Value, WorkflowContext, registry, step};
use tta_router::{ByComplexity, CATALOG, Choice, Price, RouterPrimitive};
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{ask, named, two_routes};

fn is_inside(child: &SpanRecord, parent: &SpanRecord) -> bool {
    child.parent_id == parent.span_id
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-9
}

#[tokio::test]
async fn deciding_and_executing_are_traced_with_the_reason_and_the_cost() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let flow = RouterPrimitive::builder()
        .priced_route("small", Price::per_call(0.25), named("small"))
        .priced_route("large", Price::per_call(0.5), named("large"))
        .strategy(ByComplexity::new(|q: &String| q.as_str()).below(0.9, "small"))
        .build()?
        .with_name("routed");
    flow.execute(ask("q"), &recorder.context()).await?;

    let router = recorder.span("routed.execute");
    let select = recorder.span("router.select_route");
    let execute = recorder.span("router.execute_route");
    assert!(is_inside(&select, &router));
    assert!(is_inside(&execute, &router));
    assert!(is_inside(&recorder.span("small.execute"), &execute));
    let of = |span: &SpanRecord, key| recorder.attribute(span.span_id, key);
    assert_eq!(of(&select, "route_selected"), Some("small".into()));
    assert_eq!(of(&select, "route.reason"), Some("score".into()));
    assert!(matches!(of(&select, "route.score"), Some(Value::Float(score)) if score < 0.9));
    assert_eq!(
        of(&select, "route.baseline_cost_usd"),
        Some(Value::Float(0.5))
    );
    assert_eq!(of(&execute, "cost_usd"), Some(Value::Float(0.25)));
    assert_eq!(of(&execute, "route.saved_usd"), Some(Value::Float(0.25)));
    let events = recorder.events(select.span_id);
    assert_eq!(events.len(), 1);
    assert_eq!(events[0].name, "route_decision_made");
    Ok(())
}

#[tokio::test]
async fn failures_of_the_route_are_counted_and_pass_unchanged() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .route(
            "down",
            step("down", async |_: String| -> Result<()> {
                Err(Error::new(ErrorKind::RateLimited, "slow down"))
            }),
        )
        .route(
            "panics",
            step("panics", async |_: String| -> Result<()> { panic!("no") }),
        )
        .strategy(|q: &String, _: &WorkflowContext| Ok(Choice::from(q.clone())))
        .build()?
        .with_name("failing");
    let error = flow.run(ask("down")).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string()),
        (ErrorKind::RateLimited, "slow down".into())
    );
    assert_eq!(
        flow.run(ask("panics")).await.unwrap_err().kind(),
        ErrorKind::Panic
    );
    assert!(is(
        measured("router_errors_total", &["failing", "down", "rate_limited"]),
        1.0
    ));
    assert!(is(
        measured("router_errors_total", &["failing", "panics", "panic"]),
        1.0
    ));
    let duration = "router_execution_duration_seconds";
    assert!(is(measured(duration, &["failing", "down"]), 1.0));
    Ok(())
}

#[tokio::test]
async fn dropping_the_router_drops_the_route_and_counts_no_error() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .route(
            "endless",
            step("endless", async |_: String| {
                std::future::pending::<()>().await;
                Ok(())
            }),
        )
        .strategy(|_: &String, _: &WorkflowContext| Ok("endless"))
        .build()?
        .with_name("dropped");
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    {
        let mut run = std::pin::pin!(flow.execute(ask("q"), &ctx));
        let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    for span in ["dropped.execute", "router.execute_route", "endless.execute"] {
        assert_eq!(
            error_type(&recorder.span(span)),
            Some("cancelled"),
            "{span}"
        );
    }
    assert_eq!(flow.metrics().in_flight(), 0);
    assert_eq!(flow.metrics().cancelled(), 1);
    assert!(is(
        measured("router_execution_duration_seconds", &["dropped", "endless"]),
        1.0
    ));
    Ok(())
}

#[tokio::test]
async fn results_are_the_same_with_and_without_a_recorder() -> Result<()> {
    let mut all = Vec::new();
    for ctx in [WorkflowContext::new(), RecordingRecorder::new().context()] {
        let flow = two_routes()
            .strategy(|q: &String, _: &WorkflowContext| match q.as_str() {
                "panic" => panic!("no"),
                route => Ok(Choice::from(route.to_owned())),
            })
            .build()?;
        let mut results = Vec::new();
        for question in ["small", "large", "panic", "huge"] {
            let result = flow.execute(ask(question), &ctx).await;
            results.push(result.map_err(|error| error.to_string()));
        }
        all.push((results, flow.savings()));
    }
    assert_eq!(all[0], all[1]);
    Ok(())
}

#[tokio::test]
async fn no_part_of_a_question_is_in_a_span() -> Result<()> {
    let flow = two_routes()
        .strategy(ByComplexity::new(|q: &String| q.as_str()).below(1.1, "small"))
        .build()?;
    let recorder = RecordingRecorder::new();
    flow.execute(ask("canary-7f3a"), &recorder.context())
        .await?;
    assert!(!format!("{:?}", recorder.traces()).contains("canary"));
    Ok(())
}

#[tokio::test]
async fn every_declared_metric_is_emitted_and_every_declared_span_appears() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .route(
            "down",
            step("down", async |_: String| -> Result<()> {
                Err(Error::msg("down"))
            }),
        )
        .strategy(|_: &String, _: &WorkflowContext| Ok("down"))
        .build()?
        .with_name("declared");
    let recorder = RecordingRecorder::new();
    flow.execute(ask("q"), &recorder.context())
        .await
        .unwrap_err();
    let families = registry().gather();
    for metric in CATALOG.metrics {
        assert!(
            families.iter().any(|family| family.spec == *metric),
            "{}",
            metric.name
        );
    }
    for span in CATALOG.spans {
        recorder.span(span.name);
    }
    Ok(())
}

#[tokio::test]
async fn a_fallback_around_the_router_leaves_its_errors_counted_and_one_inside_hides_them()
-> Result<()> {
    let down = || {
        step("down", async |_: String| -> Result<&'static str> {
            Err(Error::msg("down"))
        })
    };
    let always = |_: &String, _: &WorkflowContext| Ok("down");
    let right = RouterPrimitive::builder()
        .route("down", down())
        .strategy(always)
        .build()?
        .with_name("fallback_around")
        .with_fallback(named("canned"));
    assert_eq!(right.run(ask("q")).await?, "canned");
    assert!(is(
        measured("router_errors_total", &["fallback_around", "down", "other"]),
        1.0
    ));

    let wrong = RouterPrimitive::builder()
        .route("down", down().with_fallback(named("canned")))
        .strategy(always)
        .build()?
        .with_name("fallback_inside");
    assert_eq!(wrong.run(ask("q")).await?, "canned");
    let families = registry().gather();
    let errors = families
        .iter()
        .find(|family| family.spec.name == "router_errors_total")
        .unwrap();
    assert!(
        !errors
            .samples
            .iter()
            .any(|sample| sample.labels[0] == "fallback_inside")
    );
    Ok(())
}

#[test]
fn futures_can_move_between_threads() -> Result<()> {
    fn assert_send<T: Send>(_: T) {}
    let flow = two_routes()
        .strategy(tta_router::RoundRobin::new())
        .build()?;
    assert_send(flow.run(ask("q")));
    assert_send(flow.boxed()?.run(ask("q")));
    Ok(())
}
