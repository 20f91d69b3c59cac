//! `/metrics` and `/health` behind locks, the probes, and what the server measures of itself.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::float_cmp, reason = "counts are whole")]

mod support;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use support::{alone, eventually};
use tempfile::TempDir;
use tta_telemetry::{ObservabilityConfig, ObservabilityGuard, Origin, State};
use tta_testkit::http::{self, Response};
use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::require;
use tta_testkit::servers::{PrometheusOptions, PrometheusServer};

/// Metrics alone, on a free port.
fn metrics_with(variables: &[(&'static str, &str)]) -> ObservabilityConfig {
    let variables: HashMap<_, _> = variables
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()))
        .collect();
    ObservabilityConfig::from_env_with("test", |name| variables.get(name).cloned())
        .with_logs(false)
        .with_prometheus_port(0)
}

fn address(guard: &ObservabilityGuard) -> SocketAddr {
    let url = guard.status().metrics_url.unwrap();
    let (_, rest) = url.split_once("://").unwrap();
    rest.trim_end_matches("/metrics").parse().unwrap()
}

fn ask(guard: &ObservabilityGuard, path: &str, headers: &[(&str, &str)]) -> Response {
    http::request(address(guard), "GET", path, headers, &[]).unwrap()
}

/// `name:canary-0123456789abcdef`.
const RIGHT: (&str, &str) = (
    "authorization",
    "Basic bmFtZTpjYW5hcnktMDEyMzQ1Njc4OWFiY2RlZg==",
);
const CANARY: &str = "canary-0123456789abcdef";

#[test]
fn a_password_from_code_a_variable_or_a_file_is_asked_for_and_never_shown() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, format!("{CANARY}\n")).unwrap();
    let file = file.to_str().unwrap();
    let name = ("TTA_METRICS_USERNAME", "name");
    let in_file = || metrics_with(&[name, ("TTA_METRICS_PASSWORD_FILE", file)]);
    for (config, setting, shown, origin) in [
        (
            metrics_with(&[]).with_prometheus_basic_auth("name", CANARY),
            "TTA_METRICS_PASSWORD",
            "***",
            Origin::Code,
        ),
        (
            metrics_with(&[name, ("TTA_METRICS_PASSWORD", CANARY)]),
            "TTA_METRICS_PASSWORD",
            "***",
            Origin::Environment("TTA_METRICS_PASSWORD"),
        ),
        (
            in_file(),
            "TTA_METRICS_PASSWORD_FILE",
            file,
            Origin::Environment("TTA_METRICS_PASSWORD_FILE"),
        ),
        (
            metrics_with(&[]).with_prometheus_password_file("name", file),
            "TTA_METRICS_PASSWORD_FILE",
            file,
            Origin::Code,
        ),
    ] {
        let printed = format!("{config:?}");
        let guard = config.init();
        let status = guard.status();
        let held = status.setting(setting).unwrap();
        assert_eq!((held.value.as_str(), held.origin), (shown, origin));
        assert_eq!(
            status.setting("TTA_METRICS_USERNAME").unwrap().value,
            "name"
        );
        for path in ["/metrics", "/health"] {
            assert_eq!(ask(&guard, path, &[]).status(), 401, "{path}");
            assert_eq!(ask(&guard, path, &[RIGHT]).status(), 200, "{path}");
        }
        for path in ["/health/live", "/health/ready"] {
            assert_eq!(ask(&guard, path, &[]).status(), 200, "{path}");
        }
        let health = ask(&guard, "/health", &[RIGHT]).text();
        let told = format!("{printed}{status}{status:?}{guard:?}{health}");
        assert!(!told.contains(CANARY), "{told}");
    }
}

