//! Links in Markdown to files of the repository, and to places in them.

use std::collections::{BTreeMap, BTreeSet};

use crate::book::markdown;
use crate::text_files::{self, TextFile};

/// What can be linked to.
#[derive(Debug)]
pub(super) struct Known<'a> {
    paths: BTreeSet<&'a str>,
    /// The headings of each Markdown file, as they are called in addresses.
    anchors: BTreeMap<&'a str, Vec<String>>,
}

impl<'a> Known<'a> {
    pub(super) fn of(files: &'a [TextFile]) -> Self {
        let pages = files.iter().filter(|file| file.is_markdown());
        Self {
            paths: text_files::with_folders(files),
            anchors: pages
                .map(|file| (file.path.as_str(), markdown::anchors(&file.text)))
                .collect(),
        }
    }

    /// The links of a Markdown file that lead to no file, no folder, or no heading.
    pub(super) fn broken(&self, file: &TextFile) -> Vec<String> {
        if !file.is_markdown() {
            return Vec::new();
        }
        let mut broken = Vec::new();
        for (number, line) in markdown::prose(&file.text) {
            let targets = markdown::targets(line).into_iter();
            for target in targets.filter_map(|range| line.get(range)) {
                if let Some(what) = self.lacks(&file.path, target) {
                    broken.push(format!("{}:{number}: no {what} {target}", file.path));
                }
            }
        }
        broken
    }

    fn lacks(&self, page: &str, target: &str) -> Option<&'static str> {
        let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() && !anchor.is_empty() {
            page.to_owned()
        } else if leads_to_file(path) {
            match markdown::resolve(page, path) {
                Some(path) if self.paths.contains(path.as_str()) => path,
                _ => return Some("file"),
            }
        } else {
            return None;
        };
        let anchors = self.anchors.get(path.as_str())?;
        let has_place = anchor.is_empty() || anchors.iter().any(|known| known == anchor);
        (!has_place).then_some("place")
    }
}

/// Not an address, and not a path of Rust items in crate docs.
fn leads_to_file(target: &str) -> bool {
    let item = target.contains("::") || target.starts_with('`');
    // A bare word is an item of the crate whose docs this README is, unless it has an extension.
    let bare = !target.contains(['/', '.']);
    !(markdown::is_address(target) || item || bare)
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
    fn a_link_to_no_heading_is_named() {
        assert_eq!(check("## Here\n[a](#here)"), Vec::<String>::new());
        assert_eq!(
            check("## Here\n[a](#there)"),
            ["docs/guide.md:2: no place #there"]
        );
        assert_eq!(
            check("[a](../README.md#bottom)"),
            ["docs/guide.md:1: no place ../README.md#bottom"]
        );
    }

    #[test]
    fn what_is_no_file_is_left_alone() {
        let text = "[a](https://example.org/x.md) [c](crate::Flow) [d](Flow)\n\
                    ```text\n[e](gone.md)\n```\n";
        assert_eq!(check(text), Vec::<String>::new());
    }

    fn check(text: &str) -> Vec<String> {
        let file = |path: &str, text: &str| TextFile {
            path: path.into(),
            text: text.into(),
        };
        let files = [
            file("README.md", "# Top\n"),
            file("docs/guide.md", text),
            file("docs/design/0001.md", ""),
        ];
        Known::of(&files).broken(&files[1])
    }
}
