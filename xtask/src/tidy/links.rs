//! Links in Markdown to files of the repository.

use std::collections::BTreeSet;

use crate::text_files::TextFile;

/// The links of a Markdown file that lead to no file or folder in `known`.
pub(super) fn broken(file: &TextFile, known: &BTreeSet<&str>) -> Vec<String> {
    if !file.is_markdown() {
        return Vec::new();
    }
    let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut broken = Vec::new();
    let mut in_code = false;
    for (number, line) in file.text.lines().enumerate() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if in_code {
            continue;
        }
        for target in targets(line).filter(|target| leads_to_file(target)) {
            let path = target.split('#').next().unwrap_or_default();
            if resolve(folder, path).is_none_or(|path| !known.contains(path.as_str())) {
                broken.push(format!("{}:{}: no file {target}", file.path, number + 1));
            }
        }
    }
    broken
}

/// The targets of `[text](target)`, and of `[text]: target` definitions.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let inline = line
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split([')', ' ']).next());
    let defined = line
        .starts_with('[')
        .then(|| line.split_once("]: "))
        .flatten()
        .and_then(|(_, target)| target.split(' ').next());
    inline.chain(defined)
}

/// Not an address, not a place on the same page, and not a path of Rust items in crate docs.
fn leads_to_file(target: &str) -> bool {
    let address = target.contains("://") || target.starts_with("mailto:");
    let item = target.contains("::") || target.starts_with('`');
    let place = target.starts_with('#') || target.is_empty();
    // A bare word is an item of the crate whose docs this README is, unless it has an extension.
    let bare = !target.contains(['/', '.']);
    !(address || item || place || bare)
}

/// The path from the root; `None` when it leaves the repository.
fn resolve(folder: &str, path: &str) -> Option<String> {
    let start = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in start.split('/').chain(path.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_to_files_and_folders_resolve_from_the_file_they_stand_in() {
        let text = "[a](design/0001.md) [b](../README.md#top) [c](./design/) [d](/docs/guide.md)";
        assert_eq!(check(text), Vec::<String>::new());
    }

    #[test]
    fn a_link_to_nothing_is_named_with_its_line() {
        assert_eq!(
            check("fine\n[a](gone.md)"),
            ["docs/guide.md:2: no file gone.md"]
        );
        assert_eq!(
            check("[a]: gone/away.md"),
            ["docs/guide.md:1: no file gone/away.md"]
        );
        assert_eq!(check("[a](../../outside.md)").len(), 1);
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let text = "[a](https://example.org/x.md) [b](#here) [c](crate::Flow) [d](Flow)\n\
                    ```text\n[e](gone.md)\n```\n";
        assert_eq!(check(text), Vec::<String>::new());
    }

    fn check(text: &str) -> Vec<String> {
        let known = [
            "",
            "README.md",
            "docs",
            "docs/guide.md",
            "docs/design",
            "docs/design/0001.md",
        ];
        let file = TextFile {
            path: "docs/guide.md".into(),
            text: text.into(),
        };
        broken(&file, &BTreeSet::from(known))
    }
}
