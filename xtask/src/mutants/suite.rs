//! The test binaries of a crate, run for one mutant after the other.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use crate::command::{Failure, Result};

use super::build::UNIT_TESTS;
use super::process::{self, Ended};
use super::schema::{PROBE, VARIABLE};

/// One test binary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Binary {
    pub(crate) name: String,
    pub(crate) path: PathBuf,
}

/// What the tests said of a mutant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// A test failed.
    Failed,
    /// A binary did not end in time.
    Clock(String),
    Passed,
}

/// The binaries in the order in which they are run, each with the time it takes unmutated.
#[derive(Debug)]
pub(crate) struct Suite {
    folder: PathBuf,
    package: String,
    venv: PathBuf,
    timed: Vec<Timed>,
}

#[derive(Debug, Clone)]
struct Timed {
    binary: Binary,
    took: Duration,
    /// Tests that are not run.
    skipped: Vec<String>,
}

impl Suite {
    /// Runs every binary unmutated that could notice a change of one of these files.
    ///
    /// # Errors
    ///
    /// Where a test fails.
    pub(crate) fn timed(
        binaries: Vec<Binary>,
        folder: &Path,
        package: &str,
        venv: PathBuf,
        files: &BTreeSet<&str>,
    ) -> Result<Self> {
        let mut suite = Self {
            folder: folder.to_owned(),
            package: package.to_owned(),
            venv,
            timed: Vec::new(),
        };
        for binary in binaries {
            let could_notice = |file: &&str| concerns(package, &binary.name, file);
            if !suite.is_ever_run(&binary) || !files.iter().any(could_notice) {
                continue;
            }
            if !suite.has_chooser(&binary) {
                eprintln!("  `{}` has nothing of the crate in it", binary.name);
                continue;
            }
            let timed = suite.unmutated(binary)?;
            suite.timed.push(timed);
        }
        suite
            .timed
            .sort_by_key(|timed| (is_slow(&timed.binary.name), timed.took));
        Ok(suite)
    }

    /// Times a binary, without those tests of a slow one that fail on a busy machine.
    fn unmutated(&self, binary: Binary) -> Result<Timed> {
        let skipped = SKIPPED.iter().filter(|(name, _)| *name == binary.name);
        let mut timed = Timed {
            skipped: skipped.map(|(_, test)| (*test).to_owned()).collect(),
            binary,
            took: Duration::ZERO,
        };
        loop {
            let begun = Instant::now();
            let ended = self.run(&timed, 0, BASELINE, None);
            timed.took = begun.elapsed();
            let name = &timed.binary.name;
            match ended {
                Ended::Passed => return Ok(timed),
                Ended::Failed(test) if is_slow(name) && !timed.skipped.contains(&test) => {
                    eprintln!("  left out, since it fails without a mutant: {name} {test}");
                    timed.skipped.push(test);
                }
                ended => {
                    let message = format!("`{name}` does not pass without a mutant: {ended:?}");
                    return Err(Failure::new(message));
                }
            }
        }
    }

    /// The same binaries, built anew.
    pub(crate) fn rebuilt(&self, binaries: &[Binary]) -> Self {
        let timed = self.timed.iter().filter_map(|old| {
            let new = binaries.iter().find(|new| new.name == old.binary.name)?;
            Some(Timed {
                binary: new.clone(),
                ..old.clone()
            })
        });
        Self {
            folder: self.folder.clone(),
            package: self.package.clone(),
            venv: self.venv.clone(),
            timed: timed.collect(),
        }
    }

    /// The binaries that could notice a change of this file, in the order in which they are run.
    pub(crate) fn names(&self, file: &str) -> Vec<String> {
        let names = self.timed.iter().map(|timed| timed.binary.name.clone());
        names
            .filter(|name| concerns(&self.package, name, file))
            .collect()
    }

    /// The binaries and what each takes, for people.
    pub(crate) fn line(&self) -> String {
        let parts: Vec<_> = self
            .timed
            .iter()
            .map(|it| format!("{} {:.1} s", it.binary.name, it.took.as_secs_f64()))
            .collect();
        parts.join(", ")
    }

    /// Runs the binaries until one fails.
    pub(crate) fn judge(&self, number: usize, file: &str) -> Verdict {
        for timed in &self.timed {
            if !concerns(&self.package, &timed.binary.name, file) {
                continue;
            }
            match self.ended(timed, number) {
                Ended::Passed => {}
                Ended::Failed(_) => return Verdict::Failed,
                Ended::Clock => return Verdict::Clock(timed.binary.name.clone()),
            }
        }
        Verdict::Passed
    }

