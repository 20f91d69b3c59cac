//! The directives of a log filter, one by one: a bad one costs itself and no other.

/// What a variable says, in one form, and the directives of it that mean nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Directives {
    /// None where no directive means anything.
    pub(super) filter: Option<String>,
    pub(super) ignored: Vec<String>,
}

/// Reads `level`, `target=level` and, where it may stand, `target`, with commas between.
///
/// `RUST_LOG=hyper` is everything of hyper, and has been for years. A variable that is named for a
/// level has no such word: there it would be a misspelt level that silences all the rest.
pub(super) fn read(text: &str, may_be_target: bool) -> Directives {
    let mut read = Directives::default();
    let mut known: Vec<String> = Vec::new();
    let (mut has_level, mut misses_level) = (false, false);
    for directive in text.split(',').map(str::trim).filter(|it| !it.is_empty()) {
        match directive.split_once('=') {
            Some((target, text)) => match (is_target(target.trim()), level(text)) {
                (true, Some(level)) => known.push(format!("{}={level}", target.trim())),
                _ => read.ignored.push(directive.to_owned()),
            },
            None => match level(directive) {
                Some(level) => {
                    has_level = true;
                    known.push(level.to_owned());
                }
                None if is_target(directive) && (may_be_target || directive.contains("::")) => {
                    known.push(format!("{directive}=trace"));
                }
                None => {
                    misses_level = true;
                    read.ignored.push(directive.to_owned());
                }
            },
        }
    }
    // What was meant to be the level of everything else is not taken for silence.
    if misses_level && !has_level && !known.is_empty() {
        known.push(USUAL.to_owned());
    }
    read.filter = (!known.is_empty()).then(|| known.join(","));
    read
}

/// What each directive may be, for who wrote another one.
pub(super) const WANTED: &str = "`level` or `target=level`, where a level is trace, debug, info, \
                                 warn, error or off";

fn level(text: &str) -> Option<&'static str> {
    match text.trim().to_ascii_lowercase().as_str() {
        "trace" => Some("trace"),
        "debug" => Some("debug"),
        "info" => Some("info"),
        "warn" | "warning" => Some("warn"),
        "error" | "fatal" => Some("error"),
        "off" | "none" => Some("off"),
        _ => None,
    }
}

/// The path of a module, or another name that a target was given. Spans and fields in brackets, as
/// some filters have them, are none.
fn is_target(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"_-:./".contains(&byte);
    !text.is_empty() && text.bytes().all(is_part)
}

const USUAL: &str = "info";

#[cfg(test)]
mod tests {
    use super::*;

    fn read_as(text: &str, may_be_target: bool) -> (Option<String>, Vec<String>) {
        let read = read(text, may_be_target);
        (read.filter, read.ignored)
    }

    #[test]
    fn each_directive_holds_or_is_told_by_itself() {
        for (text, filter, ignored) in [
            (
                "info,my_crate::db=debug,hyper=warn",
                "info,my_crate::db=debug,hyper=warn",
                vec![],
            ),
            (" Warning , h2 = OFF ,", "warn,h2=off", vec![]),
            (
                "info,hyper=loud,tower=debug",
                "info,tower=debug",
                vec!["hyper=loud"],
            ),
            (
                "debug,[span{field}]=trace,=warn",
                "debug",
                vec!["[span{field}]=trace", "=warn"],
            ),
            ("inof,hyper=warn", "hyper=warn,info", vec!["inof"]),
            ("my_crate::db", "my_crate::db=trace", vec![]),
        ] {
            assert_eq!(read_as(text, false).0.as_deref(), Some(filter), "{text}");
            assert_eq!(read_as(text, false).1, ignored, "{text}");
        }
        assert_eq!(read_as("loud", false), (None, vec!["loud".to_owned()]));
        assert_eq!(read_as(",", true), (None, vec![]));
    }

    #[test]
    fn a_lone_name_is_a_target_where_it_always_was() {
        assert_eq!(
            read_as("hyper,info", true).0.as_deref(),
            Some("hyper=trace,info")
        );
        assert_eq!(read_as("hyper,info", false).0.as_deref(), Some("info"));
    }
}
