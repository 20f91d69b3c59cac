//! The test binaries of a crate, run for one mutant after the other.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Failure, Result};

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
    /// A test failed, in the binary of this name.
    Failed(String),
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
    timed: Vec<(Binary, Duration)>,
}

impl Suite {
    /// Runs every binary unmutated.
    ///
    /// # Errors
    ///
    /// Where a test fails.
    pub(crate) fn timed(
        binaries: Vec<Binary>,
        folder: &Path,
        package: &str,
        venv: PathBuf,
    ) -> Result<Self> {
        let mut suite = Self {
            folder: folder.to_owned(),
            package: package.to_owned(),
            venv,
            timed: Vec::new(),
        };
        for binary in binaries {
            if !suite.is_ever_run(&binary) {
                continue;
            }
            if !suite.has_chooser(&binary) {
                eprintln!("  `{}` has nothing of the crate in it", binary.name);
                continue;
            }
            let begun = Instant::now();
            match suite.run(&binary, 0, BASELINE) {
                Verdict::Passed => suite.timed.push((binary, begun.elapsed())),
                verdict => {
                    let name = binary.name;
                    let message = format!("`{name}` does not pass without a mutant: {verdict:?}");
                    return Err(Failure::new(message));
                }
            }
        }
        suite
            .timed
            .sort_by_key(|(binary, took)| (is_slow(&binary.name), *took));
        Ok(suite)
    }

    /// The same binaries, built anew.
    pub(crate) fn rebuilt(&self, binaries: &[Binary]) -> Self {
        let timed = self.timed.iter().filter_map(|(old, took)| {
            let new = binaries.iter().find(|new| new.name == old.name)?;
            Some((new.clone(), *took))
        });
        Self {
            folder: self.folder.clone(),
            package: self.package.clone(),
            venv: self.venv.clone(),
            timed: timed.collect(),
        }
    }

    /// The binaries and what each takes, for people.
    pub(crate) fn line(&self) -> String {
        let parts: Vec<_> = self
            .timed
            .iter()
            .map(|(binary, took)| format!("{} {:.1} s", binary.name, took.as_secs_f64()))
            .collect();
        parts.join(", ")
    }

    /// Runs the binaries until one fails.
    pub(crate) fn judge(&self, number: usize, file: &str) -> Verdict {
        for (binary, took) in &self.timed {
            if !concerns(&self.package, &binary.name, file) {
                continue;
            }
            let limit = (*took * 3).max(LEAST);
            let mut verdict = self.run(binary, number, limit);
            if verdict != Verdict::Passed && is_slow(&binary.name) {
                // A figure that a busy machine missed is no catch.
                verdict = self.run(binary, number, limit);
            }
            if verdict != Verdict::Passed {
                return verdict;
            }
        }
        Verdict::Passed
    }

    /// The cache's faults are minutes of fuzzing, and goals that a busy machine misses.
    fn is_ever_run(&self, binary: &Binary) -> bool {
        !(self.package == "tta-cache" && binary.name == "faults")
    }

    fn has_chooser(&self, binary: &Binary) -> bool {
        let (value, code) = PROBE;
        let mut command = Command::new(&binary.path);
        command.env(VARIABLE, value).current_dir(&self.folder);
        let output = command.arg("--list").output();
        output.is_ok_and(|output| output.status.code() == Some(code))
    }

    fn run(&self, binary: &Binary, number: usize, limit: Duration) -> Verdict {
        let mut command = Command::new("nice");
        command.args(["-n", "5"]).arg(&binary.path);
        for (name, test) in SKIPPED {
            if *name == binary.name {
                command.args(["--skip", test]);
            }
        }
        if binary.name.starts_with("redis") {
            command.args(["--test-threads", THREADS]);
        }
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") {
                command.env_remove(&name);
            }
        }
        let child = command
            .current_dir(&self.folder)
            .env("CARGO_MANIFEST_DIR", &self.folder)
            .env("CARGO_PKG_NAME", &self.package)
            .env("TTA_VENV", &self.venv)
            .env("PROPTEST_DISABLE_FAILURE_PERSISTENCE", "1")
            .env("PROPTEST_MAX_SHRINK_ITERS", "0")
            .env("RUST_BACKTRACE", "0")
            .env(VARIABLE, number.to_string())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn();
        let failed = || Verdict::Failed(binary.name.clone());
        let Ok(mut child) = child else {
            return failed();
        };
        let heard = hear(&mut child, limit);
        let passed = match heard {
            Heard::End => child.wait().is_ok_and(|status| status.success()),
            Heard::Failure | Heard::Nothing => {
                end(&mut child);
                false
            }
        };
        match (passed, heard) {
            (true, _) => Verdict::Passed,
            (false, Heard::Nothing) => Verdict::Clock(binary.name.clone()),
            (false, _) => failed(),
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    End,
    Failure,
    /// Neither, within the time there was.
    Nothing,
}

/// Waits for the first test that fails, or the end of the binary.
///
/// The end of its output is no sign: a server that a test has started may hold it open.
fn hear(child: &mut Child, limit: Duration) -> Heard {
    let Some(stdout) = child.stdout.take() else {
        return Heard::End;
    };
    let (say, heard) = mpsc::channel();
    thread::spawn(move || {
        let mut reader = BufReader::new(stdout);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
            if line.starts_with(b"test ") && line.ends_with(b"... FAILED\n") {
                let _ = say.send(());
            }
            line.clear();
        }
    });
    let end = Instant::now() + limit;
    while Instant::now() < end {
        if heard.recv_timeout(PAUSE).is_ok() {
            return Heard::Failure;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return Heard::End;
        }
        if heard.try_recv().is_ok() {
            return Heard::Failure;
        }
    }
    Heard::Nothing
}

/// Ends a binary with all that it started.
fn end(child: &mut Child) {
    let group = format!("-{}", child.id());
    let _ = Command::new("kill").args(["-KILL", "--", &group]).status();
    let _ = child.wait();
}

/// Those that measure, and those that start servers.
fn is_slow(binary: &str) -> bool {
    matches!(binary, "faults" | "redis" | "redis_faults")
}

/// Whether a binary could notice a change of this file; what takes long is run for what it is about.
fn concerns(package: &str, binary: &str, file: &str) -> bool {
    if package != "tta-cache" {
        return true;
    }
    let is_of_redis = file.contains("/src/redis");
    match binary {
        "unit tests" => true,
        "redis" => is_of_redis || file.contains("/src/outside") || file.ends_with("/remote.rs"),
        "redis_faults" => is_of_redis,
        "flight_model" => file.ends_with("/flight.rs"),
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

/// How often a binary is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// The least time for a binary to end.
const LEAST: Duration = Duration::from_secs(20);

/// For a binary without a mutant.
const BASELINE: Duration = Duration::from_secs(600);
