//! The command line: what it means, and what it refuses.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use assistant::options::Options;
use assistant::rejected::OnBadLine;
use clap::{CommandFactory, Parser};

#[test]
fn without_arguments_it_asks_two_thousand_built_in_questions() {
    let options = parse(&[]).unwrap();

    assert_eq!(options.request_limit(), Some(2_000));
    assert_eq!(options.on_bad_line(), OnBadLine::Skip);
    assert_eq!(
        (options.seed, options.rate.get(), options.speed.get()),
        (42, 25.0, 10.0)
    );
    assert!(!options.once && options.questions.is_none() && options.metrics_port.is_none());
}

#[test]
fn a_trace_is_served_whole_unless_a_number_of_requests_is_given() {
    assert_eq!(parse(&["--trace", "t.csv"]).unwrap().request_limit(), None);
    let limited = parse(&["--trace", "t.csv", "--requests", "10"]).unwrap();
    assert_eq!(limited.request_limit(), Some(10));
}

#[test]
fn every_option_is_understood() {
    let options = parse(&[
        "--once",
        "--json",
        "out.json",
        "--requests",
        "7",
        "--seed",
        "9",
        "--questions",
        "q.jsonl",
        "--rate",
        "0.5",
        "--speed",
        "200",
        "--concurrency",
        "64",
        "--strict",
        "--metrics-port",
        "0",
    ])
    .unwrap();

    assert!(options.once);
    assert_eq!(options.on_bad_line(), OnBadLine::Refuse);
    assert_eq!(options.json.unwrap().to_str(), Some("out.json"));
    assert_eq!(options.questions.unwrap().to_str(), Some("q.jsonl"));
    assert_eq!((options.seed, options.concurrency.get()), (9, 64));
    assert_eq!((options.rate.get(), options.speed.get()), (0.5, 200.0));
    assert_eq!(options.metrics_port, Some(0));
}

#[test]
fn numbers_that_make_no_sense_are_refused_with_what_to_give_instead() {
    for option in ["--speed", "--rate"] {
        for value in ["0", "-1", "-0.5", "NaN", "inf", "-inf", "1e999", "fast", ""] {
            refuses(
                &[&format!("{option}={value}")],
                "a finite number greater than zero",
            );
        }
        refuses(&[option, "-1"], "a finite number greater than zero");
    }
    for option in ["--requests", "--concurrency"] {
        for value in ["0", "-5", "1.5", "many", "99999999999999999999999"] {
            refuses(&[option, value], "a whole number of at least 1");
        }
    }
    refuses(
        &["--router", "dice"],
        "possible values: complexity, cascade",
    );
    refuses(
        &["--redis", "localhost:6379"],
        "the address of Redis cannot be read",
    );
    refuses(&["--models", "llama"], "possible values: gpt4o, routellm");
    refuses(&["--metrics-port", "70000"], "70000 is not in 0..=65535");
}

#[test]
fn a_rate_beside_a_trace_is_refused_because_it_would_be_ignored() {
    refuses(&["--trace", "t.csv", "--rate", "5"], "cannot be used with");
}

#[test]
fn the_command_is_well_formed_and_every_option_is_explained() {
    Options::command().debug_assert();
    for argument in Options::command().get_arguments() {
        assert!(
            argument.get_help().is_some(),
            "{} has no help",
            argument.get_id()
        );
    }
}

fn parse(arguments: &[&str]) -> Result<Options, clap::Error> {
    Options::try_parse_from(["assistant"].iter().chain(arguments))
}

fn refuses(arguments: &[&str], because: &str) {
    let message = parse(arguments).unwrap_err().to_string();
    assert!(message.contains(because), "{arguments:?}: {message}");
}

#[test]
fn faults_are_injected_by_name_and_time() {
    use assistant::injected::{Fault, Injected};
    use std::time::Duration;

    let options = parse(&[
        "--inject",
        "premium-down=20..45.5",
        "--inject",
        "new-questions=0s..10s",
    ])
    .unwrap();
    let seconds = Duration::from_secs_f64;
    assert_eq!(
        options.inject,
        [
            Injected {
                fault: Fault::PremiumDown,
                during: seconds(20.0)..seconds(45.5),
            },
            Injected {
                fault: Fault::NewQuestions,
                during: seconds(0.0)..seconds(10.0),
            },
        ]
    );
    for (wrong, why) in [
        ("premium-down", "FAULT=FROM..TO"),
        ("premium-down=20", "FAULT=FROM..TO"),
        ("premium-down=20..x", "FAULT=FROM..TO"),
        ("premium-down=-1..5", "FAULT=FROM..TO"),
        ("premium-down=20..20", "must end after it begins"),
        ("all-down=1..2", "give one of cheap-down, premium-down"),
    ] {
        let error = parse(&["--inject", wrong]).unwrap_err().to_string();
        assert!(error.contains(why), "{wrong}: {error}");
    }
}
