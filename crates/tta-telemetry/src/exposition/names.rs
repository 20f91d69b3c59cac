//! Which names a page has used: a name that meant two things would make a page unreadable.

use std::collections::HashSet;

/// The names that the families of a page and their samples have taken.
#[derive(Default)]
pub(super) struct Names(HashSet<String>);

impl Names {
    /// Takes a family's name and those of its samples; false, and nothing is taken, if one of them
    /// is another family's already.
    pub(super) fn take(&mut self, family: &str, suffixes: &[&str]) -> bool {
        let wanted = || {
            std::iter::once(family.to_owned())
                .chain(suffixes.iter().map(|suffix| format!("{family}{suffix}")))
        };
        if wanted().any(|name| self.0.contains(&name)) {
            return false;
        }
        self.0.extend(wanted());
        true
    }
}

/// What the samples of each type of family append to its name.
pub(super) fn suffixes(kind: &str) -> Option<&'static [&'static str]> {
    Some(match kind {
        "counter" => &["_total", "_created"],
        "histogram" => &["_bucket", "_sum", "_count", "_created"],
        "info" => &["_info"],
        "gauge" | "unknown" => &[],
        _ => return None,
    })
}
