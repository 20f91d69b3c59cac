//! Pages of metrics, read again by a reader of our own.

use std::sync::{Arc, Mutex};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;
use tta_telemetry::RedactionPolicy;
use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};

/// Every line of a page is a comment or a sample, in both formats, and labels hold what was meant.
pub fn exposition(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(4, '\u{1f}');
    let [one, two, help, label] = [(); 4].map(|()| parts.next().unwrap_or_default());
    let exposition = PrometheusExposition::new(ExpositionOptions {
        target_info: vec![
            ("one".to_owned(), one.to_owned()),
            (format!("x{two}"), "name".to_owned()),
        ],
        // What looks like a secret would be taken out.
        redaction: RedactionPolicy::new().without_builtin_rules(),
        user_registry: Some(Arc::new(Mutex::new(own(help, label)))),
        ..ExpositionOptions::default()
    });
    for format in [ExpositionFormat::Text, ExpositionFormat::OpenMetrics] {
        let page = exposition.render(format);
        let page = String::from_utf8(page).unwrap_or_else(|error| panic!("not UTF-8: {error}"));
        let samples = read(&page);
        let info = samples.iter().find(|sample| sample.name == "target_info");
        let info = info.unwrap_or_else(|| panic!("no target_info in\n{page}"));
        assert!(
            info.labels.contains(&("one".to_owned(), one.to_owned())),
            "{info:?}"
        );
        let own = samples.iter().find(|sample| sample.name == "own_total");
        let own = own.unwrap_or_else(|| panic!("no own_total in\n{page}"));
        assert_eq!(own.labels, [("label".to_owned(), label.to_owned())]);
        let is_open = format == ExpositionFormat::OpenMetrics;
        assert_eq!(page.ends_with("# EOF\n"), is_open);
    }
}

fn own(help: &str, label: &str) -> Registry {
    let mut registry = Registry::default();
    let family = Family::<Vec<(String, String)>, Counter>::default();
    family
        .get_or_create(&vec![("label".to_owned(), label.to_owned())])
        .inc();
    registry.register("own", help, family);
    registry
}

#[derive(Debug)]
struct Sample {
    name: String,
    labels: Vec<(String, String)>,
}

fn read(page: &str) -> Vec<Sample> {
    assert!(page.ends_with('\n'));
    let samples = page.split_terminator('\n').filter(|line| !is_comment(line));
    samples
        .map(|line| sample(line).unwrap_or_else(|| panic!("no sample: `{line}`")))
        .collect()
}

fn is_comment(line: &str) -> bool {
    ["# HELP ", "# TYPE ", "# UNIT ", "# EOF"]
        .iter()
        .any(|start| line.starts_with(start))
}

/// `name{label="value",…} number`, with a time or an exemplar after it.
fn sample(line: &str) -> Option<Sample> {
    let end = line.find(['{', ' '])?;
    let (name, mut rest) = line.split_at_checked(end)?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    if name.is_empty() || !name.chars().all(is_name) {
        return None;
    }
    let mut labels = Vec::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let label = label.strip_prefix(',').unwrap_or(label);
            if !label.chars().all(is_name) {
                return None;
            }
            let (value, after) = unescaped(after)?;
            labels.push((label.to_owned(), value));
            rest = after;
        }
        rest = rest.strip_prefix('}')?;
    }
    let number = rest.strip_prefix(' ')?.split(' ').next()?;
    number.parse::<f64>().ok().map(|_| Sample {
        name: name.to_owned(),
        labels,
    })
}

/// The text up to its closing quote, and what comes after that.
fn unescaped(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.chars();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(match chars.next()? {
                'n' => '\n',
                escaped @ ('\\' | '"') => escaped,
                _ => return None,
            }),
            other => value.push(other),
        }
    }
}
