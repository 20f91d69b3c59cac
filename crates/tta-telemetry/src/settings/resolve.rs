//! Code, then environment, then defaults: what holds in the end.

use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::time::Duration;

use tta_core::Level;

use super::otlp::{Exporters, Otlp, OtlpCode};
use super::pick::{Environment, Picker};
use super::server::Doors;
use super::{DeploymentEnvironment, LogFormat, Origin, Sampler, Setting, Temporality};
use super::{otlp_spec, parse, spec};

/// What the program set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) name: String,
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) environment: Option<DeploymentEnvironment>,
    pub(crate) is_enabled: Option<bool>,
    pub(crate) otlp: OtlpCode,
    pub(crate) sampler: Option<Sampler>,
    pub(crate) batch_delay: Option<Duration>,
    pub(crate) batch_size: Option<usize>,
    pub(crate) queue_size: Option<usize>,
    pub(crate) queue_bytes: Option<usize>,
    pub(crate) temporality: Option<Temporality>,
    pub(crate) metric_interval: Option<Duration>,
    pub(crate) prometheus: Option<bool>,
    pub(crate) prometheus_host: Option<String>,
    pub(crate) prometheus_port: Option<u16>,
    pub(crate) doors: Doors,
    pub(crate) metric_aliases: Option<bool>,
    pub(crate) label_limit: Option<usize>,
    pub(crate) logs: Option<bool>,
    pub(crate) log_level: Option<Level>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) shutdown_timeout: Option<Duration>,
}

/// Every setting as it holds.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) service_name: String,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) is_enabled: bool,
    pub(crate) traces: Otlp,
    pub(crate) metrics: Otlp,
    pub(crate) logs: Otlp,
    pub(crate) sampler: Sampler,
    pub(crate) span_batching: Batching,
    pub(crate) log_batching: Batching,
    pub(crate) temporality: Temporality,
    pub(crate) metric_interval: Duration,
    pub(crate) prometheus: Option<(String, u16)>,
    pub(crate) doors: Doors,
    pub(crate) metric_aliases: bool,
    pub(crate) label_limit: usize,
    /// Which lines are written; none where no lines are.
    pub(crate) log_filter: Option<String>,
    pub(crate) log_format: LogFormat,
    pub(crate) shutdown_timeout: Duration,
    /// Each with its value and origin.
    pub(crate) shown: Vec<Setting>,
    /// What could not be used, and why.
    pub(crate) warnings: Vec<String>,
}

/// How records wait for each other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batching {
    pub(crate) delay: Duration,
    pub(crate) size: usize,
    pub(crate) queue: usize,
    pub(crate) queue_bytes: usize,
}

impl Resolved {
    pub(crate) fn new(code: &Code, environment: &Environment) -> Self {
        Picker::new(environment).resolve(code)
    }
}

