//! Which route is taken, and what happens where none can be.

#![expect(
    clippy::float_cmp,
    reason = "these numbers come out exactly, or something is wrong"
)]

use std::cell::Cell;
use std::time::Instant;

use tta_core::{
    Error, ErrorKind, Flow, IntoFlow, Primitive, Result, WorkflowContext, registry, step,
};
use tta_router::{
    ByComplexity, ByRule, Choice, CostModel, HealthAware, RoundRobin, RouteReason, RouterPrimitive,
};
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};

fn answering(
    name: &'static str,
) -> impl IntoFlow<Input = String, Output = &'static str, Primitive: 'static> {
    tta_core::step_with(name, name, async |name: &&'static str, _: String| Ok(*name))
}

fn two_routes(name: &str) -> tta_router::RouterBuilder<String, &'static str> {
    RouterPrimitive::builder()
        .name(name)
        .route("cheap", answering("small"), CostModel::per_call(0.001))
        .route("premium", answering("large"), CostModel::per_call(0.01))
}

fn decisions(router: &str, route: &str, reason: &str) -> f64 {
    registry()
        .gather()
        .into_iter()
        .filter(|family| family.spec.name == "router_decisions_total")
        .flat_map(|family| family.samples)
        .filter(|sample| sample.labels == [router, route, reason])
        .map(|sample| match sample.value {
            tta_core::SampleValue::Counter(value, _) => value,
            other => panic!("a counter reads {other:?}"),
        })
        .sum()
}

#[tokio::test]
async fn the_route_of_the_first_rule_that_matches_is_taken() -> Result<()> {
    let strategy = ByRule::otherwise("cheap")
        .when("premium", |question: &String, _| question.len() > 10)
        .when("cheap", |_, _| true);
    let router = two_routes("first_rule").strategy(strategy).build()?;
    assert_eq!(
        router.run("a long enough question".to_owned()).await?,
        "large"
    );
    assert_eq!(router.run("short".to_owned()).await?, "small");
    assert_eq!(decisions("first_rule", "premium", "rule"), 1.0);
    assert_eq!(decisions("first_rule", "cheap", "rule"), 1.0);
    Ok(())
}

#[tokio::test]
async fn a_function_is_a_strategy_and_sees_the_context() -> Result<()> {
    let strategy = |_: &String, ctx: &WorkflowContext| {
        Ok(if ctx.has_tag("vip") {
            "premium"
        } else {
            "cheap"
        })
    };
    let router = two_routes("function").strategy(strategy).build()?;
    let vip = WorkflowContext::new();
    vip.add_tag("vip");
    assert_eq!(router.execute(String::new(), &vip).await?, "large");
    assert_eq!(router.run(String::new()).await?, "small");
    Ok(())
}

#[tokio::test]
async fn what_looks_hard_goes_to_the_premium_route() -> Result<()> {
    let strategy = ByComplexity::new("cheap", "premium", |question: &String| question.as_str());
    let router = two_routes("complexity").strategy(strategy).build()?;
    assert_eq!(router.run("What is 2+2?".to_owned()).await?, "small");
    let hard = "Explain step by step why quicksort is slow on sorted input, and compare it with merge sort.";
    assert_eq!(router.run(hard.to_owned()).await?, "large");
    Ok(())
}

#[tokio::test]
async fn each_route_gets_its_turn() -> Result<()> {
    let router = two_routes("turns").strategy(RoundRobin::new()).build()?;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(router.run(String::new()).await?);
    }
    assert_eq!(answers, ["small", "large", "small", "large"]);
    Ok(())
}

#[tokio::test]
async fn a_strategy_that_fails_leads_to_the_default_and_is_counted() -> Result<()> {
    let strategy =
        |_: &String, _: &WorkflowContext| -> Result<Choice<'static>> { Err(Error::msg("no idea")) };
    let router = two_routes("failing")
        .strategy(strategy)
        .default_route("premium")
        .build()?;
    let recorder = RecordingRecorder::new();
    assert_eq!(
        router.execute(String::new(), &recorder.context()).await?,
        "large"
    );
    assert_eq!(decisions("failing", "premium", "strategy_error"), 1.0);
    let logs = recorder.logs();
    let line = logs
        .iter()
        .find(|line| line.event == "router_strategy_failed");
    assert_eq!(line.and_then(|line| line.field("error")), Some("no idea"));
    Ok(())
}

