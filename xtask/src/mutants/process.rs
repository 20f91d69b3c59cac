//! One run of a test binary, ended at its first failure.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// The test of this name failed; none where the binary fell over.
    Failed(String),
    /// For so long no test ended.
    Clock,
}

/// Runs a test binary until a test fails, or none ends for so long; then ends all that it started.
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
    let lines = lines(&mut child);
    let mut until = Instant::now() + limit;
    let mut ended = Ended::Clock;
    while Instant::now() < until {
        match lines.recv_timeout(PAUSE) {
            Ok(line) => {
                if let Some(test) = failed_test(&line) {
                    ended = Ended::Failed(test.to_owned());
                    break;
                }
                // On a busy machine all takes longer, but it goes on.
                until = Instant::now() + limit;
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => thread::sleep(PAUSE),
        }
        if let Ok(Some(status)) = child.try_wait() {
            if status.success() {
                return Ended::Passed;
            }
            let rest = std::iter::from_fn(|| lines.recv_timeout(PAUSE).ok());
            let test = rest.filter_map(|line| failed_test(&line).map(str::to_owned));
            ended = Ended::Failed({ test }.next().unwrap_or_default());
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

/// What it says, as soon as it is said.
fn lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (say, lines) = mpsc::channel();
    if let Some(stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut reader = BufReader::new(stdout);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).unwrap_or(0) > 0 {
                if say
                    .send(String::from_utf8_lossy(&line).into_owned())
                    .is_err()
                {
                    break;
                }
                line.clear();
            }
        });
    }
    lines
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
        let long = Duration::from_mins(1);
        assert_eq!(shell("echo 'test a ... ok'", long), Ended::Passed);
        let failed = |test: &str| Ended::Failed(test.to_owned());
        let line = "echo 'test a::b ... FAILED'; sleep 600";
        assert_eq!(shell(line, long), failed("a::b"));
        assert_eq!(shell("exit 3", long), failed(""));
        assert_eq!(shell("sleep 600", Duration::from_millis(50)), Ended::Clock);
    }

    #[test]
    fn a_run_that_goes_on_is_given_time() {
        let line = "for i in 1 2 3 4; do sleep 1; echo; done";
        assert_eq!(shell(line, Duration::from_secs(3)), Ended::Passed);
    }

    #[test]
    fn a_server_that_outlives_the_binary_does_not_hold_it_up() {
        let line = "sleep 5 & exit 0";
        assert_eq!(shell(line, Duration::from_mins(1)), Ended::Passed);
    }

    #[test]
    fn only_a_line_of_a_failure_names_a_test() {
        assert_eq!(failed_test("test a::b ... FAILED\n"), Some("a::b"));
        assert_eq!(failed_test("test a::b ... ok\n"), None);
        assert_eq!(failed_test("failures:\n"), None);
    }
}
