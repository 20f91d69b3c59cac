//! A real Prometheus.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::missing::{StartError, program};
use super::process::Process;
use crate::http;

/// The labels of a series, sorted by name; `__name__` is among them where PromQL keeps it.
pub type Labels = BTreeMap<String, String>;

/// One exemplar that Prometheus keeps.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Exemplar {
    /// The series it belongs to.
    pub series: Labels,
    /// Its own labels, such as `trace_id`.
    pub labels: Labels,
    /// The measured value.
    pub value: f64,
}

/// How a [`PrometheusServer`] scrapes.
#[derive(Debug, Clone)]
#[must_use]
pub struct PrometheusOptions {
    scrape_interval: Duration,
    exemplar_storage: bool,
    scrape_config: String,
    rules: Vec<(String, String)>,
    alertmanager: Option<SocketAddr>,
}

impl PrometheusOptions {
    /// Time between two scrapes of a target, and the limit of each; 500 ms unless set.
    pub fn with_scrape_interval(mut self, interval: Duration) -> Self {
        self.scrape_interval = interval;
        self
    }

    /// Further lines of its `scrape_config` in YAML, such as `scheme: https`.
    pub fn with_scrape_config(mut self, yaml: impl Into<String>) -> Self {
        self.scrape_config = yaml.into();
        self
    }

    /// Evaluates these rules as often as it scrapes: the text of a file of them, and its name.
    pub fn with_rules(mut self, file: impl Into<String>, yaml: impl Into<String>) -> Self {
        self.rules.push((file.into(), yaml.into()));
        self
    }

    /// Sends alerts to the Alertmanager at this address.
    pub fn with_alertmanager(mut self, address: SocketAddr) -> Self {
        self.alertmanager = Some(address);
        self
    }

    /// Keeps exemplars, for [`PrometheusServer::query_exemplars`].
    pub fn with_exemplar_storage(mut self) -> Self {
        self.exemplar_storage = true;
        self
    }
}

impl Default for PrometheusOptions {
    fn default() -> Self {
        Self {
            scrape_interval: Duration::from_millis(500),
            exemplar_storage: false,
            scrape_config: String::new(),
            rules: Vec::new(),
            alertmanager: None,
        }
    }
}

/// A Prometheus on a free port that scrapes the `/metrics` of some targets.
///
/// # Examples
///
/// ```no_run
/// use std::time::Duration;
/// use tta_testkit::require;
/// use tta_testkit::servers::{PrometheusOptions, PrometheusServer};
///
/// # fn example() {
/// let targets = ["127.0.0.1:9464".parse().unwrap()];
/// let prometheus = require!(PrometheusServer::start(&targets, &PrometheusOptions::default()));
/// prometheus.wait_for_scrape(Duration::from_secs(10)).unwrap();
/// for (labels, value) in prometheus.query("sum by (job) (up)").unwrap() {
///     println!("{labels:?} {value}");
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct PrometheusServer {
    process: Process,
    address: SocketAddr,
    targets: usize,
}

