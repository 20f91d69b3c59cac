//! `cargo test`, heard line by line and summed up at the end.

use std::io::{IsTerminal, Write};

use crate::command::{Result, Run};
use crate::faults;
use crate::workspace::Workspace;

/// Runs the tests; `args` replace the choice of packages, or go on after it.
///
/// Without any, the tests that inject faults come last and one after the other: each puts a load on
/// the machine, and a figure is none that another test took part in.
pub(crate) fn run(workspace: &Workspace, args: &[String]) -> Result {
    let mut tally = Tally::default();
    let done = if args.is_empty() {
        let mut others = vec!["--".to_owned()];
        for filter in faults::filters(workspace)? {
            others.extend(["--skip".to_owned(), filter]);
        }
        let others = all_at_once(workspace, &others, &mut tally);
        others.and(faults::check(workspace, |line| tally.hear(line)))
    } else {
        all_at_once(workspace, args, &mut tally)
    };
    eprintln!("\n{}", tally.line());
    done
}

fn all_at_once(workspace: &Workspace, args: &[String], tally: &mut Tally) -> Result {
    let mut line = vec![
        "test".to_owned(),
        "--all-features".to_owned(),
        "--no-fail-fast".to_owned(),
    ];
    if !chooses_packages(args) {
        line.push("--workspace".to_owned());
    }
    line.extend(args.iter().cloned());
    let mut run = Run::cargo(workspace, &line).env("TTA_VENV", workspace.venv());
    if std::io::stdout().is_terminal() {
        // Our pipe hides the terminal from the tests.
        run = run.env("CARGO_TERM_COLOR", "always");
    }
    run.by_line(|line| tally.hear(line))
}

/// What the lines of every test binary add up to.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    passed: u64,
    failed: u64,
    ignored: u64,
    skipped: u64,
    binaries: u64,
}

impl Tally {
    /// Passes a line on and counts what it says.
    fn hear(&mut self, line: &[u8]) {
        self.read(&String::from_utf8_lossy(line));
        // A closed standard output is no reason to stop testing.
        let _ = std::io::stdout().write_all(line);
    }

    fn read(&mut self, line: &str) {
        if line.contains("SKIPPED: ") {
            self.skipped += 1;
        }
        let Some((_, counts)) = line.split_once("test result: ") else {
            return;
        };
        self.binaries += 1;
        // "ok. 3 passed; 0 failed; 1 ignored; …", with colours around the verdict.
        for part in counts.split(['.', ';']) {
            let mut words = part.split_whitespace();
            if let (Some(Ok(count)), Some(word)) =
                (words.next().map(str::parse::<u64>), words.next())
            {
                match word {
                    "passed" => self.passed += count,
                    "failed" => self.failed += count,
                    "ignored" => self.ignored += count,
                    _ => {}
                }
            }
        }
    }

    fn line(&self) -> String {
        let Self {
            passed,
            failed,
            ignored,
            skipped,
            binaries,
        } = self;
        format!(
            "tests: {passed} passed, {failed} failed, {ignored} ignored \
             ({skipped} of the passed SKIPPED for lack of a server) in {binaries} binaries"
        )
    }
}

fn chooses_packages(args: &[String]) -> bool {
    args.iter().take_while(|arg| *arg != "--").any(|arg| {
        arg.starts_with("-p") || arg.starts_with("--package") || arg.starts_with("--workspace")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_all_binaries_are_added_up() {
        let mut tally = Tally::default();
        for line in [
            "test a ... SKIPPED: no redis-server; run `cargo xtask setup`",
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 2 filtered out; finished in 0.52s",
            "test result: \u{1b}[31mFAILED\u{1b}[0m. 4 passed; 2 failed; 0 ignored; 0 measured",
        ] {
            tally.read(line);
        }
        let expected = Tally {
            passed: 7,
            failed: 2,
            ignored: 1,
            skipped: 1,
            binaries: 2,
        };
        assert_eq!(tally, expected);
    }

    #[test]
    fn a_chosen_package_replaces_the_whole_workspace() {
        let args = |line: &str| line.split(' ').map(str::to_owned).collect::<Vec<_>>();
        assert!(chooses_packages(&args("-p tta-core")));
        assert!(chooses_packages(&args("--package=tta-core")));
        assert!(!chooses_packages(&args("a_name -- -p")));
    }
}
