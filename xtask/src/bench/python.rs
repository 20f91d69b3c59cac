//! The peers that are written in Python.

use std::path::PathBuf;

use crate::command::{Result, Run};
use crate::workspace::Workspace;

/// The figures of `benches/python/chain.py`, run in an environment of its own: the one that the
/// tests use has pinned judges, whose versions a peer must not move.
pub(crate) fn measured(workspace: &Workspace, quick: bool) -> Result<String> {
    let root = workspace.root();
    let environment = environment(workspace);
    let python = environment.join("bin/python");
    if !python.exists() {
        let folder = environment.to_string_lossy().into_owned();
        Run::program(root, "python3", ["-m", "venv", "--clear", &folder]).heard()?;
    }
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    Run::program(root, &python, install.iter().chain(&[PEER])).heard()?;
    let script = ["benches/python/chain.py", if quick { "10" } else { "40" }];
    // It reports to nobody, whatever the user's own settings say.
    Run::program(root, &python, script)
        .env("LANGCHAIN_TRACING_V2", "false")
        .env("LANGSMITH_TRACING", "false")
        .captured()
}

fn environment(workspace: &Workspace) -> PathBuf {
    workspace.root().join("target/tta-python-peers")
}

/// The newest whose own dependencies can be installed.
const PEER: &str = "langchain-core";
