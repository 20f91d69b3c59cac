//! The dashboards keep to Grafana's rules, and each rule is seen to fail once.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

use serde_json::{Value, json};
use tta_catalog::dashboards::lint::offences;
use tta_catalog::dashboards::{self, Dashboard};
use tta_catalog::known::Known;
use tta_catalog::rules;

fn known() -> Known {
    Known::declared().and_recorded_by(&rules::all())
}

fn json_of(dashboard: &Dashboard) -> Value {
    serde_json::from_str(&dashboard.json(&known()).unwrap()).unwrap()
}

/// The rules that a dashboard offends when something of it is changed.
fn offended(change: impl FnOnce(&mut Value)) -> Vec<String> {
    let mut dashboard = json_of(&dashboards::all()[0]);
    assert_eq!(offences(&dashboard), [""; 0]);
    change(&mut dashboard);
    let mut rules: Vec<String> = offences(&dashboard)
        .iter()
        .map(|offence| offence.split(": ").next().unwrap().to_owned())
        .collect();
    rules.dedup();
    rules
}

/// The first panel with something to show: a number, at `/panels/1`.
const FIRST: &str = "/panels/1";

/// The first panel with lines.
fn lines(dashboard: &mut Value) -> &mut Value {
    let panels = dashboard["panels"].as_array_mut().unwrap();
    let of_lines = panels.iter_mut().find(|it| it["title"] == "Latency");
    of_lines.unwrap()
}

fn variable<'a>(dashboard: &'a mut Value, name: &str) -> &'a mut Value {
    let list = dashboard["templating"]["list"].as_array_mut().unwrap();
    list.iter_mut().find(|it| it["name"] == name).unwrap()
}

#[test]
fn there_are_five_and_they_offend_no_rule() {
    let all = dashboards::all();
    let titles: Vec<&str> = all.iter().map(|dashboard| dashboard.title).collect();
    assert_eq!(
        titles,
        [
            "Workflow Overview",
            "Primitive Performance",
            "Cache Analytics",
            "Router and Cost",
            "Telemetry Health",
        ]
    );
    for dashboard in &all {
        assert_eq!(
            offences(&json_of(dashboard)),
            [""; 0],
            "{}",
            dashboard.title
        );
    }
}

#[test]
fn a_missing_field_offends_the_schema() {
    let missing = |it: &mut Value| it.pointer_mut(FIRST).unwrap()["options"] = Value::Null;
    assert_eq!(offended(missing), ["schema"]);
}

#[test]
fn another_version_of_the_schema_is_an_offence() {
    assert_eq!(
        offended(|it| it["schemaVersion"] = json!(39)),
        ["schema-version"]
    );
}

#[test]
fn a_uid_that_is_none_and_an_id_of_a_database_are_offences() {
    assert_eq!(offended(|it| it["uid"] = json!("über uns")), ["stable-uid"]);
    assert_eq!(offended(|it| it["id"] = json!(17)), ["stable-uid"]);
}

#[test]
fn a_number_given_twice_is_an_offence() {
    assert_eq!(
        offended(|it| it.pointer_mut(FIRST).unwrap()["id"] = json!(3)),
        ["unique-ids"]
    );
}

#[test]
fn panels_one_over_the_other_or_beyond_the_grid_are_offences() {
    let over = |it: &mut Value| it["panels"][2]["gridPos"]["x"] = json!(2);
    assert_eq!(offended(over), ["no-overlap"]);
    let beyond = |it: &mut Value| it["panels"][6]["gridPos"]["w"] = json!(5);
    assert_eq!(offended(beyond), ["no-overlap"]);
}

#[test]
fn a_row_that_is_folded_and_empty_is_an_offence() {
    assert_eq!(
        offended(|it| it["panels"][0]["collapsed"] = json!(true)),
        ["rows"]
    );
}

#[test]
fn a_placeholder_of_an_import_is_an_offence() {
    let placeholder = |it: &mut Value| it["description"] = json!("of ${DS_PROMETHEUS}");
    assert_eq!(offended(placeholder), ["no-input-placeholder"]);
}

#[test]
fn lines_without_exemplars_are_an_offence() {
    let without = |it: &mut Value| lines(it)["targets"][0]["exemplar"] = json!(false);
    assert_eq!(offended(without), ["exemplars"]);
}

#[test]
fn a_dashboard_that_can_be_edited_is_an_offence() {
    assert_eq!(
        offended(|it| it["editable"] = json!(true)),
        ["uneditable-dashboard-rule"]
    );
}

#[test]
fn a_data_source_called_otherwise_is_an_offence() {
    let label = |it: &mut Value| variable(it, "datasource")["label"] = json!("Prometheus");
    assert_eq!(offended(label), ["template-datasource-rule"]);
    let none = |it: &mut Value| {
        it["templating"]["list"].as_array_mut().unwrap().remove(0);
    };
    assert_eq!(offended(none), ["template-datasource-rule"]);
}

#[test]
fn variables_for_job_and_instance_must_be_as_everywhere() {
    for (name, rule) in [
        ("job", "template-job-rule"),
        ("instance", "template-instance-rule"),
    ] {
        let one = |it: &mut Value| variable(it, name)["multi"] = json!(false);
        assert_eq!(offended(one), [rule]);
        let all = |it: &mut Value| variable(it, name)["allValue"] = json!(".*");
        assert_eq!(offended(all), [rule]);
        let label = |it: &mut Value| variable(it, name)["label"] = json!(name);
        assert_eq!(offended(label), [rule]);
        let source = |it: &mut Value| variable(it, name)["datasource"]["uid"] = json!("abc");
        assert_eq!(offended(source), [rule]);
        let none = |it: &mut Value| variable(it, name)["includeAll"] = json!(false);
        assert_eq!(offended(none), [rule]);
    }
}

