//! The simulated models: what they cost, how long they take, how they fail.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "what fails here fails the test"
)]

use std::time::Duration;

use assistant::answer::{Answer, ModelFailure};
use assistant::model::{
    Model, Plan, RATE_LIMITED_SHARE, STALL, STALLED_SHARE, UNAVAILABLE_SHARE, estimate_tokens,
};
use assistant::money::NanoUsd;
use assistant::positive::Positive;
use assistant::workload::Request;

const CALLS: u64 = 20_000;

#[test]
fn a_plan_depends_on_the_seed_and_the_request_and_not_on_the_order_of_calls() {
    let model = Model::premium(7);
    let forwards: Vec<Plan> = (0..200).map(|index| model.plan(&request(index))).collect();
    let mut backwards: Vec<Plan> = (0..200)
        .rev()
        .map(|index| Model::premium(7).plan(&request(index)))
        .collect();
    backwards.reverse();

    assert_eq!(forwards, backwards);
    let other_seed: Vec<Plan> = (0..200)
        .map(|index| Model::premium(8).plan(&request(index)))
        .collect();
    assert_ne!(forwards, other_seed);
}

#[test]
fn the_same_question_gets_the_same_answer_at_the_same_price() {
    let model = Model::cheap(7);
    let ask = |index| Request {
        output_tokens: None,
        input_tokens: None,
        ..request(index)
    };
    let plans: Vec<Plan> = (0..100).map(|index| model.plan(&ask(index))).collect();
    let answers: Vec<_> = plans
        .iter()
        .filter_map(|plan| plan.outcome.as_ref().ok())
        .collect();

    assert!(answers.len() > 90);
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert!(plans.iter().any(|plan| plan.latency != plans[0].latency));
}

#[test]
fn a_million_tokens_cost_what_the_price_list_says() {
    let million = 1_000_000;
    assert_eq!(Model::cheap(1).cost(million, 0), NanoUsd(150_000_000));
    assert_eq!(Model::cheap(1).cost(0, million), NanoUsd(600_000_000));
    assert_eq!(Model::premium(1).cost(million, 0), NanoUsd(2_500_000_000));
    assert_eq!(Model::premium(1).cost(0, million), NanoUsd(10_000_000_000));
}

#[test]
fn costs_of_a_run_add_up_to_the_cost_of_its_tokens() {
    let model = Model::premium(3);
    let answers: Vec<_> = (0..CALLS)
        .filter_map(|index| model.plan(&request(index)).outcome.ok())
        .collect();
    let input: u64 = answers
        .iter()
        .map(|answer| u64::from(answer.input_tokens))
        .sum();
    let output: u64 = answers
        .iter()
        .map(|answer| u64::from(answer.output_tokens))
        .sum();

    let forwards: NanoUsd = answers.iter().map(|answer| answer.cost).sum();
    let backwards: NanoUsd = answers.iter().rev().map(|answer| answer.cost).sum();
    assert_eq!(forwards, NanoUsd(input * 2_500 + output * 10_000));
    assert_eq!(backwards, forwards);
}

#[test]
fn recorded_token_counts_are_taken_and_missing_ones_estimated() {
    let model = Model::cheap(1);
    let recorded = Request {
        input_tokens: Some(374),
        output_tokens: Some(44),
        ..request(0)
    };
    let answer = answer(&model, &recorded);
    assert_eq!((answer.input_tokens, answer.output_tokens), (374, 44));
    assert_eq!(answer.cost, NanoUsd(374 * 150 + 44 * 600));

    assert_eq!(estimate_tokens(""), 1);
    assert_eq!(estimate_tokens("twelve chars"), 3);
    assert_eq!(estimate_tokens("日本一"), 3);
}

#[test]
fn latency_is_log_normal_around_a_median_that_grows_with_the_answer() {
    // 350 ms to the first token and 10 ms for each of 100; 600 and 16 for the premium model.
    for (model, median, sigma) in [
        (Model::cheap(5), 1.35, 0.35_f64),
        (Model::premium(5), 2.2, 0.45),
    ] {
        let mut seconds: Vec<f64> = (0..CALLS)
            .map(|index| model.plan(&request(index)))
            .filter(|plan| plan.outcome.is_ok() && plan.latency < STALL)
            .map(|plan| plan.latency.as_secs_f64())
            .collect();
        seconds.sort_by(f64::total_cmp);
        // Quantiles of the normal distribution at 5, 50, 95 and 99 percent.
        for (share, normal) in [(0.05, -1.645), (0.5, 0.0), (0.95, 1.645), (0.99, 2.326)] {
            let expected = median * (sigma * normal).exp();
            let found = quantile(&seconds, share);
            assert!(
                (found / expected - 1.0).abs() < 0.05,
                "{share}: {found} for {expected}"
            );
        }
    }
}

#[test]
fn the_premium_model_is_slower_and_dearer() {
    let median = |model: &Model| {
        let mut all: Vec<_> = (0..1_000)
            .map(|index| model.plan(&request(index)).latency)
            .collect();
        all.sort();
        all[500]
    };
    assert!(median(&Model::premium(1)) > median(&Model::cheap(1)));
    assert!(Model::premium(1).cost(1, 1) > Model::cheap(1).cost(1, 1));
}

