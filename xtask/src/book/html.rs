//! The links of the site as it was built.

use std::collections::{BTreeMap, BTreeSet};

/// What a page offers and asks for.
#[derive(Debug, Default)]
pub(crate) struct Page {
    ids: BTreeSet<String>,
    links: Vec<String>,
}

impl Page {
    pub(crate) fn read(html: &str) -> Self {
        // Scripts speak of attributes too, and are no part of the page.
        let mut text = String::new();
        let mut rest = html;
        while let Some((before, after)) = rest.split_once("<script") {
            text.push_str(before);
            rest = after.split_once("</script>").map_or("", |(_, after)| after);
        }
        text.push_str(rest);
        let values = |name: &str| -> Vec<String> {
            let marker = format!(" {name}=\"");
            let parts = text.split(marker.as_str()).skip(1);
            let values = parts.filter_map(|part| part.split_once('"').map(|(value, _)| value));
            values.map(|value| value.replace("&amp;", "&")).collect()
        };
        let mut links = values("href");
        links.extend(values("src"));
        Self {
            ids: values("id").into_iter().collect(),
            links,
        }
    }
}

/// The links that lead to no file of the site, or to no place in a page; `files` are all paths, of
/// which `pages` are those that were read.
pub(crate) fn broken(pages: &BTreeMap<String, Page>, files: &BTreeSet<String>) -> Vec<String> {
    let mut broken = Vec::new();
    for (path, page) in pages {
        let outside =
            |link: &&String| super::markdown::is_address(link) || link.starts_with("data:");
        for link in page.links.iter().filter(|link| !outside(link)) {
            let (target, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = target.split('?').next().unwrap_or_default();
            let target = if target.is_empty() {
                Some(path.clone())
            } else {
                super::markdown::resolve(path, target)
            };
            let Some(target) = target.filter(|target| files.contains(target)) else {
                broken.push(format!("{path}: no file {link}"));
                continue;
            };
            let has_place = |page: &Page| page.ids.contains(anchor);
            if !anchor.is_empty() && !pages.get(&target).is_some_and(has_place) {
                broken.push(format!("{path}: no place {link}"));
            }
        }
    }
    broken
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(html: &str) -> Vec<String> {
        let pages = BTreeMap::from([
            ("g/a.html".to_owned(), Page::read(html)),
            ("b.html".to_owned(), Page::read("<h1 id=\"top\">")),
        ]);
        let mut files: BTreeSet<String> = pages.keys().cloned().collect();
        files.insert("s.css".to_owned());
        broken(&pages, &files)
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let html = "<p id=\"x\"><a class=\"c\" href=\"#x\"><a href=\"../b.html#top\">\
            <link href=\"../s.css?v=1\"><a href=\"https://w/#y\"><script>a href=\"gone\"</script>";
        assert_eq!(check(html), Vec::<String>::new());
    }

    #[test]
    fn a_link_to_nothing_is_named() {
        assert_eq!(
            check("<a href=\"gone.html\">"),
            ["g/a.html: no file gone.html"]
        );
        assert_eq!(check("<img src=\"gone.png\">").len(), 1);
        assert_eq!(check("<a href=\"#y\">"), ["g/a.html: no place #y"]);
        assert_eq!(check("<a href=\"../b.html#y\">").len(), 1);
        assert_eq!(check("<a href=\"../../b.html\">").len(), 1);
    }
}