#[test]
fn a_variable_whose_query_cannot_be_read_is_an_offence() {
    let query = |it: &mut Value| {
        variable(it, "workflow")["query"]["query"] = json!("label_values(workflow{, workflow)");
    };
    assert_eq!(offended(query), ["template-label-promql-rule"]);
}

#[test]
fn a_variable_that_keeps_old_values_is_an_offence() {
    let stale = |it: &mut Value| variable(it, "workflow")["refresh"] = json!(1);
    assert_eq!(offended(stale), ["template-on-time-change-reload-rule"]);
}

#[test]
fn a_variable_that_no_query_uses_is_an_offence() {
    let renamed = |it: &mut Value| variable(it, "workflow")["name"] = json!("flow");
    assert_eq!(offended(renamed), ["template-unused-rule"]);
}

#[test]
fn a_panel_with_a_data_source_of_its_own_is_an_offence() {
    let own = |it: &mut Value| it.pointer_mut(FIRST).unwrap()["datasource"]["uid"] = json!("abc");
    assert_eq!(offended(own), ["panel-datasource-rule"]);
    let target = |it: &mut Value| lines(it)["targets"][1]["datasource"]["uid"] = json!("abc");
    assert_eq!(offended(target), ["panel-datasource-rule"]);
}

#[test]
fn a_panel_without_a_description_is_an_offence() {
    let silent = |it: &mut Value| it.pointer_mut(FIRST).unwrap()["description"] = json!("");
    assert_eq!(offended(silent), ["panel-title-description-rule"]);
}

#[test]
fn a_unit_that_grafana_does_not_know_is_an_offence() {
    let strange = |it: &mut Value| lines(it)["fieldConfig"]["defaults"]["unit"] = json!("secs");
    assert_eq!(offended(strange), ["panel-units-rule"]);
}

#[test]
fn a_panel_that_asks_nothing_is_an_offence() {
    let idle = |it: &mut Value| it.pointer_mut(FIRST).unwrap()["targets"] = json!([]);
    assert_eq!(offended(idle), ["panel-no-targets-rule"]);
}

fn with_query(promql: &str) -> Vec<String> {
    offended(|it| lines(it)["targets"][0]["expr"] = json!(promql))
}

#[test]
fn a_query_that_cannot_be_read_is_an_offence() {
    assert_eq!(with_query("sum(rate(x_total[5m])"), ["target-promql-rule"]);
}

#[test]
fn a_rate_over_a_fixed_time_is_an_offence() {
    let fixed = "rate(x_total{job=~\"$job\", instance=~\"$instance\"}[5m])";
    assert_eq!(with_query(fixed), ["target-rate-interval-rule"]);
    let range = "rate(x_total{job=~\"$job\", instance=~\"$instance\"}[$__range])";
    assert_eq!(with_query(range), ["target-rate-interval-rule"]);
}

#[test]
fn a_query_for_all_jobs_or_instances_is_an_offence() {
    let rule = ["target-job-and-instance-rules"];
    assert_eq!(
        with_query("rate(x_total{job=~\"$job\"}[$__rate_interval])"),
        rule
    );
    assert_eq!(
        with_query("rate(x_total{instance=~\"$instance\"}[$__rate_interval])"),
        rule
    );
}

#[test]
fn a_counter_without_its_growth_is_an_offence() {
    let bare = "sum(x_total{job=~\"$job\", instance=~\"$instance\"})";
    assert_eq!(with_query(bare), ["target-counter-agg-rule"]);
}

#[test]
fn a_metric_that_is_renamed_breaks_the_dashboard_and_names_the_panel() {
    let known = known().without("router_cost_savings_usd_total");
    let all = dashboards::all();
    let router = all.iter().find(|it| it.title == "Router and Cost").unwrap();
    let wrong = router.json(&known).unwrap_err();
    assert_eq!(
        wrong[0],
        "dashboard `Router and Cost`, panel `Gross savings`: no metric \
         `router_cost_savings_usd_total`"
    );
}

#[test]
fn every_metric_that_is_declared_is_on_a_dashboard_or_has_a_reason_not_to_be() {
    let all = dashboards::all();
    let queries: Vec<&str> = all
        .iter()
        .flat_map(Dashboard::panels)
        .flat_map(|(_, panel)| &panel.queries)
        .map(|query| query.promql)
        .collect();
    let shown = |name: &str| queries.iter().any(|query| query.contains(name));
    let metrics = tta_catalog::CATALOGS.iter().flat_map(|it| it.metrics);
    let missing: Vec<&str> = metrics
        .map(|spec| spec.name)
        .filter(|name| !shown(name) && !NOT_SHOWN.iter().any(|(listed, _)| listed == name))
        .collect();
    assert_eq!(missing, [""; 0]);
    for (listed, why) in NOT_SHOWN {
        assert!(!shown(listed), "{listed} is shown, although: {why}");
    }
}

/// Metrics on no dashboard, and why.
const NOT_SHOWN: &[(&str, &str)] = &[
    (
        "timeout_successes_total",
        "what does not time out is in Executions",
    ),
    (
        "timeout_rate",
        "since the start; Timeouts by cause says when",
    ),
    ("hedge_delay_seconds", "a setting, or follows from latency"),
    (
        "target_info",
        "its labels are those of the application's resource",
    ),
];
