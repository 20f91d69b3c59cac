//! Names of settings and metrics in the pages are those of the generated reference.

use std::collections::BTreeSet;

use crate::text_files::{TextFile, has_extension};

/// The names that the reference lists.
#[derive(Debug)]
pub(super) struct Names {
    settings: BTreeSet<String>,
    /// Metrics with their aliases, spans, log events, and the labels and fields of all.
    others: BTreeSet<String>,
}

impl Names {
    pub(super) fn of(files: &[TextFile]) -> Self {
        let names_in = |page: &str| -> BTreeSet<String> {
            let path = format!("docs/reference/{page}.md");
            let file = files.iter().find(|file| file.path == path);
            let code = file.map(|file| file.text.split('`').skip(1).step_by(2));
            code.into_iter().flatten().map(str::to_owned).collect()
        };
        let mut others = names_in("metrics");
        others.extend(names_in("spans"));
        others.extend(names_in("logs"));
        Self {
            settings: names_in("settings"),
            others,
        }
    }

    /// What a page, or a file of `deploy/`, names and the reference does not.
    pub(super) fn unknown(&self, file: &TextFile) -> Vec<String> {
        if !speaks_of_now(&file.path) {
            return Vec::new();
        }
        let mut unknown = Vec::new();
        for (number, line) in file.text.lines().enumerate() {
            for (name, after) in words(line) {
                if self.is_wrong(name, after) {
                    unknown.push(format!(
                        "{}:{}: `{name}` is not in the reference",
                        file.path,
                        number + 1
                    ));
                }
            }
        }
        unknown
    }

    fn is_wrong(&self, name: &str, after: &str) -> bool {
        // `OTEL_BSP_*` and `telemetry_…` stand for several.
        if name.ends_with('_') || after.starts_with(['*', '…']) {
            return false;
        }
        let starts = ["OTEL_", "TTA_", "K8S_"];
        if starts.iter().any(|start| name.starts_with(start)) {
            return !self.settings.contains(name) && !DEVELOPERS.contains(&name);
        }
        let first = name.split('_').next().unwrap_or_default();
        if !FAMILIES.contains(&first) || !UNITS.iter().any(|unit| name.ends_with(unit)) {
            return false;
        }
        let parts = ["_bucket", "_sum", "_count"];
        let family = parts.iter().find_map(|part| name.strip_suffix(part));
        !self.others.contains(name) && !family.is_some_and(|family| self.others.contains(family))
    }
}

/// Decisions and measurements speak of what was, the generated pages of what is checked already, and the
/// testkit of variables that its developers set.
fn speaks_of_now(path: &str) -> bool {
    let page = has_extension(path, "md") || path.starts_with("deploy/");
    let other = [
        "docs/design/",
        "docs/reference/",
        "docs/faults.md",
        "docs/mutants.md",
        "CHANGELOG.md",
        "crates/tta-testkit/",
    ];
    page && !other.iter().any(|start| path.starts_with(start))
}

/// The words of a line, and what follows each.
fn words(line: &str) -> impl Iterator<Item = (&str, &str)> {
    // A recording rule's name has colons, and is nobody's metric.
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    let mut rest = line;
    std::iter::from_fn(move || {
        let start = rest.find(is_part)?;
        let word = rest.get(start..)?;
        let end = word.find(|c| !is_part(c)).unwrap_or(word.len());
        let (word, after) = word.split_at_checked(end)?;
        rest = after;
        Some((word.trim_end_matches(':'), after))
    })
}

/// The first words of our metrics.
const FAMILIES: &[&str] = &[
    "active",
    "cache",
    "circuit",
    "fallback",
    "hedge",
    "limit",
    "metrics",
    "primitive",
    "process",
    "retry",
    "router",
    "saga",
    "telemetry",
    "timeout",
    "workflow",
];

/// What a metric's name ends in.
const UNITS: &[&str] = &[
    "_total",
    "_seconds",
    "_bucket",
    "_sum",
    "_usd",
    "_bytes",
    "_hit_rate",
    "_in_flight",
    "_records",
    "_workflows",
];

/// Read by the commands of this repository, and by no program of a user.
const DEVELOPERS: &[&str] = &["TTA_REQUIRE_SERVICES", "TTA_CI_CACHE", "TTA_VENV"];

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.into(),
            text: text.into(),
        }
    }

    fn unknown(path: &str, text: &str) -> Vec<String> {
        let files = [
            file(
                "docs/reference/settings.md",
                "| `TTA_LIMIT`, `OTEL_A` | `with_limit` |",
            ),
            file(
                "docs/reference/metrics.md",
                "| `cache_hits_total` | `cache_hit_total` |\n| `cache_get_seconds` |",
            ),
            file("docs/reference/logs.md", "| `cache_lost_records` |"),
        ];
        Names::of(&files).unknown(&file(path, text))
    }

    #[test]
    fn names_of_the_reference_are_fine() {
        let text = "`TTA_LIMIT=1` `OTEL_A` `OTEL_BSP_*` cache_hits_total{x=\"y\"} cache_get_seconds_bucket[5m] \
            `cache_hit_total`, `cache_*_total`, job:cache_hits_usd:rate5m, cache_key, total, cache_lost_records";
        assert_eq!(unknown("docs/a.md", text), Vec::<String>::new());
    }

    #[test]
    fn a_name_that_is_nowhere_is_found_with_its_line() {
        for name in [
            "TTA_LIMITS",
            "OTEL_AA",
            "cache_hits_totals_total",
            "cache_gets_seconds_bucket",
            "primitive_runs_total{x=\"y\"}",
        ] {
            let found = unknown("docs/a.md", &format!("fine\n`{name}`"));
            assert_eq!(found.len(), 1, "{name}: {found:?}");
            assert!(found[0].starts_with("docs/a.md:2: "), "{found:?}");
        }
        assert_eq!(unknown("deploy/a.yaml", "  TTA_LIMITS: 1").len(), 1);
    }

    #[test]
    fn notes_on_what_was_decided_may_name_what_was() {
        assert!(unknown("docs/design/0001.md", "TTA_LIMITS cache_x_total").is_empty());
        assert!(unknown("crates/a/src/a.rs", "TTA_LIMITS").is_empty());
    }
}
