//! `docs/benchmarks.md`, and the same table for the terminal.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::budgets::{Budgets, Group, Row};
use super::judged::{Figures, Judged, JudgedRow, Verdict};
use super::samples::{Samples, median};

/// Everything that the page says.
pub(crate) struct Page<'a> {
    pub(crate) machine: &'a str,
    /// Each peer with its version.
    pub(crate) versions: &'a [(String, String)],
    pub(crate) budgets: &'a Budgets,
    pub(crate) judged: &'a Judged<'a>,
    pub(crate) samples: &'a Samples,
    pub(crate) quick: bool,
}

impl Page<'_> {
    /// The page in Markdown.
    pub(crate) fn written(&self) -> String {
        let mut page = format!("{HEAD}\nMeasured on {}", self.machine);
        if self.quick {
            page.push_str(" Few and short rounds (`--quick`): the ratios are rough.");
        }
        page.push_str("\n\n");
        let versions = self.versions.iter();
        let versions: Vec<_> = versions
            .map(|(name, version)| format!("{name} {version}"))
            .collect();
        let _ = writeln!(page, "Peers: {}.", versions.join(", "));
        for group in &self.budgets.groups {
            self.write_group(&mut page, group);
        }
        page
    }

    fn write_group(&self, page: &mut String, group: &Group) {
        let _ = write!(page, "\n## {}\n\n", group.title);
        if !group.about.is_empty() {
            let _ = write!(page, "{}\n\n", group.about);
        }
        let Some(subjects) = self.samples.of(&group.bench) else {
            page.push_str("Not in this run.\n");
            return;
        };
        let unit = &group.unit;
        let _ = writeln!(
            page,
            "| | ours, {unit} | budget | beside | {unit} | ratio | allowed | |\n\
             |---|---:|---|---|---:|---:|---:|---|"
        );
        for row in self.judged.rows.iter().filter(|it| it.bench == group.bench) {
            page.push_str(&line(row));
        }
        let _ = writeln!(page, "\n| everything measured | {unit} |\n|---|---:|");
        for (name, samples) in subjects {
            let _ = writeln!(page, "| {name} | {} |", shown(median(samples)));
        }
    }

    /// The rows for a terminal, and how many of the budgets are met.
    pub(crate) fn summary(&self) -> String {
        let mut summary = String::new();
        let rows = self.judged.rows.iter();
        for JudgedRow {
            bench,
            row,
            figures,
            verdict,
        } in rows.filter(|it| it.verdict != Verdict::LeftOut)
        {
            let figures = figures.map_or_else(
                || "          -".to_owned(),
                |it| format!("{:>7.3} ±{:<6.3}", it.ratio, it.spread),
            );
            let word = verdict.word().trim_matches('*');
            let allowed = row.allowed();
            let _ = writeln!(
                summary,
                "{figures:<16} {allowed:<14} {word:<15} {bench}: {}, {} over {}",
                row.what, row.ours, row.over
            );
        }
        summary
    }

    /// All of it for a program.
    pub(crate) fn json(&self) -> String {
        let rows = self.judged.rows.iter().map(|it| {
            json!({
                "bench": it.bench, "what": it.row.what, "budget": it.row.budget,
                "ours": it.row.ours.to_string(), "over": it.row.over.to_string(),
                "at_most": it.row.at_most, "at_least": it.row.at_least,
                "not_met": it.row.not_met.as_ref().map(|it| json!({
                    "limit": it.limit, "why": it.why,
                })),
                "verdict": it.verdict.word().trim_matches('*'),
                "figures": it.figures.map(|it| json!({
                    "ours": it.ours, "over": it.over, "ratio": it.ratio, "spread": it.spread,
                })),
            })
        });
        let medians = self.samples.programs().map(|(bench, subjects)| {
            let medians = subjects
                .iter()
                .map(|(name, it)| (name.clone(), json!(median(it))));
            (bench.clone(), Value::Object(medians.collect()))
        });
        let versions = self
            .versions
            .iter()
            .map(|(name, version)| (name.clone(), json!(version)));
        let whole = json!({
            "machine": self.machine,
            "quick": self.quick,
            "versions": versions.collect::<Map<_, _>>(),
            "rows": rows.collect::<Vec<_>>(),
            "medians": medians.collect::<Map<_, _>>(),
        });
        format!("{whole:#}\n")
    }
}

fn line(
    JudgedRow {
        row,
        figures,
        verdict,
        ..
    }: &JudgedRow<'_>,
) -> String {
    let Figures {
        ours,
        over,
        ratio,
        spread,
    } = figures.unwrap_or(Figures {
        ours: f64::NAN,
        over: f64::NAN,
        ratio: f64::NAN,
        spread: f64::NAN,
    });
    format!(
        "| {} | {} | {} | {} | {} | {} ± {} | {} | {}{} |\n",
        row.what,
        shown(Some(ours)),
        row.budget,
        row.over,
        shown(Some(over)),
        shown(Some(ratio)),
        shown(Some(spread)),
        row.allowed(),
        verdict.word(),
        reason(row)
    )
}

