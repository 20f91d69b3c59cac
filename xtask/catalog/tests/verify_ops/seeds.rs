//! The queries that the documents ask from which this project came, with metric aliases on.

use std::time::{Duration, SystemTime};

use serde_json::Value;
use tta_testkit::servers::{Labels, PrometheusServer};

/// A query as the documents have it.
struct Asked {
    promql: &'static str,
    answer: Answer,
}

/// What the right answer is.
enum Answer {
    /// One number, which the demonstration counted itself.
    Counted(fn(&Value) -> f64),
    /// The growth per second over 5 minutes of what the demonstration counted.
    PerSecond(fn(&Value) -> f64),
    /// Tokens per second over 5 minutes, which at the models' prices come to what the demonstration
    /// paid.
    Priced,
    /// What this query with today's names answers, series by series.
    Same(&'static str),
    /// Nothing, by the rules of PromQL, whoever shows the metrics; this one asks what was meant, and
    /// the demonstration counted that.
    Nothing {
        why: &'static str,
        meant: &'static str,
        counted: fn(&Value) -> f64,
    },
    /// 100, for every series, by the rules of PromQL; this one asks what was meant, and the
    /// demonstration counted that.
    Hundred {
        why: &'static str,
        meant: &'static str,
        counted: fn(&Value) -> f64,
    },
}

/// Queries that are not answered rightly.
pub(crate) fn wrong(prometheus: &PrometheusServer, summary: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let now = SystemTime::now();
    for Asked { promql, answer } in ASKED {
        let found = match at_once(prometheus, promql, now) {
            Ok(found) => found,
            Err(error) => {
                wrong.push(format!("`{promql}`: {error}"));
                continue;
            }
        };
        let verdict = match answer {
            Answer::Counted(counted) => near(&found, counted(summary)),
            Answer::Same(today) => same(&found, &at_once(prometheus, today, now).unwrap()),
            Answer::Priced => near(&priced(&found), at(summary, "/cost/actual_usd") / 300.0),
            Answer::PerSecond(counted) => near(&found, counted(summary) / 300.0),
            Answer::Nothing {
                why,
                meant,
                counted,
            } => {
                println!("document: `{promql}` answers nothing: {why}; meant is `{meant}`");
                let meant = prometheus.query(meant).unwrap();
                let is_so = found.is_empty();
                let counted = near(&meant, counted(summary));
                counted.and(is_so.then_some(()).ok_or(format!("it answers {found:?}")))
            }
            Answer::Hundred {
                why,
                meant,
                counted,
            } => {
                println!("document: `{promql}` answers 100: {why}; meant is `{meant}`");
                let meant = prometheus.query(meant).unwrap();
                let numbers = || found.iter().map(|(_, value)| *value);
                let mut numbers = numbers().filter(|value| !value.is_nan());
                let is_so = !found.is_empty() && numbers.all(|it| (it - 100.0).abs() < 1e-6);
                let counted = near(&meant, counted(summary));
                counted.and(is_so.then_some(()).ok_or(format!("it answers {found:?}")))
            }
        };
        if let Err(why) = verdict {
            wrong.push(format!("document's query `{promql}`: {why}"));
        }
    }
    println!("documents: {} queries answered", ASKED.len());
    wrong
}

/// What a query answers at a time, so that two can be compared.
fn at_once(
    prometheus: &PrometheusServer,
    promql: &str,
    now: SystemTime,
) -> std::io::Result<Vec<(Labels, f64)>> {
    let found = prometheus.query_range(promql, now, now, Duration::from_secs(1))?;
    let latest = |(labels, values): (Labels, Vec<f64>)| Some((labels, *values.last()?));
    Ok(found.into_iter().filter_map(latest).collect())
}

/// The sum of what was found, within the 5 % that are lost before the first scrape and at the edges
/// of a rate.
fn near(found: &[(Labels, f64)], counted: f64) -> Result<(), String> {
    if found.is_empty() {
        return Err("it answers nothing".to_owned());
    }
    let sum: f64 = found.iter().map(|(_, value)| value).sum();
    let is_near = (sum - counted).abs() <= 0.05 * counted.abs() + 1e-9;
    is_near
        .then_some(())
        .ok_or(format!("it answers {sum}, not {counted}"))
}

/// The same values for the same primitives, whatever the label is called. Within a scrape one name is
/// read after the other, so that a few in a hundred may lie between them while the load goes on.
fn same(found: &[(Labels, f64)], today: &[(Labels, f64)]) -> Result<(), String> {
    let plain = |all: &[(Labels, f64)]| {
        let mut plain: Vec<(String, f64)> = all
            .iter()
            .filter(|(_, value)| !value.is_nan())
            .map(|(labels, value)| {
                let mut labels = labels.clone();
                labels.remove("__name__");
                if let Some(name) = labels.remove("primitive_name") {
                    labels.insert("primitive".to_owned(), name);
                }
                (format!("{labels:?}"), *value)
            })
            .collect();
        plain.sort_by(|one, other| one.0.cmp(&other.0));
        plain
    };
    let (found, today) = (plain(found), plain(today));
    if found.is_empty() {
        return Err("it answers nothing".to_owned());
    }
    let is_same = |((one, value), (other, current)): &(&(String, f64), &(String, f64))| {
        one == other && (value - current).abs() <= 0.05 * current.abs()
    };
    let first = found.iter().zip(&today).find(|pair| !is_same(pair));
    if first.is_none() && found.len() == today.len() {
        return Ok(());
    }
    Err(format!(
        "{} series, {} with today's names; {first:?}",
        found.len(),
        today.len()
    ))
}

fn at(summary: &Value, pointer: &str) -> f64 {
    summary.pointer(pointer).and_then(Value::as_f64).unwrap()
}

fn step(summary: &Value, name: &str, field: &str) -> f64 {
    let steps = summary.pointer("/steps").and_then(Value::as_array);
    let mut steps = steps.into_iter().flatten();
    let step = steps.find(|it| it.get("name").and_then(Value::as_str) == Some(name));
    step.and_then(|it| it.get(field)?.as_f64()).unwrap()
}

/// What tokens cost by the public price lists that the demonstration goes by, in US dollars.
fn priced(tokens: &[(Labels, f64)]) -> Vec<(Labels, f64)> {
    let price = |labels: &Labels| match (&*labels["model"], &*labels["token_type"]) {
        ("gpt-4o-mini", "input") => 0.15e-6,
        ("gpt-4o-mini", "output") => 0.60e-6,
        ("gpt-4o", "input") => 2.50e-6,
        ("gpt-4o", "output") => 10.00e-6,
        other => panic!("no price for {other:?}"),
    };
    let priced = tokens
        .iter()
        .map(|(labels, rate)| (labels.clone(), rate * price(labels)));
    priced.collect()
}

/// All executions of all steps.
fn executions(summary: &Value) -> f64 {
    let steps = summary.pointer("/steps").and_then(Value::as_array);
    let steps = steps.into_iter().flatten();
    steps.filter_map(|it| it.get("executions")?.as_f64()).sum()
}

/// All calls of models, whatever became of them.
fn calls(summary: &Value) -> f64 {
    let routes = summary.pointer("/routes").and_then(Value::as_array);
    let routes = routes.into_iter().flatten();
    routes.filter_map(|it| it.get("calls")?.as_f64()).sum()
}

fn failed_share(summary: &Value) -> f64 {
    step(summary, "FallbackPrimitive", "errors") / step(summary, "FallbackPrimitive", "executions")
        * 100.0
}

/// In the order of the documents: the package's readme, then the architecture.
const ASKED: &[Asked] = &[
    Asked {
        promql: "primitive_execution_duration_seconds{primitive=\"CachePrimitive\"}",
        answer: Answer::Nothing {
            why: "a histogram has no series of its own name, only _bucket, _sum and _count",
            meant: "primitive_execution_duration_seconds_count{primitive=\"CachePrimitive\"}",
            counted: |it| step(it, "CachePrimitive", "executions"),
        },
    },
    Asked {
        promql: "cache_hit_rate{primitive=\"CachePrimitive\"}",
        answer: Answer::Counted(|it| at(it, "/cache/hit_rate")),
    },
    Asked {
        promql: "primitive_execution_errors_total{primitive=\"RouterPrimitive\"}",
        answer: Answer::Counted(|it| step(it, "RouterPrimitive", "errors")),
    },
    Asked {
        promql: "rate(primitive_duration_seconds_sum[5m]) \n  / \n\
                 rate(primitive_duration_seconds_count[5m])",
        answer: Answer::Same(
            "rate(primitive_execution_duration_seconds_sum[5m]) \
             / rate(primitive_execution_duration_seconds_count[5m])",
        ),
    },
    Asked {
        promql: "histogram_quantile(0.95, \n  rate(primitive_duration_seconds_bucket[5m])\n)",
        answer: Answer::Same(
            "histogram_quantile(0.95, rate(primitive_execution_duration_seconds_bucket[5m]))",
        ),
    },
    Asked {
        promql: "rate(primitive_executions_total[5m])",
        answer: Answer::PerSecond(executions),
    },
    Asked {
        promql: "(rate(primitive_executions_total{status=\"error\"}[5m])\n  /\n\
                 rate(primitive_executions_total[5m])) * 100",
        answer: Answer::Hundred {
            why: "only series with the same status are divided, errors by errors",
            meant: "100 * sum by (primitive) (rate(primitive_executions_total\
                    {primitive=\"FallbackPrimitive\", status=\"error\"}[5m])) \
                    / sum by (primitive) (rate(primitive_executions_total\
                    {primitive=\"FallbackPrimitive\"}[5m]))",
            counted: failed_share,
        },
    },
    Asked {
        promql: "(rate(primitive_executions_total{status=\"success\"}[5m])\n  /\n\
                 rate(primitive_executions_total[5m])) * 100",
        answer: Answer::Hundred {
            why: "only series with the same status are divided, successes by successes",
            meant: "100 * sum by (primitive) (rate(primitive_executions_total\
                    {primitive=\"FallbackPrimitive\", status=\"success\"}[5m])) \
                    / sum by (primitive) (rate(primitive_executions_total\
                    {primitive=\"FallbackPrimitive\"}[5m]))",
            counted: |it| 100.0 - failed_share(it),
        },
    },
    Asked {
        promql: "increase(llm_cost_usd_total[1h])",
        answer: Answer::Counted(|it| at(it, "/cost/actual_usd")),
    },
    Asked {
        promql: "llm_cost_usd_total / llm_requests_total",
        answer: Answer::Nothing {
            why: "requests are told apart by status too, so that no two series match",
            meant: "sum(llm_cost_usd_total) / sum(llm_requests_total)",
            counted: |it| at(it, "/cost/actual_usd") / calls(it),
        },
    },
    Asked {
        promql: "rate(llm_tokens_total[5m])",
        answer: Answer::Priced,
    },
];
