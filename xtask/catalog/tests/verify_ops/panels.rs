//! Every query of every panel, as Grafana would send it.

use tta_catalog::dashboards::{self, Dashboard, Look, Query};
use tta_catalog::known::Known;
use tta_testkit::servers::{Labels, PrometheusServer};

use crate::demo::{Demo, SCRAPE_INTERVAL};

/// How many queries there are, and what is wrong with them.
pub(crate) fn wrong(
    prometheus: &PrometheusServer,
    demo: &Demo,
    known: &Known,
) -> (usize, Vec<String>) {
    let mut wrong = Vec::new();
    let mut count = 0;
    for dashboard in dashboards::all() {
        for (_, panel) in dashboard.panels() {
            for query in &panel.queries {
                count += 1;
                let name = format!("{}, {}, `{}`", dashboard.title, panel.title, query.legend);
                let promql = filled(&dashboard, query, known, demo);
                let answer = match panel.look {
                    Look::Number | Look::Table => prometheus
                        .query(&promql)
                        .map(|all| all.into_iter().map(|(l, value)| (l, vec![value])).collect()),
                    _ => {
                        let (start, end) = demo.span();
                        prometheus.query_range(&promql, start, end, SCRAPE_INTERVAL)
                    }
                };
                let answer: Vec<(Labels, Vec<f64>)> = match answer {
                    Ok(answer) => answer,
                    Err(error) => {
                        wrong.push(format!("{name}: {error}"));
                        continue;
                    }
                };
                let is_empty = !answer.iter().any(|(_, values)| says(values));
                let may_be = EMPTY
                    .iter()
                    .any(|(title, legend, _)| *title == panel.title && *legend == query.legend);
                match (is_empty, may_be) {
                    (true, false) => wrong.push(format!("{name} is empty: {promql}")),
                    (false, true) => wrong.push(format!("{name} is listed as empty and is not")),
                    _ => {}
                }
            }
        }
    }
    (count, wrong)
}

/// Whether a series has a number in it.
pub(crate) fn says(values: &[f64]) -> bool {
    values.iter().any(|value| !value.is_nan())
}

/// A query with the values of the variables in their places.
pub(crate) fn filled(dashboard: &Dashboard, query: &Query, known: &Known, demo: &Demo) -> String {
    let (start, end) = demo.span();
    let range = end.duration_since(start).unwrap().as_secs() + 1;
    let values = [
        ("$__rate_interval", "5s".to_owned()),
        ("$__range", format!("{range}s")),
        ("$job", "tta".to_owned()),
        ("$instance", demo.metrics().to_string()),
        ("$primitive", ".+".to_owned()),
        ("$workflow", ".+".to_owned()),
    ];
    let mut promql = dashboard.promql(query, known).unwrap();
    for (variable, value) in values {
        promql = promql.replace(variable, &value);
    }
    promql
}

/// What the demonstration has nothing to show for: panel, legend, and why.
const EMPTY: &[(&str, &str, &str)] = &[(
    "Traces held to see how they end",
    "{{outcome}}",
    "tail sampling is an option that the demonstration does not take",
)];
