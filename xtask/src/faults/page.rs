//! `docs/faults.md`: written from the figures, and read again where only some are measured anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::reported::Reported;
use super::rows::{Row, Section};

/// The page: every row with its figures, and the rows that no test measures.
pub(crate) fn written(rows: &[Row], reported: &[Reported], machine: &str) -> String {
    let mut page = format!("{HEAD}\n{MACHINE}{machine}\n");
    for section in Section::ALL {
        let mut lines = String::new();
        for row in rows.iter().filter(|row| row.section == section) {
            for figure in reported.iter().filter(|it| it.row == row.number) {
                lines.push_str(&line(row, figure));
            }
        }
        if !lines.is_empty() {
            let _ = write!(page, "\n## {}\n\n{TABLE}{lines}", section.title());
        }
    }
    let measured: BTreeSet<u8> = reported.iter().map(|it| it.row).collect();
    let mut missing = rows
        .iter()
        .filter(|row| !measured.contains(&row.number))
        .peekable();
    if missing.peek().is_some() {
        page.push_str(MISSING);
        for row in missing {
            let _ = writeln!(
                page,
                "| {} | {} | {} |",
                row.number,
                escaped(row.fault),
                escaped(row.goal)
            );
        }
    }
    page
}

/// The figures that a page holds.
pub(crate) fn figures(page: &str) -> Vec<Reported> {
    page.lines().filter_map(figure).collect()
}

/// The machine that a page's figures were measured on.
pub(crate) fn machine(page: &str) -> Option<&str> {
    page.lines().find_map(|line| line.strip_prefix(MACHINE))
}

fn line(row: &Row, figure: &Reported) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        row.number,
        escaped(row.fault),
        escaped(&figure.part),
        escaped(&figure.goal),
        escaped(&figure.measured),
        figure.verdict(),
        escaped(row.peer.unwrap_or_default()),
    )
}

fn figure(line: &str) -> Option<Reported> {
    let cells: Vec<_> = line
        .strip_prefix("| ")?
        .strip_suffix(" |")?
        .split(" | ")
        .collect();
    let [row, _fault, part, goal, measured, verdict, _peer] = cells.as_slice() else {
        return None;
    };
    Some(Reported {
        row: row.parse().ok()?,
        part: plain(part),
        goal: plain(goal),
        measured: plain(measured),
        met: *verdict == "ok",
    })
}

/// A bar would end the cell, and `<` might begin a tag.
fn escaped(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

fn plain(cell: &str) -> String {
    cell.replace("\\|", "|").replace("&lt;", "<")
}

const HEAD: &str = "\
# Faults

What is injected, what must happen at most, and what was measured. `cargo xtask faults` writes this
page: it runs every test whose name begins with `fault_` and its row, one after the other, in a
release build (row 54 in a debug build, whose stack frames are larger). A test fails where its goal
is missed. `cargo xtask faults --row 46` measures one row anew. Figures of a peer were measured on
another machine, in the same way.
";

const MACHINE: &str = "Measured on ";

const TABLE: &str = "\
| row | fault | part | goal | measured | | a peer |
|---:|---|---|---|---|---|---|
";

const MISSING: &str = "
## Not measured

Rows of the table of faults that no test has measured yet.

| row | fault | goal |
|---:|---|---|
";

#[cfg(test)]
mod tests {
    use super::super::rows;
    use super::*;

    fn figure_of(row: u8, part: &str, measured: &str, met: bool) -> Reported {
        Reported {
            row,
            part: part.to_owned(),
            goal: "<= 1 | none".to_owned(),
            measured: measured.to_owned(),
            met,
        }
    }

    #[test]
    fn a_page_holds_a_line_for_each_part_under_its_section_and_with_its_peer() {
        let rows = rows::all().unwrap();
        let figures = [
            figure_of(6, "over HTTP", "500 ms", true),
            figure_of(6, "over gRPC", "700 ms", false),
            figure_of(48, "retry", "0", true),
        ];
        let page = written(&rows, &figures, "2 cores");
        let export = page.find("## Telemetry export").unwrap();
        let workflow = page.find("## Workflows and resilience").unwrap();
        let at = |text: &str| {
            page.find(text)
                .unwrap_or_else(|| panic!("{text} in {page}"))
        };
        let first = at("| over HTTP | &lt;= 1 \\| none | 500 ms | ok | opentelemetry-rust 3.5 s");
        let second = at("| over gRPC | &lt;= 1 \\| none | 700 ms | missed |");
        assert!(export < first && first < second && second < workflow);
        assert!(workflow < at("| retry |"));
        assert!(!page.contains("## Hostile input"), "{page}");
    }

    #[test]
    fn what_no_test_measures_is_listed_as_such() {
        let rows = rows::all().unwrap();
        let page = written(&rows, &[figure_of(48, "retry", "0", true)], "2 cores");
        let (_, missing) = page.split_once("## Not measured").unwrap();
        assert_eq!(missing.matches("\n| ").count(), 1 + rows.len() - 1);
        assert!(!missing.contains("| 48 |"));
        let all: Vec<_> = rows
            .iter()
            .map(|row| figure_of(row.number, "", "0", true))
            .collect();
        assert!(!written(&rows, &all, "2 cores").contains("## Not measured"));
    }

    #[test]
    fn a_page_is_read_as_it_was_written() {
        let rows = rows::all().unwrap();
        let figures = vec![
            figure_of(6, "a", "3 | 4", true),
            figure_of(48, "b", "< 2", false),
        ];
        let page = written(&rows, &figures, "2 cores of a CPU, rustc 1");
        assert_eq!(super::figures(&page), figures);
        assert_eq!(machine(&page), Some("2 cores of a CPU, rustc 1"));
    }
}
