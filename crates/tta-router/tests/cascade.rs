//! Cheap first, premium if need be.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use tta_core::{
    Error, ErrorKind, Flow, Observed, Result, SpanId, WorkflowContext, registry, step, step_with,
};
use tta_router::{
    ByRule, CascadeExt, CostModel, RouteReason, RouterBuilder, RouterPrimitive, Verification,
    Verifier,
};
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};

type Router = Flow<Observed<RouterPrimitive<String, String>>>;

/// A model that prefixes its name and reports its price; it fails, panics or hangs on request.
fn model(
    name: &'static str,
    usd: f64,
) -> Flow<impl tta_core::Primitive<Input = String, Output = String> + 'static> {
    step_with(
        name,
        (name, usd),
        async |(name, usd): &(&'static str, f64), input: String, ctx: &WorkflowContext| {
            ctx.report_cost(*usd);
            if input.contains(&format!("{name} fails")) {
                return Err(Error::new(
                    ErrorKind::Unavailable,
                    format!("{name} is down"),
                ));
            }
            if input.contains(&format!("{name} hangs")) {
                std::future::pending::<()>().await;
            }
            assert!(
                !input.contains(&format!("{name} panics")),
                "{name} panicked"
            );
            Ok(format!("{name}: {input}"))
        },
    )
}

fn two_routes(name: &str) -> RouterBuilder<String, String> {
    RouterPrimitive::builder()
        .name(name)
        .route("cheap", model("cheap", 0.25), CostModel::per_call(0.25))
        .route("premium", model("premium", 2.0), CostModel::per_call(2.0))
}

/// Accepts what does not ask for more.
#[expect(clippy::ptr_arg, reason = "the router's answers are of type `String`")]
fn unless_hard(_: &String, answer: &String) -> bool {
    !answer.contains("hard")
}

fn cascade(name: &str) -> Router {
    two_routes(name)
        .cascade("cheap", "premium", unless_hard)
        .cascade_errors("cheap", "premium")
        .build()
        .unwrap()
}

fn counted(metric: &str, labels: &[&str]) -> f64 {
    let families = registry().gather();
    let mut families = families.iter().filter(|family| family.spec.name == metric);
    let known = families.any(|family| family.samples.iter().any(|it| it.labels == labels));
    if known { measured(metric, labels) } else { 0.0 }
}

fn decisions(router: &str, route: &str, reason: RouteReason) -> f64 {
    counted("router_decisions_total", &[router, route, reason.as_str()])
}

#[track_caller]
fn assert_near(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} is not {right}");
}

#[tokio::test]
async fn an_answer_that_is_accepted_is_the_cheap_routes() -> Result<()> {
    let router = cascade("accepted");
    assert_eq!(router.run("easy".to_owned()).await?, "cheap: easy");
    let savings = router.savings();
    assert_eq!(savings.baseline_nano_usd, 2_000_000_000);
    assert_eq!(savings.actual_nano_usd, 250_000_000);
    assert_near(decisions("accepted", "cheap", RouteReason::Default), 1.0);
    assert_near(
        decisions("accepted", "premium", RouteReason::Escalated),
        0.0,
    );
    Ok(())
}

#[tokio::test]
async fn an_answer_that_is_refused_is_given_by_the_premium_route_and_the_waste_is_charged()
-> Result<()> {
    let router = cascade("refused");
    assert_eq!(router.run("hard".to_owned()).await?, "premium: hard");
    let savings = router.savings();
    assert_eq!(savings.baseline_nano_usd, 2_000_000_000);
    assert_eq!(savings.actual_nano_usd, 2_250_000_000);
    assert_eq!(savings.net_nano_usd(), -250_000_000);
    assert_near(decisions("refused", "cheap", RouteReason::Default), 1.0);
    assert_near(decisions("refused", "premium", RouteReason::Escalated), 1.0);
    Ok(())
}

