//! Builds the tests of the copy, and finds out which mutants the compiler refuses.

use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Failure, Result, Run};
use crate::workspace::Workspace;

use super::schema;
use super::suite::Binary;
use super::tree::Tree;

/// What the compiler said.
#[derive(Debug, Default)]
pub(crate) struct Build {
    pub(crate) binaries: Vec<Binary>,
    pub(crate) errors: Vec<CompileError>,
}

/// One error, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CompileError {
    pub(crate) blame: Blame,
    pub(crate) rendered: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Blame {
    Mutant(usize),
    /// A constant calls the function of this name, which was made an ordinary one.
    ConstFn(String),
    Nobody,
}

/// Builds every test of the package, or says why not.
pub(crate) fn build(workspace: &Workspace, tree: &Tree, package: &str) -> Result<Build> {
    let line = ["build", "--keep-going", "--tests", "--package", package];
    run(workspace, tree, &line)
}

/// The same of one of its test binaries.
pub(crate) fn build_one(
    workspace: &Workspace,
    tree: &Tree,
    package: &str,
    binary: &str,
) -> Result<Build> {
    let mut line = vec!["test", "--no-run", "--package", package];
    match binary {
        UNIT_TESTS => line.push("--lib"),
        binary => line.extend(["--test", binary]),
    }
    run(workspace, tree, &line)
}

/// Not where the workspace itself is built: cargo would take the one for the other.
fn run(workspace: &Workspace, tree: &Tree, line: &[&str]) -> Result<Build> {
    let form = ["--quiet", "--all-features", "--message-format", "json"];
    let line = line.iter().copied().chain(form);
    let mut build = Build::default();
    let done = Run::cargo(workspace, line)
        .within(&tree.root)
        .env("CARGO_TARGET_DIR", tree.root.with_file_name("target"))
        .env("CARGO_INCREMENTAL", "0")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .by_line(|line| {
            if let Ok(message) = serde_json::from_slice(line) {
                build.hear(tree, &message);
            }
        });
    match done {
        Err(failure) if build.errors.is_empty() => Err(failure),
        _ => Ok(build),
    }
}

impl Build {
    fn hear(&mut self, tree: &Tree, message: &Value) {
        let text = |pointer: &str| message.pointer(pointer).and_then(Value::as_str);
        match text("/reason") {
            Some("compiler-artifact") => {
                if let (Some(path), Some(name)) = (text("/executable"), text("/target/name")) {
                    let is_lib = text("/target/kind/0") == Some("lib");
                    let name = if is_lib { UNIT_TESTS } else { name };
                    self.binaries.push(Binary {
                        name: name.to_owned(),
                        path: PathBuf::from(path),
                    });
                }
            }
            Some("compiler-message") if text("/message/level") == Some("error") => {
                let rendered = text("/message/rendered").unwrap_or_default().to_owned();
                if rendered.starts_with("error: aborting due to") {
                    return;
                }
                let blame = blame(tree, message);
                let error = CompileError { blame, rendered };
                if !self.errors.contains(&error) {
                    self.errors.push(error);
                }
            }
            _ => {}
        }
    }
}

fn blame(tree: &Tree, message: &Value) -> Blame {
    let text = message
        .pointer("/message/message")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if let Some(name) = const_fn(text) {
        return Blame::ConstFn(name);
    }
    let spans = message.pointer("/message/spans").and_then(Value::as_array);
    let mut spans: Vec<_> = spans.into_iter().flatten().collect();
    spans.sort_by_key(|span| span.get("is_primary").and_then(Value::as_bool) != Some(true));
    let mutant = spans.into_iter().find_map(|span| {
        let file = span.get("file_name")?.as_str()?;
        tree.source(file)?;
        let byte = usize::try_from(span.get("byte_start")?.as_u64()?).ok()?;
        schema::mutant_at(&tree.written(file)?, byte)
    });
    mutant.map_or(Blame::Nobody, Blame::Mutant)
}

/// The function of "cannot call non-const associated function `A::<B>::c` in constants".
fn const_fn(message: &str) -> Option<String> {
    let rest = message.strip_prefix("cannot call non-const ")?;
    let path = rest.split('`').nth(1)?;
    let name = path.rsplit("::").find(|part| !part.starts_with('<'))?;
    Some(name.trim_end_matches('>').to_owned())
}

/// The errors that are nobody's, which no further round would do away with.
pub(crate) fn unexplained(errors: &[CompileError]) -> Failure {
    let rendered: Vec<_> = errors
        .iter()
        .filter(|error| error.blame == Blame::Nobody)
        .map(|error| error.rendered.as_str())
        .collect();
    Failure::new(format!(
        "the crate does not build with its mutants in it:\n{}",
        rendered.join("\n")
    ))
}

/// The binary of the tests that stand in the sources.
pub(crate) const UNIT_TESTS: &str = "unit tests";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_that_a_constant_calls_is_named() {
        let name = |message| const_fn(message).unwrap();
        let message = "cannot call non-const associated function `RetryConfig::new` in constants";
        assert_eq!(name(message), "new");
        let message = "cannot call non-const function `refuse` in constant functions";
        assert_eq!(name(message), "refuse");
        assert_eq!(const_fn("mismatched types"), None);
    }
}
