//! The rules of the house that no compiler knows: one function each, with a test that shows it
//! red.
//!
//! A rule looks at data (the packages, the text of the files), so that its test can hand it a
//! workspace which breaks it.

mod declared;
mod edges;
mod links;
mod names;
mod packages;
mod sources;

use std::fs;

use crate::book::pages;
use crate::command::{Failure, Result, Run};
use crate::faults;
use crate::steps::Step;
use crate::text_files::{self, TextFile};
use crate::workspace::Workspace;

/// One step per rule.
pub(crate) fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    let step = |name: &str, rule: fn(&Workspace) -> Result<Vec<String>>| {
        Step::new(format!("tidy: {name}"), move |_| verdict(&rule(workspace)?))
    };
    vec![
        step("the core stands alone", core_stands_alone),
        step("dependency edges", |workspace| {
            Ok(edges::wrong_edges(workspace.packages()))
        }),
        step("README, lints and no unsafe code", |workspace| {
            let manifest = fs::read_to_string(workspace.root().join("Cargo.toml"));
            let mut wrong = packages::allows_unsafe(&manifest.unwrap_or_default());
            wrong.extend(packages::wrong_packages(workspace.packages())?);
            Ok(wrong)
        }),
        step("file length", |workspace| {
            Ok(each(&text_files::read(workspace)?, sources::too_long))
        }),
        step("words that must not land", |workspace| {
            Ok(each(
                &text_files::read(workspace)?,
                sources::forbidden_words,
            ))
        }),
        step("libraries do not print", |workspace| {
            Ok(each(&text_files::read(workspace)?, sources::prints))
        }),
        step("no path of one machine", |workspace| {
            Ok(each(&text_files::read(workspace)?, sources::machine_paths))
        }),
        step("telemetry is declared", |workspace| {
            Ok(declared::differences(&text_files::read(workspace)?))
        }),
        step("every fault has its figure", faults::wrong),
        step("links between files", |workspace| {
            let files = text_files::read(workspace)?;
            let known = links::Known::of(&files);
            Ok(files.iter().flat_map(|file| known.broken(file)).collect())
        }),
        step("every page is in the table of contents", |workspace| {
            Ok(pages::wrong(&text_files::read(workspace)?))
        }),
        step("pages name what there is", |workspace| {
            let files = text_files::read(workspace)?;
            let names = names::Names::of(&files);
            Ok(files.iter().flat_map(|file| names.unknown(file)).collect())
        }),
    ]
}

fn core_stands_alone(workspace: &Workspace) -> Result<Vec<String>> {
    let tree = [
        "tree",
        "--quiet",
        "-p",
        edges::CORE,
        "--edges",
        "normal",
        "--all-features",
    ];
    let tree = Run::cargo(workspace, tree).captured()?;
    Ok(edges::more_than_one_line(&tree))
}

fn each(files: &[TextFile], rule: fn(&TextFile) -> Vec<String>) -> Vec<String> {
    files.iter().flat_map(rule).collect()
}

fn verdict(offences: &[String]) -> Result {
    if offences.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(offences.join("\n")))
    }
}
