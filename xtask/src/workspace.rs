//! The workspace as cargo sees it: packages, features and edges from `cargo metadata`.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::command::{Failure, Result, Run};

/// The workspace that this program was built in.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    /// Where cargo builds, which may lie outside.
    target: PathBuf,
    packages: Vec<Package>,
}

/// One member of the workspace.
#[derive(Debug, Clone)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) folder: PathBuf,
    pub(crate) features: Vec<String>,
    pub(crate) examples: Vec<String>,
    pub(crate) dependencies: Vec<Dependency>,
}

/// One line of a package's dependency tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
}

/// Which table a dependency stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Normal,
    Build,
    Dev,
}

impl Workspace {
    pub(crate) fn load() -> Result<Self> {
        let root = root();
        let unread = Self {
            target: root.join("target"),
            root,
            packages: Vec::new(),
        };
        let json =
            Run::cargo(&unread, ["metadata", "--format-version", "1", "--no-deps"]).captured()?;
        let metadata: Value = serde_json::from_str(&json)
            .map_err(|error| Failure::new(format!("`cargo metadata` is not JSON: {error}")))?;
        let packages = items(&metadata, "packages").map(Package::read).collect();
        let target = PathBuf::from(text(&metadata, "target_directory"));
        Ok(Self {
            target,
            packages,
            ..unread
        })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    pub(crate) fn packages(&self) -> &[Package] {
        &self.packages
    }

    pub(crate) fn package(&self, name: &str) -> Option<&Package> {
        self.packages.iter().find(|package| package.name == name)
    }

    /// The Python environment: `TTA_VENV`, else in the workspace's own `target`, whatever
    /// `CARGO_TARGET_DIR` says. `tta-testkit` looks for the collector by the same rule.
    pub(crate) fn venv(&self) -> PathBuf {
        match std::env::var_os("TTA_VENV") {
            Some(venv) if !venv.is_empty() => self.root.join(venv),
            _ => self.root.join("target").join("tta-venv"),
        }
    }

    pub(crate) fn log(&self, step: &str) -> PathBuf {
        let file: String = step
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        self.root
            .join("target")
            .join("tta-logs")
            .join(file)
            .with_extension("log")
    }
}

impl Package {
    fn read(value: &Value) -> Self {
        let manifest = Path::new(text(value, "manifest_path"));
        Self {
            name: text(value, "name").to_owned(),
            folder: manifest.parent().unwrap_or(manifest).to_owned(),
            features: value
                .get("features")
                .and_then(Value::as_object)
                .map(|features| features.keys().cloned().collect())
                .unwrap_or_default(),
            examples: items(value, "targets")
                .filter(|target| items(target, "kind").any(|kind| kind == "example"))
                .map(|target| text(target, "name").to_owned())
                .collect(),
            dependencies: items(value, "dependencies").map(Dependency::read).collect(),
        }
    }
}

impl Dependency {
    fn read(value: &Value) -> Self {
        let kind = match text(value, "kind") {
            "dev" => Kind::Dev,
            "build" => Kind::Build,
            _ => Kind::Normal,
        };
        Self {
            name: text(value, "name").to_owned(),
            kind,
        }
    }
}

/// Where cargo says we are, so that a program kept in a shared build cache never serves the
/// clone it was built in; that one stands in only when run without cargo.
fn root() -> PathBuf {
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    package.parent().map(Path::to_owned).unwrap_or(package)
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
