//! Which versions of the peers were measured.

use std::fs;

use crate::command::{Failure, Result};
use crate::workspace::{Kind, Workspace};

/// The name and the version of every crate that the benchmarks alone depend on, from Cargo.lock.
pub(crate) fn of_peers(workspace: &Workspace, package: &str) -> Result<Vec<(String, String)>> {
    let path = workspace.root().join("Cargo.lock");
    let lock = fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("failed to read {}: {error}", path.display())))?;
    let package = workspace
        .package(package)
        .ok_or_else(|| Failure::new(format!("the workspace has no package `{package}`")))?;
    let is_member = |name: &str| workspace.package(name).is_some();
    let peers = package.dependencies.iter().filter(|dependency| {
        let name = dependency.name.as_str();
        dependency.kind == Kind::Dev && !is_member(name) && !TOOLS.contains(&name)
    });
    let mut versions: Vec<_> = peers
        .map(|peer| (peer.name.clone(), locked(&lock, &peer.name)))
        .collect();
    versions.sort();
    versions.dedup();
    Ok(versions)
}

/// Every version that the lock file has of a package; one, as a rule.
fn locked(lock: &str, package: &str) -> String {
    let name = format!("name = \"{package}\"");
    let mut versions = Vec::new();
    let mut lines = lock.lines();
    while let Some(line) = lines.next() {
        if line == name {
            let version = lines
                .next()
                .and_then(|line| line.strip_prefix("version = "));
            versions.extend(version.map(|version| version.trim_matches('"')));
        }
    }
    versions.join(", ")
}

/// What measures is no peer.
const TOOLS: &[&str] = &[
    "allocation-counter",
    "plotters",
    "flate2",
    "prost",
    "tokio",
    "opentelemetry-otlp",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_that_of_the_whole_name() {
        let lock = "[[package]]\nname = \"moka\"\nversion = \"0.12.16\"\n\n\
                    [[package]]\nname = \"moka-x\"\nversion = \"9.0.0\"\n\n\
                    [[package]]\nname = \"metrics\"\nversion = \"0.24.6\"\n";
        assert_eq!(locked(lock, "moka"), "0.12.16");
        assert_eq!(locked(lock, "metrics"), "0.24.6");
        assert_eq!(locked(lock, "quick_cache"), "");
    }
}
