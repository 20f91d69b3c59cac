//! Rules on the text of the files themselves.

use crate::text_files::TextFile;

/// A file of Rust that has outgrown one idea.
pub(super) fn too_long(file: &TextFile) -> Vec<String> {
    let lines = file.text.lines().count();
    if file.is_rust() && lines > LONGEST {
        return vec![format!(
            "{}: {lines} lines, more than {LONGEST}; split it by noun",
            file.path
        )];
    }
    Vec::new()
}

/// Unfinished work, debugging, and what would switch a check off.
pub(super) fn forbidden_words(file: &TextFile) -> Vec<String> {
    if !file.is_rust() {
        return Vec::new();
    }
    let offence = |(number, line): (usize, &str)| {
        // A comment may speak of what code may not do.
        let code = line.split("//").next().unwrap_or_default();
        let word = FORBIDDEN
            .iter()
            .find(|word| code.contains(&word.concat()))?;
        Some(format!(
            "{}:{}: `{}` must not land",
            file.path,
            number + 1,
            word.concat()
        ))
    };
    file.text.lines().enumerate().filter_map(offence).collect()
}

/// A library that writes to its user's standard output. What only tests use writes to theirs.
pub(super) fn prints(file: &TextFile) -> Vec<String> {
    let library = file.path.starts_with("crates/") && file.path.contains("/src/");
    let testkit = file.path.starts_with("crates/tta-testkit/");
    if !library || testkit || !file.is_rust() {
        return Vec::new();
    }
    let offence = |(number, line): (usize, &str)| {
        let code = line.split("//").next().unwrap_or_default();
        let prints = ["println!(", "print!("]
            .iter()
            .any(|word| code.contains(word));
        prints.then(|| format!("{}:{}: a library does not print", file.path, number + 1))
    };
    file.text.lines().enumerate().filter_map(offence).collect()
}

/// Absolute paths that exist on the author's machine and nowhere else.
pub(super) fn machine_paths(file: &TextFile) -> Vec<String> {
    let offence = |(number, line): (usize, &str)| {
        let path = MACHINE_PATHS
            .iter()
            .find(|path| names_path(line, &path.concat()))?;
        Some(format!(
            "{}:{}: a path of one machine: {}",
            file.path,
            number + 1,
            path.concat()
        ))
    };
    file.text.lines().enumerate().filter_map(offence).collect()
}

/// Whether `path` begins a path in `line`, and is not the middle of a longer or relative one.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-}/~".contains(c))
    })
}

const LONGEST: usize = 500;

/// In two parts each, so that this file does not offend against itself.
const FORBIDDEN: &[[&str; 2]] = &[
    ["todo", "!("],
    ["unimplemented", "!("],
    ["dbg", "!("],
    ["#[ign", "ore"],
    ["allow(uns", "afe_code"],
    ["uns", "afe {"],
    ["uns", "afe fn"],
    ["uns", "afe impl"],
];

const MACHINE_PATHS: &[[&str; 2]] = &[
    ["/ro", "ot/"],
    ["/ho", "me/"],
    ["/wo", "rk/"],
    ["/Use", "rs/"],
    ["/tmp", "/"],
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_too_long_from_its_five_hundred_and_first_line() {
        assert!(too_long(&rust(&"\n".repeat(500))).is_empty());
        assert_eq!(too_long(&rust(&"\n".repeat(501))).len(), 1);
        let generated = TextFile {
            path: "dashboard.json".into(),
            text: "\n".repeat(501),
        };
        assert!(too_long(&generated).is_empty());
    }

    #[test]
    fn each_forbidden_word_is_found_with_its_line() {
        for word in FORBIDDEN {
            let offences = forbidden_words(&rust(&format!("fn f() {{\n    {}\n}}", word.concat())));
            assert_eq!(offences.len(), 1, "{word:?}");
            assert!(offences[0].starts_with("src/lib.rs:2: "), "{offences:?}");
        }
        assert!(forbidden_words(&rust("// never todo!() here\n")).is_empty());
    }

    #[test]
    fn a_library_that_prints_is_found_and_a_program_may() {
        let printing = |path: &str| TextFile {
            path: path.into(),
            text: "fn f() { println!(\"x\") }".into(),
        };
        assert_eq!(prints(&printing("crates/a/src/lib.rs")).len(), 1);
        assert!(prints(&printing("crates/a/tests/a.rs")).is_empty());
        assert!(prints(&printing("crates/tta-testkit/src/a.rs")).is_empty());
        assert!(prints(&printing("examples/hello.rs")).is_empty());
    }

    #[test]
    fn each_path_of_a_machine_is_found_and_relative_ones_are_not() {
        for path in MACHINE_PATHS {
            let text = format!("let file = \"{}x\";", path.concat());
            assert_eq!(machine_paths(&rust(&text)).len(), 1, "{path:?}");
        }
        for fine in [
            ["examples/ho", "me/x"],
            ["$HO/tmp", "/x"],
            ["../wo", "rk/x"],
        ] {
            assert!(machine_paths(&rust(&fine.concat())).is_empty(), "{fine:?}");
        }
    }

    fn rust(text: &str) -> TextFile {
        TextFile {
            path: "src/lib.rs".into(),
            text: text.into(),
        }
    }
}
