//! The Python environment: an OTLP collector, and judges that are not ours.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Result, Run, find_program};
use crate::setup::debian;
use crate::steps::Voice;
use crate::workspace::Workspace;

/// Empty when the environment was made from exactly the pinned versions.
pub(super) fn missing(workspace: &Workspace) -> Vec<String> {
    let venv = workspace.venv();
    let current = fs::read_to_string(stamp(&venv)).is_ok_and(|stamp| stamp == wanted());
    // The interpreter is a link that an upgraded or moved Python leaves dangling.
    let whole = venv.join("bin/python").exists() && venv.join("bin/rotel-agent").exists();
    if current && whole {
        Vec::new()
    } else {
        vec![format!(
            "the Python environment {} ({})",
            venv.display(),
            PINNED.join(", ")
        )]
    }
}

/// Makes the environment anew, unless it is there already.
pub(super) fn install(workspace: &Workspace, voice: &Voice<'_>) -> Result {
    if missing(workspace).is_empty() {
        return Ok(());
    }
    let (root, venv) = (workspace.root(), workspace.venv());
    create(root, &venv, voice)?;
    let pip = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    voice.run(Run::program(
        root,
        venv.join("bin/python"),
        pip.iter().chain(PINNED),
    ))?;
    link_collector(&venv)?;
    // Written last: an interrupted installation has none and is made again.
    fs::write(stamp(&venv), wanted())
        .map_err(|error| Failure::new(format!("cannot write the stamp of the venv: {error}")))
}

fn create(root: &Path, venv: &Path, voice: &Voice<'_>) -> Result {
    let mut lacking = BTreeSet::new();
    if find_program("python3").is_none() {
        lacking.insert("python3");
    }
    // Debian ships the module without what it needs to put pip into an environment.
    let probe = Run::program(root, "python3", ["-c", "import ensurepip, venv"]);
    if !lacking.is_empty()
        || probe
            .quiet(&root.join("target/tta-logs/ensurepip.log"))
            .is_err()
    {
        lacking.insert("python3-venv");
    }
    if !lacking.is_empty() {
        debian::install_packages(root, voice, &lacking)?;
    }
    let args = [
        "-m".as_ref(),
        "venv".as_ref(),
        "--clear".as_ref(),
        venv.as_os_str(),
    ];
    voice.run(Run::program(root, "python3", args))
}

/// Puts the collector where programs of an environment are: its wheel keeps it among its modules,
/// under a path with Python's version in it.
fn link_collector(venv: &Path) -> Result {
    let inside = "site-packages/rotel/rotel-agent";
    let program = fs::read_dir(venv.join("lib"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|python| Path::new("../lib").join(python.file_name()).join(inside))
        .find(|program| venv.join("bin").join(program).is_file())
        .ok_or_else(|| Failure::new("the wheel of rotel has no program rotel-agent"))?;
    symlink(program, venv.join("bin/rotel-agent"))
        .map_err(|error| Failure::new(format!("cannot link rotel-agent into the venv: {error}")))
}

fn stamp(venv: &Path) -> PathBuf {
    venv.join("tta-setup.stamp")
}

fn wanted() -> String {
    PINNED.join("\n")
}

/// Exact versions, so that a judge changes only when somebody chose to change it.
const PINNED: &[&str] = &[
    "rotel==0.0.1a15",
    "prometheus_client==0.26.0",
    "opentelemetry-proto==1.45.2",
    "opentelemetry-api==1.45.2",
    "opentelemetry-sdk==1.45.2",
    // The schemas of Compose and Kubernetes come with them.
    "check-jsonschema==0.39.0",
    "kubernetes-validate==1.37.0",
    "PyYAML==6.0.3",
];
