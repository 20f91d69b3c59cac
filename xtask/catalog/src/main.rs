//! `tta-catalog write` writes what is made of the declarations: the reference, the dashboards and
//! Prometheus's rules. `tta-catalog check` fails where a file differs from that.

mod pages;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use tta_catalog::dashboards::{self, lint};
use tta_catalog::known::Known;
use tta_catalog::rules::{self, RuleFile};
use tta_catalog::slo::{self, Slos};

fn main() -> ExitCode {
    let write_or_check = match env::args().nth(1).as_deref() {
        Some("write") => write,
        Some("check") => check,
        _ => {
            eprintln!("usage: tta-catalog <write|check>");
            return ExitCode::from(2);
        }
    };
    match generated(&root()) {
        Ok(files) => write_or_check(&root(), &files),
        Err(wrong) => {
            for line in wrong {
                eprintln!("{line}");
            }
            ExitCode::FAILURE
        }
    }
}

/// The workspace that this program was built from.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file below the root, and what must be in it.
struct Generated {
    path: String,
    text: String,
}

/// Every file, or what is wrong with the data that they are made of.
fn generated(root: &Path) -> Result<Vec<Generated>, Vec<String>> {
    let pages = pages::all().into_iter().map(|page| Generated {
        path: format!("{REFERENCE}/{}", page.file),
        text: page.text,
    });
    let mut files: Vec<Generated> = pages.collect();
    let mut wrong = Vec::new();
    let rules = match rule_files(root) {
        Ok(rules) => rules,
        Err(why) => return Err(vec![why]),
    };
    let known = Known::declared().and_recorded_by(&rules);
    for file in &rules {
        wrong.extend(file.wrong(&known));
        files.push(Generated {
            path: format!("{RULES}/{}", file.file),
            text: file.yaml(),
        });
    }
    for dashboard in dashboards::all() {
        match dashboard.json(&known) {
            Ok(text) => {
                let path = format!("{DASHBOARDS}/{}", dashboard.file());
                let json = serde_json::from_str(&text).unwrap_or_default();
                let offences = lint::offences(&json).into_iter();
                wrong.extend(offences.map(|offence| format!("{path}: {offence}")));
                files.push(Generated { path, text });
            }
            Err(offences) => wrong.extend(offences),
        }
    }
    wrong.extend(runbooks_amiss(root, &rules));
    if wrong.is_empty() {
        Ok(files)
    } else {
        Err(wrong)
    }
}

/// All rules, those of the objectives included.
fn rule_files(root: &Path) -> Result<Vec<RuleFile>, String> {
    let path = root.join(SLO);
    let toml = fs::read_to_string(&path).map_err(|error| format!("{SLO}: {error}"))?;
    let slos = Slos::parse(&toml).map_err(|error| format!("{SLO}: {error}"))?;
    let mut files = rules::all();
    files.push(slo::rules(&slos));
    Ok(files)
}

/// Alerts without a runbook, and runbooks without an alert.
fn runbooks_amiss(root: &Path, files: &[RuleFile]) -> Vec<String> {
    let rules = files.iter().flat_map(RuleFile::rules);
    let alerts: BTreeSet<String> = rules
        .filter(|rule| matches!(rule, rules::Rule::Alert(_)))
        .map(|rule| rule.name().to_owned())
        .collect();
    let entries = fs::read_dir(root.join(RUNBOOKS)).into_iter().flatten();
    let runbooks: BTreeSet<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".md").map(str::to_owned))
        .filter(|name| name != "README")
        .collect();
    let without = alerts.difference(&runbooks);
    let without =
        without.map(|name| format!("{RUNBOOKS}/{name}.md is missing: the alert links to it"));
    let idle = runbooks.difference(&alerts);
    let idle = idle.map(|name| format!("{RUNBOOKS}/{name}.md is of no alert"));
    without.chain(idle).collect()
}

fn write(root: &Path, files: &[Generated]) -> ExitCode {
    for file in files {
        let path = root.join(&file.path);
        let folder = path.parent().map_or(Ok(()), fs::create_dir_all);
        if let Err(error) = folder.and_then(|()| fs::write(&path, &file.text)) {
            eprintln!("failed to write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

fn check(root: &Path, files: &[Generated]) -> ExitCode {
    let stale: Vec<&str> = files
        .iter()
        .filter(|file| fs::read_to_string(root.join(&file.path)).ok().as_ref() != Some(&file.text))
        .map(|file| file.path.as_str())
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

const REFERENCE: &str = "docs/reference";
const DASHBOARDS: &str = "dashboards";
const RULES: &str = "deploy/prometheus/rules";
const SLO: &str = "deploy/prometheus/slo.toml";
const RUNBOOKS: &str = "docs/runbooks";