#[test]
fn what_cannot_be_locked_as_it_is_told_is_not_served_at_all() {
    let _alone = alone();
    let name = ("TTA_METRICS_USERNAME", "name");
    let password = ("TTA_METRICS_PASSWORD", CANARY);
    let nowhere = "/nowhere/file.pem";
    for (variables, said) in [
        (vec![name], "TTA_METRICS_PASSWORD"),
        (vec![password], "TTA_METRICS_USERNAME"),
        (
            vec![("TTA_METRICS_PASSWORD_FILE", nowhere)],
            "TTA_METRICS_USERNAME",
        ),
        (
            vec![name, password, ("TTA_METRICS_PASSWORD_FILE", nowhere)],
            "not both",
        ),
        (vec![name, ("TTA_METRICS_PASSWORD_FILE", nowhere)], nowhere),
        (
            vec![("TTA_METRICS_USERNAME", "a:b"), password],
            "a user's name",
        ),
        (
            vec![("TTA_METRICS_CERTIFICATE", nowhere)],
            "belong together",
        ),
        (vec![("TTA_METRICS_KEY", nowhere)], "belong together"),
        (
            vec![("TTA_METRICS_CLIENT_CA", nowhere)],
            "TTA_METRICS_CERTIFICATE",
        ),
        (
            vec![
                ("TTA_METRICS_CERTIFICATE", nowhere),
                ("TTA_METRICS_KEY", nowhere),
            ],
            nowhere,
        ),
    ] {
        let guard = metrics_with(&variables).init();
        let status = guard.status();
        let part = status.part("metrics").unwrap();
        assert_eq!(part.state, State::Degraded, "{said}");
        assert!(part.reason.as_deref().unwrap().contains(said), "{part:?}");
        assert_eq!(status.metrics_url, None, "{said}");
        assert!(!format!("{status}").contains(CANARY), "{status}");
    }
}