#[test]
fn a_small_share_of_calls_fails_or_hangs() {
    let model = Model::cheap(11);
    let plans: Vec<Plan> = (0..CALLS)
        .map(|index| model.plan(&request(index)))
        .collect();
    let share = |matches: &dyn Fn(&Plan) -> bool| {
        plans.iter().filter(|plan| matches(plan)).count() as f64 / plans.len() as f64
    };
    let kind = |name| move |plan: &Plan| plan.outcome.as_ref().is_err_and(|why| why.kind() == name);

    let near = |found: f64, expected: f64| {
        // Five standard errors of a share among that many calls.
        (found - expected).abs() < 5.0 * (expected / CALLS as f64).sqrt()
    };
    assert!(near(share(&kind("rate_limited")), RATE_LIMITED_SHARE));
    assert!(near(share(&kind("unavailable")), UNAVAILABLE_SHARE));
    assert!(near(share(&|plan| plan.latency >= STALL), STALLED_SHARE));
}

#[test]
fn failures_read_as_sentences() {
    let limited = ModelFailure::RateLimited {
        retry_after: Duration::from_secs(2),
    };
    assert_eq!(
        limited.to_string(),
        "get an answer: rate limited, try again in 2s"
    );
    assert_eq!(
        ModelFailure::Unavailable.to_string(),
        "get an answer: the model is unavailable"
    );
}

#[test]
fn the_largest_answer_a_trace_can_ask_for_is_planned_without_a_panic() {
    let huge = u32::MAX;
    for index in 0..500 {
        let request = Request {
            input_tokens: Some(huge),
            output_tokens: Some(huge),
            ..request(index)
        };
        assert!(Model::premium(1).plan(&request).latency > Duration::ZERO);
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_takes_its_planned_time_divided_by_the_speed() {
    let model = Model::cheap(1);
    let speed = Positive::new(4.0).unwrap();
    let plan = model.plan(&request(0));

    let started = tokio::time::Instant::now();
    let outcome = model.plan(&request(0)).carry_out(speed).await;
    let elapsed = started.elapsed();

    assert_eq!(outcome, plan.outcome);
    // The timer's resolution is a millisecond, and it never fires early.
    assert!(elapsed >= plan.latency / 4, "{elapsed:?}");
    assert!(
        elapsed <= plan.latency / 4 + Duration::from_millis(2),
        "{elapsed:?}"
    );
}

#[test]
fn another_attempt_for_the_same_request_has_a_fate_of_its_own() {
    let model = Model::cheap(11);
    let again: Vec<_> = (0..200)
        .map(|earlier| model.plan_attempt(&request(0), earlier))
        .collect();
    let repeated: Vec<_> = (0..200)
        .map(|earlier| model.plan_attempt(&request(0), earlier))
        .collect();
    assert_eq!(again, repeated);
    assert_eq!(again[0], model.plan(&request(0)));
    assert!(again.iter().any(|plan| plan.latency != again[0].latency));
}

#[test]
fn an_outage_meets_exactly_those_who_ask_in_it() {
    let (begins, ends) = (Duration::from_secs(10), Duration::from_secs(20));
    let just_before = |time: Duration| time.saturating_sub(Duration::from_nanos(1));
    let model = Model::cheap(11).with_outage(begins..ends);
    let asked = |at| model.plan(&Request { at, ..request(0) }).outcome;

    assert_eq!(asked(begins), Err(ModelFailure::Unavailable));
    assert_eq!(asked(just_before(ends)), Err(ModelFailure::Unavailable));
    assert!(asked(just_before(begins)).is_ok() && asked(ends).is_ok());
}

#[test]
fn a_reliable_model_never_fails_and_never_hangs() {
    let model = Model::cheap(11)
        .with_outage(Duration::ZERO..Duration::MAX)
        .reliable();
    for index in 0..CALLS {
        let plan = model.plan(&request(index));
        assert!(plan.outcome.is_ok() && plan.latency < STALL, "{plan:?}");
    }
}

#[test]
fn calls_can_move_between_threads() {
    fn assert_send<T: Send>(_: &T) {}
    let (model, request) = (Model::cheap(1), request(0));
    assert_send(&model.plan(&request).carry_out(Positive::new(1.0).unwrap()));
}

fn request(index: u64) -> Request {
    Request {
        index,
        at: Duration::ZERO,
        question: std::sync::Arc::new("What is the capital of Peru?".into()),
        input_tokens: None,
        output_tokens: Some(100),
    }
}

/// The answer to `request` at the first index at which the call does not fail.
fn answer(model: &Model, request: &Request) -> Answer {
    (0..)
        .find_map(|index| {
            model
                .plan(&Request {
                    index,
                    ..request.clone()
                })
                .outcome
                .ok()
        })
        .expect("most calls succeed")
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "share is 0..1"
    )]
    let index = (sorted.len() as f64 * share) as usize;
    sorted[index]
}
