//! The YAML of `deploy/` as JSON, read by an implementation that is not ours.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::{Failure, Result, Run};
use crate::text_files::TextFile;
use crate::workspace::Workspace;

/// Each file's documents, by its path from the workspace's root.
#[derive(Debug, Default)]
pub(crate) struct Documents(BTreeMap<String, Vec<Value>>);

impl Documents {
    /// Reads every YAML file below `deploy/`.
    pub(crate) fn read(workspace: &Workspace, files: &[TextFile]) -> Result<Self> {
        let yaml = files.iter().filter(|file| is_yaml(&file.path));
        let python = workspace.venv().join("bin/python");
        let args = ["-c", SCRIPT].into_iter();
        let args = args.chain(yaml.map(|file| file.path.as_str()));
        let json = Run::program(workspace.root(), python, args)
            .captured()
            .map_err(|failure| {
                let message = format!("{failure}; `cargo xtask setup` installs what reads YAML");
                failure.renamed(message)
            })?;
        let documents = serde_json::from_str(&json)
            .map_err(|error| Failure::new(format!("the YAML is not to be had as JSON: {error}")))?;
        Ok(Self(documents))
    }

    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, Value)]) -> Self {
        let file = |(path, document): &(&str, Value)| ((*path).to_owned(), vec![document.clone()]);
        Self(files.iter().map(file).collect())
    }

    /// The first document of a file, or nothing where there is no such file.
    pub(crate) fn first(&self, path: &str) -> &Value {
        self.all(path).first().unwrap_or(&Value::Null)
    }

    pub(crate) fn all(&self, path: &str) -> &[Value] {
        self.0.get(path).map_or(&[], Vec::as_slice)
    }

    /// The files of a folder, with their first documents.
    pub(crate) fn below<'a>(
        &'a self,
        folder: &'a str,
    ) -> impl Iterator<Item = (&'a str, &'a Value)> {
        let inside = self
            .0
            .iter()
            .filter(move |(path, _)| path.starts_with(folder));
        inside.filter_map(|(path, documents)| Some((path.as_str(), documents.first()?)))
    }
}

fn is_yaml(path: &str) -> bool {
    let yaml = [".yaml", ".yml"].iter().any(|end| path.ends_with(end));
    yaml && path.starts_with("deploy/")
}

/// The items of an array, or of nothing.
pub(crate) fn items<'a>(value: &'a Value, pointer: &str) -> impl Iterator<Item = &'a Value> {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.into_iter().flatten()
}

/// The entries of an object, or of nothing.
pub(crate) fn entries<'a>(
    value: &'a Value,
    pointer: &str,
) -> impl Iterator<Item = (&'a str, &'a Value)> {
    let found = value.pointer(pointer).and_then(Value::as_object);
    let entries = found.into_iter().flatten();
    entries.map(|(key, value)| (key.as_str(), value))
}

/// Text, or nothing.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.unwrap_or_default()
}

/// A number, whether it is written as one or as text.
pub(crate) fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}

/// Prints all documents of all files as one JSON object.
const SCRIPT: &str = "import json, sys, yaml\n\
    read = lambda path: list(yaml.safe_load_all(open(path, encoding='utf-8')))\n\
    print(json.dumps({path: read(path) for path in sys.argv[1:]}, default=str))";
