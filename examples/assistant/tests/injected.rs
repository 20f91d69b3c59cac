//! What is injected goes wrong when it was asked for, on the clock, and at no other time.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::BTreeSet;
use std::time::Duration;

use assistant::inputs::Inputs;
use assistant::model::Model;
use assistant::options::Options;
use assistant::workload::Request;
use clap::Parser;

/// Of a run at ten times the speed, so that 2 s on the clock are 20 s of the requests' time.
fn inputs(inject: &[&str]) -> Inputs {
    let mut arguments = vec!["assistant", "--no-failures", "--speed", "10", "--rate", "5"];
    arguments.extend(inject.iter().flat_map(|fault| ["--inject", fault]));
    Inputs::load(&Options::try_parse_from(arguments).unwrap()).unwrap()
}

/// Whether a request is asked from 2 s to 4 s on the clock.
fn is_meanwhile(request: &Request) -> bool {
    (Duration::from_secs(20)..Duration::from_secs(40)).contains(&request.at)
}

fn all_requests(inputs: &Inputs) -> Vec<Request> {
    let requests: Vec<Request> = inputs.requests().collect();
    assert!(requests.iter().any(is_meanwhile) && !requests.iter().all(is_meanwhile));
    requests
}

#[test]
fn a_provider_is_down_meanwhile_and_the_other_is_not() {
    let inputs = inputs(&["cheap-down=2..4"]);
    let [cheap, premium] = inputs.models();
    for request in all_requests(&inputs) {
        assert_eq!(
            cheap.plan(&request).outcome.is_err(),
            is_meanwhile(&request)
        );
        assert!(premium.plan(&request).outcome.is_ok());
    }
}

#[test]
fn a_model_is_five_times_as_slow_meanwhile() {
    let [_, well]: [Model; 2] = inputs(&[]).models();
    let inputs = inputs(&["premium-slow=2..4"]);
    let [_, slow] = inputs.models();
    for request in all_requests(&inputs) {
        let times = if is_meanwhile(&request) { 5 } else { 1 };
        assert_eq!(
            slow.plan(&request).latency,
            well.plan(&request).latency * times
        );
    }
}

#[test]
fn questions_are_new_meanwhile_each_of_them() {
    let old = inputs(&[]);
    let new = inputs(&["new-questions=2..4"]);
    let old: Vec<Request> = old.requests().collect();
    let new = all_requests(&new);
    let asked: BTreeSet<&str> = old.iter().map(Request::prompt).collect();
    let mut fresh = BTreeSet::new();
    for (old, new) in old.iter().zip(&new) {
        if is_meanwhile(new) {
            assert!(!asked.contains(new.prompt()) && fresh.insert(new.prompt()));
        } else {
            assert_eq!(old, new);
        }
    }
}
