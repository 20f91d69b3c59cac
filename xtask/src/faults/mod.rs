//! The tests of the table of faults: found, run one after the other, and their figures kept.

mod found;
mod page;
mod reported;
mod rows;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;

use crate::command::{Failure, Result, Run};
use crate::machine;
use crate::text_files;
use crate::workspace::Workspace;

use self::found::Found;
use self::reported::Reported;
use self::rows::Row;

/// Which rows to measure.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub(crate) section: Option<String>,
    pub(crate) row: Option<u8>,
}

/// Measures the chosen rows, prints them and writes the page.
pub(crate) fn run(workspace: &Workspace, choice: &Choice) -> Result {
    let rows = rows::all()?;
    let chosen = choice.rows(&rows)?;
    let tests: Vec<Found> = found::tests(&text_files::read(workspace)?)
        .into_iter()
        .filter(|test| chosen.contains(&test.row))
        .collect();
    if tests.is_empty() {
        return Err(Failure::new("no test measures any of these rows"));
    }
    let mut figures = Vec::new();
    let mut failed = Vec::new();
    for profile in [Profile::Release, Profile::Debug] {
        let tests = tests.iter().filter(|it| Profile::of(it.row) == profile);
        if let Err(failure) = measure(workspace, profile, tests, &mut figures) {
            failed.push(failure.to_string());
        }
    }
    print_table(&rows, &figures);
    failed.extend(unmet(&figures));
    failed.extend(stray(&tests, &figures));
    let page = workspace.root().join(PAGE);
    if let Some(silent) = silent(&tests, &figures) {
        failed.push(format!("{silent}; {PAGE} is left as it was"));
    } else {
        write(&page, &rows, &chosen, figures, &machine::named(workspace))?;
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Failure::new(failed.join("; ")))
    }
}

/// Runs every such test in a debug build, one after the other, so that none disturbs another.
///
/// For `cargo xtask test`, which leaves them out where it runs all others at once.
pub(crate) fn check(workspace: &Workspace, line: impl FnMut(&[u8])) -> Result {
    let tests = found::tests(&text_files::read(workspace)?);
    serially(
        workspace,
        Profile::Debug,
        &tests.iter().collect::<Vec<_>>(),
        line,
    )
}

/// What keeps these tests out of a run of all others.
pub(crate) fn filters(workspace: &Workspace) -> Result<BTreeSet<String>> {
    Ok(found::filters(&found::tests(&text_files::read(workspace)?)))
}

/// Tests of rows that the table or the page does not have, or that lie where no program runs them.
pub(crate) fn wrong(workspace: &Workspace) -> Result<Vec<String>> {
    let known: BTreeSet<u8> = rows::all()?.iter().map(|row| row.number).collect();
    let page = fs::read_to_string(workspace.root().join(PAGE)).unwrap_or_default();
    let measured = page::figures(&page).iter().map(|it| it.row).collect();
    let tests = found::tests(&text_files::read(workspace)?);
    Ok(wrong_tests(&tests, &known, &measured))
}

impl Choice {
    fn rows(&self, rows: &[Row]) -> Result<BTreeSet<u8>> {
        let sections = self.section.as_deref().map(rows::Section::named);
        let sections = sections.transpose()?;
        let chosen: BTreeSet<u8> = rows
            .iter()
            .filter(|row| sections.as_ref().is_none_or(|it| it.contains(&row.section)))
            .filter(|row| self.row.is_none_or(|it| it == row.number))
            .map(|row| row.number)
            .collect();
        if chosen.is_empty() {
            return Err(Failure::new("the table of faults has no such row"));
        }
        Ok(chosen)
    }
}

/// How a row's tests are built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Profile {
    Release,
    Debug,
}

impl Profile {
    /// Figures are those of what users run; stack frames are larger where nothing is optimised.
    const fn of(row: u8) -> Self {
        if row == 54 {
            Self::Debug
        } else {
            Self::Release
        }
    }
}

fn measure<'a>(
    workspace: &Workspace,
    profile: Profile,
    tests: impl Iterator<Item = &'a Found>,
    figures: &mut Vec<Reported>,
) -> Result {
    let mut stdout = std::io::stdout();
    serially(workspace, profile, &tests.collect::<Vec<_>>(), |line| {
        figures.extend(Reported::read(&String::from_utf8_lossy(line)));
        // A closed standard output is no reason to stop measuring.
        let _ = stdout.write_all(line);
    })
}

