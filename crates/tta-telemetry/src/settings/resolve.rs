//! Code, then environment, then defaults: what holds in the end.

use std::io::IsTerminal;
use std::time::Duration;

use tta_core::{ContentCapture, ExemplarFilter, Level};

use crate::redaction;

use super::exporters::Exporters;
use super::limits::{Kept, LogLimits, SpanLimits};
use super::otlp::{Otlp, OtlpCode};
use super::pick::{Environment, Picker};
use super::resource::ResolvedResource;
use super::sampling::{Sampling, SamplingCode};
use super::server::Doors;
use super::{DeploymentEnvironment, LogFormat, Origin, Preset, Setting, Temporality};
use super::{SETTINGS, log_filter, nonsense, otlp_spec, parse, spec};

/// What the program set.
#[derive(Clone, Debug, Default)]
pub(crate) struct Code {
    pub(crate) name: String,
    pub(crate) preset: Option<Preset>,
    pub(crate) service_name: Option<String>,
    pub(crate) service_version: Option<String>,
    pub(crate) resource: Vec<(String, String)>,
    pub(crate) environment: Option<DeploymentEnvironment>,
    pub(crate) is_enabled: Option<bool>,
    pub(crate) otlp: OtlpCode,
    pub(crate) span_limits: Option<SpanLimits>,
    pub(crate) log_limits: Option<LogLimits>,
    pub(crate) exemplar_filter: Option<ExemplarFilter>,
    pub(crate) content_capture: Option<ContentCapture>,
    pub(crate) sampling: SamplingCode,
    pub(crate) batch_delay: Option<Duration>,
    pub(crate) batch_timeout: Option<Duration>,
    pub(crate) batch_size: Option<usize>,
    pub(crate) queue_size: Option<usize>,
    pub(crate) queue_bytes: Option<usize>,
    pub(crate) log_batch_delay: Option<Duration>,
    pub(crate) log_batch_timeout: Option<Duration>,
    pub(crate) log_batch_size: Option<usize>,
    pub(crate) log_queue_size: Option<usize>,
    pub(crate) temporality: Option<Temporality>,
    pub(crate) metric_interval: Option<Duration>,
    pub(crate) metric_timeout: Option<Duration>,
    pub(crate) prometheus: Option<bool>,
    pub(crate) prometheus_host: Option<String>,
    pub(crate) prometheus_port: Option<u16>,
    pub(crate) doors: Doors,
    pub(crate) metric_aliases: Option<bool>,
    pub(crate) label_limit: Option<usize>,
    pub(crate) logs: Option<bool>,
    pub(crate) log_filter: Option<String>,
    pub(crate) log_format: Option<LogFormat>,
    pub(crate) shutdown_timeout: Option<Duration>,
}

impl Code {
    /// What of it cannot be, the first thing of all.
    pub(crate) fn complaint(&self) -> Option<String> {
        nonsense::complaint(self)
    }
}

/// Every setting as it holds.
#[derive(Clone, Debug)]
pub(crate) struct Resolved {
    pub(crate) service_name: String,
    pub(crate) resource: Vec<(String, String)>,
    /// What of it `target_info` shows.
    pub(crate) target_info: Vec<(String, String)>,
    pub(crate) is_enabled: bool,
    pub(crate) traces: Otlp,
    pub(crate) metrics: Otlp,
    pub(crate) logs: Otlp,
    pub(crate) sampling: Sampling,
    pub(crate) kept: Kept,
    pub(crate) span_batching: Batching,
    pub(crate) log_batching: Batching,
    pub(crate) temporality: Temporality,
    pub(crate) metric_interval: Duration,
    pub(crate) prometheus: Option<(String, u16)>,
    pub(crate) doors: Doors,
    pub(crate) metric_aliases: bool,
    pub(crate) label_limit: usize,
    /// Which lines are written; none where lines are off for good.
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
        let (code, complaints) = nonsense::without(code);
        let mut picker = Picker::new(environment, code.preset);
        for complaint in complaints {
            picker.warn(complaint);
        }
        picker.resolve(&code)
    }

    /// Takes out of the attributes of the process what must not be shown, by the built-in rules.
    pub(crate) fn mask(&mut self) {
        for (key, value) in self.resource.iter_mut().chain(&mut self.target_info) {
            redaction::mask(key, value);
        }
    }

    pub(crate) fn masked(mut self) -> Self {
        self.mask();
        self
    }
}

