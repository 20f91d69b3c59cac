//! Questions and arrivals joined to requests.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::HashMap;
use std::sync::Arc;

use assistant::arrivals::{Poisson, Trace};
use assistant::positive::Positive;
use assistant::questions::Questions;
use assistant::rejected::OnBadLine;
use assistant::workload::{POPULARITY, Request, Workload};

#[test]
fn the_same_seed_gives_the_same_workload() {
    assert_eq!(requests(42, 500), requests(42, 500));
}

#[test]
fn another_seed_gives_other_times_and_other_questions() {
    let (one, other) = (requests(1, 500), requests(2, 500));
    let times = |requests: &[Request]| requests.iter().map(|it| it.at).collect::<Vec<_>>();

    assert_ne!(times(&one), times(&other));
    assert_ne!(prompts(&one), prompts(&other));
}

#[test]
fn a_longer_run_begins_with_the_shorter_one() {
    assert_eq!(requests(42, 900)[..300], requests(42, 300));
}

#[test]
fn requests_are_numbered_from_zero_in_the_order_they_come() {
    let requests = requests(42, 100);
    assert!(requests.iter().map(|request| request.index).eq(0..100));
    assert!(requests.is_sorted_by_key(|request| request.at));
}

#[test]
fn a_few_questions_are_asked_often_and_the_shares_follow_zipf() {
    let count = 50_000;
    let mut times_asked: HashMap<Arc<str>, f64> = HashMap::new();
    for request in requests(42, count) {
        *times_asked
            .entry(Arc::clone(&request.question.prompt))
            .or_default() += 1.0;
    }
    let mut times_asked: Vec<f64> = times_asked.into_values().collect();
    times_asked.sort_by(|one, other| other.total_cmp(one));

    let questions = Questions::built_in().as_slice().len();
    assert_eq!(
        times_asked.len(),
        questions,
        "every question is asked at some time"
    );
    let harmonic: f64 = (1..=questions)
        .map(|rank| (rank as f64).powf(-POPULARITY))
        .sum();
    for rank in [1.0_f64, 2.0, 5.0, 10.0] {
        let expected = count as f64 * rank.powf(-POPULARITY) / harmonic;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "1 to 10"
        )]
        let found = times_asked[rank as usize - 1];
        assert!(
            (found / expected - 1.0).abs() < 0.1,
            "rank {rank}: {found} for {expected}"
        );
    }
}

#[test]
fn which_questions_are_popular_is_drawn_and_not_the_order_of_the_file() {
    let favourite = |seed| {
        let mut times_asked: HashMap<Arc<str>, u32> = HashMap::new();
        for request in requests(seed, 2_000) {
            *times_asked
                .entry(Arc::clone(&request.question.prompt))
                .or_default() += 1;
        }
        times_asked
            .into_iter()
            .max_by_key(|(_, times)| *times)
            .unwrap()
            .0
    };
    let favourites: Vec<_> = (1..=5).map(favourite).collect();
    assert!(
        favourites.iter().any(|other| *other != favourites[0]),
        "{favourites:?}"
    );
}

#[test]
fn a_single_question_is_asked_again_and_again() {
    let only = Questions::read(&b"{\"prompt\":\"only\"}"[..], "one", OnBadLine::Refuse).unwrap();
    let arrivals = Poisson::new(Positive::new(1.0).unwrap(), 1);
    let requests: Vec<_> = Workload::new(&only, arrivals, 1).take(50).collect();

    assert_eq!(requests.len(), 50);
    assert!(requests.iter().all(|request| request.prompt() == "only"));
}

#[test]
fn every_row_of_a_trace_becomes_a_request_with_its_token_counts() {
    let rows = (0..60).map(|second| format!("2023-11-16 18:15:{second:02},{second},7\n"));
    let file = format!(
        "TIMESTAMP,ContextTokens,GeneratedTokens\n{}",
        rows.collect::<String>()
    );
    let trace = Trace::read(file.as_bytes(), "trace", OnBadLine::Refuse).unwrap();
    let arrivals = trace.arrivals().iter().copied();
    let requests: Vec<_> = Workload::new(&Questions::built_in(), arrivals, 1).collect();

    assert_eq!(requests.len(), 60);
    for (second, request) in (0..).zip(&requests) {
        assert_eq!(request.at.as_secs(), u64::from(second));
        assert_eq!(
            (request.input_tokens, request.output_tokens),
            (Some(second), Some(7))
        );
    }
}

fn requests(seed: u64, count: usize) -> Vec<Request> {
    let arrivals = Poisson::new(Positive::new(25.0).unwrap(), seed);
    Workload::new(&Questions::built_in(), arrivals, seed)
        .take(count)
        .collect()
}

fn prompts(requests: &[Request]) -> Vec<&str> {
    requests
        .iter()
        .map(|request| &*request.question.prompt)
        .collect()
}
