//! Which route is taken.

use tta_core::{Error, ErrorKind, Result, WorkflowContext, step};
use tta_router::{
    ByComplexity, ByRule, Choice, Price, Reason, RoundRobin, RouterPrimitive, Routes,
    RoutingStrategy,
};
use tta_testkit::measured::measured;

use crate::support::{ask, named, two_routes};

fn decided(name: &str, route: &str, reason: &str) -> f64 {
    measured("router_decisions_total", &[name, route, reason])
}

fn is(value: f64, expected: f64) -> bool {
    (value - expected).abs() < 1e-9
}

#[tokio::test]
async fn routes_by_size_keyword_and_context() -> Result<()> {
    let rules = ByRule::new()
        .when(|_: &String, ctx| ctx.has_tag("premium"), "large")
        .when(|q: &String, _| q.contains("prove"), "large")
        .when(|q: &String, _| q.len() < 20, "small");
    let flow = two_routes()
        .strategy(rules)
        .default_route("large")
        .build()?
        .with_name("by_rule");
    assert_eq!(flow.run(ask("short")).await?, "small");
    assert_eq!(flow.run(ask("")).await?, "small");
    assert_eq!(flow.run(ask("prove it")).await?, "large");
    assert_eq!(
        flow.run(ask("long enough to match no rule")).await?,
        "large"
    );
    let premium = WorkflowContext::new();
    premium.add_tag("premium");
    assert_eq!(flow.execute(ask("short"), &premium).await?, "large");
    assert!(is(decided("by_rule", "small", "rule"), 2.0));
    assert!(is(decided("by_rule", "large", "rule"), 2.0));
    assert!(is(decided("by_rule", "large", "default"), 1.0));
    Ok(())
}

#[tokio::test]
async fn routes_by_complexity_and_tells_the_score() -> Result<()> {
    let flow = two_routes()
        .strategy(
            ByComplexity::new(|q: &String| q.as_str())
                .below(0.2, "small")
                .otherwise("large"),
        )
        .build()?;
    let simple = ask("What is the capital of France?");
    let hard = ask("Compare both plans step by step, explain why, and prove the result: a) b) c)");
    assert_eq!(flow.run(simple.clone()).await?, "small");
    assert_eq!(flow.run(hard.clone()).await?, "large");
    let ctx = WorkflowContext::new();
    let (low, high) = (
        flow.decide_route(&simple, &ctx)?,
        flow.decide_route(&hard, &ctx)?,
    );
    assert_eq!((low.reason, high.reason), (Reason::Score, Reason::Score));
    assert!(
        low.score < Some(0.2) && high.score >= Some(0.2),
        "{low:?} {high:?}"
    );
    Ok(())
}

#[tokio::test]
async fn takes_routes_in_turn() -> Result<()> {
    let flow = two_routes().strategy(RoundRobin::new()).build()?;
    let mut taken = Vec::new();
    for _ in 0..4 {
        taken.push(flow.run(ask("q")).await?);
    }
    assert_eq!(taken, ["small", "large", "small", "large"]);
    Ok(())
}

struct Last;

impl<I> RoutingStrategy<I> for Last {
    fn choose(&self, _: &I, _: &WorkflowContext, routes: &Routes<'_>) -> Result<Choice> {
        let last = routes.count() - 1;
        assert_eq!(routes.name(last), Some("large"));
        Ok(Choice::at(last))
    }
}

#[tokio::test]
async fn a_strategy_of_the_users_own_is_a_closure_or_a_type() -> Result<()> {
    let flow = two_routes().strategy(Last).build()?;
    assert_eq!(flow.run(ask("q")).await?, "large");
    let by_closure = |q: &String, _: &WorkflowContext| Ok(q.clone());
    let flow = two_routes().strategy(by_closure).build()?;
    assert_eq!(flow.run(ask("small")).await?, "small");
    Ok(())
}

#[tokio::test]
async fn whatever_is_wrong_with_the_strategy_the_default_answers_and_the_reason_is_counted()
-> Result<()> {
    let flow = two_routes()
        .strategy(|q: &String, _: &WorkflowContext| match q.as_str() {
            "fail" => Err(Error::msg("cannot decide")),
            "panic" => panic!("cannot decide at all"),
            "open" => Ok(Choice::default_route()),
            "beyond" => Ok(Choice::at(7)),
            route => Ok(Choice::from(route.to_owned())),
        })
        .default_route("large")
        .build()?
        .with_name("defaults");
    for (question, reason) in [
        ("fail", "strategy_error"),
        ("panic", "strategy_panic"),
        ("open", "default"),
        ("huge", "unknown_route"),
    ] {
        assert_eq!(flow.run(ask(question)).await?, "large");
        assert!(is(decided("defaults", "large", reason), 1.0), "{reason}");
    }
    assert_eq!(flow.run(ask("beyond")).await?, "large");
    assert!(is(decided("defaults", "large", "unknown_route"), 2.0));
    assert_eq!(flow.run(ask("small")).await?, "small");
    Ok(())
}

#[tokio::test]
async fn without_a_default_it_is_an_error_that_lists_the_routes() -> Result<()> {
    let flow = two_routes()
        .strategy(|q: &String, _: &WorkflowContext| match q.as_str() {
            "fail" => Err(Error::new(ErrorKind::Unavailable, "no classifier")),
            "panic" => panic!("no"),
            "open" => Ok(Choice::default_route()),
            route => Ok(Choice::from(route.to_owned())),
        })
        .build()?
        .with_name("no_default");
    for (question, kind) in [
        ("fail", ErrorKind::Unavailable),
        ("panic", ErrorKind::Panic),
        ("open", ErrorKind::NotFound),
        ("huge", ErrorKind::NotFound),
    ] {
        let error = flow.run(ask(question)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("small, large"), "{error}");
    }
    let unavailable = ["no_default", "none", "unavailable"];
    assert!(is(measured("router_errors_total", &unavailable), 1.0));
    Ok(())
}

#[tokio::test]
async fn deciding_does_not_execute() -> Result<()> {
    let flow = RouterPrimitive::builder()
        .route(
            "only",
            step("only", async |_: String| -> Result<()> {
                panic!("executed")
            }),
        )
        .strategy(|_: &String, _: &WorkflowContext| Ok("only"))
        .build()?;
    let decision = flow.decide_route(&ask("q"), &WorkflowContext::new())?;
    assert_eq!(
        (&*decision.route, decision.reason),
        ("only", Reason::Custom)
    );
    assert_eq!(decision.expected_cost, None);
    Ok(())
}

#[test]
fn a_router_that_cannot_work_is_refused_with_what_to_do() {
    let strategy = || RoundRobin::new();
    let none = RouterPrimitive::<String, &str>::builder().strategy(strategy());
    let unknown = two_routes().strategy(strategy()).default_route("huge");
    let twice = two_routes()
        .route("small", named("again"))
        .strategy(strategy());
    let unnamed = two_routes().route("", named("empty")).strategy(strategy());
    let reserved = two_routes()
        .route("none", named("none"))
        .strategy(strategy());
    let dear = two_routes()
        .priced_route("dear", Price::per_call(f64::NAN), named("dear"))
        .strategy(strategy());
    for (builder, says) in [
        (none, "at least one route"),
        (unknown, "small, large"),
        (twice, "two routes `small`"),
        (unnamed, "another name"),
        (reserved, "another name"),
        (dear, "price"),
        (two_routes(), "needs a strategy"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(says), "{error}");
    }
}
