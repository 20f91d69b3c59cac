//! The same requests under other policies, reckoned by hand for a few questions.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]
#![expect(clippy::float_cmp, reason = "sums of a few whole numbers")]

use std::sync::Arc;
use std::time::Duration;

use assistant::comparison::Comparison;
use assistant::model::Model;
use assistant::profile::{Pair, Tier};
use assistant::question::{Question, Verdict};
use assistant::replay::Replay;
use assistant::workload::Request;
use assistant::world::Truth;

const HOUR: Duration = Duration::from_hours(1);

#[test]
fn a_question_is_computed_once_and_again_when_its_answer_has_expired() {
    let asked = |seconds| request("a", verdict(1.0, 1.0), Duration::from_secs(seconds));
    let replay = replay(vec![asked(0), asked(1), asked(3_599), asked(3_600)]);

    assert_eq!((replay.requests(), replay.computed().len()), (4, 2));
    assert_eq!(replay.hit_rate(), 0.5);
}

#[test]
fn each_policy_is_charged_for_the_computations_it_makes() {
    let replay = three();
    // 1,000 tokens in and 100 out, three times.
    assert!(near(replay.always(Tier::Cheap).used, 3.0 * 0.000_52));
    assert!(near(replay.always(Tier::Premium).used, 3.0 * 0.013));
    let mixed = replay.chosen(&[Tier::Premium, Tier::Cheap, Tier::Cheap]);
    assert!(near(mixed.used, 0.013 + 2.0 * 0.000_52));
    assert_eq!((mixed.premium, mixed.wasted), (1.0, 0.0));
}

#[test]
fn quality_counts_what_the_data_says_of_the_model_that_answered_for_each_request() {
    let replay = three();
    // "a" is asked twice, and only the premium model knows it.
    assert_eq!(replay.always(Tier::Cheap).quality.share(), Some(0.25));
    assert_eq!(replay.always(Tier::Premium).quality.share(), Some(0.75));
    let mixed = replay.chosen(&[Tier::Premium, Tier::Cheap, Tier::Cheap]);
    assert_eq!(mixed.quality.share(), Some(0.75));
}

#[test]
fn suspect_questions_are_left_out_of_the_second_quality() {
    let suspect = Verdict {
        is_suspect: true,
        ..verdict(0.0, 0.0)
    };
    let replay = replay(vec![
        request("a", verdict(1.0, 1.0), Duration::ZERO),
        request("b", suspect, Duration::ZERO),
    ]);
    let outcome = replay.always(Tier::Premium);
    assert_eq!(outcome.quality.share(), Some(0.5));
    assert_eq!(outcome.without_suspect.share(), Some(1.0));
}

#[test]
fn chance_at_a_share_is_the_mean_of_all_choices_and_strays_around_it() {
    let replay = three();
    let chance = replay.chance(1);
    // One of three to the premium model: twice "a" gains 1 each, the others nothing.
    assert!(near(
        chance.expected.quality.share().unwrap(),
        (0.25 * 2.0 + 0.75) / 3.0
    ));
    assert!(near(chance.expected.used, 0.013 + 2.0 * 0.000_52));
    // 0.75 with probability 1/3, 0.25 otherwise: a standard deviation of 0.2357.
    assert!((chance.spread - 0.2357).abs() < 0.03, "{}", chance.spread);

    assert_eq!(replay.chance(0).spread, 0.0);
    assert!(near(
        replay.chance(3).expected.used,
        replay.always(Tier::Premium).used
    ));
}

#[test]
fn a_cascade_pays_for_the_cheap_answers_that_it_does_not_give() {
    let replay = two_worked();
    let outcome = replay.cascade().unwrap();
    assert_eq!((outcome.premium, outcome.quality.share()), (1.0, Some(0.0)));
    assert!(near(outcome.used, 0.000_52 + 0.013));
    assert!(near(outcome.wasted, 0.000_52));
}

#[test]
fn without_cheap_answers_there_is_no_cascade_and_the_comparison_says_why() {
    assert!(three().cascade().is_none());
    let comparison = compare(&three());
    assert!(!comparison.policies.iter().any(|it| it.policy == "cascade"));
    assert!(
        comparison
            .caveats
            .iter()
            .any(|it| it.contains("nothing to verify"))
    );
}

