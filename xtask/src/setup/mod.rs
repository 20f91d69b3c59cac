//! Installs what the tests need, and says what is missing where it cannot.

mod debian;
mod python;

use crate::command::{Failure, Result};
use crate::steps::{self, Step};
use crate::workspace::Workspace;

/// Installs what is missing; at once when nothing is.
pub(crate) fn install(workspace: &Workspace) -> Result {
    let missing = missing(workspace);
    if missing.is_empty() {
        eprintln!(
            "setup: all there (redis-server, prometheus, promtool, alertmanager, amtool, rotel-agent)"
        );
        return Ok(());
    }
    eprintln!("setup: missing {}", missing.join(", "));
    let steps = vec![
        Step::new("Debian packages", |voice| {
            debian::install(workspace.root(), voice)
        }),
        Step::new("Python environment", |voice| {
            python::install(workspace, voice)
        }),
    ];
    steps::run(workspace, "setup", steps)
}

/// Says what is missing, and installs nothing.
pub(crate) fn check(workspace: &Workspace) -> Result {
    let missing = missing(workspace);
    if missing.is_empty() {
        eprintln!(
            "setup: all there (redis-server, prometheus, promtool, alertmanager, amtool, rotel-agent)"
        );
        return Ok(());
    }
    Err(Failure::new(format!(
        "missing {}; run `cargo xtask setup`",
        missing.join(", ")
    )))
}

fn missing(workspace: &Workspace) -> Vec<String> {
    let mut missing = debian::missing();
    missing.extend(python::missing(workspace));
    missing
}
