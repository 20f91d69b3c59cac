//! What a run works on, from the command line to the requests.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::fs;
use std::path::PathBuf;

use assistant::inputs::Inputs;
use assistant::options::Options;
use assistant::rejected::InputError;
use clap::Parser;

#[test]
fn every_row_of_a_trace_is_served_unless_fewer_are_asked_for() {
    let trace = file("rows.csv", &trace_of(30));

    assert_eq!(counts(&["--trace", &trace]), (30, 30));
    assert_eq!(counts(&["--trace", &trace, "--requests", "7"]), (7, 7));
    assert_eq!(counts(&["--trace", &trace, "--requests", "99"]), (30, 30));
}

#[test]
fn random_arrivals_end_after_the_requests_asked_for() {
    assert_eq!(counts(&[]), (2_000, 2_000));
    assert_eq!(counts(&["--requests", "123"]), (123, 123));
}

#[test]
fn the_questions_of_the_file_are_asked_at_the_times_of_the_trace() {
    let trace = file("times.csv", &trace_of(3));
    let questions = file("ask.jsonl", "{\"prompt\":\"mine\"}\n");
    let inputs = load(&["--trace", &trace, "--questions", &questions]).unwrap();

    let asked: Vec<_> = inputs
        .requests()
        .map(|it| (it.at.as_secs(), it.question.prompt.clone()))
        .collect();
    assert_eq!(
        asked,
        [(0, "mine".into()), (1, "mine".into()), (2, "mine".into())]
    );
    assert!(inputs.requests().eq(inputs.requests()));
}

#[test]
fn the_models_are_those_of_the_data_where_the_questions_are_judged() {
    let judged = "{\"prompt\":\"p\",\"cheap_ok\":1,\"premium_ok\":1}\n";
    let judged = file("judged.jsonl", judged);
    let names = |arguments: &[&str]| load(arguments).unwrap().models().map(|it| it.name());

    assert_eq!(names(&[]), ["gpt-4o-mini", "gpt-4o"]);
    let recorded = ["mixtral-8x7b-instruct", "gpt-4-1106-preview"];
    assert_eq!(names(&["--questions", &judged]), recorded);
    assert_eq!(names(&["--models", "routellm"]), recorded);
    let asked = ["--questions", &judged, "--models", "gpt4o"];
    assert_eq!(names(&asked), ["gpt-4o-mini", "gpt-4o"]);
}

#[test]
fn a_cascade_over_questions_without_cheap_answers_is_refused_with_what_to_do() {
    let plain = file("plain.jsonl", "{\"prompt\":\"p\"}\n");
    let error = load(&["--questions", &plain, "--router", "cascade"]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("give another file or --router complexity"),
        "{error}"
    );
    assert!(load(&["--router", "cascade"]).is_ok());
}

#[test]
fn the_providers_fail_one_after_the_other_within_the_run_and_the_same_for_a_seed() {
    let inputs = |seed| load(&["--seed", seed, "--rate", "10"]).unwrap();
    for seed in ["1", "2", "3"] {
        let down = |inputs: &Inputs| {
            let [cheap, premium] = inputs.models().map(|model| model.down().clone());
            (cheap, premium)
        };
        let (cheap, premium) = down(&inputs(seed));
        let run = inputs(seed).duration();
        assert!(!cheap.is_empty() && cheap.end < premium.start && premium.end < run);
        assert_eq!(down(&inputs(seed)), (cheap, premium));
    }
    assert!(
        load(&["--no-failures"]).unwrap().models()[0]
            .down()
            .is_empty()
    );
}

#[test]
fn bad_lines_are_skipped_by_default_and_refused_when_strict() {
    let questions = file("bad.jsonl", "{\"prompt\":\"good\"}\n{\"prompt\":\n");

    let inputs = load(&["--questions", &questions]).unwrap();
    assert_eq!(inputs.questions().rejected().count(), 1);

    let error = load(&["--questions", &questions, "--strict"])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains(&questions) && error.contains("line 2: EOF while parsing"),
        "{error}"
    );
}

#[test]
fn a_missing_trace_is_an_error_that_names_it() {
    let error = load(&["--trace", "nowhere.csv"]).unwrap_err();
    assert_eq!(error.to_string(), "open nowhere.csv");
}

fn counts(arguments: &[&str]) -> (u64, usize) {
    let inputs = load(arguments).unwrap();
    (inputs.total(), inputs.requests().count())
}

fn load(arguments: &[&str]) -> Result<Inputs, InputError> {
    let options = Options::try_parse_from(["assistant"].iter().chain(arguments)).unwrap();
    Inputs::load(&options)
}

fn trace_of(rows: usize) -> String {
    let rows = (0..rows).map(|second| format!("2023-11-16 18:15:{second:02},10,20\n"));
    let header = "TIMESTAMP,ContextTokens,GeneratedTokens\n".to_owned();
    std::iter::once(header)
        .chain(rows)
        .collect::<Vec<_>>()
        .concat()
}

/// Writes a file for one test; each test has names of its own, as they run at the same time.
fn file(name: &str, content: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("inputs-{name}"));
    fs::write(&path, content).unwrap();
    path.display().to_string()
}
