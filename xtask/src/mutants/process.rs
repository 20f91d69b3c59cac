//! One run of a test binary, ended at its first failure.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// The test of this name failed; none where the binary fell over.
    Failed(String),
    /// It did not end in time.
    Clock,
}

/// Runs a test binary until a test fails, and then ends all that it started.
///
/// The end of its output is no sign: a server that a test has started may hold it open.
pub(crate) fn run(mut command: Command, limit: Duration) -> Ended {
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn();
    let Ok(mut child) = child else {
        return Ended::Failed(String::new());
    };
    let failures = failures(&mut child);
    let until = Instant::now() + limit;
    let mut ended = Ended::Clock;
    while Instant::now() < until {
        if let Ok(test) = failures.recv_timeout(PAUSE) {
            ended = Ended::Failed(test);
            break;
        }
        if let Ok(Some(status)) = child.try_wait() {
            if status.success() {
                return Ended::Passed;
            }
            let test = failures.recv_timeout(PAUSE).unwrap_or_default();
            ended = Ended::Failed(test);
            break;
        }
    }
    let group = format!("-{}", child.id());
    let mut kill = Command::new("kill");
    let kill = kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
    let _ = kill.status();
    let _ = child.wait();
    ended
}

/// The names of the tests that fail, as soon as they have.
fn failures(child: &mut Child) -> mpsc::Receiver<String> {
    let (say, failures) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
                if let Some(test) = failed_test(&String::from_utf8_lossy(&line)) {
                    let _ = say.send(test.to_owned());
                }
                line.clear();
            }
        });
    }
    failures
}

/// The test of `test a::b ... FAILED`.
fn failed_test(line: &str) -> Option<&str> {
    let (test, rest) = line.strip_prefix("test ")?.split_once(" ... ")?;
    rest.trim_end().ends_with("FAILED").then_some(test)
}

/// How often a binary is asked whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(line: &str, limit: Duration) -> Ended {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        run(command, limit)
    }

    #[test]
    fn a_run_passes_fails_at_its_first_failure_or_does_not_end() {
        let long = Duration::from_secs(60);
        assert_eq!(shell("echo 'test a ... ok'", long), Ended::Passed);
        let failed = |test: &str| Ended::Failed(test.to_owned());
        let line = "echo 'test a::b ... FAILED'; sleep 600";
        assert_eq!(shell(line, long), failed("a::b"));
        assert_eq!(shell("exit 3", long), failed(""));
        assert_eq!(shell("sleep 600", Duration::from_millis(50)), Ended::Clock);
    }

    #[test]
    fn a_server_that_outlives_the_binary_does_not_hold_it_up() {
        let line = "sleep 5 & exit 0";
        assert_eq!(shell(line, Duration::from_secs(60)), Ended::Passed);
    }

    #[test]
    fn only_a_line_of_a_failure_names_a_test() {
        assert_eq!(failed_test("test a::b ... FAILED\n"), Some("a::b"));
        assert_eq!(failed_test("test a::b ... ok\n"), None);
        assert_eq!(failed_test("failures:\n"), None);
    }
}