#[tokio::test]
async fn the_net_can_be_read_from_the_metrics_though_counters_cannot_fall() -> Result<()> {
    let router = cascade("net");
    router.run("easy".to_owned()).await?;
    router.run("hard".to_owned()).await?;
    router
        .run("premium fails, hard".to_owned())
        .await
        .unwrap_err();
    let of = |metric, route| counted(metric, &["net", route]);
    assert_near(of("router_cost_usd_total", "cheap"), 0.75);
    assert_near(of("router_cost_usd_total", "premium"), 4.0);
    assert_near(of("router_cost_savings_usd_total", "cheap"), 1.75);
    assert_near(of("router_cost_savings_usd_total", "premium"), 0.0);
    assert_near(of("router_cost_losses_usd_total", "cheap"), 0.0);
    assert_near(of("router_cost_losses_usd_total", "premium"), 0.25 + 2.25);
    assert_near(router.savings().net_usd(), 1.75 - 2.5);
    Ok(())
}

#[tokio::test]
async fn both_calls_and_the_judging_between_them_are_in_the_trace() -> Result<()> {
    let router = two_routes("traced")
        .model("cheap", "small-1")
        .model("premium", "large-1")
        .cascade("cheap", "premium", Judge)
        .build()?;
    let recorder = RecordingRecorder::new();
    router
        .execute("hard".to_owned(), &recorder.context())
        .await?;

    let parent = recorder.span("traced.execute").span_id;
    let select = recorder.span("router.select_route");
    let calls = recorder.spans_named("router.execute_route");
    let judging = recorder.span("router.verify_answer");
    let attribute = |span: SpanId, key| recorder.attribute(span, key);
    assert_eq!(calls.len(), 2);
    assert!(calls.iter().all(|call| call.parent_id == parent));
    assert_eq!((select.parent_id, judging.parent_id), (parent, parent));
    let (first, second) = (calls[0].span_id, calls[1].span_id);
    assert_eq!(recorder.span("cheap.execute").parent_id, first);
    assert_eq!(recorder.span("premium.execute").parent_id, second);

    assert_eq!(attribute(select.span_id, "model"), Some("small-1".into()));
    for (span, route, reason, model, cost) in [
        (first, "cheap", "default", "small-1", 0.25),
        (second, "premium", "escalated", "large-1", 2.0),
    ] {
        assert_eq!(attribute(span, "route_selected"), Some(route.into()));
        assert_eq!(attribute(span, "route.reason"), Some(reason.into()));
        assert_eq!(attribute(span, "model"), Some(model.into()));
        assert_eq!(attribute(span, "cost_usd"), Some(cost.into()));
    }
    assert_eq!(attribute(first, "saving_usd"), None);
    assert_eq!(attribute(second, "saving_usd"), Some((-0.375).into()));

    let judged = judging.span_id;
    assert_eq!(attribute(judged, "route_selected"), Some("cheap".into()));
    assert_eq!(attribute(judged, "verify.accepted"), Some(false.into()));
    assert_eq!(attribute(judged, "verify.score"), Some(0.5.into()));
    assert_eq!(attribute(judged, "cost_usd"), Some(0.125.into()));
    assert_eq!(attribute(judged, "saving_usd"), None);
    Ok(())
}

#[tokio::test]
async fn the_saving_of_an_accepted_answer_is_shown_where_it_was_accepted() -> Result<()> {
    let router = cascade("saving_shown");
    let recorder = RecordingRecorder::new();
    router
        .execute("easy".to_owned(), &recorder.context())
        .await?;
    let judged = recorder.span("router.verify_answer").span_id;
    let called = recorder.span("router.execute_route").span_id;
    assert_eq!(
        recorder.attribute(judged, "verify.accepted"),
        Some(true.into())
    );
    assert_eq!(recorder.attribute(judged, "saving_usd"), Some(1.75.into()));
    assert_eq!(recorder.attribute(judged, "cost_usd"), None);
    assert_eq!(recorder.attribute(called, "saving_usd"), None);
    Ok(())
}

