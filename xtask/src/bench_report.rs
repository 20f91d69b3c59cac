//! The table that `cargo xtask bench` ends with: what one more step costs, as ratios in one run.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{Failure, Result};

/// A budget: a subject's cost over another's, both for one more step unless the name has no sizes.
struct Budget {
    subject: &'static str,
    over: &'static str,
    /// The ratio that `performance.md` asks for in the end.
    goal: f64,
}

/// Every budget is a ratio to something measured in the same run: absolute figures move from
/// machine to machine.
const BUDGETS: [Budget; 9] = [
    Budget {
        subject: "tta/statistics",
        over: "floor/clock_twice",
        goal: 1.45,
    },
    Budget {
        subject: "tta/unsampled",
        over: "floor/clock_twice",
        goal: 1.45,
    },
    Budget {
        subject: "tta/sampled",
        over: "floor/clock_twice",
        goal: 2.0,
    },
    Budget {
        subject: "tta/statistics",
        over: "opentelemetry_sdk",
        goal: 0.2,
    },
    Budget {
        subject: "tta/unsampled",
        over: "opentelemetry_sdk",
        goal: 0.2,
    },
    Budget {
        subject: "tta/sampled",
        over: "opentelemetry_sdk",
        goal: 0.17,
    },
    Budget {
        subject: "tta/statistics",
        over: "tracing_opentelemetry",
        goal: 0.06,
    },
    Budget {
        subject: "tta/unsampled",
        over: "tracing_opentelemetry_off",
        goal: 0.06,
    },
    Budget {
        subject: "tta/sampled",
        over: "tracing_opentelemetry",
        goal: 0.06,
    },
];

/// Reads criterion's estimates below `target` and prints the table.
pub(crate) fn print(target: &Path) -> Result {
    let criterion = target.join("criterion");
    let mut table = String::from(
        "\nwhat one more step costs, medians of this run\n\n\
         | subject | ns | over | ns | ratio | budget | of budget |\n\
         |---|---:|---|---:|---:|---:|---:|\n",
    );
    for budget in BUDGETS {
        let ours = step_cost(&criterion, budget.subject)?;
        let theirs = step_cost(&criterion, budget.over)?;
        let ratio = ours / theirs;
        let row = format!(
            "| {} | {ours:.0} | {} | {theirs:.0} | {ratio:.3} | {} | {:.2} |\n",
            budget.subject,
            budget.over,
            budget.goal,
            ratio / budget.goal
        );
        table.push_str(&row);
    }
    eprintln!("{table}");
    Ok(())
}

/// A tenth of what eleven steps cost over one, less what a bare step costs; the clock as it is.
fn step_cost(criterion: &Path, subject: &str) -> Result<f64> {
    if subject == "floor/clock_twice" {
        return median(criterion, subject);
    }
    let one_more = |subject: &str| -> Result<f64> {
        let eleven = median(criterion, &format!("{subject}/11"))?;
        Ok((eleven - median(criterion, &format!("{subject}/1"))?) / 10.0)
    };
    Ok(one_more(subject)? - one_more("floor/bare")?)
}

/// The median of a benchmark, in nanoseconds.
fn median(criterion: &Path, benchmark: &str) -> Result<f64> {
    let folders = folder(benchmark);
    let path = criterion.join(&folders).join("new/estimates.json");
    let text = fs::read_to_string(&path)
        .map_err(|error| Failure::new(format!("failed to read {}: {error}", path.display())))?;
    let median = serde_json::from_str::<Value>(&text)
        .ok()
        .and_then(|json| json.pointer("/median/point_estimate")?.as_f64());
    median.ok_or_else(|| Failure::new(format!("{} has no median", path.display())))
}

/// Criterion keeps a group in a folder and puts an underscore for a slash in a benchmark's name.
fn folder(benchmark: &str) -> String {
    match benchmark.split_once('/') {
        Some((group, name)) => format!("{group}/{}", name.replace('/', "_")),
        None => benchmark.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn estimates(folder: &Path, benchmark: &str, median: f64) {
        let path = folder.join(super::folder(benchmark)).join("new");
        fs::create_dir_all(&path).unwrap();
        let json = format!(r#"{{"median":{{"point_estimate":{median}}}}}"#);
        fs::write(path.join("estimates.json"), json).unwrap();
    }

    #[test]
    fn a_step_costs_what_ten_more_steps_add_over_bare_ones() {
        let folder = tempfile::tempdir().unwrap();
        for (benchmark, median) in [
            ("floor/bare/1", 5.0),
            ("floor/bare/11", 25.0),
            ("tta/sampled/1", 700.0),
            ("tta/sampled/11", 2_720.0),
        ] {
            estimates(folder.path(), benchmark, median);
        }
        assert!((step_cost(folder.path(), "tta/sampled").unwrap() - 200.0).abs() < 1e-9);
    }

    #[test]
    fn a_benchmark_that_did_not_run_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = step_cost(folder.path(), "tta/sampled").unwrap_err();
        assert!(error.to_string().contains("tta/sampled_11"), "{error}");
    }
}
