//! `cargo xtask verify-ops`: the rules by Prometheus's own tools, then all that an operator is given
//! on real servers, while the demonstration goes through an incident.

use std::fs;

use crate::command::{Failure, Result, Run};
use crate::setup;
use crate::steps::{self, Step, Voice};
use crate::workspace::Workspace;

/// Runs all checks.
pub(crate) fn run(workspace: &Workspace) -> Result {
    let servers = Step::new("ops: what checks it is there", |_| {
        setup::install(workspace)
    });
    let all = std::iter::once(servers).chain(steps(workspace));
    steps::run(workspace, "verify-ops", all.collect())
}

/// The checks, one step each.
pub(crate) fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    vec![
        Step::new("ops: configurations and rules", |voice| {
            rules(workspace, voice)
        }),
        Step::new("ops: panels, rules and alerts on real servers", |voice| {
            real_servers(workspace, voice)
        }),
    ]
}

fn rules(workspace: &Workspace, voice: &Voice<'_>) -> Result {
    let promtool = |args: &[String]| Run::program(workspace.root(), "promtool", args);
    let with = |verb: [&str; 2], files: Vec<String>| {
        let verb = verb.map(str::to_owned).into_iter();
        verb.chain(files).collect::<Vec<_>>()
    };
    let configurations = files(workspace, PROMETHEUS, "yml")?;
    voice.run(promtool(&with(["check", "config"], configurations)))?;
    let rules = files(workspace, &format!("{PROMETHEUS}/rules"), "yml")?;
    voice.run(promtool(&with(["check", "rules"], rules)))?;
    let tests = files(workspace, &format!("{PROMETHEUS}/tests"), "yml")?;
    voice.run(promtool(&with(["test", "rules"], tests)))?;
    let amtool = ["check-config", "deploy/alertmanager/alertmanager.yml"];
    voice.run(Run::program(workspace.root(), "amtool", amtool))
}

/// The demonstration is built with the tests, as `cargo xtask test` builds it, so that after that
/// nothing is left to compile.
fn real_servers(workspace: &Workspace, voice: &Voice<'_>) -> Result {
    let test = ["test", "--workspace", "--all-features"];
    let build = ["--no-run", "--test", "backends", "--test", VERIFICATION];
    voice.run(Run::cargo(workspace, test.into_iter().chain(build)))?;
    let run = ["--test", VERIFICATION, "--", "--nocapture"];
    voice.run(
        Run::cargo(workspace, test.into_iter().chain(run))
            .env("TTA_VENV", workspace.venv())
            // What is asked for by name is not skipped.
            .env("TTA_REQUIRE_SERVICES", "1"),
    )
}

/// The files of a folder with an extension, sorted.
fn files(workspace: &Workspace, folder: &str, extension: &str) -> Result<Vec<String>> {
    let entries = fs::read_dir(workspace.root().join(folder))
        .map_err(|error| Failure::new(format!("cannot read {folder}: {error}")))?;
    let names = entries.flatten().map(|entry| entry.path());
    let mut files: Vec<String> = names
        .filter(|path| path.extension().is_some_and(|it| it == extension))
        .map(|path| path.display().to_string())
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(Failure::new(format!(
            "no file of {folder} ends in .{extension}"
        )));
    }
    Ok(files)
}

const PROMETHEUS: &str = "deploy/prometheus";

/// The test that does the verifying, in the package of the catalogue.
const VERIFICATION: &str = "verify_ops";
