//! Objectives: what they become, and what is refused.

use tta_catalog::rules::Rule;
use tta_catalog::slo::{Slos, rules};

fn table(change: &str) -> String {
    let mut text = String::from("[[slo]]\n");
    for line in [
        "name = \"answers\"",
        "selector = 'workflow_executions_total{workflow=\"chat\"}'",
        "objective = 99.9",
        "window = \"30d\"",
    ] {
        let field = line.split(' ').next().unwrap_or_default();
        if !change.starts_with(field) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.push_str(change);
    text
}

fn refused(change: &str) -> String {
    match Slos::parse(&table(change)) {
        Ok(slos) => panic!("{slos:?}"),
        Err(error) => error.to_string(),
    }
}

fn alerts(change: &str) -> Vec<String> {
    let slos = Slos::parse(&table(change)).unwrap_or_else(|error| panic!("{error}"));
    let file = rules(&slos);
    let alerts = file.rules().filter(|rule| matches!(rule, Rule::Alert(_)));
    alerts.map(|rule| rule.promql().to_owned()).collect()
}

#[test]
fn an_objective_of_thirty_days_burns_at_the_known_rates() {
    let limits: Vec<String> = alerts("")
        .iter()
        .filter_map(|promql| Some(promql.lines().next()?.split(" > ").nth(1)?.to_owned()))
        .collect();
    assert_eq!(limits, ["14.4 * 0.001", "6 * 0.001", "1 * 0.001"]);
}

#[test]
fn a_burn_rate_below_one_or_beyond_total_failure_is_left_out() {
    let week = alerts("window = \"7d\"");
    assert_eq!(
        week.len(),
        2,
        "the third would tell of a service that keeps its objective"
    );
    let low = alerts("objective = 90.0");
    assert_eq!(
        low.len(),
        2,
        "not even total failure burns 14.4 times too fast"
    );
}

#[test]
fn an_objective_on_latency_counts_what_is_beyond_the_bucket() {
    let change = "selector = 'workflow_duration_seconds{workflow=\"chat\"}'\nthreshold = 1.0";
    let slos = Slos::parse(&table(change)).unwrap_or_else(|error| panic!("{error}"));
    let file = rules(&slos);
    let first = file.rules().next().map(|rule| rule.promql().to_owned());
    assert_eq!(
        first.as_deref(),
        Some(
            "1 - sum by (job, workflow) (rate(workflow_duration_seconds_bucket{workflow=\"chat\", \
             le=\"1.0\"}[5m]))\n/ sum by (job, workflow) \
             (rate(workflow_duration_seconds_count{workflow=\"chat\"}[5m]))"
        )
    );
}

#[test]
fn what_cannot_be_is_refused_with_what_to_write_instead() {
    for (change, why) in [
        (
            "name = \"My answers\"",
            "lower-case letters, digits and dashes",
        ),
        (
            "objective = 100.0",
            "the objective is 100 %; give a percentage from 90 to below 100",
        ),
        ("objective = 0.999", "the objective is 0.999 %"),
        (
            "window = \"1h\"",
            "the window is `1h`; give whole days from 7d to 90d",
        ),
        ("window = \"400d\"", "the window is `400d`"),
        (
            "selector = 'chats_total'",
            "no metric `chats_total`; docs/reference/metrics.md lists them",
        ),
        (
            "selector = 'rate(workflow_executions_total[5m])'",
            "without a function",
        ),
        (
            "selector = 'workflow_executions_total{flow=\"chat\"}'",
            "has no label `flow`",
        ),
        (
            "selector = 'workflow_executions_total{status=\"error\"}'",
            "leave `status` out",
        ),
        (
            "selector = 'cache_hits_total'",
            "does not tell good from bad",
        ),
        (
            "selector = 'workflow_duration_seconds'",
            "say with `threshold` how many seconds",
        ),
        (
            "selector = 'workflow_duration_seconds'\nthreshold = 3.0",
            "give one of 0.0005, 0.001",
        ),
        ("threshold = 3.0", "counts and has no threshold"),
        ("objektive = 99", "unknown field `objektive`"),
    ] {
        let error = refused(change);
        assert!(error.contains(why), "{change}: {error}");
    }
    let named = refused("window = \"1h\"");
    assert!(named.starts_with("slo `answers`: "), "{named}");
}

#[test]
fn a_file_without_objectives_and_one_with_the_same_twice_are_refused() {
    assert!(Slos::parse("").is_err_and(|it| it.to_string().contains("there is no [[slo]]")));
    let twice = format!("{}\n{}", table(""), table(""));
    assert!(Slos::parse(&twice).is_err_and(|it| it.to_string().contains("is there twice")));
    let broken = Slos::parse("[[slo]\nname = 1");
    assert!(broken.is_err_and(|it| it.to_string().contains("line 1")));
}
