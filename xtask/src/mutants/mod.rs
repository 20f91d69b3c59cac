//! Mutation testing of the primitive crates.
//!
//! cargo-mutants says which mutants there are. Instead of building the crate once for each, all of
//! them are written into one build, where a variable of the environment chooses one.

mod build;
mod listed;
mod outcomes;
mod page;
mod process;
mod round;
mod schema;
mod sites;
mod suite;
mod tree;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use crate::command::{Failure, Result, Run, find_program};
use crate::workspace::Workspace;

use self::outcomes::Outcomes;
use self::page::Reasons;

/// What to mutate.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// One crate instead of all.
    pub(crate) package: Option<String>,
    /// Those alone that survived last time without a reason, or were not reached.
    pub(crate) rest: bool,
    /// How many are run at a time.
    pub(crate) jobs: usize,
    /// After how many no further mutant of a crate is begun.
    pub(crate) minutes: Option<u32>,
}

/// Runs the mutants of the chosen crates, prints their scores, and writes the page.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Result {
    let reasons = reasons()?;
    let packages = choice.packages(workspace)?;
    installed()?;
    let mut measured = BTreeMap::new();
    for package in packages {
        let outcomes = round::run(workspace, package, choice, &reasons)?;
        print(package, &outcomes, &reasons);
        measured.insert(package.to_owned(), outcomes);
    }
    let failed: Vec<_> = measured
        .iter()
        .filter(|(_, outcomes)| fails(outcomes, &reasons))
        .map(|(package, outcomes)| format!("{package} ({} %)", outcomes.score()))
        .collect();
    let path = workspace.root().join(PAGE);
    let mut crates = page::crates(&fs::read_to_string(&path).unwrap_or_default());
    crates.extend(measured);
    fs::write(&path, page::written(&crates, &reasons))
        .map_err(|error| Failure::new(format!("failed to write {PAGE}: {error}")))?;
    eprintln!("wrote {PAGE}");
    if failed.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "below {LEAST} % with survivors that have no reason in {REASONS}: {}",
        failed.join(", ")
    )))
}

impl Choice {
    fn packages(&self, workspace: &Workspace) -> Result<Vec<&str>> {
        let Some(package) = &self.package else {
            return Ok(PACKAGES.to_vec());
        };
        if workspace.package(package).is_none() {
            return Err(Failure::new(format!(
                "the workspace has no package `{package}`"
            )));
        }
        Ok(vec![package])
    }
}

fn installed() -> Result {
    if find_program("cargo-mutants").is_some() {
        return Ok(());
    }
    eprintln!("cargo-mutants is not installed; installing it (a few minutes, once)");
    let install = ["install", "cargo-mutants", "--locked"];
    Run::program(Path::new("."), "cargo", install)
        .heard()
        .map_err(|failure| {
            Failure::new(format!(
                "{failure}; install it by hand with `cargo install cargo-mutants --locked`"
            ))
        })
}

fn print(package: &str, outcomes: &Outcomes, reasons: &Reasons) {
    let (score, caught, missed) = (outcomes.score(), outcomes.caught, outcomes.missed());
    eprintln!("\n{package}: {score} %, {caught} caught, {missed} survived");
    for (survivor, count) in &outcomes.survivors {
        let reason = reasons
            .get(survivor)
            .map_or("no reason yet", String::as_str);
        eprintln!("  {count} x {survivor}: {reason}");
    }
}

/// A crate fails when its score is low and nobody has said why.
fn fails(outcomes: &Outcomes, reasons: &Reasons) -> bool {
    let unexplained = outcomes
        .survivors
        .keys()
        .any(|it| !reasons.contains_key(it));
    outcomes.score() < LEAST && unexplained
}

fn reasons() -> Result<Reasons> {
    read_reasons(include_str!("reasons.txt"))
}

fn read_reasons(text: &str) -> Result<Reasons> {
    text.lines()
        .filter(|line| !line.starts_with('#') && !line.trim().is_empty())
        .map(|line| {
            let (survivor, reason) = line.split_once(" => ").unwrap_or_default();
            if survivor.is_empty() || reason.is_empty() {
                return Err(Failure::new(format!("no survivor with a reason: `{line}`")));
            }
            Ok((survivor.to_owned(), reason.to_owned()))
        })
        .collect()
}

const PACKAGES: [&str; 6] = [
    "tta-breaker",
    "tta-cache",
    "tta-limit",
    "tta-retry",
    "tta-router",
    "tta-timeout",
];

/// The least score, in per cent.
const LEAST: usize = 80;

const PAGE: &str = "docs/mutants.md";
const REASONS: &str = "xtask/src/mutants/reasons.txt";

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(caught: usize, survivors: &[&str]) -> Outcomes {
        Outcomes {
            caught,
            survivors: survivors.iter().map(|it| ((*it).to_owned(), 1)).collect(),
            ..Outcomes::default()
        }
    }

    #[test]
    fn a_low_score_fails_unless_every_survivor_has_a_reason() {
        let reasons = read_reasons("# why\n\nx => it is a hint\n").unwrap();
        assert!(fails(&outcomes(1, &["x", "y"]), &reasons));
        assert!(!fails(&outcomes(1, &["x"]), &reasons));
        assert!(!fails(&outcomes(9, &["y"]), &reasons), "90 %");
        assert!(fails(&outcomes(3, &["y"]), &reasons), "75 %");
    }

    #[test]
    fn every_reason_belongs_to_a_survivor() {
        assert!(reasons().is_ok());
        assert!(read_reasons("a survivor without one").is_err());
        assert!(read_reasons("x => ").is_err());
    }
}