#[tokio::test]
async fn a_route_that_does_not_exist_leads_to_the_default_and_is_counted() -> Result<()> {
    let router = two_routes("unknown")
        .strategy(|_: &String, _: &WorkflowContext| Ok("platinum"))
        .default_route("cheap")
        .build()?;
    assert_eq!(router.run(String::new()).await?, "small");
    assert_eq!(decisions("unknown", "cheap", "unknown_route"), 1.0);
    Ok(())
}

#[tokio::test]
async fn without_a_default_the_error_lists_the_routes() -> Result<()> {
    let router = two_routes("lost")
        .strategy(|_: &String, _: &WorkflowContext| Ok("platinum"))
        .build()?;
    let error = router.run(String::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("platinum"), "{error}");
    assert!(error.to_string().contains("cheap, premium"), "{error}");
    Ok(())
}

#[test]
fn a_router_without_routes_or_with_an_unknown_default_is_refused() {
    let none = RouterPrimitive::<String, String>::builder()
        .default_route("cheap")
        .build();
    assert_eq!(none.unwrap_err().kind(), ErrorKind::Configuration);

    let unknown = two_routes("refused")
        .default_route("platinum")
        .build()
        .unwrap_err();
    assert!(unknown.to_string().contains("platinum"), "{unknown}");
    assert!(unknown.to_string().contains("cheap, premium"), "{unknown}");

    let undecided = two_routes("undecided").build().unwrap_err();
    assert!(
        undecided.to_string().contains("strategy or a default"),
        "{undecided}"
    );

    let twice = two_routes("twice").route("cheap", answering("x"), CostModel::unknown());
    assert!(
        twice
            .default_route("cheap")
            .build()
            .unwrap_err()
            .to_string()
            .contains("two routes")
    );

    let negative = two_routes("negative").route("odd", answering("x"), CostModel::per_call(-1.0));
    assert!(
        negative
            .default_route("cheap")
            .build()
            .unwrap_err()
            .to_string()
            .contains("odd")
    );
}

#[test]
fn a_decision_is_made_without_running_anything() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route(
            "cheap",
            step("never", async |_: String| -> Result<()> {
                panic!("was run")
            }),
            CostModel::per_call(0.001),
        )
        .route(
            "premium",
            step("never_too", async |_: String| -> Result<()> {
                panic!("was run")
            }),
            CostModel::per_call(0.01),
        )
        .strategy(|_: &String, _: &WorkflowContext| {
            Ok(Choice::new("cheap", RouteReason::Complexity).with_score(0.1))
        })
        .build()?;
    let decision = router.decide_route(&String::new(), &WorkflowContext::new())?;
    assert_eq!(
        (decision.route, decision.reason),
        ("cheap", RouteReason::Complexity)
    );
    assert_eq!(decision.score, Some(0.1));
    assert_eq!(decision.expected_cost, Some(0.001));
    assert_eq!(decision.baseline_cost, Some(0.01));
    assert!((decision.expected_saving.unwrap_or_default() - 0.009).abs() < 1e-12);
    Ok(())
}

#[tokio::test]
async fn the_trace_says_which_route_was_taken_and_why() -> Result<()> {
    let strategy = ByComplexity::new("cheap", "premium", |question: &String| question.as_str());
    let router = two_routes("explained").strategy(strategy).build()?;
    let recorder = RecordingRecorder::new();
    router
        .execute("What is 2+2?".to_owned(), &recorder.context())
        .await?;

    let parent = recorder.span("explained.execute").span_id;
    let select = recorder.span("router.select_route");
    let execute = recorder.span("router.execute_route");
    assert_eq!((select.parent_id, execute.parent_id), (parent, parent));
    assert_eq!(recorder.span("small.execute").parent_id, execute.span_id);
    assert_eq!(
        recorder.attribute(select.span_id, "route_selected"),
        Some("cheap".into())
    );
    assert_eq!(
        recorder.attribute(select.span_id, "route.reason"),
        Some("complexity".into())
    );
    assert!(recorder.attribute(select.span_id, "route.score").is_some());
    assert_eq!(
        recorder.attribute(select.span_id, "route.candidates"),
        None,
        "what the routes are doing did not enter into it"
    );
    assert_eq!(
        recorder.events(select.span_id)[0].name,
        "route_decision_made"
    );
    assert_eq!(
        recorder.attribute(execute.span_id, "cost_usd"),
        Some(0.001.into())
    );
    Ok(())
}

