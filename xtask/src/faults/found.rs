//! Which tests there are: `fn fault_<row>_<words>` in a file below some `tests/`.

use std::collections::BTreeSet;

use crate::text_files::TextFile;

/// A test of one row.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Found {
    pub(crate) row: u8,
    pub(crate) path: String,
    /// The test program that it is part of; none if it lies where no test program is.
    pub(crate) program: Option<String>,
}

/// The tests of rows among these files.
pub(crate) fn tests(files: &[TextFile]) -> Vec<Found> {
    let mut found: Vec<_> = files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(|file| {
            file.text.lines().filter_map(row).map(|row| Found {
                row,
                path: file.path.clone(),
                program: program(&file.path),
            })
        })
        .collect();
    found.sort();
    found
}

/// The words by which cargo's test programs find these tests.
///
/// The row's number is part of each, so that no `default_…` is taken for a fault.
pub(crate) fn filters<'a>(found: impl IntoIterator<Item = &'a Found>) -> BTreeSet<String> {
    let rows = found.into_iter().map(|test| test.row);
    rows.map(|row| format!("{PREFIX}{row}_")).collect()
}

fn row(line: &str) -> Option<u8> {
    let line = line.trim_start();
    let line = line.strip_prefix("async ").unwrap_or(line);
    let name = line.strip_prefix("fn ")?.strip_prefix(PREFIX)?;
    let (number, _) = name.split_once('_')?;
    number.parse().ok()
}

fn program(path: &str) -> Option<String> {
    let (package, below) = path.split_once("/tests/")?;
    if package.contains("/src") {
        return None;
    }
    let name = below.split_once('/').map_or(below, |(folder, _)| folder);
    Some(name.trim_end_matches(".rs").to_owned())
}

const PREFIX: &str = "fault_";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    #[test]
    fn a_test_is_found_with_its_row_and_its_program() {
        let files = [
            file(
                "crates/a/tests/faults.rs",
                "#[test]\nfn fault_46_one_key() {}\n",
            ),
            file(
                "crates/b/tests/b/faults.rs",
                "    async fn fault_3_outage() {\n",
            ),
            file("crates/b/src/lib.rs", "    fn fault_9_misplaced() {}\n"),
        ];
        let found: Vec<_> = tests(&files)
            .into_iter()
            .map(|test| (test.row, test.program))
            .collect();
        let program = |name: &str| Some(name.to_owned());
        assert_eq!(
            found,
            [(3, program("b")), (9, None), (46, program("faults"))]
        );
    }

    #[test]
    fn what_only_looks_like_a_test_of_a_row_is_none() {
        let text = "fn default_46_values() {}\nfn fault_lines() {}\n// fn fault_3_old() {}\n";
        assert_eq!(tests(&[file("crates/a/tests/a.rs", text)]), []);
        let markdown = file("docs/tests/a.md", "fn fault_3_x() {}");
        assert_eq!(tests(&[markdown]), []);
    }

    #[test]
    fn a_filter_names_the_row_and_nothing_else() {
        let found = tests(&[file(
            "crates/a/tests/a.rs",
            "fn fault_4_x() {}\nfn fault_4_y() {}\nfn fault_46_z() {}",
        )]);
        let filters: Vec<_> = filters(&found).into_iter().collect();
        assert_eq!(filters, ["fault_46_", "fault_4_"]);
    }
}