impl Picker<'_> {
    fn resolve(&mut self, code: &Code) -> Resolved {
        let (service_name, resource) = self.resource(code);
        let is_disabled = self.pick(
            &spec::SDK_DISABLED,
            code.is_enabled.map(|enabled| !enabled),
            parse::boolean,
            || false,
        );
        let otlp = &code.otlp;
        let own = otlp.traces_endpoint.as_deref();
        let traces = self.otlp(&otlp_spec::TRACES, otlp, own, Exporters::OTLP);
        let own = otlp.metrics_endpoint.as_deref();
        let metrics = self.otlp(&otlp_spec::METRICS, otlp, own, Exporters::PROMETHEUS);
        let own = otlp.logs_endpoint.as_deref();
        let logs = self.otlp(&otlp_spec::LOGS, otlp, own, Exporters::OTLP);
        let sampler = self.sampler(code);
        let (span_batching, export_timeout) = self.batching(code);
        let traces = Otlp {
            timeout: traces.timeout.min(export_timeout),
            ..traces
        };
        let (log_batching, export_timeout) = self.log_batching(span_batching.queue_bytes);
        let logs = Otlp {
            timeout: logs.timeout.min(export_timeout),
            ..logs
        };
        let (temporality, metric_interval, metric_timeout) = self.metric_export(code);
        let metrics = Otlp {
            timeout: metrics.timeout.min(metric_timeout),
            ..metrics
        };
        let prometheus = self.prometheus(code);
        let prometheus = prometheus.filter(|_| metrics.exporters.prometheus);
        let doors = self.doors(&code.doors);
        let metric_aliases = self.pick(
            &spec::METRIC_ALIASES,
            code.metric_aliases,
            parse::boolean,
            || false,
        );
        let label_limit = self.pick(&spec::LABEL_LIMIT, code.label_limit, parse::count, || 2_000);
        let (log_filter, log_format) = self.logs(code);
        let shutdown_timeout = self.time(
            &spec::SHUTDOWN_TIMEOUT,
            code.shutdown_timeout,
            Duration::from_secs(2),
        );
        Resolved {
            service_name,
            resource,
            is_enabled: !is_disabled,
            traces,
            metrics,
            logs,
            sampler,
            span_batching,
            log_batching,
            temporality,
            metric_interval,
            prometheus,
            doors,
            metric_aliases,
            label_limit,
            log_filter,
            log_format,
            shutdown_timeout,
            shown: std::mem::take(&mut self.shown),
            warnings: std::mem::take(&mut self.warnings),
        }
    }

    /// The service's name, and all attributes of the process with that name among them.
    fn resource(&mut self, code: &Code) -> (String, Vec<(String, String)>) {
        let given = self
            .found(&spec::RESOURCE_ATTRIBUTES, parse::pairs)
            .map(|(pairs, variable)| (pairs, Origin::Environment(variable)));
        let mut resource: BTreeMap<String, String> = BTreeMap::new();
        let mut origin = Origin::Default;
        if let Some((pairs, from)) = given {
            resource.extend(pairs);
            origin = from;
        }
        if !code.resource.is_empty() {
            resource.extend(code.resource.iter().cloned());
            origin = Origin::Code;
        }
        let shown = resource
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect::<Vec<_>>();
        self.show(&spec::RESOURCE_ATTRIBUTES, shown.join(","), origin);

        let named = resource.get("service.name").cloned();
        let name = self.pick(
            &spec::SERVICE_NAME,
            code.service_name.clone(),
            parse::text,
            || {
                named.unwrap_or_else(|| {
                    if code.name.is_empty() {
                        format!("unknown_service:{}", program())
                    } else {
                        code.name.clone()
                    }
                })
            },
        );
        resource.insert("service.name".to_owned(), name.clone());
        if let Some(version) = &code.service_version {
            self.show(&spec::SERVICE_VERSION, version.clone(), Origin::Code);
            resource.insert("service.version".to_owned(), version.clone());
        }
        let stated = resource.contains_key(ENVIRONMENT_ATTRIBUTE);
        let environment = self.pick_shown(
            &spec::ENVIRONMENT,
            code.environment,
            parse::environment,
            DeploymentEnvironment::default,
            |environment| environment.as_str().to_owned(),
        );
        let by_default = self
            .shown
            .last()
            .is_some_and(|setting| setting.origin == Origin::Default);
        if !(stated && by_default) {
            resource.insert(
                ENVIRONMENT_ATTRIBUTE.to_owned(),
                environment.as_str().to_owned(),
            );
        }
        (name, resource.into_iter().collect())
    }

    fn sampler(&mut self, code: &Code) -> Sampler {
        let ratio_in_code = match code.sampler {
            Some(Sampler::Ratio(ratio) | Sampler::ParentBasedRatio(ratio)) => {
                // What is not between 0 and 1 is taken as the nearer end, and no number as all.
                Some(if ratio.is_nan() {
                    1.0
                } else {
                    ratio.clamp(0.0, 1.0)
                })
            }
            _ => None,
        };
        let sampler = self.pick(
            &spec::SAMPLER,
            code.sampler,
            |text| match text.to_ascii_lowercase().as_str() {
                "always_on" => Ok(Sampler::AlwaysOn),
                "always_off" => Ok(Sampler::AlwaysOff),
                "traceidratio" => Ok(Sampler::Ratio(1.0)),
                "parentbased_always_on" => Ok(Sampler::ParentBasedAlwaysOn),
                "parentbased_always_off" => Ok(Sampler::ParentBasedAlwaysOff),
                "parentbased_traceidratio" => Ok(Sampler::ParentBasedRatio(1.0)),
                _ => Err("one of the six samplers"),
            },
            || Sampler::ParentBasedAlwaysOn,
        );
        let ratio = self.pick(&spec::SAMPLER_ARG, ratio_in_code, parse::ratio, || 1.0);
        match sampler {
            Sampler::Ratio(_) => Sampler::Ratio(ratio),
            Sampler::ParentBasedRatio(_) => Sampler::ParentBasedRatio(ratio),
            other => other,
        }
    }

    /// How spans wait, and how long one attempt of theirs may take.
    fn batching(&mut self, code: &Code) -> (Batching, Duration) {
        let delay = self.time(&spec::BATCH_DELAY, code.batch_delay, Duration::from_secs(5));
        let timeout = self.time(&spec::BATCH_TIMEOUT, None, Duration::from_secs(30));
        let at_least_one = |count: Option<usize>| count.map(|count| count.max(1));
        let queue = self.pick(
            &spec::BATCH_QUEUE,
            at_least_one(code.queue_size),
            parse::count,
            || 2_048,
        );
        let size = self.pick(
            &spec::BATCH_SIZE,
            at_least_one(code.batch_size),
            parse::count,
            || 512,
        );
        let queue_bytes = self.pick(
            &spec::QUEUE_BYTES,
            at_least_one(code.queue_bytes),
            parse::count,
            || 8 << 20,
        );
        let batching = Batching {
            delay,
            size: size.min(queue),
            queue,
            queue_bytes,
        };
        (batching, timeout)
    }

    /// How log records wait, and how long one attempt of theirs may take.
    fn log_batching(&mut self, queue_bytes: usize) -> (Batching, Duration) {
        let delay = self.time(&spec::LOG_BATCH_DELAY, None, Duration::from_secs(1));
        let timeout = self.time(&spec::LOG_BATCH_TIMEOUT, None, Duration::from_secs(30));
        let queue = self.pick(&spec::LOG_BATCH_QUEUE, None, parse::count, || 2_048);
        let size = self.pick(&spec::LOG_BATCH_SIZE, None, parse::count, || 512);
        let batching = Batching {
            delay,
            size: size.min(queue),
            queue,
            queue_bytes,
        };
        (batching, timeout)
    }

    /// How, and how often, metrics go over OTLP, and how long one attempt of theirs may take.
    fn metric_export(&mut self, code: &Code) -> (Temporality, Duration, Duration) {
        let temporality = self.pick_shown(
            &spec::TEMPORALITY,
            code.temporality,
            parse::temporality,
            Temporality::default,
            |temporality| temporality.as_str().to_owned(),
        );
        let interval = self.pick_shown(
            &spec::METRIC_INTERVAL,
            code.metric_interval
                .map(|interval| interval.max(SHORTEST_INTERVAL)),
            parse::interval,
            || Duration::from_mins(1),
            |interval| interval.as_millis().to_string(),
        );
        let timeout = self.time(&spec::METRIC_TIMEOUT, None, Duration::from_secs(30));
        (temporality, interval, timeout)
    }

    fn prometheus(&mut self, code: &Code) -> Option<(String, u16)> {
        let enabled = self.pick(
            &spec::PROMETHEUS_ENABLED,
            code.prometheus,
            parse::boolean,
            || true,
        );
        let host = self.pick(
            &spec::PROMETHEUS_HOST,
            code.prometheus_host.clone(),
            parse::text,
            || "localhost".to_owned(),
        );
        let port = self.pick(
            &spec::PROMETHEUS_PORT,
            code.prometheus_port,
            parse::port,
            || 9464,
        );
        enabled.then_some((host, port))
    }

    fn logs(&mut self, code: &Code) -> (Option<String>, LogFormat) {
        let enabled = self.pick(&spec::LOGS_ENABLED, code.logs, parse::boolean, || true);
        let filter = self.pick(
            &spec::LOG_LEVEL,
            code.log_level.map(|level| level.as_str().to_owned()),
            parse::log_filter,
            || Level::Info.as_str().to_owned(),
        );
        let format = self.pick_shown(
            &spec::LOG_FORMAT,
            code.log_format,
            parse::log_format,
            || {
                if std::io::stdout().is_terminal() {
                    LogFormat::Text
                } else {
                    LogFormat::Json
                }
            },
            |format| format.as_str().to_owned(),
        );
        (
            Some(filter).filter(|filter| enabled && filter != "off"),
            format,
        )
    }
}

/// The program's name, for a service that was given none.
fn program() -> String {
    std::env::args_os()
        .next()
        .as_deref()
        .and_then(|path| std::path::Path::new(path).file_name())
        .map_or_else(
            || "rust".to_owned(),
            |name| name.to_string_lossy().into_owned(),
        )
}

/// A timer cannot tick without end.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
const ENVIRONMENT_ATTRIBUTE: &str = "deployment.environment.name";