/// Up to which ratio a budget is not met, and where the page says why.
fn reason(row: &Row) -> String {
    let Some(not_met) = &row.not_met else {
        return String::new();
    };
    // The page is in the folder of the documentation.
    let link = match not_met.why.strip_prefix("docs/") {
        Some(below) => below.to_owned(),
        None => format!("../{}", not_met.why),
    };
    format!(", {}: [why]({link})", row.named())
}

/// Three digits that mean something, and no more than the point needs.
pub(super) fn shown(value: Option<f64>) -> String {
    match value {
        Some(value) if value.is_finite() => match value.abs() {
            100.0.. => format!("{value:.0}"),
            10.0.. => format!("{value:.1}"),
            1.0.. => format!("{value:.2}"),
            _ => format!("{value:.3}"),
        },
        _ => "–".to_owned(),
    }
}

const HEAD: &str = "\
# Benchmarks

What things cost, beside their floor and their peers. `cargo xtask bench` writes this page; with
`--check` it fails where a ratio is above its budget; a budget that is known not to be met has a link
that says why, and fails where it is missed by more than it says. The budgets are data in
[benches/budgets.json](../benches/budgets.json), and [design note 0034](design/0034-measured-in-turns.md)
says how is measured. A claim is a ratio in one run: absolute figures move from machine to machine.
[Scale](benchmarks/scale.md) shows how costs grow with the work.

A figure is the time of the thread that does the work, not that of the clock on the wall, and the
median of all rounds; a ratio is the median of the rounds' own ratios, ± half of the distance between
their quartiles. *Clock twice*, the floor, is two readings of `Instant::now`. Where a budget was given
in nanoseconds, on a machine where two readings took 45, it is held against two readings here.
";

#[cfg(test)]
mod tests {
    use super::super::Choice;
    use super::super::plan::Plan;
    use super::*;

    const BUDGETS: &str = r#"{"groups":[{"bench":"step","title":"A step","about":"Why.","rows":[
        {"what":"a step","budget":"twice the floor","ours":"tta","over":"floor","at_most":2}
    ]},{"bench":"redis","title":"Redis","flag":"redis","rows":[]}]}"#;

    /// The page, and the same for a program.
    fn pages(samples: &str) -> (String, String) {
        pages_of(BUDGETS, samples)
    }

    fn pages_of(budgets: &str, samples: &str) -> (String, String) {
        let budgets = Budgets::parse(budgets).unwrap();
        let plan = Plan::new(&Choice::default(), &budgets).unwrap();
        let mut read = Samples::default();
        read.add(samples).unwrap();
        let page = Page {
            machine: "2 cores.",
            versions: &[("moka".to_owned(), "0.12.16".to_owned())],
            budgets: &budgets,
            judged: &Judged::all(&budgets, &plan, &read),
            samples: &read,
            quick: true,
        };
        (page.written(), page.json())
    }

    #[test]
    fn a_row_has_our_figure_the_budget_the_peer_the_ratio_and_the_verdict() {
        let samples = r#"{"bench":"step","subjects":{"tta":[330,331],"floor":[100,100.2]}}"#;
        let (page, _) = pages(samples);
        let row = "| a step | 330 | twice the floor | floor | 100 | 3.30 ± 0.001 | at most 2 | **missed** |";
        assert!(page.contains(row), "{page}");
        assert!(
            page.contains("Peers: moka 0.12.16.") && page.contains("`--quick`"),
            "{page}"
        );
        assert!(page.contains("## Redis\n\nNot in this run."), "{page}");
    }

    #[test]
    fn a_budget_that_is_not_met_has_a_link_to_why() {
        let budgets = r#"{"groups":[{"bench":"step","title":"A step","rows":[
            {"what":"a step","budget":"twice","ours":"tta","over":"floor","at_most":2,
                "not_met":{"at_most":4,"why":"docs/design/0041-why.md"}},
            {"what":"gets","budget":"six","ours":"tta","over":"floor","at_least":6,
                "not_met":{"at_least":3,"why":"benches/README.md"}}
        ]}]}"#;
        let samples = r#"{"bench":"step","subjects":{"tta":[330],"floor":[100]}}"#;
        let (page, json) = pages_of(budgets, samples);
        for row in [
            "| at most 2 | **not met**, at most 4: [why](design/0041-why.md) |",
            "| at least 6 | **not met**, at least 3: [why](../benches/README.md) |",
        ] {
            assert!(page.contains(row), "{page}");
        }
        let json: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["rows"][0]["verdict"], "not met");
        assert_eq!(json["rows"][0]["not_met"]["limit"], 4.0);
    }

    #[test]
    fn a_program_reads_the_same_figures() {
        let samples = r#"{"bench":"step","subjects":{"tta":[150],"floor":[100]}}"#;
        let json: Value = serde_json::from_str(&pages(samples).1).unwrap();
        assert_eq!(json["rows"][0]["figures"]["ratio"], 1.5);
        assert_eq!(json["rows"][0]["verdict"], "met");
        assert_eq!(json["medians"]["step"]["tta"], 150.0);
    }
}