#[test]
fn gross_savings_less_overhead_are_net_savings_and_cost_makes_up_the_rest() {
    let comparison = compare(&two_worked());
    let premium = comparison.policies[0].cost_usd;
    for it in &comparison.policies {
        let net = it.gross_savings_usd - it.overhead_usd;
        assert!(near(it.net_savings_usd, net), "{it:?}");
        assert!(near(it.cost_usd, premium - it.net_savings_usd), "{it:?}");
    }
}

#[test]
fn routing_that_knows_nothing_of_what_is_right_is_called_no_better_than_random() {
    // The score goes by length and wording; rightness has nothing to do with either here, but for
    // a little luck.
    let requests = (0..400).map(|number| {
        let prompt = if number % 2 == 0 {
            format!("What is {number}?")
        } else {
            format!("Prove step by step why {number} * {number} > {number} and compare two proofs.")
        };
        request(
            &prompt,
            verdict(
                f64::from(u8::from(
                    number % 4 < 2 && !(number % 2 == 1 && number < 16),
                )),
                1.0,
            ),
            Duration::ZERO,
        )
    });
    let comparison = compare(&replay(requests.collect()));
    let said = &comparison.findings[0];
    assert!(
        said.contains("complexity is NO BETTER than random"),
        "{said}"
    );
}

#[test]
fn routing_that_finds_the_hard_questions_is_called_better_and_the_reverse_worse() {
    for (hard_is_long, expected) in [
        (true, "is better than random"),
        (false, "is WORSE than random"),
    ] {
        let requests = (0..200).map(|number| {
            let is_long = number % 2 == 1;
            let prompt = if is_long {
                format!(
                    "Prove step by step why {number} * {number} > {number} and compare two proofs."
                )
            } else {
                format!("What is {number}?")
            };
            let cheap_is_right = is_long != hard_is_long;
            request(
                &prompt,
                verdict(f64::from(u8::from(cheap_is_right)), 1.0),
                Duration::ZERO,
            )
        });
        let comparison = compare(&replay(requests.collect()));
        let said = &comparison.findings[0];
        assert!(said.contains(expected), "{said}");
    }
}

/// The verifier goes by the text: the first answer is sound though wrong, the second not though
/// right.
fn two_worked() -> Replay {
    let with_answer = |prompt, answer: &str, verdict| {
        let mut request = request(prompt, verdict, Duration::ZERO);
        let question = Question {
            cheap_answer: Some(answer.into()),
            ..(*request.question).clone()
        };
        request.question = Arc::new(question);
        request
    };
    replay(vec![
        with_answer("a", "<<2+2=4>>\n#### 4", verdict(0.0, 1.0)),
        with_answer("b", "it is 4", verdict(1.0, 0.0)),
    ])
}

fn three() -> Replay {
    replay(vec![
        request("a", verdict(0.0, 1.0), Duration::ZERO),
        request("b", verdict(1.0, 1.0), Duration::ZERO),
        request("a", verdict(0.0, 1.0), Duration::from_secs(1)),
        request("c", verdict(0.0, 0.0), Duration::from_secs(2)),
    ])
}

fn compare(replay: &Replay) -> Comparison {
    let [cheap, premium] = models();
    Comparison::of(replay, [&cheap, &premium], Truth::Recorded).unwrap()
}

fn replay(requests: Vec<Request>) -> Replay {
    let [cheap, premium] = models();
    Replay::of(requests.into_iter(), [&cheap, &premium], HOUR, 42)
}

fn models() -> [Model; 2] {
    [Tier::Cheap, Tier::Premium].map(|tier| Model::new(Pair::Routellm, tier, 42))
}

fn verdict(cheap: f64, premium: f64) -> Verdict {
    Verdict {
        cheap,
        premium,
        is_suspect: false,
    }
}

fn request(prompt: &str, verdict: Verdict, at: Duration) -> Request {
    Request {
        index: 0,
        at,
        question: Arc::new(Question {
            verdict: Some(verdict),
            ..Question::from(prompt)
        }),
        input_tokens: Some(1_000),
        output_tokens: Some(100),
    }
}

fn near(found: f64, expected: f64) -> bool {
    (found - expected).abs() < 1e-9
}
