//! What the trace says that a decision was made from.

use std::time::Duration;

use tta_core::{Value, WorkflowContext};
use tta_router::{
    ByComplexity, ByRule, CheapestWithin, HealthAware, LeastInFlight, LowestLatency, RoundRobin,
    RouterPrimitive, RoutingStrategy, Sticky, Weighted,
};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::mock::Answer;
use tta_testkit::recording::RecordingRecorder;

use crate::support::{answering, context, down, router};

/// The attributes of the decision that is made after `before` calls.
async fn attributes(
    strategy: impl RoutingStrategy<u64> + 'static,
    before: usize,
    keys: &[&str],
) -> Vec<Option<Value>> {
    let (a, b) = (answering("a", 20), answering("b", 30));
    let router = router(&[&a, &b], strategy);
    for _ in 0..before {
        let _ = router.execute(0, &context()).await;
    }
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    router.execute(0, &ctx).await.unwrap();
    let span = recorder.span("router.select_route").span_id;
    keys.iter()
        .map(|key| recorder.attribute(span, key))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn each_strategy_says_what_it_decided_from() {
    let rule = ByRule::otherwise("a")
        .when("a", |_, _| false)
        .when("b", |_, _| true);
    assert_eq!(
        attributes(rule, 0, &["route.rule"]).await,
        [Some(1_u32.into())]
    );
    let turns = RoundRobin::new();
    assert_eq!(
        attributes(turns, 3, &["route.turn"]).await,
        [Some(3_u32.into())]
    );
    let shares = Weighted::new([("a", 3.0), ("b", 1.0)]).unwrap();
    assert_eq!(
        attributes(shares, 0, &["route.share"]).await,
        [Some(0.75.into())]
    );
    let least = LeastInFlight::new();
    assert_eq!(
        attributes(least, 0, &["route.in_flight", "route.candidates"]).await,
        [
            Some(0_u32.into()),
            Some(
                "a: 0 in flight, latency ?, 0 failures; b: 0 in flight, latency ?, 0 failures"
                    .into()
            )
        ]
    );
    let fastest = LowestLatency::new();
    assert_eq!(
        attributes(fastest, 2, &["route.latency_ms", "route.candidates"]).await,
        [
            Some(20.0.into()),
            Some(
                "a: 0 in flight, latency 20.0ms, 0 failures; \
                 b: 0 in flight, latency 30.0ms, 0 failures"
                    .into()
            )
        ]
    );
    let cheapest = CheapestWithin::new(Duration::from_millis(25));
    let keys = ["route.latency_ms", "route.latency_target_ms"];
    assert_eq!(
        attributes(cheapest, 1, &keys).await,
        [Some(20.0.into()), Some(25.0.into())]
    );
    let sticky = Sticky::by(|key: &u64, _: &WorkflowContext| Some(*key));
    let hash = attributes(sticky, 0, &["route.key_hash"]).await;
    assert!(
        matches!(&hash[0], Some(Value::Str(text)) if text.len() == 16),
        "{hash:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_failing_route_that_was_avoided_is_named() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    a.push(Answer::fail(down()));
    let strategy = HealthAware::new(ByRule::otherwise("a")).with_failures(1);
    let router = router(&[&a, &b], strategy);
    router.execute(0, &context()).await.unwrap_err();
    let recorder = RecordingRecorder::new();
    let ctx = recorder.builder().clock(tokio_clock).build();
    router.execute(0, &ctx).await.unwrap();
    let span = recorder.span("router.select_route").span_id;
    let attribute = |key| recorder.attribute(span, key);
    assert_eq!(attribute("route.avoided"), Some("a".into()));
    assert_eq!(attribute("route.failures"), Some(1_u32.into()));
    assert_eq!(attribute("route.reason"), Some("unhealthy".into()));
    assert_eq!(
        attribute("route.candidates"),
        Some("a: 0 in flight, latency ?, 1 failures; b: 0 in flight, latency ?, 0 failures".into())
    );
}

#[tokio::test]
async fn the_signs_of_complexity_and_the_threshold_are_shown() {
    let model = || tta_core::step("model", async |text: String| Ok(text));
    let router = RouterPrimitive::builder()
        .route("cheap", model(), tta_router::CostModel::unknown())
        .strategy(
            ByComplexity::new("cheap", "cheap", |text: &String| text.as_str()).with_threshold(0.5),
        )
        .build()
        .unwrap();
    let recorder = RecordingRecorder::new();
    let prompt = "Why is 1 + 1 = 2?".to_owned();
    let signs = tta_router::complexity(&prompt);
    router.execute(prompt, &recorder.context()).await.unwrap();
    let span = recorder.span("router.select_route").span_id;
    for (key, value) in [
        ("route.threshold", 0.5),
        ("route.length", signs.length),
        ("route.structure", signs.structure),
        ("route.code", signs.code),
        ("route.digits", signs.digits),
        ("route.reasoning", signs.reasoning),
        ("route.score", signs.score()),
    ] {
        assert_eq!(recorder.attribute(span, key), Some(value.into()), "{key}");
    }
}

#[test]
fn a_decision_that_is_not_acted_on_has_a_span_of_its_own_and_counts_for_nothing() {
    let (a, b) = (answering("a", 0), answering("b", 0));
    let router = router(&[&a, &b], RoundRobin::new()).with_name("asked_only");
    let recorder = RecordingRecorder::new();
    let decision = router.decide_route(&0, &recorder.context());
    assert_eq!(decision.unwrap().route, "a");
    let span = recorder.span("router.select_route").span_id;
    assert_eq!(recorder.attribute(span, "route.turn"), Some(0_u32.into()));
    let counted = tta_core::registry().gather().into_iter().any(|family| {
        let named = |labels: &[String]| labels.first().is_some_and(|it| it == "asked_only");
        family.spec.name.starts_with("router_") && family.samples.iter().any(|it| named(&it.labels))
    });
    assert!(!counted);
}