impl Picker<'_> {
    fn resolve(&mut self, code: &Code) -> Resolved {
        let ResolvedResource {
            service_name,
            attributes: resource,
            target_info,
            is_development_stated,
        } = self.resource(code);
        let is_disabled = self.pick(
            &spec::SDK_DISABLED,
            code.is_enabled.map(|enabled| !enabled),
            parse::boolean,
            || false,
        );
        let otlp = &code.otlp;
        let general = &otlp.general;
        let traces = self.otlp(&otlp_spec::TRACES, general, &otlp.traces, |has_endpoint| {
            // A developer who has a backend looks there.
            let on_console = is_development_stated && !has_endpoint;
            if on_console && std::io::stdout().is_terminal() {
                Exporters::CONSOLE
            } else {
                Exporters::OTLP
            }
        });
        let metrics = self.otlp(&otlp_spec::METRICS, general, &otlp.metrics, |_| {
            Exporters::PROMETHEUS
        });
        let logs = self.otlp(&otlp_spec::LOGS, general, &otlp.logs, |_| Exporters::OTLP);
        let sampling = self.sampling(&code.sampling);
        let kept = self.kept(code);
        let (span_batching, export_timeout) = self.batching(code, traces.exporters.console);
        let traces = Otlp {
            timeout: traces.timeout.min(export_timeout),
            ..traces
        };
        let (log_batching, export_timeout) = self.log_batching(code, span_batching.queue_bytes);
        let logs = Otlp {
            timeout: logs.timeout.min(export_timeout),
            ..logs
        };
        let (temporality, metric_interval, metric_timeout) =
            self.metric_export(code, metrics.exporters.console);
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
        // Settings are picked as they need each other, and shown as they are declared.
        let place = |name| SETTINGS.iter().position(|spec| spec.name() == name);
        self.shown.sort_by_key(|setting| place(setting.name));
        Resolved {
            service_name,
            resource,
            target_info,
            is_enabled: !is_disabled,
            traces,
            metrics,
            logs,
            sampling,
            kept,
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

    /// How spans wait, and how long one attempt of theirs may take.
    fn batching(&mut self, code: &Code, on_console: bool) -> (Batching, Duration) {
        // Whoever looks at a terminal does not wait for five seconds.
        let usual = if on_console { 200 } else { 5_000 };
        let usual = Duration::from_millis(usual);
        let delay = self.time(&spec::BATCH_DELAY, code.batch_delay, usual);
        let timeout = self.time(
            &spec::BATCH_TIMEOUT,
            code.batch_timeout,
            Duration::from_secs(30),
        );
        let queue = self.pick(&spec::BATCH_QUEUE, code.queue_size, parse::count, || 2_048);
        let size = self.pick(&spec::BATCH_SIZE, code.batch_size, parse::count, || 512);
        let bytes = code.queue_bytes;
        let queue_bytes = self.pick(&spec::QUEUE_BYTES, bytes, parse::count, || 8 << 20);
        let batching = Batching {
            delay,
            size: size.min(queue),
            queue,
            queue_bytes,
        };
        (batching, timeout)
    }

    /// How log records wait, and how long one attempt of theirs may take.
    fn log_batching(&mut self, code: &Code, queue_bytes: usize) -> (Batching, Duration) {
        let delay = self.time(
            &spec::LOG_BATCH_DELAY,
            code.log_batch_delay,
            Duration::from_secs(1),
        );
        let timeout = self.time(
            &spec::LOG_BATCH_TIMEOUT,
            code.log_batch_timeout,
            Duration::from_secs(30),
        );
        let queue = code.log_queue_size;
        let queue = self.pick(&spec::LOG_BATCH_QUEUE, queue, parse::count, || 2_048);
        let size = code.log_batch_size;
        let size = self.pick(&spec::LOG_BATCH_SIZE, size, parse::count, || 512);
        let batching = Batching {
            delay,
            size: size.min(queue),
            queue,
            queue_bytes,
        };
        (batching, timeout)
    }

    /// How, and how often, metrics are read, and how long one attempt of theirs may take.
    fn metric_export(
        &mut self,
        code: &Code,
        on_console: bool,
    ) -> (Temporality, Duration, Duration) {
        let temporality = self.pick_shown(
            &spec::TEMPORALITY,
            code.temporality,
            parse::temporality,
            Temporality::default,
            |temporality| temporality.as_str().to_owned(),
        );
        // As the specification has it for the console.
        let usual = Duration::from_secs(if on_console { 10 } else { 60 });
        let interval = self.pick_shown(
            &spec::METRIC_INTERVAL,
            code.metric_interval
                .map(|interval| interval.max(SHORTEST_INTERVAL)),
            parse::interval,
            || usual,
            |interval| interval.as_millis().to_string(),
        );
        let timeout = self.time(
            &spec::METRIC_TIMEOUT,
            code.metric_timeout,
            Duration::from_secs(30),
        );
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
        let filter = self.log_filter(code);
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
        (Some(filter).filter(|_| enabled), format)
    }

    /// The first filter that is set, without the directives of it that mean nothing.
    fn log_filter(&mut self, code: &Code) -> String {
        let mut set = None;
        for variable in spec::LOG_LEVEL.variables {
            let Some(text) = self.environment.0.get(variable) else {
                continue;
            };
            let read = log_filter::read(text, *variable == "RUST_LOG");
            for directive in read.ignored {
                let wanted = log_filter::WANTED;
                self.warn(format!(
                    "`{directive}` in {variable} is ignored, for it is not {wanted}"
                ));
            }
            if let Some(filter) = read.filter {
                set = Some((filter, Origin::Environment(variable)));
                break;
            }
        }
        let code = code.log_filter.clone().map(|code| (code, Origin::Code));
        let by_preset = self.preset_of(&spec::LOG_LEVEL);
        let (filter, origin) = code
            .or(set)
            .or(by_preset)
            .unwrap_or_else(|| (Level::Info.as_str().to_owned(), Origin::Default));
        self.show(&spec::LOG_LEVEL, filter.clone(), origin);
        filter
    }
}

/// A timer cannot tick without end.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(1);
