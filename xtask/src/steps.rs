//! Runs a list of steps and says at the end how each went.
//!
//! On a terminal a step is quiet behind a progress bar and its output is kept in a log. Elsewhere
//! (CI) everything is heard, under one plain line per step.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use crate::command::{Failure, Result, Run};
use crate::workspace::Workspace;

/// A named piece of work.
pub(crate) struct Step<'a> {
    name: String,
    work: Work<'a>,
}

type Work<'a> = Box<dyn FnOnce(&Voice<'_>) -> Result<Outcome> + 'a>;

/// What became of a step that did not fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Skipped(String),
}

/// How a step may speak: heard, or quiet behind the bar.
pub(crate) struct Voice<'a> {
    workspace: &'a Workspace,
    step: String,
    bar: Option<ProgressBar>,
}

impl<'a> Step<'a> {
    pub(crate) fn new(
        name: impl Into<String>,
        work: impl FnOnce(&Voice<'_>) -> Result + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            work: Box::new(move |voice| work(voice).map(|()| Outcome::Done)),
        }
    }

    /// A step that may find that it cannot be done here.
    pub(crate) fn that_may_skip(
        name: impl Into<String>,
        work: impl FnOnce(&Voice<'_>) -> Result<Outcome> + 'a,
    ) -> Self {
        Self {
            name: name.into(),
            work: Box::new(work),
        }
    }

    /// A step that needs a package which this workspace may not have.
    ///
    /// A developer in the middle of something skips it; CI must not be green for what it never
    /// ran, so there its absence is a failure.
    pub(crate) fn needing(
        package: &'static str,
        name: impl Into<String>,
        workspace: &Workspace,
        work: impl FnOnce(&Voice<'_>) -> Result + 'a,
    ) -> Self {
        if workspace.package(package).is_some() {
            return Self::new(name, work);
        }
        let why = format!("the workspace has no package `{package}`");
        let absent = move |_: &Voice<'_>| {
            if in_ci() {
                Err(Failure::new(why))
            } else {
                Ok(Outcome::Skipped(why))
            }
        };
        Self {
            name: name.into(),
            work: Box::new(absent),
        }
    }
}

impl Voice<'_> {
    /// Runs one command of this step.
    pub(crate) fn run(&self, command: Run) -> Result {
        match self.bar {
            Some(_) => command.quiet(&self.workspace.log(&self.step)),
            None => command.heard(),
        }
    }

    /// Says something that must be seen whatever the voice.
    pub(crate) fn say(&self, line: &str) {
        match &self.bar {
            Some(bar) => bar.println(line),
            None => eprintln!("{line}"),
        }
    }
}

/// Runs all steps, a failed one not keeping the next from running, and names what failed.
pub(crate) fn run(workspace: &Workspace, title: &str, steps: Vec<Step<'_>>) -> Result {
    let count = steps.len();
    let bar = std::io::stderr()
        .is_terminal()
        .then(|| progress_bar(count as u64));
    let mut report = Vec::with_capacity(count);
    for (index, step) in steps.into_iter().enumerate() {
        match &bar {
            Some(bar) => bar.set_message(step.name.clone()),
            None => eprintln!("\n==> [{}/{count}] {}", index + 1, step.name),
        }
        let voice = Voice {
            workspace,
            step: step.name.clone(),
            bar: bar.clone(),
        };
        let start = Instant::now();
        let outcome = (step.work)(&voice);
        if let Err(failure) = &outcome {
            voice.say(&format!("{}: {failure}", step.name));
        }
        report.push((step.name, start.elapsed(), outcome));
        if let Some(bar) = &bar {
            bar.inc(1);
        }
    }
    if let Some(bar) = bar {
        bar.finish_and_clear();
    }
    conclude(title, report)
}

/// Whether this is a run that nobody watches and whose green must mean something.
fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|ci| !ci.is_empty() && ci != "false")
}

fn conclude(title: &str, report: Vec<(String, Duration, Result<Outcome>)>) -> Result {
    eprintln!();
    let mut failed = Vec::new();
    for (name, took, outcome) in report {
        let seconds = took.as_secs_f64();
        match outcome {
            Ok(Outcome::Done) => eprintln!("  ok      {seconds:>7.1} s  {name}"),
            Ok(Outcome::Skipped(why)) => eprintln!("  skipped {seconds:>7.1} s  {name}: {why}"),
            Err(failure) => {
                let code = failure.code();
                eprintln!("  FAILED  {seconds:>7.1} s  {name} (exit code {code})");
                failed.push((name, failure));
            }
        }
    }
    let Some((_, first)) = failed.first().cloned() else {
        return Ok(());
    };
    let names: Vec<&str> = failed.iter().map(|(name, _)| name.as_str()).collect();
    Err(first.renamed(format!("{title} failed: {}", names.join(", "))))
}

fn progress_bar(steps: u64) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    let style = ProgressStyle::with_template("{spinner} [{pos}/{len}] {bar:24} {elapsed} {msg}");
    if let Ok(style) = style {
        bar.set_style(style);
    }
    bar.enable_steady_tick(TICK);
    bar
}

const TICK: Duration = Duration::from_millis(120);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_failure_gives_the_exit_code_and_all_are_named() {
        let report = vec![
            ("format".to_owned(), Duration::ZERO, Ok(Outcome::Done)),
            (
                "clippy".to_owned(),
                Duration::ZERO,
                Err(Failure::new("red").with_code(101)),
            ),
            (
                "docs".to_owned(),
                Duration::ZERO,
                Ok(Outcome::Skipped("no package".into())),
            ),
            (
                "demo".to_owned(),
                Duration::ZERO,
                Err(Failure::new("red").with_code(3)),
            ),
        ];
        let failure = conclude("ci", report).unwrap_err();
        assert_eq!(failure.code(), 101);
        assert_eq!(failure.to_string(), "ci failed: clippy, demo");
    }
}
