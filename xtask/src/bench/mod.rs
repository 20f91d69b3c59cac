//! The benchmarks: run in turns, held against their budgets, and written down.

mod budgets;
mod expression;
mod judged;
mod page;
mod plan;
mod programs;
mod python;
mod samples;
mod scale;
mod versions;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::Args;

use crate::command::{Failure, Result, Run};
use crate::machine;
use crate::workspace::Workspace;

use self::budgets::Budgets;
use self::judged::Judged;
use self::page::Page;
use self::plan::Plan;
use self::samples::Samples;

/// What to measure, how long, and what to do with it.
#[derive(Debug, Default, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of the command line"
)]
pub(crate) struct Choice {
    /// Fewer and shorter rounds: three minutes once all is built, instead of fifteen.
    #[arg(long)]
    quick: bool,
    /// Fail, naming the rows, where a ratio is above its budget or was not measured; a budget that is
    /// named as not met is held against the limit that it is named with.
    #[arg(long)]
    check: bool,
    /// Write all figures into this file too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Also GET at 50 tasks over one connection, beside `redis-benchmark` with 50.
    #[arg(long)]
    redis: bool,
    /// Also the Python peers, in an environment of their own below `target`.
    #[arg(long)]
    python: bool,
    /// Also 100,000 spans a second to a collector; needs `cargo xtask setup`.
    #[arg(long)]
    sustained: bool,
    /// Also draw how cost grows with the work, into docs/benchmarks.
    #[arg(long)]
    scale: bool,
    /// Only these groups of benches/budgets.json; docs/benchmarks.md is left as it is.
    #[arg(long, value_name = "GROUP")]
    only: Vec<String>,
}

/// Measures what is chosen, prints the table, writes the page and, if asked to, judges.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Result {
    let begun = Instant::now();
    let budgets = Budgets::read(&workspace.root().join(BUDGETS))?;
    let plan = Plan::new(choice, &budgets)?;
    eprintln!("building the benchmarks in release (the first time takes minutes)");
    let built = programs::built(workspace, BENCHES, &plan.programs())?;
    let measuring = Instant::now();
    let samples = measure(workspace, choice, &plan, &built)?;
    let judged = Judged::all(&budgets, &plan, &samples);
    let mut versions = versions::of_peers(workspace, BENCHES)?;
    versions.extend(samples.versions());
    let machine = machine::named(workspace);
    let page = Page {
        machine: &machine,
        versions: &versions,
        budgets: &budgets,
        judged: &judged,
        samples: &samples,
        quick: choice.quick,
    };
    eprintln!("\n{}", page.summary());
    if let Some(path) = &choice.json {
        write(&workspace.root().join(path), &page.json())?;
    }
    if let Some(curves) = samples.curves() {
        let wrong = || Failure::new("the curves are not what the benchmark of scale writes");
        let page = scale::page(curves, &machine, choice.quick).ok_or_else(wrong)?;
        write(&workspace.root().join(CURVES).join("scale.md"), &page)?;
    }
    if choice.only.is_empty() {
        write(&workspace.root().join(PAGE), &page.written())?;
    }
    eprintln!(
        "measured in {:.0} s, {:.0} s with building",
        measuring.elapsed().as_secs_f64(),
        begun.elapsed().as_secs_f64()
    );
    if choice.check {
        if let Some(not_met) = judged.not_met() {
            eprintln!("{not_met}");
        }
        judged.check()?;
    }
    Ok(())
}

/// Every program as often as planned, in turns, so that a minute of trouble is not one program's.
fn measure(
    workspace: &Workspace,
    choice: &Choice,
    plan: &Plan<'_>,
    built: &BTreeMap<String, PathBuf>,
) -> Result<Samples> {
    let folder = workspace.target().join("tta-bench");
    fs::create_dir_all(&folder)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", folder.display())))?;
    let plots = workspace.root().join(CURVES);
    fs::create_dir_all(&plots)
        .map_err(|error| Failure::new(format!("cannot make {}: {error}", plots.display())))?;
    let plots = plots.to_string_lossy().into_owned();
    let mut samples = Samples::default();
    for turn in 1..=plan.turns() {
        for program in plan.programs_of(turn) {
            eprintln!("\n==> {program}, turn {turn} of {}", plan.turns());
            let file = folder.join(format!("{program}.json"));
            let _ = fs::remove_file(&file);
            let path = file.to_string_lossy().into_owned();
            let executable = built
                .get(program)
                .ok_or_else(|| Failure::new(format!("cargo built no benchmark `{program}`")))?;
            let mut line = vec!["--bench"];
            line.extend(plan.arguments());
            line.extend(["--json", &path]);
            if program == plan::SCALE {
                line.extend(["--plots", &plots]);
            }
            Run::program(workspace.root(), executable, line).heard()?;
            samples.read(&file)?;
        }
    }
    if plan.has(plan::PYTHON) {
        eprintln!("\n==> python");
        match python::measured(workspace, choice.quick) {
            Ok(text) => samples.add(&text)?,
            // An index that does not answer takes nothing from the other figures.
            Err(failure) => eprintln!("xtask: {failure}; the Python peers are left out"),
        }
        samples.copy("step", "tta, sampled, workflow of 3", "python");
    }
    Ok(samples)
}

fn write(path: &Path, text: &str) -> Result {
    fs::write(path, text)
        .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))?;
    eprintln!("wrote {}", path.display());
    Ok(())
}

const BENCHES: &str = "tta-benches";
const BUDGETS: &str = "benches/budgets.json";
const CURVES: &str = "docs/benchmarks";
const PAGE: &str = "docs/benchmarks.md";