#[tokio::test]
async fn a_route_that_fails_is_counted_and_its_error_passes() -> Result<()> {
    let failing = step("down", async |_: String| -> Result<()> {
        Err(Error::new(ErrorKind::Unavailable, "model is down"))
    });
    let router: Flow<_> = RouterPrimitive::builder()
        .name("with_failures")
        .route("only", failing, CostModel::unknown())
        .default_route("only")
        .build()?;
    let recorder = RecordingRecorder::new();
    let error = router
        .execute(String::new(), &recorder.context())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.to_string().as_str()),
        (ErrorKind::Unavailable, "model is down")
    );
    assert_eq!(
        error_type(&recorder.span("router.execute_route")),
        Some("unavailable")
    );
    let labels = ["with_failures", "only", "unavailable"];
    assert_eq!(measured("router_errors_total", &labels), 1.0);
    let labels = ["with_failures", "only"];
    assert_eq!(measured("router_execution_duration_seconds", &labels), 1.0);
    assert_eq!(
        measured("router_decision_duration_seconds", &["with_failures"]),
        1.0
    );
    Ok(())
}

#[tokio::test]
async fn an_empty_input_is_routed_like_any_other() -> Result<()> {
    let strategy = ByComplexity::new("cheap", "premium", |question: &String| question.as_str());
    let router = two_routes("empty").strategy(strategy).build()?;
    assert_eq!(router.run(String::new()).await?, "small");
    Ok(())
}

#[tokio::test]
async fn an_input_that_is_nothing_is_routed_like_any_other() -> Result<()> {
    let saying = |name: &'static str| {
        tta_core::step_with(
            name,
            name,
            async |name: &&'static str, _: Option<String>| Ok(*name),
        )
    };
    let router = RouterPrimitive::builder()
        .route("some", saying("some"), CostModel::unknown())
        .route("none given", saying("none"), CostModel::unknown())
        .strategy(move |it: &Option<String>, _: &WorkflowContext| {
            Ok(if it.is_none() { "none given" } else { "some" })
        })
        .build()?;
    assert_eq!(router.run(None).await?, "none");
    assert_eq!(router.run(Some(String::new())).await?, "some");

    let units = RouterPrimitive::builder()
        .route(
            "unit",
            step("unit", async |(): ()| Ok(())),
            CostModel::unknown(),
        )
        .default_route("unit")
        .build()?;
    units.run(()).await
}

#[tokio::test]
async fn rules_look_at_size_keywords_and_context() -> Result<()> {
    let strategy = ByRule::otherwise("cheap")
        .when("premium", |question: &String, _| question.len() > 100)
        .when("premium", |question: &String, _| {
            question.to_lowercase().contains("contract")
        })
        .when("premium", |_, ctx| ctx.has_tag("vip"));
    let router = two_routes("rules").strategy(strategy).build()?;
    let vip = WorkflowContext::new();
    vip.add_tag("vip");
    let plain = WorkflowContext::new();
    for (question, ctx, route) in [
        ("hello".to_owned(), &plain, "small"),
        ("hello ".repeat(20), &plain, "large"),
        ("Read this CONTRACT".to_owned(), &plain, "large"),
        ("hello".to_owned(), &vip, "large"),
    ] {
        assert_eq!(router.execute(question, ctx).await?, route);
    }
    Ok(())
}

#[test]
fn a_score_at_the_threshold_is_hard_and_one_below_is_easy() -> Result<()> {
    let prompt = "Why is the sky blue?";
    let score = tta_router::complexity(prompt).score();
    for (threshold, route) in [(score, "premium"), (score + 1e-9, "cheap")] {
        let strategy = ByComplexity::new("cheap", "premium", |question: &String| question.as_str())
            .with_threshold(threshold);
        let router = two_routes("threshold").strategy(strategy).build()?;
        let decision = router.decide_route(&prompt.to_owned(), &WorkflowContext::new())?;
        assert_eq!((decision.route, decision.score), (route, Some(score)));
    }
    Ok(())
}

