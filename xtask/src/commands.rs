//! Each command as a list of steps.

use crate::command::{Failure, Result, Run};
use crate::steps::{self, Step};
use crate::workspace::Workspace;
use crate::{
    book, deploy, faults as table, features, instructions, ops, setup as install, tests_run,
    tidy as rules,
};

pub(crate) fn setup(workspace: &Workspace, check: bool) -> Result {
    if check {
        install::check(workspace)
    } else {
        install::install(workspace)
    }
}

pub(crate) fn test(workspace: &Workspace, args: &[String]) -> Result {
    if let Err(failure) = install::install(workspace) {
        // The tests say themselves which of them lack a server, and fail where that is asked.
        eprintln!("xtask: {failure}; the tests that need what is missing will be skipped");
    }
    tests_run::run(workspace, args)
}

pub(crate) fn demo(workspace: &Workspace, args: &[String]) -> Result {
    require(workspace, DEMO)?;
    eprintln!("building the assistant in release (the first time takes a few minutes)");
    Run::cargo(workspace, ["build", "--release", "-p", DEMO]).heard()?;
    let run = ["run", "--release", "--quiet", "-p", DEMO, "--"];
    Run::cargo(
        workspace,
        run.into_iter().chain(args.iter().map(String::as_str)),
    )
    .heard()
}

pub(crate) fn lint(workspace: &Workspace) -> Result {
    steps::run(workspace, "lint", lint_steps(workspace))
}

pub(crate) fn tidy(workspace: &Workspace) -> Result {
    steps::run(workspace, "tidy", rules::steps(workspace))
}

pub(crate) fn features(workspace: &Workspace) -> Result {
    steps::run(workspace, "features", features::steps(workspace))
}

pub(crate) fn generate(workspace: &Workspace, check: bool) -> Result {
    steps::run(workspace, "generate", vec![generate_step(workspace, check)])
}

pub(crate) fn faults(workspace: &Workspace, choice: &table::Choice) -> Result {
    if let Err(failure) = install::install(workspace) {
        eprintln!("xtask: {failure}; the rows that need what is missing will have no figure");
    }
    table::run(workspace, choice)
}

pub(crate) fn ci(workspace: &Workspace) -> Result {
    let mut all = lint_steps(workspace);
    all.push(generate_step(workspace, true));
    all.extend(book::steps(workspace));
    all.extend(deploy::steps(workspace));
    all.extend(ops::steps(workspace));
    all.extend(features::steps(workspace));
    all.push(models_step(workspace));
    all.push(instructions::step(workspace, instructions::Action::Check));
    all.extend(example_steps(workspace));
    all.push(Step::needing(DEMO, "demo", workspace, |voice| {
        let demo = [
            "run",
            "--release",
            "-p",
            DEMO,
            "--",
            "--once",
            "--requests",
            "2000",
        ];
        voice.run(Run::cargo(workspace, demo))
    }));
    steps::run(workspace, "ci", all)
}

fn lint_steps(workspace: &Workspace) -> Vec<Step<'_>> {
    // The rules come first: they take a second, and a compiler minutes.
    let mut steps = rules::steps(workspace);
    steps.push(Step::new("format", |voice| {
        voice.run(Run::cargo(workspace, ["fmt", "--all", "--check"]))
    }));
    steps.push(Step::new("clippy", |voice| {
        let clippy = [
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
        ];
        voice.run(Run::cargo(
            workspace,
            clippy.into_iter().chain(["-D", "warnings"]),
        ))
    }));
    steps.push(Step::new("docs", |voice| {
        let doc = ["doc", "--workspace", "--no-deps", "--all-features"];
        voice.run(Run::cargo(workspace, doc).env("RUSTDOCFLAGS", "-D warnings"))
    }));
    steps
}

fn generate_step(workspace: &Workspace, check: bool) -> Step<'_> {
    let action = if check { "check" } else { "write" };
    Step::needing(
        CATALOG,
        format!("generate ({action})"),
        workspace,
        move |voice| {
            voice.run(Run::cargo(
                workspace,
                ["run", "--quiet", "-p", CATALOG, "--", action],
            ))
        },
    )
}

/// Every schedule that the models of the breaker's transitions can have.
fn models_step(workspace: &Workspace) -> Step<'_> {
    Step::needing("tta-breaker", "loom models", workspace, |voice| {
        let test = ["test", "-p", "tta-breaker", "--test", "loom", "--release"];
        let run = Run::cargo(workspace, test)
            .env("RUSTFLAGS", "--cfg loom")
            // Other flags would have everything built anew next time.
            .env("CARGO_TARGET_DIR", workspace.target().join("loom"));
        voice.run(run)
    })
}

fn example_steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let examples = workspace
        .package(EXAMPLES)
        .map(|package| package.examples.clone());
    let examples = examples.unwrap_or_default();
    if examples.is_empty() {
        return vec![Step::needing(EXAMPLES, "examples", workspace, |_| {
            Err(Failure::new(format!("`{EXAMPLES}` has no example")))
        })];
    }
    examples
        .into_iter()
        .map(|example| {
            Step::new(format!("example {example}"), move |voice| {
                let run = ["run", "--quiet", "-p", EXAMPLES, "--example", &example];
                voice.run(Run::cargo(workspace, run))
            })
        })
        .collect()
}

fn require(workspace: &Workspace, package: &str) -> Result {
    match workspace.package(package) {
        Some(_) => Ok(()),
        None => Err(Failure::new(format!(
            "the workspace has no package `{package}`"
        ))),
    }
}

const DEMO: &str = "assistant";
const EXAMPLES: &str = "tta-examples";
const CATALOG: &str = "tta-catalog";
