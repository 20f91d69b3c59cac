//! Scenarios that need a process of their own.

use std::process::{Command, Stdio};

use serde_json::Value;

/// The lines of JSON that a scenario, run in a process of its own, writes.
pub(crate) fn lines_of(scenario: &str) -> Vec<Value> {
    let lines = output_of(&mut child(scenario));
    let lines = lines.lines().filter(|line| line.starts_with('{'));
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// What is to be run for a scenario.
pub(crate) fn child(scenario: &str) -> Command {
    as_child(
        &mut Command::new(std::env::current_exe().unwrap()),
        scenario,
    )
}

/// Has a program that becomes this one run a scenario.
pub(crate) fn as_child(command: &mut Command, scenario: &str) -> Command {
    let mut child = Command::new(command.get_program());
    child
        .args(command.get_args())
        .args(["--exact", "--nocapture", RUNNER])
        .env(SCENARIO, scenario)
        .stderr(Stdio::inherit());
    child
}

/// What it writes, once it has ended well.
pub(crate) fn output_of(child: &mut Command) -> String {
    let output = child.output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}");
    // The figures of a fault are this test's as well.
    for line in text.lines().filter(|line| line.starts_with("FAULT\t")) {
        println!("{line}");
    }
    text
}

/// Runs the scenario that the parent process asks for; the tests that ask look at what it writes.
#[test]
fn a_scenario_runs_in_a_process_of_its_own() {
    match std::env::var(SCENARIO).as_deref() {
        Ok("child_that_is_answered_oddly") => crate::answers::child_that_is_answered_oddly(),
        Ok("child_that_traces_everything") => crate::feedback::child_that_traces_everything(),
        Ok("child_with_a_resolver_that_hangs") => crate::dns::child_with_a_resolver_that_hangs(),
        Ok("child_with_outages_in_mid_run") => crate::outage::child_with_outages_in_mid_run(),
        Ok("child_with_very_many_series") => crate::huge::child_with_very_many_series(),
        #[cfg(feature = "tls")]
        Ok("child_with_a_stranger") => crate::tls::child_with_a_stranger(),
        Ok(other) => panic!("there is no scenario {other}"),
        // Not a child: nobody asked for one.
        Err(_) => {}
    }
}

/// The variable that names the scenario of a child process.
const SCENARIO: &str = "TTA_TEST_SCENARIO";

const RUNNER: &str = "child::a_scenario_runs_in_a_process_of_its_own";
