//! What a breaker decides can be seen: in metrics, on spans and in one log line a change.

use std::sync::Arc;

use tta_breaker::{CATALOG, CircuitBreaker, CircuitBreakerConfig};
use tta_core::{
    Level, Recorder, Value, WorkflowContext, install_recorder, registry, uninstall_recorder,
};
use tta_testkit::conformance::tokio_clock;
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{Guarded, SECOND, wait};

fn config() -> CircuitBreakerConfig {
    CircuitBreakerConfig::new()
        .with_consecutive_failures(2)
        .with_wait(5 * SECOND)
        .with_clock(tokio_clock)
}

/// The gauge of each state: closed, open, half open.
fn states(name: &str) -> [i64; 3] {
    ["closed", "open", "half_open"].map(|state| {
        #[expect(clippy::cast_possible_truncation, reason = "a gauge of a few breakers")]
        let value = measured("circuit_breaker_state", &[name, state]) as i64;
        value
    })
}

/// Transitions: closed to open, open to half open, half open to closed and to open, open to closed.
fn transitions(name: &str) -> [u64; 5] {
    [
        ("closed", "open"),
        ("open", "half_open"),
        ("half_open", "closed"),
        ("half_open", "open"),
        ("open", "closed"),
    ]
    .map(|(from, to)| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count"
        )]
        let count = measured("circuit_breaker_transitions_total", &[name, from, to]) as u64;
        count
    })
}

fn recorded(recorder: &Arc<RecordingRecorder>) -> WorkflowContext {
    recorder.builder().clock(tokio_clock).build()
}

