//! `cargo xtask instructions`: what the hot paths cost in instructions, which no load moves.
//!
//! Callgrind counts every instruction of a small release program, `benches/src/bin/instructions`.
//! Each path runs twice, with one and with eleven operations in each workflow; a tenth of the
//! difference is what one more operation costs. The counts are held against a checked file.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Result, Run, find_program};
use crate::steps::{self, Outcome, Step, Voice};
use crate::workspace::Workspace;

/// What is done with the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// They are shown beside the written ones.
    Show,
    /// Those outside the band are a failure.
    Check,
    /// They become the written ones.
    Write,
}

pub(crate) fn run(workspace: &Workspace, action: Action) -> Result {
    steps::run(workspace, "instructions", vec![step(workspace, action)])
}

/// The step of the checks.
pub(crate) fn step(workspace: &Workspace, action: Action) -> Step<'_> {
    Step::that_may_skip("instructions of the hot paths", move |voice| {
        if find_program("valgrind").is_none() {
            let why = "valgrind is not installed; `cargo xtask setup` installs it".to_owned();
            let required = std::env::var("TTA_REQUIRE_SERVICES").is_ok_and(|it| it == "1");
            return if required {
                Err(Failure::new(why))
            } else {
                Ok(Outcome::Skipped(why))
            };
        }
        measure(workspace, action, voice)
    })
}

fn measure(workspace: &Workspace, action: Action, voice: &Voice<'_>) -> Result<Outcome> {
    let build = ["build", "--release", "-p", PACKAGE, "--bin", PROGRAM];
    voice.run(Run::cargo(workspace, build))?;
    let program = workspace.target().join("release").join(PROGRAM);
    let mut counted = BTreeMap::new();
    for path in Run::program(workspace.root(), &program, [""; 0])
        .captured()?
        .lines()
    {
        let [one, eleven] = [1, 1 + FURTHER].map(|operations| {
            let operations = operations.to_string();
            count(workspace, &program, path, &operations)
        });
        counted.insert(
            path.to_owned(),
            (eleven?.saturating_sub(one?)) / (ROUNDS * FURTHER),
        );
    }
    let made_with = compiler(workspace)?;
    let file = workspace.root().join(FILE);
    let written = Figures::parse(&fs::read_to_string(&file).unwrap_or_default());
    voice.say(&table(&counted, &written.counts));
    match action {
        Action::Show => Ok(Outcome::Done),
        Action::Write => {
            let figures = Figures {
                made_with,
                counts: counted,
            };
            fs::write(&file, figures.text())
                .map_err(|error| Failure::new(format!("cannot write {FILE}: {error}")))?;
            Ok(Outcome::Done)
        }
        Action::Check if written.made_with != made_with => Ok(Outcome::Skipped(format!(
            "{FILE} was written with {}, and this is {made_with}; \
             `cargo xtask instructions --write` writes it anew",
            written.made_with
        ))),
        Action::Check => verdict(&counted, &written.counts).map(|()| Outcome::Done),
    }
}

/// How many instructions a run takes from its first to its last.
fn count(workspace: &Workspace, program: &Path, path: &str, operations: &str) -> Result<u64> {
    let rounds = ROUNDS.to_string();
    let valgrind = [
        "--tool=callgrind".into(),
        "--callgrind-out-file=/dev/null".into(),
        // Standard output, where it can be read apart from what cargo and we say.
        "--log-fd=1".into(),
        program.to_path_buf(),
        PathBuf::from(path),
        PathBuf::from(rounds),
        PathBuf::from(operations),
    ];
    let said = Run::program(workspace.root(), "valgrind", valgrind).captured()?;
    collected(&said)
        .ok_or_else(|| Failure::new(format!("callgrind has not counted `{path}`: {said}")))
}

/// The sum in callgrind's last words: `==1== Collected : 1988874`.
fn collected(said: &str) -> Option<u64> {
    let (_, count) = said
        .lines()
        .find_map(|line| line.split_once("Collected :"))?;
    count.trim().parse().ok()
}

/// The compiler and the machine it compiles for: with another one the counts are others.
fn compiler(workspace: &Workspace) -> Result<String> {
    let said = Run::program(workspace.root(), "rustc", ["-vV"]).captured()?;
    let field = |name: &str| {
        said.lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
            .unwrap_or("unknown")
            .to_owned()
    };
    Ok(format!("rustc {} for {}", field("release"), field("host")))
}

/// What is written down.
#[derive(Debug, Default, PartialEq, Eq)]
struct Figures {
    made_with: String,
    counts: BTreeMap<String, u64>,
}

impl Figures {
    fn parse(text: &str) -> Self {
        let mut figures = Self::default();
        for line in text.lines() {
            if let Some(made_with) = line.strip_prefix(MADE_WITH) {
                made_with.clone_into(&mut figures.made_with);
            } else if let Some((count, path)) = line.trim().split_once("  ")
                && let Ok(count) = count.parse()
            {
                figures.counts.insert(path.trim().to_owned(), count);
            }
        }
        figures
    }