    /// How a binary ends, for which a figure that a busy machine missed is no failure.
    fn ended(&self, timed: &Timed, number: usize) -> Ended {
        let mut timed = timed.clone();
        loop {
            let limit = timed.limit();
            let ended = match self.run(&timed, number, limit, None) {
                Ended::Clock => self.once_more(&timed, number, limit),
                ended => ended,
            };
            let Ended::Failed(test) = &ended else {
                return ended;
            };
            let only = (!test.is_empty()).then_some(&**test);
            let again = |_| self.run(&timed, number, limit, only) != Ended::Passed;
            if (0..times_again(&timed.binary.name, test)).all(again) {
                return ended;
            }
            if only.is_none() {
                return Ended::Passed;
            }
            // The run ended there; what another test would have said is not known yet.
            timed.skipped.push(test.clone());
        }
    }

    /// A second run of what the clock has ended, for which the binary is timed anew: the machine may
    /// be busier than it was at first.
    fn once_more(&self, timed: &Timed, number: usize, before: Duration) -> Ended {
        let begun = Instant::now();
        let _ = self.run(timed, 0, BASELINE, None);
        let again = Timed {
            took: begun.elapsed(),
            ..timed.clone()
        };
        self.run(timed, number, again.limit().max(before), None)
    }

    /// The cache's faults are minutes of fuzzing, and goals that a busy machine misses; its model
    /// goes through all schedules, which takes most of a minute.
    fn is_ever_run(&self, binary: &Binary) -> bool {
        !(self.package == "tta-cache" && matches!(&*binary.name, "faults" | "flight_model"))
    }

    fn has_chooser(&self, binary: &Binary) -> bool {
        let (value, code) = PROBE;
        let mut command = Command::new(&binary.path);
        command.env(VARIABLE, value).current_dir(&self.folder);
        let output = command.arg("--list").output();
        output.is_ok_and(|output| output.status.code() == Some(code))
    }

    fn run(&self, timed: &Timed, number: usize, limit: Duration, only: Option<&str>) -> Ended {
        let mut command = Command::new("nice");
        command.args(["-n", "5"]).arg(&timed.binary.path);
        match only {
            Some(test) => command.args(["--exact", test]),
            None => command.args(timed.skipped.iter().flat_map(|test| ["--skip", test])),
        };
        if is_of_servers(&timed.binary.name) {
            command.args(["--test-threads", THREADS]);
        }
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("CARGO_PKG_") {
                command.env_remove(&name);
            }
        }
        command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_PKG_NAME", &self.package)
            .env("TTA_VENV", &self.venv)
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("RUST_BACKTRACE", "0")
            .env(VARIABLE, number.to_string());
        process::run(command, limit)
    }
}

impl Timed {
    /// For how long no test may end: three times what the whole binary takes unmutated.
    fn limit(&self) -> Duration {
        let least = if is_of_servers(&self.binary.name) {
            LEAST_OF_SERVERS
        } else {
            LEAST
        };
        (self.took * 3).max(least)
    }
}

/// Those that measure, and those that start servers.
fn is_slow(binary: &str) -> bool {
    binary == "faults" || is_of_servers(binary)
}

/// How often a test must fail again to be believed: one that measures, twice.
fn times_again(binary: &str, test: &str) -> usize {
    match (is_slow(binary), test.contains("fault_")) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    }
}

fn is_of_servers(binary: &str) -> bool {
    matches!(binary, "redis" | "redis_faults")
}

/// Whether a binary could notice a change of this file; what takes long is run for what it is about.
fn concerns(package: &str, binary: &str, file: &str) -> bool {
    if package != "tta-cache" {
        return true;
    }
    let is_of_redis = file.contains("/src/redis");
    match binary {
        UNIT_TESTS => true,
        "redis" => is_of_redis || file.contains("/src/outside") || file.ends_with("/remote.rs"),
        "redis_faults" => is_of_redis,
        _ => !is_of_redis,
    }
}

/// Tests that take more than five seconds each, by their binary.
const SKIPPED: &[(&str, &str)] = &[
    ("redis_faults", "fault_39_down_and_back_in_between"),
    ("redis_faults", "fault_40_hung"),
    ("redis_faults", "fault_41_flapping"),
    ("redis_faults", "fault_41_slow"),
    ("redis_faults", "fault_44_a_value_of_512_mib"),
    ("redis_faults", "fault_45_cancelled"),
];

/// Tests of servers wait more than they compute.
const THREADS: &str = "8";

/// The least time in which some test must end.
const LEAST: Duration = Duration::from_secs(20);

/// More than the half minute in which a test of servers gives up waiting, which is a failure of its
/// own and none of the clock.
const LEAST_OF_SERVERS: Duration = Duration::from_secs(50);

/// For a binary without a mutant.
const BASELINE: Duration = Duration::from_mins(10);
