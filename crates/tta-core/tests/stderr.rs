//! What the logger of the zero-dependency mode writes, as another process sees it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;
use std::sync::Arc;

use tta_core::{Error, Level, StderrLogger, WorkflowContext, saga, step};

/// Runs this test again in a process of its own and gives back what that wrote to standard error.
fn logged_by(test: &str) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--quiet"])
        .env(CHILD, "1")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stderr).unwrap()
}

fn is_child() -> bool {
    std::env::var_os(CHILD).is_some()
}

const CHILD: &str = "TTA_CORE_STDERR_CHILD";

fn run(level: Level) {
    let ctx = WorkflowContext::builder()
        .recorder(Arc::new(StderrLogger::new(level)))
        .correlation_id("c-1")
        .build();
    let undo = step("undo", async |_: u64| {
        Err::<u64, _>(Error::msg("two\nlines and \u{1b}[31mcolour"))
    });
    let fail = step("fail", async |_: u64| Err::<u64, _>(Error::msg("no")));
    let flow = step("first", async |n: u64| Ok(n)) >> saga(fail, undo).with_name("undone");
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime
        .unwrap()
        .block_on(flow.named("logged").execute(1, &ctx))
        .unwrap_err();
}

/// The lines without the durations, which differ from run to run.
fn without_durations(text: &str) -> Vec<String> {
    let words = |line: &str| -> Vec<String> {
        let words = line
            .split(' ')
            .filter(|word| !word.starts_with("duration_ms="));
        words.map(str::to_owned).collect()
    };
    text.lines().map(|line| words(line).join(" ")).collect()
}

#[test]
fn steps_and_workflows_are_one_line_each() {
    if is_child() {
        return run(Level::Debug);
    }
    let lines = without_durations(&logged_by("steps_and_workflows_are_one_line_each"));
    assert_eq!(
        lines,
        [
            "debug primitive_execution_complete primitive=first status=success correlation_id=c-1",
            "warn primitive_execution_complete primitive=fail status=error error_type=other \
             correlation_id=c-1",
            "warn primitive_execution_complete primitive=undo status=error error_type=other \
             correlation_id=c-1",
            "error saga_compensation_failed primitive=undone error_type=other \
             error=\"two lines and \\u{1b}[31mcolour\" correlation_id=c-1",
            "debug primitive_execution_complete primitive=undone status=error error_type=other \
             correlation_id=c-1",
            "warn workflow_executed workflow_name=logged status=error error_type=other \
             correlation_id=c-1",
        ]
    );
}

#[test]
fn lines_below_the_level_are_not_written() {
    if is_child() {
        return run(Level::Error);
    }
    let text = logged_by("lines_below_the_level_are_not_written");
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(
        text.starts_with("error saga_compensation_failed "),
        "{text}"
    );
}
