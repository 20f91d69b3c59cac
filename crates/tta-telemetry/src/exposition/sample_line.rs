//! One sample of OpenMetrics text, read as strictly as the strictest reader of a page.

/// A sample whose parts are right.
#[derive(Debug, PartialEq)]
pub(super) struct SampleLine<'a> {
    /// The sample's name.
    pub(super) name: &'a str,
    /// The name with the labels.
    pub(super) series: &'a str,
    /// The value.
    pub(super) value: &'a str,
    /// The exemplar with the ` # ` before it; empty if there is none.
    pub(super) exemplar: &'a str,
}

impl<'a> SampleLine<'a> {
    /// Reads a line; none if a part of it is wrong or something is left over.
    pub(super) fn parse(line: &'a str) -> Option<Self> {
        let name = line.get(..line.find(['{', ' '])?)?;
        let labels = labels_length(line.get(name.len()..)?, true)?;
        let (series, rest) = line.split_at_checked(name.len() + labels)?;
        let rest = rest.strip_prefix(' ')?;
        let (value, exemplar) = rest.split_at_checked(rest.find(' ').unwrap_or(rest.len()))?;
        let right = is_name(name, true)
            && is_number(value)
            && (exemplar.is_empty() || is_exemplar(exemplar));
        right.then_some(Self {
            name,
            series,
            value,
            exemplar,
        })
    }
}

/// Whether this may be the name of a metric, or without colons that of a label.
pub(super) fn is_name(name: &str, colons: bool) -> bool {
    let begins = |b: u8| b.is_ascii_alphabetic() || b == b'_' || (colons && b == b':');
    name.bytes().next().is_some_and(begins) && name.bytes().all(|b| begins(b) || b.is_ascii_digit())
}

/// ` # {labels} value [timestamp]`.
fn is_exemplar(text: &str) -> bool {
    let numbers = text.strip_prefix(" # ").and_then(|rest| {
        let labels = labels_length(rest, false).filter(|&length| length > 0)?;
        rest.get(labels..)?.strip_prefix(' ')
    });
    numbers.is_some_and(|numbers| {
        let mut count = 0;
        let all = numbers.split(' ').all(|number| {
            count += 1;
            is_number(number)
        });
        all && count <= 2
    })
}

/// A number as all readers read it: Rust, too, reads `infinity` and `+1`, but not `1_000`.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
}

/// How long the labels are that a text begins with: 0 if it begins with none, none if they are
/// wrong or a name comes twice.
fn labels_length(text: &str, reserved: bool) -> Option<usize> {
    let Some(mut rest) = text.strip_prefix('{') else {
        return Some(0);
    };
    let mut names: Vec<&str> = Vec::new();
    loop {
        if let Some(after) = rest.strip_prefix('}') {
            return Some(text.len() - after.len());
        }
        if !names.is_empty() {
            rest = rest.strip_prefix(',')?;
        }
        let (name, value) = rest.split_once("=\"")?;
        let refused = reserved && name.starts_with("__");
        if !is_name(name, false) || refused || names.contains(&name) {
            return None;
        }
        names.push(name);
        rest = after_value(value)?;
    }
}

/// What follows the quote that ends a label's value.
fn after_value(text: &str) -> Option<&str> {
    let mut bytes = text.bytes().enumerate();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' => return text.get(at + 1..),
            b'\\' if !matches!(bytes.next()?.1, b'\\' | b'"' | b'n') => return None,
            _ => {}
        }
    }
    None
}