/// Asks a model that costs something, fails, panics and hangs.
struct Judge;

impl Verifier<String, String> for Judge {
    async fn verify(
        &self,
        input: &String,
        answer: &String,
        ctx: &WorkflowContext,
    ) -> Result<Verification> {
        assert!(answer.ends_with(input.as_str()));
        ctx.report_cost(0.125);
        tokio::task::yield_now().await;
        if input.contains("judge fails") {
            return Err(Error::new(ErrorKind::Timeout, "the judge is late"));
        }
        if input.contains("judge hangs") {
            std::future::pending::<()>().await;
        }
        assert!(!input.contains("judge panics"), "the judge panicked");
        Ok(Verification::from(!answer.contains("hard")).with_score(0.5))
    }
}

fn judged(name: &str) -> Router {
    let builder = two_routes(name).cascade("cheap", "premium", Judge);
    builder.build().unwrap()
}

#[tokio::test]
async fn what_judging_costs_is_charged_and_told_to_those_around() -> Result<()> {
    let router = judged("judged");
    let ctx = WorkflowContext::new();
    router.execute("easy".to_owned(), &ctx).await?;
    assert_eq!(router.savings().actual_nano_usd, 375_000_000);
    assert_eq!(router.savings().baseline_nano_usd, 2_000_000_000);
    assert_eq!(ctx.usage().cost_usd(), Some(0.375));
    assert_near(
        counted("router_cost_usd_total", &["judged", "cheap"]),
        0.375,
    );
    assert_near(
        counted("router_cost_savings_usd_total", &["judged", "cheap"]),
        1.625,
    );
    Ok(())
}

