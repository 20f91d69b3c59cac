//! Running a scenario of this program in a process of its own.

use std::collections::HashMap;
use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::{clock, ending, exhausted, forked, signals};

/// Runs what the parent process asks for; the tests that ask look at what it says.
#[test]
fn a_scenario_runs_in_a_process_of_its_own() {
    // Not a child: nobody asked for one.
    let Ok(scenario) = std::env::var(SCENARIO) else {
        return;
    };
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        hook(panic);
    }));
    match scenario.as_str() {
        "works" => ending::works(),
        "works_and_exits" => ending::works_and_exits(),
        "waits_in_async_code" => signals::waits_in_async_code(),
        "waits_without" => signals::waits_without(),
        "serves_until_told" => signals::serves_until_told(),
        "forks" => forked::forks(),
        "has_no_threads" => exhausted::has_no_threads(),
        "has_no_descriptors" => exhausted::has_no_descriptors(),
        "has_little_memory" => exhausted::has_little_memory(),
        "sees_the_clock_jump" => clock::sees_it_jump(),
        other => panic!("there is no scenario {other}"),
    }
    say("panics", PANICS.load(Ordering::Relaxed));
}

/// This program, as a scenario of it is started; `around` is what starts it, if anything does.
pub(crate) fn scenario(name: &str, around: &[&str]) -> Command {
    let program = std::env::current_exe().unwrap();
    let mut command = match around {
        [] => Command::new(program),
        [first, rest @ ..] => {
            let mut command = Command::new(first);
            command.args(rest).arg(program);
            command
        }
    };
    command
        .args(["--exact", "--nocapture", "--test-threads=1"])
        .arg("child::a_scenario_runs_in_a_process_of_its_own")
        .env(SCENARIO, name)
        .stdout(Stdio::piped());
    command
}

/// A scenario that runs.
pub(crate) struct Running {
    pub(crate) process: Child,
    lines: BufReader<ChildStdout>,
    said: HashMap<String, String>,
}

impl Running {
    pub(crate) fn start(mut command: Command) -> Self {
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap());
        Self {
            process,
            lines,
            said: HashMap::new(),
        }
    }

    /// Reads until it has said this, and gives what it said of it.
    pub(crate) fn wait_for(&mut self, name: &str) -> String {
        while !self.said.contains_key(name) {
            assert!(
                self.read(),
                "it ended without saying {name}: {:?}",
                self.said
            );
        }
        self.said.get(name).unwrap().clone()
    }

    /// The next time it says this; none when it ends before.
    pub(crate) fn wait_for_next(&mut self, name: &str) -> Option<String> {
        self.said.remove(name);
        while !self.said.contains_key(name) {
            if !self.read() {
                return None;
            }
        }
        self.said.get(name).cloned()
    }

    /// Reads to the end; what it has said last of each thing, and how it ended.
    pub(crate) fn end(mut self) -> (HashMap<String, String>, ExitStatus) {
        while self.read() {}
        let status = self.process.wait().unwrap();
        (std::mem::take(&mut self.said), status)
    }

    pub(crate) fn send(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
    }

    fn read(&mut self) -> bool {
        let mut line = Vec::new();
        let read = self.lines.read_until(b'\n', &mut line).unwrap();
        let line = String::from_utf8_lossy(&line).into_owned();
        if let Some((name, value)) = line.strip_prefix(MARK).and_then(|it| it.split_once('=')) {
            let value = value.trim_end_matches('\n').to_owned();
            self.said.insert(name.to_owned(), value);
        }
        read > 0
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only where the test has failed is it still there.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says something to the parent process.
pub(crate) fn say(name: &str, value: impl Display) {
    let mut out = std::io::stdout().lock();
    // A line of its own, whatever the test harness has begun.
    writeln!(out, "\n{MARK}{name}={value}").unwrap();
    out.flush().unwrap();
}

/// What the parent process has set.
pub(crate) fn told(name: &str) -> String {
    std::env::var(name).unwrap()
}

/// How much CPU time this process takes in a while in which it does nothing, as a share of a core.
pub(crate) fn share_of_a_core(span: Duration) -> f64 {
    // Without a file: this process may have no descriptor left.
    let used = || {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
    };
    let (began, before) = (Instant::now(), used());
    std::thread::sleep(span);
    (used() - before) / began.elapsed().as_secs_f64()
}

/// Panics of this process on any thread, those that are caught among them.
static PANICS: AtomicUsize = AtomicUsize::new(0);

pub(crate) const ENDPOINT: &str = "TTA_TEST_ENDPOINT";
const SCENARIO: &str = "TTA_TEST_SCENARIO";
const MARK: &str = "said:";
