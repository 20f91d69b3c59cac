//! A copy of the workspace, in which the sources of one crate are changed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Result};
use crate::text_files::{self, TextFile};
use crate::workspace::Workspace;

use super::listed::Mutant;
use super::schema::{self, CHOOSER, Schema};

/// The copy, and what the crate's sources were before.
#[derive(Debug)]
pub(crate) struct Tree {
    pub(crate) root: PathBuf,
    pub(crate) folder: PathBuf,
    package_root: String,
    sources: BTreeMap<String, String>,
}

impl Tree {
    /// Copies what git knows. A file that is as it was keeps its time, so that cargo rebuilds little.
    ///
    /// All crates share one copy: cargo takes crates of one name in two copies for the same.
    pub(crate) fn copied(workspace: &Workspace, package: &str) -> Result<Self> {
        let root = workspace.target().join("tta-mutants").join("tree");
        let folder = workspace
            .package(package)
            .and_then(|it| it.folder.strip_prefix(workspace.root()).ok())
            .ok_or_else(|| Failure::new(format!("the workspace has no package `{package}`")))?;
        let (sources, tests) = (folder.join("src"), folder.join("tests"));
        let mut tree = Self {
            folder: root.join(folder),
            package_root: sources.join("lib.rs").to_string_lossy().into_owned(),
            root,
            sources: BTreeMap::new(),
        };
        let files = text_files::read(workspace)?;
        tree.remove_others(&files)?;
        for TextFile { path, text } in files {
            if Path::new(&path).starts_with(&sources)
                && Path::new(&path).extension().is_some_and(|it| it == "rs")
            {
                tree.sources.insert(path, text);
            } else if path == "Cargo.toml" {
                tree.put(&path, &text.replace(FORBIDDEN, ALLOWED))?;
            } else if Path::new(&path).starts_with(&tests) && text.contains(BORROWED) {
                tree.put(&path, &(text + CHOOSER))?;
            } else {
                tree.put(&path, &text)?;
            }
        }
        Ok(tree)
    }

    pub(crate) fn source(&self, file: &str) -> Option<&str> {
        self.sources.get(file).map(String::as_str)
    }

    /// Writes the crate's sources with these mutants in them, numbered as given.
    pub(crate) fn write(
        &self,
        mutants: &BTreeMap<usize, Mutant>,
        constant: &BTreeSet<String>,
    ) -> Result<Schema> {
        let mut all = Schema::default();
        for (file, source) in &self.sources {
            let own: Vec<_> = mutants
                .iter()
                .filter(|(_, mutant)| &mutant.file == file)
                .map(|(number, mutant)| (*number, mutant))
                .collect();
            let mut schema = schema::write(source, &own, constant);
            all.alone.append(&mut schema.alone);
            all.unviable.append(&mut schema.unviable);
            if *file == self.package_root {
                schema.text.push_str(CHOOSER);
            }
            self.put(file, &schema.text)?;
        }
        Ok(all)
    }

    /// Writes the crate's sources with one mutant made by hand.
    pub(crate) fn write_alone(&self, mutant: &Mutant) -> Result {
        for (file, source) in &self.sources {
            let applied = (mutant.file == *file).then(|| mutant.applied(source));
            self.put(file, applied.flatten().as_deref().unwrap_or(source))?;
        }
        Ok(())
    }

    /// What is written in a file of the copy now.
    pub(crate) fn written(&self, file: &str) -> Option<String> {
        fs::read_to_string(self.root.join(file)).ok()
    }

    /// Removes what a former copy held and this one does not, such as a test that was renamed.
    fn remove_others(&self, files: &[TextFile]) -> Result {
        let list = self.root.join("tta-mutants-files.txt");
        for path in fs::read_to_string(&list).unwrap_or_default().lines() {
            if !files.iter().any(|file| file.path == path) {
                let _ = fs::remove_file(self.root.join(path));
            }
        }
        let paths: Vec<_> = files.iter().map(|file| file.path.as_str()).collect();
        self.put("tta-mutants-files.txt", &paths.join("\n"))
    }

    fn put(&self, path: &str, text: &str) -> Result {
        let path = self.root.join(path);
        if fs::read_to_string(&path).is_ok_and(|there| there == text) {
            return Ok(());
        }
        let folder = path.parent().unwrap_or(&path);
        fs::create_dir_all(folder)
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| Failure::new(format!("failed to write {}: {error}", path.display())))
    }
}

/// A test that has a source of the crate as a module of its own, which looks for the chooser there.
const BORROWED: &str = "#[path = \"../src/";

/// The function that runs before `main` needs an attribute that counts as unsafe.
const FORBIDDEN: &str = "unsafe_code = \"forbid\"";
const ALLOWED: &str = "unsafe_code = \"allow\"";
