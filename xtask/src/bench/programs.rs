//! The programs that measure, built once and run without cargo.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde_json::Value;

use crate::command::{Result, Run};
use crate::workspace::Workspace;

/// Builds benchmarks of a package, in release, and tells where each lies.
pub(super) fn built(
    workspace: &Workspace,
    package: &str,
    programs: &[&str],
) -> Result<BTreeMap<String, PathBuf>> {
    let mut line = vec!["bench", "--no-run", "-p", package];
    line.extend(["--message-format", "json-render-diagnostics"]);
    for program in programs {
        line.extend(["--bench", program]);
    }
    Ok(executables(&Run::cargo(workspace, line).captured()?))
}

/// The executables among cargo's messages.
fn executables(messages: &str) -> BTreeMap<String, PathBuf> {
    let messages = messages
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    messages
        .filter_map(|message: Value| {
            let name = message.pointer("/target/name")?.as_str()?;
            let executable = message.get("executable")?.as_str()?;
            Some((name.to_owned(), PathBuf::from(executable)))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executable_is_known_by_the_name_of_its_target() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"tta_benches"},"executable":null}
            {"reason":"compiler-artifact","target":{"name":"step"},"executable":"/t/step-1"}
            {"reason":"build-finished","success":true}
            no message"#;
        let found = executables(messages);
        assert_eq!(found.len(), 1);
        assert_eq!(found["step"], PathBuf::from("/t/step-1"));
    }
}
