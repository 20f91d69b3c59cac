//! The text of the files that git knows, tracked or about to be.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use crate::command::{Result, Run};
use crate::workspace::Workspace;

/// One file, by its path from the workspace's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextFile {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn is_rust(&self) -> bool {
        has_extension(&self.path, "rs")
    }

    pub(crate) fn is_markdown(&self) -> bool {
        has_extension(&self.path, "md")
    }
}

/// Every file that is text, those that git ignores left out.
pub(crate) fn read(workspace: &Workspace) -> Result<Vec<TextFile>> {
    let list = ["ls-files", "--cached", "--others", "--exclude-standard"];
    let list = Run::program(workspace.root(), "git", list).captured()?;
    let file = |path: &str| {
        // What is no UTF-8 is no text, and what is deleted and not yet committed is no file.
        let text = fs::read_to_string(workspace.root().join(path)).ok()?;
        Some(TextFile {
            path: path.to_owned(),
            text,
        })
    };
    Ok(list.lines().filter_map(file).collect())
}

/// The paths of the files, and of every folder above them.
pub(crate) fn with_folders(files: &[TextFile]) -> BTreeSet<&str> {
    files
        .iter()
        .flat_map(|file| Path::new(&file.path).ancestors())
        .filter_map(Path::to_str)
        .collect()
}

/// Whether a path ends in a dot and this.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|found| found == extension)
}