#[tokio::test]
async fn a_judge_that_fails_or_panics_has_not_accepted_and_is_logged() -> Result<()> {
    for (input, says) in [
        ("judge fails", "the judge is late"),
        ("judge panics", "the judge panicked"),
    ] {
        let name = input.replace(' ', "_");
        let router = judged(&name);
        let recorder = RecordingRecorder::new();
        let answer = router
            .execute(input.to_owned(), &recorder.context())
            .await?;
        assert_eq!(answer, format!("premium: {input}"));
        assert_near(
            decisions(&name, "premium", RouteReason::EscalatedUnverified),
            1.0,
        );
        assert_eq!(router.savings().actual_nano_usd, 2_375_000_000);
        let logs = recorder.logs();
        let line = logs
            .iter()
            .find(|line| line.event == "router_verifier_failed")
            .unwrap();
        assert_eq!(line.field("primitive"), Some(name.as_str()));
        assert_eq!(line.field("route"), Some("cheap"));
        assert!(line.field("error").unwrap().contains(says), "{line:?}");
        assert!(error_type(&recorder.span("router.verify_answer")).is_some());
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_is_charged_for_all_it_had_used_by_then() {
    for (input, spent) in [
        ("cheap hangs", 250_000_000),
        ("judge hangs", 375_000_000),
        ("hard and premium hangs", 2_375_000_000_u64),
    ] {
        let router = judged("dropped");
        let limit = Duration::from_secs(1);
        let dropped = tokio::time::timeout(limit, router.run(input.to_owned())).await;
        assert!(dropped.is_err());
        assert_eq!(router.savings().actual_nano_usd, spent, "{input}");
        assert_eq!(router.savings().baseline_nano_usd, 0, "{input}");
    }
}

#[tokio::test]
async fn an_error_escalates_where_that_was_asked_for() -> Result<()> {
    let router = cascade("error");
    let answer = router.run("cheap fails".to_owned()).await?;
    assert_eq!(answer, "premium: cheap fails");
    assert_near(
        decisions("error", "premium", RouteReason::EscalatedError),
        1.0,
    );
    assert_near(
        counted("router_errors_total", &["error", "cheap", "unavailable"]),
        1.0,
    );
    assert_eq!(router.savings().net_nano_usd(), -250_000_000);

    let panicked = router.run("cheap panics".to_owned()).await?;
    assert_eq!(panicked, "premium: cheap panics");

    let only_refused = two_routes("only_refused")
        .cascade("cheap", "premium", unless_hard)
        .build()?;
    let error = only_refused.run("cheap fails".to_owned()).await;
    assert_eq!(error.unwrap_err().to_string(), "cheap is down");
    Ok(())
}

#[tokio::test]
async fn errors_alone_can_escalate_and_answers_are_not_judged_then() -> Result<()> {
    let router = two_routes("errors_only")
        .cascade_errors("cheap", "premium")
        .build()?;
    assert_eq!(router.run("hard".to_owned()).await?, "cheap: hard");
    assert_eq!(router.savings().net_nano_usd(), 1_750_000_000);
    let answer = router.run("cheap fails".to_owned()).await?;
    assert_eq!(answer, "premium: cheap fails");
    Ok(())
}

#[tokio::test]
async fn where_all_fail_the_error_is_the_first_ones_with_the_others_related() {
    let router = cascade("all_fail");
    let both = "cheap fails and premium fails".to_owned();
    let error = router.run(both).await.unwrap_err();
    assert_eq!(error.to_string(), "cheap is down");
    let related: Vec<_> = error.related().iter().map(ToString::to_string).collect();
    assert_eq!(related, ["premium is down"]);

    let refused = "hard and premium fails".to_owned();
    let error = router.run(refused).await.unwrap_err();
    assert_eq!(error.to_string(), "premium is down");
    assert!(error.related().is_empty());
}

#[tokio::test]
async fn a_cascade_leads_on_to_the_beginning_of_another() -> Result<()> {
    let router = RouterPrimitive::builder()
        .name("three")
        .route("cheap", model("cheap", 0.25), CostModel::per_call(0.25))
        .route("middle", model("middle", 0.5), CostModel::per_call(0.5))
        .route("premium", model("premium", 2.0), CostModel::per_call(2.0))
        .cascade("cheap", "middle", |_: &String, answer: &String| {
            !answer.contains("hard")
        })
        .cascade("middle", "premium", |_: &String, answer: &String| {
            !answer.contains("hardest")
        })
        .build()?;
    assert_eq!(router.run("hard".to_owned()).await?, "middle: hard");
    assert_eq!(router.savings().net_nano_usd(), 2_000_000_000 - 750_000_000);
    assert_eq!(router.run("hardest".to_owned()).await?, "premium: hardest");
    assert_near(decisions("three", "middle", RouteReason::Escalated), 2.0);
    assert_near(decisions("three", "premium", RouteReason::Escalated), 1.0);
    Ok(())
}

#[tokio::test]
async fn a_strategy_may_lead_past_the_beginning_of_a_cascade() -> Result<()> {
    let rule = ByRule::otherwise("cheap").when("premium", |input: &String, _| input.len() > 20);
    let router = two_routes("past")
        .cascade("cheap", "premium", unless_hard)
        .strategy(rule)
        .build()?;
    let long = "a hard question that is long".to_owned();
    assert_eq!(router.run(long.clone()).await?, format!("premium: {long}"));
    assert_eq!(router.savings().actual_nano_usd, 2_000_000_000);
    assert_eq!(router.run("hard".to_owned()).await?, "premium: hard");
    assert_eq!(router.savings().actual_nano_usd, 4_250_000_000);
    Ok(())
}

#[test]
fn a_decision_says_where_a_refused_answer_leads() -> Result<()> {
    let router = two_routes("previewed")
        .model("cheap", "small-1")
        .cascade("cheap", "premium", unless_hard)
        .build()?;
    let ctx = WorkflowContext::new();
    let decision = router.decide_route(&String::new(), &ctx)?;
    assert_eq!(decision.route, "cheap");
    assert_eq!(decision.model, Some("small-1"));
    assert_eq!(decision.escalates_to, Some("premium"));
    assert_eq!(router.savings(), tta_router::Savings::default());
    let ends = two_routes("ends").default_route("premium").build()?;
    let decision = ends.decide_route(&String::new(), &ctx)?;
    assert_eq!((decision.model, decision.escalates_to), (None, None));
    Ok(())
}

#[tokio::test]
async fn async_functions_and_scores_are_verifiers_too() -> Result<()> {
    let router = two_routes("async_fn")
        .cascade(
            "cheap",
            "premium",
            async |input: &String, answer: &String, ctx: &WorkflowContext| {
                ctx.report_cost(0.125);
                tokio::task::yield_now().await;
                Ok(answer.len() < input.len() * 3)
            },
        )
        .build()?;
    assert_eq!(router.run("easy".to_owned()).await?, "cheap: easy");
    assert_eq!(router.savings().actual_nano_usd, 375_000_000);
    assert_eq!(router.run("x".to_owned()).await?, "premium: x");

    let scored = |_: &String, answer: &String| {
        Verification::from(answer.len() > 100).with_score(answer.len() as f64)
    };
    let router = two_routes("scored")
        .cascade("cheap", "premium", scored)
        .build()?;
    assert_eq!(router.run("x".to_owned()).await?, "premium: x");
    Ok(())
}

#[tokio::test]
async fn a_flow_cascades_into_another() -> Result<()> {
    let flow = model("cheap", 0.25).cascade(model("premium", 2.0), unless_hard)?;
    assert_eq!(flow.run("easy".to_owned()).await?, "cheap: easy");
    assert_eq!(flow.run("hard".to_owned()).await?, "premium: hard");
    assert_eq!(flow.routes().collect::<Vec<_>>(), ["cheap", "premium"]);
    // Nobody has named a price for the premium route where it was not called.
    assert_eq!(flow.savings().net_nano_usd(), -250_000_000);
    Ok(())
}

#[tokio::test]
async fn a_refused_answer_whose_price_is_not_known_is_counted_as_such() -> Result<()> {
    let silent = |name: &'static str| {
        step_with(name, name, async |name: &&'static str, input: String| {
            Ok(format!("{name}: {input}"))
        })
    };
    let flow = silent("cheap").cascade(silent("premium"), unless_hard)?;
    flow.run("hard".to_owned()).await?;
    assert_eq!(flow.savings().unpriced, 2);
    Ok(())
}