impl PrometheusServer {
    /// Starts one and waits until it answers queries.
    ///
    /// # Errors
    ///
    /// [`StartError::Missing`] where no `prometheus` is installed.
    pub fn start(targets: &[SocketAddr], options: &PrometheusOptions) -> Result<Self, StartError> {
        let program = program("prometheus", "TTA_PROMETHEUS").map_err(StartError::Missing)?;
        let configuration = configuration(targets, options);
        let (process, [port]) = Process::launch(
            &program,
            |[port], folder| {
                let file = folder.join("prometheus.yml");
                fs::write(&file, &configuration)?;
                for (name, yaml) in &options.rules {
                    fs::write(folder.join(name), yaml)?;
                }
                let mut args = vec![
                    format!("--config.file={}", file.display()),
                    format!("--storage.tsdb.path={}", folder.join("data").display()),
                    format!("--web.listen-address={}", loopback(port)),
                ];
                if options.exemplar_storage {
                    args.push("--enable-feature=exemplar-storage".to_owned());
                }
                Ok(args.into_iter().map(Into::into).collect())
            },
            |[port]| match http::get(loopback(port), "/-/ready")?.status() {
                200 => Ok(()),
                status => Err(io::Error::other(format!("it answers {status}"))),
            },
        )?;
        Ok(Self {
            process,
            address: loopback(port),
            targets: targets.len(),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until every target has been scraped with success by a scrape that began after this
    /// call: what a target showed before the call can then be queried.
    ///
    /// # Errors
    ///
    /// With Prometheus's own view of its targets, at the deadline.
    pub fn wait_for_scrape(&self, deadline: Duration) -> io::Result<()> {
        let called = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        let end = Instant::now() + deadline;
        loop {
            // Of anything but a plain selector, `timestamp` is the time of the query.
            let scraped = self.query("timestamp(up) and (up == 1)")?;
            let fresh = scraped
                .iter()
                .filter(|(_, began)| *began > called.as_secs_f64());
            if fresh.count() >= self.targets {
                return Ok(());
            }
            if Instant::now() > end {
                let targets = http::get(self.address, "/api/v1/targets")?.text();
                let message = format!("not all targets scraped after {deadline:?}: {targets}");
                return Err(io::Error::new(io::ErrorKind::TimedOut, message));
            }
            // Prometheus tells nobody when it has scraped.
            std::thread::sleep(POLL);
        }
    }

    /// The value of a PromQL expression now, one per series; a scalar has no labels.
    ///
    /// # Errors
    ///
    /// With Prometheus's words when it refuses the expression.
    pub fn query(&self, promql: &str) -> io::Result<Vec<(Labels, f64)>> {
        let data = self.ask("query", &[("query", promql)])?;
        let result = data.get("result");
        if data.get("resultType").and_then(Value::as_str) == Some("scalar") {
            return Ok(result
                .and_then(sample)
                .map(|value| (Labels::new(), value))
                .into_iter()
                .collect());
        }
        let series = result.and_then(Value::as_array).into_iter().flatten();
        Ok(series
            .filter_map(|series| Some((labels(series, "metric"), sample(series.get("value")?)?)))
            .collect())
    }

    /// The values of a PromQL expression over the time from `start` to `end`, a `step` apart, one
    /// list per series.
    ///
    /// # Errors
    ///
    /// With Prometheus's words when it refuses the expression.
    pub fn query_range(
        &self,
        promql: &str,
        start: SystemTime,
        end: SystemTime,
        step: Duration,
    ) -> io::Result<Vec<(Labels, Vec<f64>)>> {
        let seconds = |time: SystemTime| {
            let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
            since.as_secs_f64().to_string()
        };
        let (start, end) = (seconds(start), seconds(end));
        let step = step.as_secs_f64().to_string();
        let parameters = [
            ("query", promql),
            ("start", &start),
            ("end", &end),
            ("step", &step),
        ];
        let data = self.ask("query_range", &parameters)?;
        let series = data.get("result").and_then(Value::as_array);
        let values = |series: &Value| {
            let pairs = series.get("values").and_then(Value::as_array);
            pairs.into_iter().flatten().filter_map(sample).collect()
        };
        Ok(series
            .into_iter()
            .flatten()
            .map(|series| (labels(series, "metric"), values(series)))
            .collect())
    }

    /// What Prometheus has to say against its rules: the name of each that could not be evaluated,
    /// and why.
    ///
    /// # Errors
    ///
    /// When it cannot be asked.
    pub fn rule_failures(&self) -> io::Result<Vec<(String, String)>> {
        let data = self.ask("rules", &[])?;
        let text = |rule: &Value, field: &str| {
            let text = rule.get(field).and_then(Value::as_str);
            text.unwrap_or_default().to_owned()
        };
        let list = |value: &Value, field: &str| {
            let list = value.get(field).and_then(Value::as_array);
            list.cloned().unwrap_or_default()
        };
        let groups = list(&data, "groups");
        let rules = groups.iter().flat_map(|group| list(group, "rules"));
        Ok(rules
            .filter(|rule| text(rule, "health") == "err")
            .map(|rule| (text(&rule, "name"), text(&rule, "lastError")))
            .collect())
    }

    /// The exemplars of the last hour, of the series that a PromQL expression selects.
    ///
    /// # Errors
    ///
    /// With Prometheus's words when it refuses the expression.
    pub fn query_exemplars(&self, promql: &str) -> io::Result<Vec<Exemplar>> {
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let (start, end) = ((now - 3_600).to_string(), (now + 60).to_string());
        let parameters = [("query", promql), ("start", &start), ("end", &end)];
        let data = self.ask("query_exemplars", &parameters)?;
        let mut found = Vec::new();
        for series in data.as_array().into_iter().flatten() {
            let kept = series.get("exemplars").and_then(Value::as_array);
            found.extend(kept.into_iter().flatten().filter_map(|exemplar| {
                Some(Exemplar {
                    series: labels(series, "seriesLabels"),
                    labels: labels(exemplar, "labels"),
                    value: exemplar.get("value")?.as_str()?.parse().ok()?,
                })
            }));
        }
        Ok(found)
    }

    /// Ends it.
    pub fn stop(&self) {
        self.process.stop();
    }

    /// Stops it in its tracks (SIGSTOP).
    pub fn pause(&self) {
        self.process.pause();
    }

    /// Lets it go on after [`PrometheusServer::pause`].
    pub fn resume(&self) {
        self.process.resume();
    }

    /// All it has written to standard output and standard error.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// Its process, while it runs.
    pub fn process_id(&self) -> Option<u32> {
        self.process.id()
    }

    /// The `data` of an API answer.
    fn ask(&self, method: &str, parameters: &[(&str, &str)]) -> io::Result<Value> {
        let mut path = format!("/api/v1/{method}?");
        for (name, value) in parameters {
            path.extend([name, "=", &percent_encoded(value), "&"]);
        }
        let answer = http::get(self.address, &path)?;
        let mut json: Value = serde_json::from_slice(answer.body())?;
        if json.get("status").and_then(Value::as_str) != Some("success") {
            return Err(io::Error::other(answer.text()));
        }
        Ok(json.get_mut("data").map(Value::take).unwrap_or_default())
    }
}

fn configuration(targets: &[SocketAddr], options: &PrometheusOptions) -> String {
    let interval = options.scrape_interval.as_millis().max(1);
    let targets: Vec<String> = targets
        .iter()
        .map(|target| format!("\"{target}\""))
        .collect();
    let lines = options.scrape_config.lines();
    let more: String = lines.flat_map(|line| ["    ", line, "\n"]).collect();
    let files: Vec<String> = options
        .rules
        .iter()
        .map(|(name, _)| format!("\"{name}\""))
        .collect();
    let alerting = options.alertmanager.map_or_else(String::new, |address| {
        format!(
            "alerting:\n  alertmanagers:\n    - static_configs:\n        - targets: [\"{address}\"]\n"
        )
    });
    format!(
        "global:\n  scrape_interval: {interval}ms\n  scrape_timeout: {interval}ms\n  \
         evaluation_interval: {interval}ms\nrule_files: [{}]\n{alerting}\
         scrape_configs:\n  - job_name: tta\n    static_configs:\n      - targets: [{}]\n{more}",
        files.join(", "),
        targets.join(", ")
    )
}

/// The value of a `[time, "value"]` pair; Prometheus writes `NaN` and `+Inf` as Rust reads them.
fn sample(pair: &Value) -> Option<f64> {
    pair.get(1)?.as_str()?.parse().ok()
}

fn labels(object: &Value, name: &str) -> Labels {
    let labels = object
        .get(name)
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    labels
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().into()))
        .collect()
}

fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            encoded.push(char::from(byte));
        } else {
            // Writing to a `String` cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

fn loopback(port: u16) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, port).into()
}

const POLL: Duration = Duration::from_millis(20);