fn serially(
    workspace: &Workspace,
    profile: Profile,
    tests: &[&Found],
    line: impl FnMut(&[u8]),
) -> Result {
    if tests.is_empty() {
        return Ok(());
    }
    let run = Run::cargo(workspace, arguments(profile, tests));
    run.env("TTA_VENV", workspace.venv()).by_line(line)
}

/// The whole workspace is named, so that its features are those of every other build of it; the
/// programs are, so that no other is built.
fn arguments(profile: Profile, tests: &[&Found]) -> Vec<String> {
    let mut line = ["test", "--workspace", "--all-features", "--no-fail-fast"]
        .map(str::to_owned)
        .to_vec();
    if profile == Profile::Release {
        line.push("--release".to_owned());
    }
    let programs: BTreeSet<_> = tests.iter().filter_map(|it| it.program.as_ref()).collect();
    for program in programs {
        line.extend(["--test".to_owned(), program.clone()]);
    }
    line.extend(["--", "--nocapture", "--test-threads=1"].map(str::to_owned));
    line.extend(found::filters(tests.iter().copied()));
    line
}

fn print_table(rows: &[Row], figures: &[Reported]) {
    eprintln!();
    for figure in figures {
        let row = rows.iter().find(|row| row.number == figure.row);
        let fault = row.map_or("a row that the table does not have", |row| row.fault);
        let Reported {
            row,
            part,
            goal,
            measured,
            ..
        } = figure;
        let verdict = figure.verdict();
        eprintln!("{row:>3}  {verdict:<6}  {fault}, {part}: {measured} (goal: {goal})");
    }
    let met = figures.iter().filter(|it| it.met).count();
    let measured: BTreeSet<u8> = figures.iter().map(|it| it.row).collect();
    eprintln!(
        "\nfaults: {met} of {} figures reach their goal, in {} of the table's {} rows",
        figures.len(),
        measured.len(),
        rows.len()
    );
}

/// The rows that missed a goal, as one complaint.
fn unmet(figures: &[Reported]) -> Option<String> {
    let unmet: BTreeSet<u8> = figures
        .iter()
        .filter(|figure| !figure.met)
        .map(|figure| figure.row)
        .collect();
    (!unmet.is_empty()).then(|| format!("missed: {}", listed(&unmet)))
}

/// The rows whose tests reported nothing, because they failed first, were skipped or did not build.
fn silent(tests: &[Found], figures: &[Reported]) -> Option<String> {
    let silent: BTreeSet<u8> = tests
        .iter()
        .map(|test| test.row)
        .filter(|row| figures.iter().all(|figure| figure.row != *row))
        .collect();
    (!silent.is_empty()).then(|| format!("no figure came for {}", listed(&silent)))
}

/// The rows that a test named after another row reported.
fn stray(tests: &[Found], figures: &[Reported]) -> Option<String> {
    let stray: BTreeSet<u8> = figures
        .iter()
        .map(|figure| figure.row)
        .filter(|row| tests.iter().all(|test| test.row != *row))
        .collect();
    (!stray.is_empty()).then(|| format!("reported by a test of another row: {}", listed(&stray)))
}

fn listed(rows: &BTreeSet<u8>) -> String {
    let rows: Vec<_> = rows.iter().map(|row| format!("row {row}")).collect();
    rows.join(", ")
}

/// Writes the page, keeping the figures of rows that were not chosen.
fn write(
    page: &Path,
    rows: &[Row],
    chosen: &BTreeSet<u8>,
    mut figures: Vec<Reported>,
    machine: &str,
) -> Result {
    if chosen.len() < rows.len() {
        let old = fs::read_to_string(page).unwrap_or_default();
        if page::machine(&old).is_some_and(|old| old != machine) {
            eprintln!("{PAGE} was measured on another machine; measure all rows to replace it");
            return Ok(());
        }
        let kept = page::figures(&old).into_iter();
        figures.extend(kept.filter(|figure| !chosen.contains(&figure.row)));
    }
    figures.sort_by_key(|figure| figure.row);
    fs::write(page, page::written(rows, &figures, machine))
        .map_err(|error| Failure::new(format!("failed to write {}: {error}", page.display())))?;
    eprintln!("wrote {}", page.display());
    Ok(())
}

fn wrong_tests(tests: &[Found], known: &BTreeSet<u8>, measured: &BTreeSet<u8>) -> Vec<String> {
    let mut wrong = Vec::new();
    for Found { row, path, program } in tests {
        if program.is_none() {
            wrong.push(format!(
                "{path}: the test of row {row} must stand in a file below tests/"
            ));
        }
        if !known.contains(row) {
            wrong.push(format!("{path}: the table of faults has no row {row}"));
        } else if !measured.contains(row) {
            wrong.push(format!(
                "{path}: {PAGE} has no figure of row {row}; `cargo xtask faults --row {row}`"
            ));
        }
    }
    let tested = |row: &u8| tests.iter().any(|test| test.row == *row);
    let untested = measured.iter().filter(|row| !tested(row));
    wrong.extend(untested.map(|row| format!("{PAGE}: no test measures row {row} any more")));
    wrong
}

