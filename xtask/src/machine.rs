//! The machine that figures were measured on.

use std::fs;

use crate::command::Run;
use crate::workspace::Workspace;

/// Its processors and the compiler: "2 cores of …, rustc 1.95.0 (…)."
pub(crate) fn named(workspace: &Workspace) -> String {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let cpus = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let cpu = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("an unknown CPU", |(_, name)| name.trim());
    let rustc = Run::program(workspace.root(), "rustc", ["--version"]).captured();
    let rustc = rustc.unwrap_or_default();
    format!("{cores} cores of {cpu}, {}.", rustc.trim())
}