#[tokio::test(start_paused = true)]
async fn the_state_is_1_and_the_others_0_through_a_whole_cycle() {
    let guarded = Guarded::named(config(), "cycle");
    guarded.calls(&["ok"]).await;
    assert_eq!(states("cycle"), [1, 0, 0]);
    guarded.calls(&["fail", "fail"]).await;
    assert_eq!(states("cycle"), [0, 1, 0]);
    wait(5 * SECOND).await;
    guarded.calls(&["fail"]).await;
    assert_eq!(transitions("cycle"), [1, 1, 0, 1, 0]);
    wait(5 * SECOND).await;
    let context = WorkflowContext::builder().clock(tokio_clock).build();
    let mut probe = Box::pin(guarded.flow.execute("slow", &context));
    tta_testkit::conformance::poll_then_drop(probe.as_mut(), 1).await;
    assert_eq!(states("cycle"), [0, 0, 1]);
    probe.await.unwrap();
    assert_eq!(states("cycle"), [1, 0, 0]);
    assert_eq!(transitions("cycle"), [1, 2, 1, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn rejections_are_counted_and_admitted_calls_are_not() {
    let guarded = Guarded::named(config(), "rejections");
    guarded
        .calls(&["ok", "fail", "fail", "ok", "ok", "ok"])
        .await;
    let rejections = measured("circuit_breaker_rejections_total", &["rejections"]);
    assert!((rejections - 3.0).abs() < 1e-9);
}

#[tokio::test(start_paused = true)]
async fn an_isolated_breaker_is_open_in_the_metrics() {
    let guarded = Guarded::named(config(), "isolated_metrics");
    guarded.breaker().isolate();
    assert_eq!(states("isolated_metrics"), [0, 1, 0]);
    assert_eq!(transitions("isolated_metrics"), [1, 0, 0, 0, 0]);
    guarded.breaker().reset();
    assert_eq!(states("isolated_metrics"), [1, 0, 0]);
    assert_eq!(transitions("isolated_metrics"), [1, 0, 0, 0, 1]);
    guarded.breaker().reset();
    assert_eq!(states("isolated_metrics"), [1, 0, 0]);
    // Isolating one that is open already is no change of what the metrics tell apart.
    guarded.calls(&["fail", "fail"]).await;
    guarded.breaker().isolate();
    assert_eq!(states("isolated_metrics"), [0, 1, 0]);
    assert_eq!(transitions("isolated_metrics"), [2, 0, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn breakers_of_one_name_add_up_and_one_that_is_dropped_is_no_more() {
    let one = Guarded::named(config(), "twins");
    let other = Guarded::named(config(), "twins");
    one.calls(&["fail", "fail"]).await;
    other.calls(&["ok"]).await;
    assert_eq!(states("twins"), [1, 1, 0]);
    drop(one);
    assert_eq!(states("twins"), [1, 0, 0]);
    drop(other);
    assert_eq!(states("twins"), [0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn each_change_is_one_log_line_that_says_why() {
    let recorder = RecordingRecorder::new();
    let guarded = Guarded::named(config(), "logged");
    for input in ["fail", "fail", "ok", "ok"] {
        let _ = guarded.flow.execute(input, &recorded(&recorder)).await;
    }
    wait(5 * SECOND).await;
    let _ = guarded.flow.execute("ok", &recorded(&recorder)).await;
    let lines: Vec<_> = recorder
        .logs()
        .into_iter()
        .filter(|line| line.event == "circuit_breaker_state_changed")
        .collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    let told = |line: usize, field: &str| lines[line].field(field).map(str::to_owned);
    let turns: Vec<_> = (0..3)
        .map(|line| {
            [told(line, "from"), told(line, "to"), told(line, "reason")].map(Option::unwrap)
        })
        .collect();
    assert_eq!(
        turns,
        [
            ["closed", "open", "consecutive_failures"],
            ["open", "half_open", "wait_over"],
            ["half_open", "closed", "probes_succeeded"],
        ]
    );
    assert_eq!(lines[0].level, Level::Warn);
    assert_eq!((lines[1].level, lines[2].level), (Level::Info, Level::Info));
    assert_eq!(told(0, "primitive").as_deref(), Some("logged"));
    assert_eq!(told(0, "failures").as_deref(), Some("2"));
    assert_eq!(told(0, "calls").as_deref(), Some("2"));
    assert_eq!(told(0, "wait_ms").as_deref(), Some("5000"));
    assert_eq!(told(0, "error_type").as_deref(), Some("unavailable"));
    assert_eq!(told(2, "wait_ms"), None);
    assert_eq!(told(2, "failures"), None);
    assert_eq!(told(2, "error_type"), None);
}

#[tokio::test(start_paused = true)]
async fn the_span_of_a_call_says_where_the_breaker_stood_and_why_it_was_rejected() {
    let guarded = Guarded::named(config(), "traced");
    let attributes = async |input| {
        let recorder = RecordingRecorder::new();
        let _ = guarded.flow.execute(input, &recorded(&recorder)).await;
        let span = recorder.span("traced.execute");
        let events = recorder.events(span.span_id);
        let changed = events
            .iter()
            .any(|it| it.name == "circuit_breaker_state_changed");
        let keys = ["state", "reason", "failures", "retry_after_ms"];
        let values =
            keys.map(|key| recorder.attribute(span.span_id, &format!("circuit_breaker.{key}")));
        (error_type(&span), values, changed)
    };
    let text = |text: &'static str| Some(Value::from(text));
    let number = |number: u64| Some(Value::from(number));
    let (error, values, changed) = attributes("fail").await;
    assert_eq!((error, changed), (Some("unavailable"), false));
    assert_eq!(values, [text("closed"), None, None, None]);
    let (_, _, changed) = attributes("fail").await;
    assert!(changed, "an event where the call opened the breaker");
    let (error, values, changed) = attributes("ok").await;
    assert_eq!((error, changed), (Some("rejected"), false));
    let reason = text("consecutive_failures");
    assert_eq!(values, [text("open"), reason, number(2), number(5_000)]);
    wait(5 * SECOND).await;
    let (error, values, changed) = attributes("ok").await;
    assert_eq!((error, changed), (None, true));
    assert_eq!(values, [text("half_open"), None, None, None]);
    guarded.breaker().isolate();
    let (error, values, _) = attributes("ok").await;
    assert_eq!(error, Some("rejected"));
    let isolated = || text("isolated");
    assert_eq!(values, [isolated(), isolated(), None, None]);
}

#[tokio::test(start_paused = true)]
async fn an_untraced_call_is_decided_alike() {
    let guarded = Guarded::named(config(), "untraced");
    let recorder = RecordingRecorder::new();
    for input in ["fail", "fail", "ok"] {
        let ctx = recorder.builder().clock(tokio_clock).sampled(false).build();
        let _ = guarded.flow.execute(input, &ctx).await;
    }
    assert!(recorder.spans().is_empty());
    assert_eq!(states("untraced"), [0, 1, 0]);
}

#[test]
fn changes_by_hand_are_logged_outside_any_workflow() {
    let recorder = RecordingRecorder::new();
    let before = install_recorder(Arc::clone(&recorder) as Arc<dyn Recorder>);
    let breaker = CircuitBreaker::new("logged_by_hand", config()).unwrap();
    breaker.isolate();
    breaker.reset();
    breaker.reset();
    match before {
        Some(before) => install_recorder(before),
        None => uninstall_recorder(),
    };
    let lines = recorder.logs();
    let lines: Vec<_> = lines
        .iter()
        .filter(|line| line.field("primitive") == Some("logged_by_hand"))
        .map(|line| {
            (
                line.field("to").unwrap(),
                line.field("reason").unwrap(),
                line.level,
            )
        })
        .collect();
    assert_eq!(
        lines,
        [
            ("isolated", "isolated", Level::Warn),
            ("closed", "reset", Level::Info)
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn every_declared_metric_is_emitted() {
    Guarded::named(config(), "declared").calls(&["ok"]).await;
    let families = registry().gather();
    for metric in CATALOG.metrics {
        let found = families.iter().any(|family| family.spec == *metric);
        assert!(found, "{}", metric.name);
    }
}

#[test]
fn futures_can_move_between_threads() {
    fn assert_send<T: Send>(_: T) {}
    let guarded = Guarded::by(config());
    assert_send(guarded.flow.run("ok"));
}
