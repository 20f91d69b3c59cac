//! As much of Markdown as links need: which lines are text, where links lead, and what headings are
//! called in addresses.

use std::collections::BTreeMap;

/// The lines that are no code, with their numbers from 1.
pub(crate) fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fence: Option<&str> = None;
    text.lines().enumerate().filter_map(move |(number, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"]
            .into_iter()
            .find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(mark)) => {
                fence = Some(mark);
                None
            }
            (Some(open), Some(mark)) if open == mark => {
                fence = None;
                None
            }
            (Some(_), _) => None,
            (None, None) => Some((number + 1, line)),
        }
    })
}

/// Where the links of a line stand: the bytes of each target of `[text](target)` and of
/// `[text]: target`.
pub(crate) fn targets(line: &str) -> Vec<std::ops::Range<usize>> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = line.get(from..).and_then(|rest| rest.find("](")) {
        let start = from + at + 2;
        let rest = line.get(start..).unwrap_or_default();
        let end = start + rest.find([')', ' ']).unwrap_or(rest.len());
        if !is_in_code(line, start) {
            found.push(start..end);
        }
        from = end;
    }
    if line.starts_with('[')
        && let Some((label, target)) = line.split_once("]: ")
    {
        let start = label.len() + 3;
        let end = start + target.find(' ').unwrap_or(target.len());
        found.push(start..end);
    }
    found
}

/// The addresses of all headings, as GitHub and mdBook make them: the second of the same name ends
/// in `-1`.
pub(crate) fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter_map(|(_, line)| heading(line));
    let anchor = |heading: &str| {
        let anchor = slug(heading);
        let count = seen.entry(anchor.clone()).or_insert(0);
        *count += 1;
        match *count {
            1 => anchor,
            count => format!("{anchor}-{}", count - 1),
        }
    };
    headings.map(anchor).collect()
}

/// The first heading of a page.
pub(crate) fn title(text: &str) -> Option<&str> {
    prose(text)
        .find_map(|(_, line)| line.strip_prefix("# "))
        .map(str::trim)
}

/// The path that a link of a page leads to, from the workspace's root; `None` when it leaves it.
pub(crate) fn resolve(page: &str, path: &str) -> Option<String> {
    let folder = page.rsplit_once('/').map_or("", |(folder, _)| folder);
    let folder = if path.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in folder.split('/').chain(path.split('/')) {
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

/// Whether a link leads out of the repository.
pub(crate) fn is_address(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let depth = line.len() - text.len();
    ((1..=6).contains(&depth) && text.starts_with(' ')).then(|| text.trim())
}

fn slug(heading: &str) -> String {
    // A link in a heading counts with its text alone.
    let mut text = String::new();
    let mut rest = heading;
    while let Some((before, after)) = rest.split_once("](") {
        text.push_str(before);
        rest = after.split_once(')').map_or("", |(_, after)| after);
    }
    text.push_str(rest);
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            c if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}

fn is_in_code(line: &str, at: usize) -> bool {
    let before = line.get(..at).unwrap_or_default();
    before.matches('`').count() % 2 == 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_fenced_is_no_prose() {
        let text = "a\n```sh\nb\n~~~\n```\nc\n~~~\nd\n~~~\ne";
        let lines: Vec<_> = prose(text).collect();
        assert_eq!(lines, [(1, "a"), (6, "c"), (10, "e")]);
    }

    #[test]
    fn links_are_found_and_code_is_left_alone() {
        let found = |line: &'static str| -> Vec<&str> {
            targets(line)
                .into_iter()
                .map(|range| &line[range])
                .collect()
        };
        assert_eq!(found("[a](b.md) and [c](d.md#e \"t\")"), ["b.md", "d.md#e"]);
        assert_eq!(found("[a]: b.md"), ["b.md"]);
        assert!(found("`[a](b.md)` is code").is_empty());
    }

    #[test]
    fn headings_are_called_as_github_calls_them() {
        let text =
            "# The `x_y` page: A, b!\n## Again\n```\n# no\n```\n## Again\n### [L](m.md) t\n#no\n";
        assert_eq!(
            anchors(text),
            ["the-x_y-page-a-b", "again", "again-1", "l-t"]
        );
        assert_eq!(title(text), Some("The `x_y` page: A, b!"));
    }

    #[test]
    fn paths_resolve_from_the_page_and_may_not_leave_the_repository() {
        assert_eq!(
            resolve("docs/a.md", "b/c.md").as_deref(),
            Some("docs/b/c.md")
        );
        assert_eq!(resolve("docs/a.md", "../x").as_deref(), Some("x"));
        assert_eq!(resolve("docs/a.md", "/x").as_deref(), Some("x"));
        assert_eq!(resolve("docs/a.md", "../../x"), None);
    }
}
