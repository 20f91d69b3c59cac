//! All that an operator is given, on real servers: the demonstration goes through an incident while
//! Prometheus scrapes it, evaluates the rules and tells Alertmanager.
//!
//! The queries of panels are those of the files, with the variables filled in. The rules are the
//! shipped ones with every duration divided by 60, so that an hour is a minute; the demonstration
//! lets time pass ten times as fast, so that the objective on latency has a tenth of its threshold.
//!
//! It takes more than a minute, and is run where it is named: by `cargo xtask verify-ops`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod alerts;
mod demo;
mod panels;
mod seeds;
mod values;

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use tta_catalog::known::Known;
use tta_catalog::rules::{self, Rule, RuleFile};
use tta_catalog::slo::{self, Slos};
use tta_testkit::network::free_port;
use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::servers::{
    AlertmanagerServer, PrometheusOptions, PrometheusServer, RedisServer, found,
};

use alerts::Watch;
use demo::{Demo, FAULTS_BEGIN};

#[test]
fn all_that_an_operator_is_given_works_on_real_servers() {
    let Some(wrong) = incident().filter(|wrong| !wrong.is_empty()) else {
        return;
    };
    // A machine that stands still for two seconds is a target that is down for two minutes, by the
    // accelerated rules. Whoever is wrong is so again.
    println!("once more, because of:\n{}", wrong.join("\n"));
    let wrong = incident().unwrap_or_default();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Goes through an incident, and says what is wrong; none where a server is missing.
fn incident() -> Option<Vec<String>> {
    let redis = found(RedisServer::start())?;
    let alertmanager = found(AlertmanagerServer::start())?;
    let receiver = OtlpReceiver::start().unwrap();
    let files = rule_files();
    if !has_prometheus() {
        return None;
    }
    let stage = || Stage::set(&redis, &receiver, &alertmanager, &files);
    // Between finding a port free and the demonstration taking it another process may.
    let staged = stage().or_else(|_| stage()).or_else(|_| stage());
    let Stage {
        mut demo,
        prometheus,
    } = staged.unwrap();
    let mut watch = Watch::new(&alertmanager);
    let mut wrong = Vec::new();

    // An alert that fires before a fault began is a false one, whatever it says later.
    watch.until(|_| demo.running_for() + demo::SCRAPE_INTERVAL >= FAULTS_BEGIN);
    wrong.extend(
        watch
            .seen()
            .map(|name| format!("{name} fired before any fault")),
    );
    redis.stop();
    receiver.stop();

    watch.until(|_| demo.has_ended());
    let summary = demo.summary();
    prometheus.wait_for_scrape(PATIENCE).unwrap();
    let known = Known::declared().and_recorded_by(&files);
    let (checked, offences) = panels::wrong(&prometheus, &demo, &known);
    println!("panels: {checked} queries answered");
    wrong.extend(offences);
    wrong.extend(rules_wrong(&prometheus, &demo, &files));
    wrong.extend(seeds::wrong(&prometheus, &summary));
    wrong.extend(values::wrong(&prometheus, &demo, &known, &summary));

    demo.kill();
    let expected: Vec<&str> = alerts::names(&files);
    let deadline = Instant::now() + PATIENCE;
    watch.until(|seen| {
        let all = expected.iter().all(|name| seen.contains(*name));
        all || Instant::now() > deadline
    });
    for (name, after) in watch.times() {
        println!(
            "alert {name}: fires {:.0} s after the start",
            after.as_secs_f64()
        );
    }
    let missing = expected.iter().filter(|name| !watch.has_seen(name));
    wrong.extend(missing.map(|name| format!("{name} did not fire")));
    Some(wrong)
}

/// The shipped rules, and those of an objective that suits the demonstration's time.
fn rule_files() -> Vec<RuleFile> {
    let mut files = rules::all();
    files.push(slo::rules(&Slos::parse(OBJECTIVES).unwrap()));
    files
}

/// Whether there is a Prometheus to start; where one is required and missing, the test ends here.
fn has_prometheus() -> bool {
    found(PrometheusServer::start(&[], &PrometheusOptions::default())).is_some()
}

/// The demonstration, and the Prometheus that scrapes it from its beginning.
struct Stage {
    demo: Demo,
    prometheus: PrometheusServer,
}

impl Stage {
    fn set(
        redis: &RedisServer,
        receiver: &OtlpReceiver,
        alertmanager: &AlertmanagerServer,
        files: &[RuleFile],
    ) -> Result<Self, String> {
        let port = free_port().unwrap();
        let mut options = PrometheusOptions::default()
            .with_scrape_interval(demo::SCRAPE_INTERVAL)
            .with_exemplar_storage()
            .with_alertmanager(alertmanager.address());
        for file in files {
            let accelerated = file.clone().accelerated(ACCELERATION);
            options = options.with_rules(file.file, accelerated.yaml());
        }
        let target = (Ipv4Addr::LOCALHOST, port).into();
        let prometheus = PrometheusServer::start(&[target], &options);
        let prometheus = prometheus.map_err(|error| error.to_string())?;
        // It takes five seconds before it looks for the first time, which the demonstration's count
        // would have and Prometheus's would not.
        let deadline = Instant::now() + PATIENCE;
        while prometheus.query("up").unwrap().is_empty() {
            assert!(Instant::now() < deadline, "Prometheus does not scrape");
            std::thread::sleep(Duration::from_millis(50));
        }
        let demo = Demo::start(port, &redis.url(), &receiver.http_endpoint())?;
        Ok(Self { demo, prometheus })
    }
}

/// Rules that Prometheus could not evaluate, records that hold nothing, and alerts whose shipped
/// expression it refuses.
fn rules_wrong(prometheus: &PrometheusServer, demo: &Demo, files: &[RuleFile]) -> Vec<String> {
    let failed = prometheus.rule_failures().unwrap();
    let mut wrong: Vec<String> = failed
        .into_iter()
        .map(|(name, why)| format!("rule {name}: {why}"))
        .collect();
    let mut count = 0;
    for rule in files.iter().flat_map(RuleFile::rules) {
        count += 1;
        if let Err(error) = prometheus.query(rule.promql()) {
            wrong.push(format!("rule {}: {error}", rule.name()));
        }
        if let Rule::Record(record) = rule {
            let (start, end) = demo.span();
            let step = demo::SCRAPE_INTERVAL;
            let written = prometheus
                .query_range(&record.name, start, end, step)
                .unwrap();
            if !written.iter().any(|(_, values)| panels::says(values)) {
                wrong.push(format!("rule {} has recorded nothing", record.name));
            }
        }
    }
    println!("rules: {count} evaluated");
    wrong
}

/// By how much the rules' durations are divided.
const ACCELERATION: u32 = 60;

/// How long something that must come may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// As deploy/prometheus/slo.toml has them, but for the threshold and what it suits.
const OBJECTIVES: &str = r#"
[[slo]]
name = "workflow-availability"
selector = "workflow_executions_total"
objective = 99.0
window = "30d"

[[slo]]
name = "workflow-latency"
selector = "workflow_duration_seconds"
threshold = 1.0
objective = 99.0
window = "30d"
"#;