#[test]
fn cascades_that_make_no_sense_are_refused() {
    let refused = |builder: RouterBuilder<String, String>| {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    let builder = || two_routes("refused_cascade").default_route("cheap");
    let unknown = builder().cascade("cheap", "platinum", unless_hard);
    assert!(refused(unknown).contains("`platinum`"));
    let unknown = builder().cascade_errors("wood", "cheap");
    assert!(refused(unknown).contains("`wood`"));
    let itself = builder().cascade_errors("cheap", "cheap");
    assert!(refused(itself).contains("leads back"));
    let round = builder()
        .cascade("cheap", "premium", unless_hard)
        .cascade_errors("premium", "cheap");
    assert!(refused(round).contains("leads back"));
    let twice =
        builder()
            .cascade("cheap", "premium", unless_hard)
            .cascade("cheap", "premium", unless_hard);
    assert!(refused(twice).contains("two cascades"));
    let twice = builder()
        .cascade_errors("cheap", "premium")
        .cascade_errors("cheap", "premium");
    assert!(refused(twice).contains("two cascades"));
    let unnamed = builder().model("platinum", "large-1");
    assert!(refused(unnamed).contains("`platinum`"));
}

#[test]
fn many_cascades_are_checked_in_no_time() {
    let mut builder = RouterPrimitive::builder();
    for i in 0..60 {
        let same = step("same", async |text: String| Ok(text));
        builder = builder.route(i.to_string(), same, CostModel::unknown());
    }
    for i in 0..58 {
        builder = builder
            .cascade(i.to_string(), (i + 1).to_string(), unless_hard)
            .cascade_errors(i.to_string(), (i + 2).to_string());
    }
    assert!(builder.build().is_ok());
}
