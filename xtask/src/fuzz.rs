//! `cargo xtask fuzz`: cargo-fuzz over the targets of `fuzz/`.

use std::fs;
use std::path::Path;

use crate::command::{Failure, Result, Run, find_program};
use crate::workspace::Workspace;

/// What to fuzz, and for how long.
#[derive(Debug)]
pub(crate) struct Choice {
    /// One target instead of all.
    pub(crate) target: Option<String>,
    /// How long each is fuzzed.
    pub(crate) minutes: u64,
}

/// Lets libFuzzer choose the inputs of each target, and prints what it tried.
///
/// What it finds worth keeping is kept below the target directory; the corpus in the tree is read
/// and left as it is.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Result {
    installed()?;
    let targets = targets(&workspace.root().join(CORPUS), choice.target.as_deref())?;
    let folder = workspace.target().join("tta-fuzz");
    for target in targets {
        let found = folder.join("corpus").join(&target);
        let findings = folder.join("findings");
        for folder in [&found, &findings] {
            fs::create_dir_all(folder).map_err(|error| {
                Failure::new(format!("cannot write {}: {error}", folder.display()))
            })?;
        }
        let log = folder.join(format!("{target}.log"));
        eprintln!("{target}: {} min, log in {}", choice.minutes, log.display());
        let line = arguments(&target, choice.minutes, &found, &findings);
        Run::cargo(workspace, line)
            // Coverage is a flag of unstable compilers.
            .env("RUSTC_BOOTSTRAP", "1")
            .quiet(&log)?;
        let text = fs::read(&log).unwrap_or_default();
        println!("{target}: {}", summary(&String::from_utf8_lossy(&text)));
    }
    Ok(())
}

fn installed() -> Result {
    if find_program("cargo-fuzz").is_some() {
        return Ok(());
    }
    eprintln!("cargo-fuzz is not installed; installing it (a minute, once)");
    let install = ["install", "cargo-fuzz", "--locked"];
    Run::program(Path::new("."), "cargo", install)
        .heard()
        .map_err(|failure| {
            Failure::new(format!(
                "{failure}; install it by hand with `cargo install cargo-fuzz --locked`"
            ))
        })
}

/// The folders of the corpus, which are named as the targets.
fn targets(corpus: &Path, only: Option<&str>) -> Result<Vec<String>> {
    let folders = fs::read_dir(corpus)
        .map_err(|error| Failure::new(format!("cannot read {}: {error}", corpus.display())))?;
    let mut all: Vec<String> = folders
        .filter_map(|folder| folder.ok()?.file_name().into_string().ok())
        .collect();
    all.sort_unstable();
    let Some(only) = only else { return Ok(all) };
    if all.iter().any(|target| target == only) {
        return Ok(vec![only.to_owned()]);
    }
    Err(Failure::new(format!(
        "there is no target `{only}`, only {}",
        all.join(", ")
    )))
}

fn arguments(target: &str, minutes: u64, found: &Path, findings: &Path) -> Vec<String> {
    let mut line: Vec<String> = ["fuzz", "run", "--fuzz-dir", "fuzz/libfuzzer"]
        .map(str::to_owned)
        .into();
    // Nothing here is unsafe code, and a sanitizer halves the tries.
    line.extend(["--sanitizer", "none", target].map(str::to_owned));
    line.extend([
        found.display().to_string(),
        format!("{CORPUS}/{target}"),
        "--".to_owned(),
        format!("-max_total_time={}", minutes * 60),
        format!("-artifact_prefix={}/", findings.display()),
        "-timeout=10".to_owned(),
        "-print_final_stats=1".to_owned(),
    ]);
    line
}

/// Tries, tries a second, and the slowest one, from libFuzzer's last lines.
fn summary(log: &str) -> String {
    let figure = |name: &str| {
        log.lines()
            .find_map(|line| line.strip_prefix("stat::")?.strip_prefix(name))
            .map_or("?", |rest| rest.trim_start_matches(':').trim())
    };
    format!(
        "{} tries, {} a second, no finding; the slowest took {} s",
        figure("number_of_executed_units"),
        figure("average_exec_per_sec"),
        figure("slowest_unit_time_sec")
    )
}

const CORPUS: &str = "fuzz/corpus";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_folder_of_the_corpus_is_a_target() {
        let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("..")
            .join(CORPUS);
        let all = targets(&corpus, None).unwrap();
        assert!(all.iter().any(|target| target == "traceparent"), "{all:?}");
        assert_eq!(targets(&corpus, Some("baggage")).unwrap(), ["baggage"]);
        let error = targets(&corpus, Some("luggage")).unwrap_err().to_string();
        assert!(
            error.contains("no target `luggage`, only baggage"),
            "{error}"
        );
    }

    #[test]
    fn the_summary_is_what_libfuzzer_counted() {
        let log = "DONE\nstat::number_of_executed_units: 1200\nstat::average_exec_per_sec:     600\n\
                   stat::slowest_unit_time_sec:    0\n";
        assert_eq!(
            summary(log),
            "1200 tries, 600 a second, no finding; the slowest took 0 s"
        );
    }
}
