//! Mutation testing of the primitive crates, with cargo-mutants.

mod outcomes;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Result, Run, find_program};
use crate::workspace::Workspace;

use self::outcomes::Outcomes;
use self::page::Reasons;

/// What to mutate.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// One crate instead of all.
    pub(crate) package: Option<String>,
    /// A part of the mutants, as `k/n`.
    pub(crate) shard: Option<String>,
}

/// Runs the mutants of the chosen crates, prints their scores, and writes the page.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Result {
    let reasons = reasons()?;
    let packages = choice.packages(workspace)?;
    installed()?;
    let mut measured = BTreeMap::new();
    for package in packages {
        let output = workspace.target().join("tta-mutants").join(package);
        let outcomes = mutate(workspace, package, choice.shard.as_deref(), &output)?;
        print(package, &outcomes, &reasons);
        measured.insert(package.to_owned(), outcomes);
    }
    let failed: Vec<_> = measured
        .iter()
        .filter(|(_, outcomes)| fails(outcomes, &reasons))
        .map(|(package, outcomes)| format!("{package} ({} %)", outcomes.score()))
        .collect();
    if choice.shard.is_some() {
        eprintln!("a shard is no whole crate; {PAGE} is left as it was");
    } else {
        let path = workspace.root().join(PAGE);
        let mut crates = page::crates(&fs::read_to_string(&path).unwrap_or_default());
        crates.extend(measured);
        fs::write(&path, page::written(&crates, &reasons))
            .map_err(|error| Failure::new(format!("failed to write {PAGE}: {error}")))?;
        eprintln!("wrote {PAGE}");
    }
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

fn mutate(
    workspace: &Workspace,
    package: &str,
    shard: Option<&str>,
    output: &Path,
) -> Result<Outcomes> {
    fs::create_dir_all(output)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", output.display())))?;
    let has_nextest = find_program("cargo-nextest").is_some();
    let line = arguments(package, shard, output, has_nextest);
    match Run::cargo(workspace, line)
        .env("TTA_VENV", workspace.venv())
        .heard()
    {
        Err(failure) if !SURVIVED.contains(&failure.code()) => Err(failure),
        _ => {
            let path: PathBuf = output.join("mutants.out").join("outcomes.json");
            let json = fs::read_to_string(&path).map_err(|error| {
                Failure::new(format!("failed to read {}: {error}", path.display()))
            })?;
            Outcomes::read(&json)
        }
    }
}

/// One job at a time: each builds and tests with all the processors there are.
fn arguments(package: &str, shard: Option<&str>, output: &Path, has_nextest: bool) -> Vec<String> {
    let mut line: Vec<String> = ["mutants", "--package", package, "--jobs", "1", "--no-times"]
        .map(str::to_owned)
        .into();
    line.extend(["--output".to_owned(), output.display().to_string()]);
    if let Some(shard) = shard {
        line.extend(["--shard".to_owned(), shard.to_owned()]);
    }
    if has_nextest {
        line.extend(["--test-tool", "nextest"].map(str::to_owned));
    }
    line
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

/// cargo-mutants leaves with these when some survived, or were caught by the clock.
const SURVIVED: [u8; 2] = [2, 3];

const PAGE: &str = "docs/mutants.md";
const REASONS: &str = "xtask/src/mutants/reasons.txt";

#[cfg(test)]
mod tests {
    use super::*;

    fn outcomes(caught: usize, survivors: &[&str]) -> Outcomes {
        Outcomes {
            caught,
            survivors: survivors.iter().map(|it| ((*it).to_owned(), 1)).collect(),
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

    #[test]
    fn the_command_names_the_crate_the_shard_and_the_test_tool() {
        let line = arguments("tta-a", Some("1/4"), Path::new("out"), true).join(" ");
        assert_eq!(
            line,
            "mutants --package tta-a --jobs 1 --no-times --output out --shard 1/4 \
             --test-tool nextest"
        );
        let plain = arguments("tta-a", None, Path::new("out"), false).join(" ");
        assert!(plain.ends_with("--output out"), "{plain}");
    }
}