const PAGE: &str = "docs/faults.md";

#[cfg(test)]
mod tests {
    use super::*;

    fn found(row: u8, program: Option<&str>) -> Found {
        Found {
            row,
            path: "crates/a/tests/faults.rs".to_owned(),
            program: program.map(str::to_owned),
        }
    }

    fn figure(row: u8, met: bool) -> Reported {
        Reported {
            row,
            part: String::new(),
            goal: String::new(),
            measured: String::new(),
            met,
        }
    }

    const HERE: &str = "here";

    #[test]
    fn a_choice_is_of_a_section_of_a_row_or_of_all() {
        let rows = rows::all().unwrap();
        let chosen = |section: Option<&str>, row| {
            let section = section.map(str::to_owned);
            Choice { section, row }.rows(&rows)
        };
        assert_eq!(chosen(None, None).unwrap().len(), rows.len());
        assert_eq!(chosen(Some("cache"), None).unwrap(), (39..=47).collect());
        assert_eq!(chosen(None, Some(48)).unwrap(), BTreeSet::from([48]));
        assert!(chosen(Some("cache"), Some(48)).is_err());
        assert!(chosen(None, Some(200)).is_err());
    }

    #[test]
    fn programs_and_rows_are_named_once_and_run_one_after_the_other() {
        let tests = [
            found(46, Some("faults")),
            found(46, Some("faults")),
            found(7, Some("b")),
        ];
        let line = arguments(Profile::Release, &tests.iter().collect::<Vec<_>>()).join(" ");
        assert_eq!(
            line,
            "test --workspace --all-features --no-fail-fast --release --test b --test faults \
             -- --nocapture --test-threads=1 fault_46_ fault_7_"
        );
        let debug = arguments(Profile::Debug, &[&tests[0]]).join(" ");
        assert!(!debug.contains("--release"), "{debug}");
    }

    #[test]
    fn a_row_that_missed_and_a_row_without_a_figure_are_named() {
        let tests = [found(46, None), found(7, None)];
        let figures = [figure(46, true), figure(46, false)];
        assert_eq!(unmet(&figures).unwrap(), "missed: row 46");
        assert_eq!(
            silent(&tests, &figures).unwrap(),
            "no figure came for row 7"
        );
        let good = [figure(46, true), figure(7, true)];
        assert_eq!((unmet(&good), silent(&tests, &good)), (None, None));
    }

    #[test]
    fn a_test_without_a_row_a_figure_or_a_program_is_wrong_and_so_is_a_figure_without_a_test() {
        let known = BTreeSet::from([7, 46]);
        let good = [found(46, Some("faults"))];
        let on_the_page = BTreeSet::from([46]);
        assert_eq!(wrong_tests(&good, &known, &on_the_page), [""; 0]);
        let complaints = |test: Found| wrong_tests(&[test], &known, &on_the_page).join("\n");
        assert!(complaints(found(46, None)).contains("below tests/"));
        assert!(complaints(found(99, Some("a"))).contains("no row 99"));
        assert!(complaints(found(7, Some("a"))).contains("no figure of row 7"));
        assert!(complaints(found(7, Some("a"))).contains("no test measures row 46"));
    }

    #[test]
    fn figures_of_rows_that_were_not_measured_anew_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let page = folder.path().join("faults.md");
        let rows = rows::all().unwrap();
        let all = rows.iter().map(|row| row.number).collect();
        write(
            &page,
            &rows,
            &all,
            vec![figure(48, true), figure(46, true)],
            HERE,
        )
        .unwrap();
        write(
            &page,
            &rows,
            &BTreeSet::from([48]),
            vec![figure(48, false)],
            HERE,
        )
        .unwrap();
        let read = || page::figures(&fs::read_to_string(&page).unwrap());
        assert_eq!(read(), [figure(46, true), figure(48, false)]);
        write(&page, &rows, &all, vec![figure(7, true)], HERE).unwrap();
        write(
            &page,
            &rows,
            &BTreeSet::from([8]),
            vec![figure(8, true)],
            "there",
        )
        .unwrap();
        assert_eq!(read(), [figure(7, true)]);
    }
}
