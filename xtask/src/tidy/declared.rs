//! Telemetry is declared where it is emitted, and emitted where it is declared.

use std::collections::BTreeMap;

use crate::text_files::TextFile;

/// Declarations that nothing uses or no catalogue lists, and telemetry made beside a catalogue.
pub(super) fn differences(files: &[TextFile]) -> Vec<String> {
    let mut crates: BTreeMap<&str, Vec<&TextFile>> = BTreeMap::new();
    for file in files.iter().filter(|file| file.is_rust()) {
        let source = file
            .path
            .strip_prefix("crates/")
            .and_then(|path| path.split_once("/src/"));
        if let Some((name, _)) = source {
            crates.entry(name).or_default().push(file);
        }
    }
    crates.values().flat_map(|files| of_crate(files)).collect()
}

fn of_crate(files: &[&TextFile]) -> Vec<String> {
    let (catalogs, others): (Vec<&TextFile>, Vec<&TextFile>) =
        files.iter().partition(|file| is_catalog(file));
    let mut offences = Vec::new();
    for file in &catalogs {
        for name in code(file).filter_map(declared) {
            if !others
                .iter()
                .any(|other| code(other).any(|line| has_word(line, name)))
            {
                offences.push(format!(
                    "{}: `{name}` is declared and nothing emits it",
                    file.path
                ));
            }
            let listed = format!("&{name}");
            if !catalogs
                .iter()
                .any(|file| code(file).any(|line| line.contains(&listed)))
            {
                offences.push(format!("{}: `{name}` is in no catalogue", file.path));
            }
        }
    }
    for file in others {
        for line in code(file).filter(|line| makes_telemetry(line)) {
            offences.push(format!(
                "{}: declare this in the catalogue: {}",
                file.path,
                line.trim()
            ));
        }
    }
    offences
}

fn is_catalog(file: &TextFile) -> bool {
    file.path
        .split_once("/src/")
        .is_some_and(|(_, path)| path.starts_with("catalog"))
}

/// The lines of a file without their comments.
fn code(file: &TextFile) -> impl Iterator<Item = &str> {
    file.text.lines().filter_map(|line| line.split("//").next())
}

/// The name of the constant that a line declares.
fn declared(line: &str) -> Option<&str> {
    let (head, kind) = line.split_once(": ")?;
    let kinds = ["MetricSpec", "SpanSpec", "LogSpec"];
    let name = head.rsplit_once("const ")?.1;
    kinds
        .iter()
        .any(|known| kind.starts_with(known))
        .then_some(name)
}

fn makes_telemetry(line: &str) -> bool {
    let made = [
        "MetricSpec::counter(",
        "MetricSpec::gauge(",
        "MetricSpec::histogram(",
        "= SpanSpec {",
        "= LogSpec {",
    ];
    made.iter().any(|made| line.contains(made))
}

fn has_word(line: &str, word: &str) -> bool {
    line.split(|c: char| !c.is_alphanumeric() && c != '_')
        .any(|part| part == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    const CATALOG: &str = "pub const CATALOG: Catalog = Catalog { metrics: &[&HITS] };\n\
                           pub(crate) const HITS: MetricSpec = MetricSpec::counter(\n";

    fn differences_of(catalog: &str, other: &str) -> Vec<String> {
        differences(&[
            file("crates/a/src/catalog.rs", catalog),
            file("crates/a/src/lib.rs", other),
        ])
    }

    #[test]
    fn what_is_declared_listed_and_used_is_fine() {
        assert!(differences_of(CATALOG, "counter(&HITS, labels)").is_empty());
    }

    #[test]
    fn what_nothing_uses_is_found_also_where_a_comment_names_it() {
        let found = differences_of(CATALOG, "// HITS\nlet x = HITS_OTHER;");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("nothing emits it"), "{found:?}");
    }

    #[test]
    fn what_no_catalogue_lists_is_found() {
        let found = differences_of(&CATALOG.replace("&HITS", ""), "counter(&HITS, labels)");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("in no catalogue"), "{found:?}");
    }

    #[test]
    fn telemetry_made_beside_the_catalogue_is_found() {
        let found = differences_of(CATALOG, "f(&HITS);\nconst X: SpanSpec = SpanSpec {");
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("declare this"), "{found:?}");
    }

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.into(),
            text: text.into(),
        }
    }
}