#[tokio::test]
async fn an_expected_usage_that_panics_is_not_known_and_the_call_goes_on() -> Result<()> {
    let router = two_routes("unexpected")
        .default_route("cheap")
        .expected_usage(|_| panic!("no idea"))
        .build()?;
    let recorder = RecordingRecorder::new();
    let answer = router.execute(String::new(), &recorder.context()).await?;
    assert_eq!(answer, "small");
    Ok(())
}

#[test]
fn what_is_expected_follows_from_the_expected_usage() -> Result<()> {
    let router = RouterPrimitive::builder()
        .route(
            "cheap",
            answering("small"),
            CostModel::per_million_tokens(1.0, 2.0),
        )
        .route(
            "premium",
            answering("large"),
            CostModel::per_million_tokens(10.0, 20.0),
        )
        .default_route("cheap")
        .expected_usage(|question: &String| {
            tta_core::Usage::of_tokens(question.len() as u64 * 1_000, 1_000)
        })
        .build()?;
    let decision = router.decide_route(&"four".to_owned(), &WorkflowContext::new())?;
    assert_eq!(decision.reason, RouteReason::Default);
    assert_eq!(decision.expected_cost, Some(0.006));
    assert_eq!(decision.baseline_cost, Some(0.06));
    assert!((decision.expected_saving.unwrap_or_default() - 0.054).abs() < 1e-12);
    Ok(())
}

#[tokio::test]
async fn deciding_that_led_nowhere_is_charged_all_the_same() -> Result<()> {
    let router = two_routes("nowhere")
        .strategy(
            |_: &String, ctx: &WorkflowContext| -> Result<&'static str> {
                ctx.report_cost(0.5);
                Err(Error::msg("no idea"))
            },
        )
        .build()?;
    let error = router.run(String::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let source = error.source().map(ToString::to_string);
    assert_eq!(source.as_deref(), Some("no idea"));
    assert_eq!(router.savings().net_nano_usd(), -500_000_000);
    assert_eq!(measured("router_cost_usd_total", &["nowhere", "none"]), 0.5);
    let losses = measured("router_cost_losses_usd_total", &["nowhere", "none"]);
    assert_eq!(losses, 0.5);
    Ok(())
}

#[test]
fn a_router_may_run_twice_if_all_its_routes_may() -> Result<()> {
    let all = two_routes("twice").default_route("cheap").build()?;
    assert!(all.into_primitive().is_idempotent());
    let charge = step("charge", async |_: String| Ok("charged")).non_idempotent();
    let most = two_routes("once")
        .route("charge", charge, CostModel::unknown())
        .default_route("cheap")
        .build()?;
    assert!(!most.into_primitive().is_idempotent());
    Ok(())
}

#[test]
fn a_strategy_that_names_a_route_which_is_not_there_is_told_which_are() {
    let strategy = ByComplexity::new("cheap", "platinum", |question: &String| question.as_str());
    let error = two_routes("mistaken").strategy(strategy).build();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("`platinum`") && error.contains("cheap, premium"),
        "{error}"
    );
}

#[test]
fn a_router_says_what_it_consists_of() -> Result<()> {
    let router = two_routes("shown").default_route("cheap").build()?;
    assert_eq!(router.routes().collect::<Vec<_>>(), ["cheap", "premium"]);
    assert!(format!("{router:?}").contains("cheap, premium"));
    let builder = format!("{:?}", two_routes("shown"));
    assert!(
        builder.contains("cheap") && builder.contains("shown"),
        "{builder}"
    );
    Ok(())
}

#[test]
fn a_decision_by_rules_does_not_ask_what_time_it_is() -> Result<()> {
    thread_local! {
        static READINGS: Cell<usize> = const { Cell::new(0) };
    }
    fn counting() -> Instant {
        READINGS.set(READINGS.get() + 1);
        Instant::now()
    }
    let ctx = WorkflowContext::builder().clock(counting).build();
    let rule = || ByRule::otherwise("cheap").when("premium", |text: &String, _| text.len() > 9);
    let ruled = two_routes("timeless").strategy(rule()).build()?;
    let healthy = two_routes("healthy")
        .strategy(HealthAware::llm(rule()))
        .build()?;
    let before = READINGS.get();
    assert_eq!(
        ruled.decide_route(&"long enough".to_owned(), &ctx)?.route,
        "premium"
    );
    assert_eq!(
        healthy.decide_route(&"short".to_owned(), &ctx)?.route,
        "cheap"
    );
    assert_eq!(READINGS.get(), before);
    Ok(())
}
