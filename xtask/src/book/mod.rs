//! `cargo xtask docs`: the pages of `docs/` as a site in `target/book`, its links checked.

mod html;
pub(crate) mod markdown;
pub(crate) mod pages;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Result, Run, find_program};
use crate::steps::{self, Step, Voice};
use crate::text_files::{self, TextFile, has_extension};
use crate::workspace::Workspace;

/// Builds the site and checks its links.
pub(crate) fn run(workspace: &Workspace) -> Result {
    steps::run(workspace, "docs", steps(workspace))?;
    let index = built(workspace).join("index.html");
    eprintln!("docs: {}", index.display());
    Ok(())
}

/// The same as steps.
pub(crate) fn steps(workspace: &Workspace) -> Vec<Step<'_>> {
    vec![
        Step::new("site: mdbook is there", |voice| {
            program(workspace, voice).map(drop)
        }),
        Step::new("site: pages", |voice| build(workspace, voice)),
        Step::new("site: links", |_| check(workspace)),
    ]
}

/// mdBook of the version we want: that of `PATH`, or one beside what cargo builds, which is built
/// once, quickly and not fast.
fn program(workspace: &Workspace, voice: &Voice<'_>) -> Result<PathBuf> {
    if let Some(found) = find_program("mdbook").filter(|found| is_wanted(found)) {
        return Ok(found);
    }
    let root = workspace.target().join("tta-tools");
    let program = root.join("bin").join("mdbook");
    if !is_wanted(&program) {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let (root, target) = (path(&root), path(&root.join("build")));
        let install = [
            "install",
            "mdbook",
            "--version",
            VERSION,
            "--locked",
            "--force",
            "--debug",
        ];
        let features = ["--no-default-features", "--features", "search"];
        let places = ["--root", &root, "--target-dir", &target];
        let line = install.into_iter().chain(features).chain(places);
        // Without debug information it is half as much to write and link.
        voice.run(Run::cargo(workspace, line).env("CARGO_PROFILE_DEV_DEBUG", "0"))?;
        // What it was built from is a gigabyte that nobody needs again.
        let _ = fs::remove_dir_all(target);
    }
    Ok(program)
}

fn is_wanted(program: &Path) -> bool {
    let version = Run::program(Path::new("."), program, ["--version"]).captured();
    program.is_file() && version.is_ok_and(|said| said.trim().ends_with(VERSION))
}

/// Puts the pages together, with links that hold in the site, and has them built.
fn build(workspace: &Workspace, voice: &Voice<'_>) -> Result {
    let files = text_files::read(workspace)?;
    let source = workspace.root().join("target/tta-book");
    let pages = staged(workspace, &files)?;
    let _ = fs::remove_dir_all(&source);
    for (path, text) in pages {
        let path = source.join(path);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        folder
            .and_then(|()| fs::write(&path, text))
            .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    }
    let program = program(workspace, voice)?;
    let built = built(workspace);
    let args = [
        "build".as_ref(),
        "--dest-dir".as_ref(),
        built.as_os_str(),
        source.as_os_str(),
    ];
    voice.run(Run::program(workspace.root(), program, args))
}

/// Each file of the site's sources with its text.
fn staged(workspace: &Workspace, files: &[TextFile]) -> Result<Vec<(String, String)>> {
    let text = |path: &str| {
        let found = files.iter().find(|file| file.path == path);
        found.ok_or_else(|| Failure::new(format!("{path} is missing")))
    };
    let summary = text(pages::SUMMARY)?;
    let listed = pages::listed(&summary.text, files);
    let repository = repository(workspace)?;
    let mut staged = vec![
        ("book.toml".to_owned(), text("docs/book.toml")?.text.clone()),
        (
            "src/SUMMARY.md".to_owned(),
            pages::summary(&summary.text, files),
        ),
    ];
    for path in &listed {
        let page = pages::relinked(text(path)?, &listed, &repository);
        staged.push((format!("src/{}", pages::place(path)), page));
    }
    Ok(staged)
}

fn check(workspace: &Workspace) -> Result {
    let built = built(workspace);
    let mut files = BTreeSet::new();
    list(&built, "", &mut files)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", built.display())))?;
    let is_page = |path: &&String| {
        // The print page is all others in one, and the page of errors may be anywhere.
        has_extension(path, "html")
            && !["print.html", "404.html", "toc.html"].contains(&path.as_str())
    };
    let read = |path: &String| {
        let html = fs::read_to_string(built.join(path)).unwrap_or_default();
        (path.clone(), html::Page::read(&html))
    };
    let pages: BTreeMap<String, html::Page> = files.iter().filter(is_page).map(read).collect();
    if pages.len() < FEWEST {
        return Err(Failure::new(format!(
            "the site has {} pages only",
            pages.len()
        )));
    }
    match html::broken(&pages, &files) {
        broken if broken.is_empty() => Ok(()),
        broken => Err(Failure::new(broken.join("\n"))),
    }
}

fn list(folder: &Path, prefix: &str, files: &mut BTreeSet<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type()?.is_dir() {
            list(&entry.path(), &format!("{path}/"), files)?;
        } else {
            files.insert(path);
        }
    }
    Ok(())
}

/// Where the repository is, as the workspace's manifest says.
fn repository(workspace: &Workspace) -> Result<String> {
    let manifest = fs::read_to_string(workspace.root().join("Cargo.toml")).unwrap_or_default();
    let line = manifest
        .lines()
        .find_map(|line| line.strip_prefix("repository = \""));
    line.and_then(|line| line.strip_suffix('"'))
        .map(str::to_owned)
        .ok_or_else(|| Failure::new("Cargo.toml does not say where the repository is"))
}

fn built(workspace: &Workspace) -> PathBuf {
    workspace.root().join("target/book")
}

/// The version whose output was looked at.
const VERSION: &str = "0.5.4";

/// Fewer pages are no site, but a mistake in finding them.
const FEWEST: usize = 20;
