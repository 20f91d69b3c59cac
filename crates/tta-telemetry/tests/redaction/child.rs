//! Scenarios in a process of their own.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The variables of a child that name its scenario and where it leaves what it has to say.
const SCENARIO: &str = "TTA_TEST_SCENARIO";
const REPORT: &str = "TTA_TEST_REPORT";

/// A child that will run this scenario, with its standard output to be read.
pub(crate) fn child(scenario: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "--nocapture",
            "child::a_scenario_runs_in_a_process_of_its_own",
        ])
        .env(SCENARIO, scenario)
        .env(REPORT, report_path(scenario, std::process::id()))
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    command
}

/// What the child left, which is then gone.
pub(crate) fn reported(scenario: &str) -> String {
    let path = report_path(scenario, std::process::id());
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::remove_file(path).unwrap();
    text
}

/// Leaves something for the parent.
pub(crate) fn leave(text: &str) {
    std::fs::write(std::env::var_os(REPORT).unwrap(), text).unwrap();
}

fn report_path(scenario: &str, parent: u32) -> PathBuf {
    std::env::temp_dir().join(format!("tta-{scenario}-{parent}"))
}

/// Runs the scenario that the parent process asks for.
#[test]
fn a_scenario_runs_in_a_process_of_its_own() {
    match std::env::var(SCENARIO).as_deref() {
        Ok("canary") => crate::canary::run(),
        Ok("reinit") => crate::reinit::run(),
        Ok("blocked") => crate::blocked::run(),
        Ok(other) => panic!("there is no scenario {other}"),
        // Not a child: nobody asked for one.
        Err(_) => {}
    }
}