/// An authority, and files of a server and a client that it vouches for.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let authority = CertifiedIssuer::self_signed(params, key).unwrap();
        std::fs::write(folder.path().join("ca.pem"), authority.pem()).unwrap();
        for name in ["server", "client"] {
            let key = KeyPair::generate().unwrap();
            let names = ["localhost", "127.0.0.1"].map(str::to_owned);
            let certificate = CertificateParams::new(names).unwrap();
            let certificate = certificate.signed_by(&key, &authority).unwrap();
            let write = |end: &str, text: &str| {
                std::fs::write(folder.path().join(format!("{name}.{end}")), text).unwrap();
            };
            write("crt", &certificate.pem());
            write("key", &key.serialize_pem());
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn a_real_prometheus_scrapes_over_tls_with_a_password_and_a_certificate() {
    let _alone = alone();
    let files = Files::new();
    let variables = [
        ("TTA_METRICS_CERTIFICATE", files.path("server.crt")),
        ("TTA_METRICS_KEY", files.path("server.key")),
        ("TTA_METRICS_CLIENT_CA", files.path("ca.pem")),
        ("TTA_METRICS_USERNAME", "name".to_owned()),
        ("TTA_METRICS_PASSWORD", CANARY.to_owned()),
    ];
    let variables: Vec<_> = variables
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let guard = metrics_with(&variables).init();
    let url = guard.status().metrics_url.unwrap();
    assert!(url.starts_with("https://"), "{url}");
    let config = |password: &str| {
        format!(
            "scheme: https\n\
             tls_config: {{ca_file: {}, cert_file: {}, key_file: {}}}\n\
             basic_auth: {{username: name, password: {password}}}\n",
            files.path("ca.pem"),
            files.path("client.crt"),
            files.path("client.key")
        )
    };
    let scraped_with = |config: String| {
        let options = PrometheusOptions::default().with_scrape_config(config);
        PrometheusServer::start(&[address(&guard)], &options)
    };
    let prometheus = require!(scraped_with(config(CANARY)));
    prometheus.wait_for_scrape(Duration::from_secs(30)).unwrap();
    // That of the first is seen by the second.
    eventually("a scrape is counted", || {
        let scrapes = "metrics_server_requests_total{status=\"200\",format=\"openmetrics\"}";
        !prometheus.query(scrapes).unwrap().is_empty()
    });
    drop(prometheus);

    let prometheus = require!(scraped_with(config("wrong")));
    eventually("the target is down", || {
        !prometheus.query("up == 0").unwrap().is_empty()
    });
    eventually("it is counted", || {
        measured("metrics_server_requests_total", &["metrics", "401", "none"]) > 0.0
    });
}

fn measured(metric: &str, labels: &[&str]) -> f64 {
    let families = tta_core::registry().gather();
    let is_there = families
        .iter()
        .filter(|family| family.spec.name == metric)
        .any(|family| family.samples.iter().any(|sample| sample.labels == labels));
    if is_there {
        tta_testkit::measured::measured(metric, labels)
    } else {
        0.0
    }
}

#[test]
fn readiness_lasts_from_the_initialisation_to_the_shutdown_and_as_the_application_says() {
    let _alone = alone();
    let is_ready = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&is_ready);
    let config = metrics_with(&[]).with_readiness(move || asked.load(Ordering::Relaxed));
    let guard = config.init();
    assert_eq!(ask(&guard, "/health/ready", &[]).status(), 503);
    assert_eq!(ask(&guard, "/health/live", &[]).status(), 200);
    is_ready.store(true, Ordering::Relaxed);
    let answer = ask(&guard, "/health/ready", &[]);
    assert_eq!(
        (answer.status(), answer.text().as_str()),
        (200, r#"{"status":"ready"}"#)
    );
    drop(guard);

    let plain = metrics_with(&[]).init();
    assert_eq!(ask(&plain, "/health/ready", &[]).status(), 200);
}

#[test]
fn health_tells_each_exporters_state_and_the_ledger_and_is_a_200_also_when_degraded() {
    let _alone = alone();
    let closed = tta_testkit::network::ClosedPort::reserve().unwrap();
    let guard = metrics_with(&[])
        .with_otlp_endpoint(closed.endpoint())
        .init();
    support::run_workflow().unwrap();
    eventually("it is noticed", || guard.status().state == State::Degraded);
    let answer = ask(&guard, "/health", &[]);
    assert_eq!(answer.status(), 200);
    let health: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["parts"]["traces"]["state"], "degraded");
    assert_eq!(health["parts"]["metrics"]["state"], "healthy");
    let ledger = &health["ledger"]["traces"];
    let count = |name: &str| ledger[name].as_u64().unwrap();
    let dropped = ledger["dropped"].as_object().unwrap().values();
    let dropped: u64 = dropped.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!(count("created"), 3);
    assert_eq!(
        count("created"),
        count("delivered") + count("queued") + count("in_flight") + dropped
    );
    // What telemetry suffers is no reason to send an application no work.
    assert_eq!(ask(&guard, "/health/ready", &[]).status(), 200);
}

#[test]
fn a_scrape_is_counted_whole_in_the_next_one_and_not_at_all_in_its_own() {
    let _alone = alone();
    let guard = metrics_with(&[]).init();
    let families = [
        "metrics_server_requests_total{endpoint=\"metrics\",status=\"200\",format=\"text\"}",
        "metrics_server_request_duration_seconds_count{endpoint=\"metrics\"}",
        "metrics_server_response_bytes_total{endpoint=\"metrics\"}",
    ];
    let read = |page: &str| {
        families.map(|name| {
            let line = page.lines().find_map(|line| line.strip_prefix(name));
            line.map_or(0.0, |value| value.trim().parse::<f64>().unwrap())
        })
    };
    let _first = ask(&guard, "/metrics", &[]);
    let mut before = read(&ask(&guard, "/metrics", &[]).text());
    let mut length = None;
    for _ in 0..3 {
        let page = ask(&guard, "/metrics", &[]).text();
        let now = read(&page);
        assert_eq!(now[0] - before[0], 1.0);
        assert_eq!(now[1] - before[1], 1.0);
        if let Some(length) = length {
            assert_eq!(now[2] - before[2], length);
        }
        assert!(
            page.contains("metrics_server_connections_open 0\n"),
            "its own connection is not among them"
        );
        length = Some(page.len() as f64);
        before = now;
    }
    // Somebody else's is.
    let _idle = std::net::TcpStream::connect(address(&guard)).unwrap();
    eventually("it is shown", || {
        let page = ask(&guard, "/metrics", &[]).text();
        page.contains("metrics_server_connections_open 1\n")
    });
}

