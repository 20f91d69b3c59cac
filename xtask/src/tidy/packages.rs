//! What every crate has: a README that is its docs, the workspace's lints, no unsafe code.

use std::fs;
use std::path::Path;

use crate::command::{Failure, Result};
use crate::workspace::Package;

/// What is missing from the packages, read from their folders.
pub(super) fn wrong_packages(packages: &[Package]) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for package in packages {
        let manifest = package.folder.join("Cargo.toml");
        let manifest = fs::read_to_string(&manifest).map_err(|error| {
            Failure::new(format!("cannot read {}: {error}", manifest.display()))
        })?;
        let root = ["src/lib.rs", "src/main.rs"]
            .iter()
            .find_map(|root| fs::read_to_string(package.folder.join(root)).ok());
        let readme = fs::read_to_string(package.folder.join("README.md")).ok();
        let found = Found {
            manifest,
            readme,
            root,
            is_crate: is_crate(&package.folder),
        };
        wrong.extend(
            found
                .missing()
                .into_iter()
                .map(|what| format!("{}: {what}", package.name)),
        );
    }
    Ok(wrong)
}

/// The workspace's own manifest forbids what its members inherit.
pub(super) fn allows_unsafe(root_manifest: &str) -> Vec<String> {
    let forbidden = root_manifest
        .lines()
        .any(|line| line.trim() == "unsafe_code = \"forbid\"");
    if forbidden {
        return Vec::new();
    }
    vec!["Cargo.toml: `[workspace.lints.rust]` lacks `unsafe_code = \"forbid\"`".to_owned()]
}

struct Found {
    manifest: String,
    readme: Option<String>,
    /// The text of its library or, without one, its program; packages of examples have neither.
    root: Option<String>,
    is_crate: bool,
}

impl Found {
    fn missing(&self) -> Vec<&'static str> {
        let mut missing = Vec::new();
        if !inherits_lints(&self.manifest) {
            missing
                .push("`[lints] workspace = true` is missing, and with it `forbid(unsafe_code)`");
        }
        if !self.is_crate {
            return missing;
        }
        if self
            .readme
            .as_ref()
            .is_none_or(|readme| readme.trim().is_empty())
        {
            missing.push("README.md is missing or empty");
        }
        let includes = |root: &String| root.contains("include_str!(\"../README.md\")");
        if !self.root.as_ref().is_some_and(includes) {
            missing.push("its docs are not its README (`include_str!(\"../README.md\")`)");
        }
        missing
    }
}

/// A crate that somebody depends on or reads; examples and benches speak for themselves.
fn is_crate(folder: &Path) -> bool {
    folder
        .parent()
        .and_then(Path::file_name)
        .is_some_and(|parent| parent == "crates")
}

fn inherits_lints(manifest: &str) -> bool {
    let mut lines = manifest
        .lines()
        .map(str::trim)
        .skip_while(|line| *line != "[lints]")
        .skip(1);
    lines.find(|line| !line.is_empty() && !line.starts_with('#')) == Some("workspace = true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_crate_lacks_nothing() {
        assert!(whole().missing().is_empty());
    }

    #[test]
    fn each_missing_part_is_named() {
        let no_lints = Found {
            manifest: "[package]\n".into(),
            ..whole()
        };
        assert!(no_lints.missing()[0].starts_with("`[lints]"));
        let elsewhere = "[lints.rust]\nworkspace = true\n".into();
        assert_eq!(
            Found {
                manifest: elsewhere,
                ..whole()
            }
            .missing()
            .len(),
            1
        );
        let no_readme = Found {
            readme: None,
            ..whole()
        };
        assert!(no_readme.missing()[0].starts_with("README.md"));
        let empty_readme = Found {
            readme: Some(" \n".into()),
            ..whole()
        };
        assert!(empty_readme.missing()[0].starts_with("README.md"));
        let own_docs = Found {
            root: Some("//! Other words.".into()),
            ..whole()
        };
        assert!(own_docs.missing()[0].starts_with("its docs"));
    }

    #[test]
    fn a_workspace_that_allows_unsafe_code_is_refused() {
        let forbids = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\n";
        assert!(allows_unsafe(forbids).is_empty());
        assert_eq!(allows_unsafe(&forbids.replace("forbid", "deny")).len(), 1);
    }

    #[test]
    fn examples_need_the_lints_alone() {
        let example = Found {
            readme: None,
            root: None,
            is_crate: false,
            ..whole()
        };
        assert!(example.missing().is_empty());
        assert_eq!(
            Found {
                manifest: String::new(),
                ..example
            }
            .missing()
            .len(),
            1
        );
    }

    fn whole() -> Found {
        Found {
            manifest: "[package]\nname = \"tta-x\"\n\n[lints]\nworkspace = true\n".into(),
            readme: Some("# tta-x\n".into()),
            root: Some("#![doc = include_str!(\"../README.md\")]\n".into()),
            is_crate: true,
        }
    }
}
