//! `tta-catalog write` writes `docs/reference/` from what the crates declare; `tta-catalog check`
//! fails where a file differs from that.

mod pages;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

fn main() -> ExitCode {
    let reference = reference();
    match env::args().nth(1).as_deref() {
        Some("write") => write(&reference),
        Some("check") => check(&reference),
        _ => {
            eprintln!("usage: tta-catalog <write|check>");
            ExitCode::from(2)
        }
    }
}

/// `docs/reference` of the workspace that this program was built from.
fn reference() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference")
}

fn write(reference: &Path) -> ExitCode {
    for page in pages::all() {
        let path = reference.join(page.file);
        let written = fs::create_dir_all(reference).and_then(|()| fs::write(&path, &page.text));
        if let Err(error) = written {
            eprintln!("failed to write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn check(reference: &Path) -> ExitCode {
    let stale: Vec<_> = pages::all()
        .into_iter()
        .filter(|page| {
            fs::read_to_string(reference.join(page.file)).ok().as_ref() != Some(&page.text)
        })
        .map(|page| page.file)
        .collect();
    if stale.is_empty() {
        return ExitCode::SUCCESS;
    }
    eprintln!(
        "stale: {}; run `cargo xtask generate` and commit",
        stale.join(", ")
    );
    ExitCode::FAILURE
}