#[test]
fn exemplars_in_a_real_prometheus_lead_to_spans_that_were_exported() {
    let _alone = alone();
    let receiver = OtlpReceiver::start().unwrap();
    let guard = metrics_with(&[])
        .with_otlp_endpoint(receiver.http_endpoint())
        .with_batch_delay(Duration::from_millis(20))
        .init();
    let fails = tta_core::step("exemplary_failure", async |_: u32| {
        Err::<u32, _>(tta_core::Error::new(
            tta_core::ErrorKind::Unavailable,
            "down",
        ))
    });
    let flow = tta_core::step("exemplary", async |n: u32| Ok(n)) >> fails;
    support::block_on(flow.named("exemplary_flow").run(1)).unwrap_err();
    assert!(guard.flush(Duration::from_secs(10)));
    let options = PrometheusOptions::default().with_exemplar_storage();
    let prometheus = require!(PrometheusServer::start(&[address(&guard)], &options));
    prometheus.wait_for_scrape(Duration::from_secs(30)).unwrap();
    let spans = receiver.spans();
    for (series, value) in [
        (
            "primitive_execution_duration_seconds_bucket{primitive=\"exemplary\"}",
            None,
        ),
        (
            "workflow_duration_seconds_bucket{workflow=\"exemplary_flow\"}",
            None,
        ),
        (
            "primitive_executions_total{primitive=\"exemplary\",status=\"success\"}",
            Some(1.0),
        ),
        (
            "primitive_execution_errors_total{primitive=\"exemplary_failure\"}",
            Some(1.0),
        ),
        (
            "workflow_executions_total{workflow=\"exemplary_flow\",status=\"error\"}",
            Some(1.0),
        ),
    ] {
        let found = prometheus.query_exemplars(series).unwrap();
        assert_eq!(found.len(), 1, "{series}: {found:?}");
        let exemplar = &found[0];
        assert!(
            value.is_none_or(|value| exemplar.value == value),
            "{found:?}"
        );
        let hex = |bytes: &[u8]| {
            let digits = |byte: &u8| [byte >> 4, byte & 15];
            let digit = |bits| char::from_digit(u32::from(bits), 16);
            let all = bytes.iter().flat_map(digits);
            all.filter_map(digit).collect::<String>()
        };
        let is_there = spans.iter().any(|received| {
            hex(&received.span.trace_id) == exemplar.labels["trace_id"]
                && hex(&received.span.span_id) == exemplar.labels["span_id"]
        });
        assert!(
            is_there,
            "{series}: {exemplar:?} among {} spans",
            spans.len()
        );
    }
}

#[test]
fn a_trace_that_is_not_sampled_leaves_no_exemplar() {
    let _alone = alone();
    let guard = metrics_with(&[])
        .with_sampler(tta_telemetry::Sampler::AlwaysOff)
        .with_otlp_endpoint("http://127.0.0.1:1")
        .init();
    support::block_on(tta_core::step("unsampled", async |n: u32| Ok(n)).run(1)).unwrap();
    let accept = ("accept", "application/openmetrics-text");
    let page = ask(&guard, "/metrics", &[accept]).text();
    let own: Vec<_> = page
        .lines()
        .filter(|line| line.contains("\"unsampled\""))
        .collect();
    assert!(own.len() > 3, "{page}");
    assert!(own.iter().all(|line| !line.contains(" # {")), "{own:?}");
}