    fn text(&self) -> String {
        let mut text = format!("{HEAD}{MADE_WITH}{}\n\n", self.made_with);
        for (path, count) in &self.counts {
            let _ = writeln!(text, "{count:>6}  {path}");
        }
        text
    }
}

fn table(counted: &BTreeMap<String, u64>, written: &BTreeMap<String, u64>) -> String {
    let mut table = String::from("instructions  written  of written  path\n");
    for (path, count) in counted {
        let (figure, share) = match written.get(path) {
            Some(&figure) => (figure.to_string(), format!("{:.3}", ratio(*count, figure))),
            None => ("-".to_owned(), "-".to_owned()),
        };
        let _ = writeln!(table, "{count:>12}  {figure:>7}  {share:>10}  {path}");
    }
    table
}

/// Names each path whose count lies outside the band, that has no figure, or that is no more.
fn verdict(counted: &BTreeMap<String, u64>, written: &BTreeMap<String, u64>) -> Result {
    let mut wrong = Vec::new();
    for (path, &count) in counted {
        match written.get(path) {
            None => wrong.push(format!("`{path}` has no figure in {FILE}")),
            Some(&figure) if ratio(count, figure) > 1.0 + BAND => wrong.push(format!(
                "`{path}` takes {count} instructions, {figure} are written: find out what it pays \
                 for"
            )),
            Some(&figure) if ratio(count, figure) < 1.0 - BAND => wrong.push(format!(
                "`{path}` takes {count} instructions, fewer than the {figure} that are written: \
                 write the new figure"
            )),
            Some(_) => {}
        }
    }
    for path in written.keys().filter(|path| !counted.contains_key(*path)) {
        wrong.push(format!(
            "{FILE} has a figure for `{path}`, which is no path"
        ));
    }
    if wrong.is_empty() {
        return Ok(());
    }
    wrong.push("`cargo xtask instructions --write` writes what was counted".to_owned());
    Err(Failure::new(wrong.join("\n")))
}

fn ratio(count: u64, figure: u64) -> f64 {
    count as f64 / figure.max(1) as f64
}

const PACKAGE: &str = "tta-benches";
const PROGRAM: &str = "instructions";
const FILE: &str = "benches/instructions.txt";
const MADE_WITH: &str = "# Counted with ";
const HEAD: &str = "\
# What one more operation of each hot path costs, in instructions. `cargo xtask instructions` counts
# them, `--check` fails for one that is off by more than 5 % in either direction, and `--write`
# writes this file. The clock is one that only counts: what a real one costs is in no figure.
";

/// How far a count may be from the written one.
const BAND: f64 = 0.05;

/// So that what happens once, such as a bucket being made, is nothing.
const ROUNDS: u64 = 400;

/// The further operations of the longer run.
const FURTHER: u64 = 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn counts<const N: usize>(counts: [(&str, u64); N]) -> BTreeMap<String, u64> {
        counts.map(|(path, count)| (path.to_owned(), count)).into()
    }

    #[test]
    fn a_count_within_the_band_passes() {
        let written = counts([("step", 1_000)]);
        verdict(&counts([("step", 1_050)]), &written).unwrap();
        verdict(&counts([("step", 950)]), &written).unwrap();
    }

    #[test]
    fn a_count_above_the_band_fails_with_the_path_and_both_figures() {
        let failure = verdict(&counts([("step", 1_051)]), &counts([("step", 1_000)])).unwrap_err();
        let failure = failure.to_string();
        for word in ["`step`", "1051", "1000"] {
            assert!(failure.contains(word), "{failure}");
        }
    }

    #[test]
    fn a_count_below_the_band_asks_for_the_new_figure() {
        let failure = verdict(&counts([("step", 949)]), &counts([("step", 1_000)])).unwrap_err();
        assert!(
            failure.to_string().contains("write the new figure"),
            "{failure}"
        );
    }

    #[test]
    fn a_path_without_a_figure_and_a_figure_without_a_path_fail() {
        let failure = verdict(&counts([("new", 1)]), &counts([("gone", 1)])).unwrap_err();
        let failure = failure.to_string();
        assert!(failure.contains("`new` has no figure"), "{failure}");
        assert!(failure.contains("`gone`, which is no path"), "{failure}");
    }

    #[test]
    fn what_is_written_is_read_again() {
        let figures = Figures {
            made_with: "rustc 1.95.0 for x86_64-unknown-linux-gnu".to_owned(),
            counts: counts([("step, sampled", 1_539), ("hit", 7)]),
        };
        assert_eq!(Figures::parse(&figures.text()), figures);
    }

    #[test]
    fn the_sum_is_found_in_what_callgrind_says() {
        let said = "==7== Events    : Ir\n==7== Collected : 1988874\n==7== \n";
        assert_eq!(collected(said), Some(1_988_874));
        assert_eq!(collected("==7== killed"), None);
    }
}
