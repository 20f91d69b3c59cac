//! The pages of the site: which there are, in which order, and where their links lead.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::text_files::TextFile;

use super::markdown;

/// The table of contents with the pages of whole folders put in where it asks for them.
pub(crate) fn summary(text: &str, files: &[TextFile]) -> String {
    let mut out = String::new();
    for line in text.lines() {
        if let Some(folder) = folder_asked_for(line) {
            out.push_str(&pages_of(folder, files));
        } else {
            // What stands above `docs/` is put beside its pages.
            let line = line.replace("](../", "](");
            out.push_str(&line.replace("README.md", "index.md"));
            out.push('\n');
        }
    }
    out
}

/// The pages that the table of contents leads to, from the workspace's root.
pub(crate) fn listed(summary: &str, files: &[TextFile]) -> BTreeSet<String> {
    let mut listed = BTreeSet::new();
    for line in summary.lines() {
        let targets = markdown::targets(line).into_iter();
        let targets = targets.filter_map(|range| line.get(range));
        listed.extend(targets.filter_map(|target| markdown::resolve(SUMMARY, target)));
        if let Some(folder) = folder_asked_for(line) {
            listed.extend(inside(folder, files).map(|file| file.path.clone()));
        }
    }
    listed
}

/// Pages that no reader of the site would find, and entries that lead to no page.
pub(crate) fn wrong(files: &[TextFile]) -> Vec<String> {
    let Some(summary) = files.iter().find(|file| file.path == SUMMARY) else {
        return vec![format!("{SUMMARY} is missing")];
    };
    let listed = listed(&summary.text, files);
    let is_page = |file: &&TextFile| {
        file.is_markdown() && file.path.starts_with("docs/") && file.path != SUMMARY
    };
    let pages: BTreeSet<&str> = files
        .iter()
        .filter(is_page)
        .map(|file| file.path.as_str())
        .collect();
    let lost = pages.iter().filter(|page| !listed.contains(**page));
    let lost = lost.map(|page| format!("{page} is not in {SUMMARY}"));
    lost.collect()
}

/// A page with its links as they must be in the site: what is no page of it is looked at in the
/// repository.
pub(crate) fn relinked(page: &TextFile, listed: &BTreeSet<String>, repository: &str) -> String {
    let prose: BTreeSet<usize> = markdown::prose(&page.text)
        .map(|(number, _)| number)
        .collect();
    let mut out = String::new();
    for (number, line) in page.text.lines().enumerate() {
        let mut line = line.to_owned();
        if prose.contains(&(number + 1)) {
            for range in markdown::targets(&line).into_iter().rev() {
                let target = line.get(range.clone()).unwrap_or_default();
                if let Some(new) = relink(&page.path, target, listed, repository) {
                    line.replace_range(range, &new);
                }
            }
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}

/// Where a page stands in the site's sources: the first page of a folder is its index.
pub(crate) fn place(path: &str) -> String {
    let path = path.strip_prefix("docs/").unwrap_or(path);
    path.replace("README.md", "index.md")
}

fn relink(page: &str, target: &str, listed: &BTreeSet<String>, repository: &str) -> Option<String> {
    if markdown::is_address(target) || target.starts_with('#') || target.is_empty() {
        return None;
    }
    let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
    let path = markdown::resolve(page, path)?;
    let anchor = if anchor.is_empty() {
        String::new()
    } else {
        format!("#{anchor}")
    };
    if listed.contains(&path) {
        let depth = place(page).matches('/').count();
        return Some(format!("{}{}{anchor}", "../".repeat(depth), place(&path)));
    }
    Some(format!("{repository}/blob/main/{path}{anchor}"))
}

fn folder_asked_for(line: &str) -> Option<&str> {
    line.strip_prefix("<!-- every page of ")?
        .strip_suffix(" -->")
}

fn pages_of(folder: &str, files: &[TextFile]) -> String {
    let mut out = String::new();
    let mut pages: Vec<&TextFile> = inside(folder, files).collect();
    let is_first = |file: &TextFile| {
        let first = [
            format!("docs/{folder}.md"),
            format!("docs/{folder}/README.md"),
        ];
        first.contains(&file.path)
    };
    pages.sort_by_key(|file| (!is_first(file), &file.path));
    if let Some(name) = folder.get(..1).filter(|_| !pages.is_empty()) {
        let rest = folder.get(1..).unwrap_or_default();
        // Writing into a string cannot fail.
        let _ = write!(out, "# {}{rest}\n\n", name.to_uppercase());
    }
    for page in pages {
        let title = markdown::title(&page.text).unwrap_or(&page.path);
        // Brackets would end the link.
        let title = title.replace(['[', ']'], "");
        let _ = writeln!(out, "- [{title}]({})", place(&page.path));
    }
    out
}

/// The pages of a folder, and the page beside it that has its name.
fn inside<'a>(folder: &str, files: &'a [TextFile]) -> impl Iterator<Item = &'a TextFile> {
    let beside = format!("docs/{folder}.md");
    let prefix = format!("docs/{folder}/");
    files.iter().filter(move |file| {
        file.is_markdown() && (file.path == beside || file.path.starts_with(&prefix))
    })
}

/// The table of contents.
pub(crate) const SUMMARY: &str = "docs/SUMMARY.md";

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> TextFile {
        TextFile {
            path: path.into(),
            text: text.into(),
        }
    }

    fn files() -> Vec<TextFile> {
        vec![
            file(
                SUMMARY,
                "[A](a.md)\n- [Policy](../SECURITY.md)\n<!-- every page of design -->\n<!-- every page of none -->\n\
                 <!-- every page of speed -->\n",
            ),
            file("docs/a.md", "# A\n"),
            file("docs/speed/1.md", "# One\n"),
            file("docs/speed.md", "# Speed\n"),
            file("docs/design/0002-b.md", "# 2. A [thing]\n"),
            file("docs/design/README.md", "# Design notes\n"),
            file("SECURITY.md", "# Security\n"),
            file("crates/x/README.md", "# x\n"),
        ]
    }

    #[test]
    fn a_folder_that_is_asked_for_is_listed_its_first_page_first() {
        let files = files();
        assert_eq!(
            summary(&files[0].text, &files),
            "[A](a.md)\n- [Policy](SECURITY.md)\n# Design\n\n- [Design notes](design/index.md)\n\
             - [2. A thing](design/0002-b.md)\n# Speed\n\n- [Speed](speed.md)\n- [One](speed/1.md)\n"
        );
    }

    #[test]
    fn a_page_that_nobody_would_find_is_named() {
        let mut files = files();
        assert_eq!(wrong(&files), Vec::<String>::new());
        files.push(file("docs/guides/lost.md", "# Lost\n"));
        assert_eq!(
            wrong(&files),
            ["docs/guides/lost.md is not in docs/SUMMARY.md"]
        );
        assert_eq!(wrong(&[]).len(), 1);
    }

    #[test]
    fn links_out_of_the_site_lead_to_the_repository() {
        let files = files();
        let listed = listed(&files[0].text, &files);
        let page = file(
            "docs/design/0002-b.md",
            "[a](../a.md#x) [c](../../crates/x/README.md) [s](../../SECURITY.md) [h](#y) [w](https://w)\n\
             ```\n[a](../a.md)\n```\n",
        );
        assert_eq!(
            relinked(&page, &listed, "https://r"),
            "[a](../a.md#x) [c](https://r/blob/main/crates/x/README.md) [s](../SECURITY.md) [h](#y) [w](https://w)\n\
             ```\n[a](../a.md)\n```\n"
        );
    }
}
