//! The pages of the reference, as text.

use std::fmt::Write as _;

use tta::{MetricKind, MetricSpec};
use tta_catalog::CATALOGS;

/// One file of the reference.
pub(crate) struct Page {
    pub(crate) file: &'static str,
    pub(crate) text: String,
}

/// Every page.
pub(crate) fn all() -> Vec<Page> {
    vec![
        Page {
            file: "metrics.md",
            text: metrics(),
        },
        Page {
            file: "spans.md",
            text: spans(),
        },
        Page {
            file: "logs.md",
            text: logs(),
        },
        Page {
            file: "settings.md",
            text: settings(),
        },
    ]
}

fn metrics() -> String {
    let mut page = begin(
        "Metrics",
        "Everything at `/metrics`. Label sets are capped; past the limit they are counted in the \
         series whose labels read `__overflow__`. Aliases are other names for the same numbers, \
         shown when `TTA_METRIC_ALIASES` is `true`.",
    );
    for catalog in CATALOGS
        .iter()
        .filter(|catalog| !catalog.metrics.is_empty())
    {
        section(
            &mut page,
            catalog.crate_name,
            &[
                "metric",
                "type",
                "unit",
                "labels",
                "what it says",
                "aliases",
            ],
        );
        for metric in catalog.metrics {
            row(
                &mut page,
                &[
                    code(metric.name),
                    kind(metric),
                    metric.unit.symbol().to_owned(),
                    codes(metric.labels),
                    metric.help.to_owned(),
                    codes(metric.aliases),
                ],
            );
        }
    }
    page
}

fn spans() -> String {
    let mut page = begin(
        "Spans",
        "Names of spans, and the attributes they may carry. Status is Ok on success and Error with \
         a description on failure; a span that was cancelled has `error.type` `cancelled`. An \
         error is an `exception` event at the span where it began.",
    );
    for catalog in CATALOGS.iter().filter(|catalog| !catalog.spans.is_empty()) {
        section(
            &mut page,
            catalog.crate_name,
            &["span", "what it covers", "attributes"],
        );
        for span in catalog.spans {
            row(
                &mut page,
                &[
                    code(span.name),
                    span.help.to_owned(),
                    codes(span.attributes),
                ],
            );
        }
    }
    page
}

fn logs() -> String {
    let mut page = begin(
        "Log events",
        "The value of `message` of the lines that the library writes, and their fields besides \
         those of every line: `timestamp`, `level`, `message`, `target`, `service`, and inside a \
         step `correlation_id`, `trace_id` and `span_id`.",
    );
    for catalog in CATALOGS.iter().filter(|catalog| !catalog.logs.is_empty()) {
        section(
            &mut page,
            catalog.crate_name,
            &["event", "what it says", "fields"],
        );
        for log in catalog.logs {
            row(
                &mut page,
                &[code(log.name), log.help.to_owned(), codes(log.fields)],
            );
        }
    }
    page
}

fn settings() -> String {
    let mut page = begin(
        "Settings",
        "Environment variables that `initialize_observability` reads. An empty one counts as unset; \
         one that cannot be read is ignored and said so once. `status()` shows each setting with \
         where it comes from.",
    );
    page.push('\n');
    header(
        &mut page,
        &["variable", "from code", "what it sets", "default"],
    );
    for setting in tta::SETTINGS {
        row(
            &mut page,
            &[
                codes(setting.variables),
                setting.method.map(code).unwrap_or_default(),
                setting.help.to_owned(),
                setting.default.to_owned(),
            ],
        );
    }
    page
}

fn begin(title: &str, text: &str) -> String {
    format!("<!-- Written by `cargo xtask generate`; do not edit. -->\n# {title}\n\n{text}\n")
}

fn section(page: &mut String, title: &str, columns: &[&str]) {
    // Writing into a string cannot fail.
    let _ = write!(page, "\n## {title}\n\n");
    header(page, columns);
}

fn header(page: &mut String, columns: &[&str]) {
    row(
        page,
        &columns
            .iter()
            .map(|&column| column.to_owned())
            .collect::<Vec<_>>(),
    );
    row(
        page,
        &columns.iter().map(|_| "---".to_owned()).collect::<Vec<_>>(),
    );
}

fn row(page: &mut String, cells: &[String]) {
    let cells: Vec<_> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let _ = writeln!(page, "| {} |", cells.join(" | "));
}

fn kind(metric: &MetricSpec) -> String {
    match metric.kind {
        MetricKind::Counter => "counter".to_owned(),
        MetricKind::Gauge => "gauge".to_owned(),
        MetricKind::Histogram => {
            let bounds: Vec<_> = metric.bounds.iter().map(f64::to_string).collect();
            format!("histogram: {}", bounds.join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn code(text: &str) -> String {
    format!("`{text}`")
}

fn codes(texts: &[&str]) -> String {
    texts
        .iter()
        .map(|text| code(text))
        .collect::<Vec<_>>()
        .join(", ")
}
