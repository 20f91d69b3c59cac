//! What to initialise, put together by hand.

mod clock;
mod doors;
mod export;
mod kept;
mod presets;

use std::fmt;
use std::time::Duration;

use tta_core::{Error, ErrorKind, Level, Result, Secret};

use crate::guard::ObservabilityGuard;
use crate::redaction::{RedactionPolicy, masked};
use crate::settings::{
    Code, Compression, DeploymentEnvironment, Environment, LogFormat, Protocol, Resolved, Setting,
    Temporality,
};

/// What to initialise. Each setting is also declared in [`SETTINGS`](crate::SETTINGS), with the
/// variables that set it.
///
/// # Examples
///
/// ```no_run
/// use tta_telemetry::ObservabilityConfig;
///
/// let guard = ObservabilityConfig::from_env("my-app")
///     .with_otlp_endpoint("http://localhost:4317")
///     .with_sample_ratio(0.1)
///     .init();
/// println!("{}", guard.status());
/// ```
#[derive(Clone, Default)]
#[must_use = "nothing happens before `init`"]
pub struct ObservabilityConfig {
    pub(crate) code: Code,
    pub(crate) environment: Environment,
    pub(crate) redaction: RedactionPolicy,
    #[cfg(feature = "prometheus")]
    pub(crate) user_registry: Option<crate::exposition::UserRegistry>,
    pub(crate) span_clock: Option<tta_core::NanoClock>,
    pub(crate) readiness: Option<std::sync::Arc<dyn Fn() -> bool + Send + Sync>>,
    #[cfg(feature = "otlp")]
    pub(crate) sink: Option<std::sync::Arc<dyn crate::traces::SpanSink>>,
}

impl ObservabilityConfig {
    /// A service of this name with the defaults; no variable is read.
    pub fn new(service_name: impl Into<String>) -> Self {
        Self {
            code: Code {
                name: service_name.into(),
                ..Code::default()
            },
            ..Self::default()
        }
    }

    /// A service that the environment configures. What is set with a method wins over it, but for
    /// `OTEL_SDK_DISABLED`, and `OTEL_SERVICE_NAME` wins over the name given here.
    pub fn from_env(service_name: impl Into<String>) -> Self {
        let lookup =
            |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::from_env_with(service_name, lookup)
    }

    /// As [`from_env`](Self::from_env), with variables from elsewhere.
    pub fn from_env_with(
        service_name: impl Into<String>,
        lookup: impl FnMut(&str) -> Option<String>,
    ) -> Self {
        Self {
            environment: Environment::read(lookup),
            ..Self::new(service_name)
        }
    }

    /// Every setting as it would hold, with its origin, without starting anything.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_telemetry::ObservabilityConfig;
    ///
    /// let config = ObservabilityConfig::from_env("billing").with_prometheus_port(9_500);
    /// let port = config.settings().into_iter().find(|setting| {
    ///     setting.name == "OTEL_EXPORTER_PROMETHEUS_PORT"
    /// });
    /// assert_eq!(port.map(|port| port.value).as_deref(), Some("9500"));
    /// ```
    pub fn settings(&self) -> Vec<Setting> {
        self.resolve().shown
    }

    /// Starts it all. It never fails the application: what could not start, and what was set and
    /// cannot be, is reported by [`ObservabilityGuard::status`], and in one log line.
    ///
    /// Where telemetry is initialised already, that one holds and the guard shares it.
    pub fn init(self) -> ObservabilityGuard {
        ObservabilityGuard::init(&self)
    }

    /// As [`init`](Self::init), for programs that would rather not start than run with a mistake in
    /// their own settings.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::ErrorKind;
    /// use tta_telemetry::ObservabilityConfig;
    ///
    /// let refused = ObservabilityConfig::new("my-app").with_queue_size(0).try_init();
    /// assert_eq!(refused.unwrap_err().kind(), ErrorKind::Configuration);
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] where a method was given what cannot be. What the environment says
    /// is never an error: it is ignored, with a warning.
    pub fn try_init(self) -> Result<ObservabilityGuard> {
        match self.code.complaint() {
            Some(why) => Err(Error::new(ErrorKind::Configuration, why)),
            None => Ok(self.init()),
        }
    }

    /// The service's name.
    pub fn with_service_name(mut self, name: impl Into<String>) -> Self {
        self.code.service_name = Some(name.into());
        self
    }

    /// The service's version.
    pub fn with_service_version(mut self, version: impl Into<String>) -> Self {
        self.code.service_version = Some(version.into());
        self
    }

    /// An attribute of the process, such as `cloud.region`.
    pub fn with_resource_attribute(
        mut self,
        key: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.code.resource.push((key.into(), value.into()));
        self
    }

    /// Where the program runs.
    pub fn with_environment(mut self, environment: DeploymentEnvironment) -> Self {
        self.code.environment = Some(environment);
        self
    }

    /// Whether there is any telemetry at all; `OTEL_SDK_DISABLED` wins.
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.code.is_enabled = Some(enabled);
        self
    }

    /// Where OTLP goes, such as `http://localhost:4317`. Without one nothing leaves the process.
    pub fn with_otlp_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.code.otlp.general.endpoint = Some(endpoint.into());
        self
    }

    /// Where traces go, if not where everything goes. Over HTTP the path is used as it is.
    pub fn with_otlp_traces_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.code.otlp.traces.otlp.endpoint = Some(endpoint.into());
        self
    }

    /// Where metrics go over OTLP, if not where everything goes. Over HTTP the path is used as it is.
    pub fn with_otlp_metrics_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.code.otlp.metrics.otlp.endpoint = Some(endpoint.into());
        self
    }

    /// Where log records go, if not where everything goes. Over HTTP the path is used as it is.
    pub fn with_otlp_logs_endpoint(mut self, endpoint: impl Into<String>) -> Self {
        self.code.otlp.logs.otlp.endpoint = Some(endpoint.into());
        self
    }

    /// How what is exported is compressed; not at all by default.
    pub fn with_otlp_compression(mut self, compression: Compression) -> Self {
        self.code.otlp.general.compression = Some(compression);
        self
    }

    /// A file in PEM with the certificates of whom to trust, instead of whom the system trusts.
    pub fn with_otlp_certificate(mut self, path: impl Into<String>) -> Self {
        self.code.otlp.general.certificate = Some(path.into());
        self
    }

    /// Files in PEM with the client's certificate and its private key, for backends that ask who
    /// calls.
    pub fn with_otlp_client_certificate(
        mut self,
        certificate: impl Into<String>,
        key: impl Into<String>,
    ) -> Self {
        self.code.otlp.general.client_certificate = Some(certificate.into());
        self.code.otlp.general.client_key = Some(key.into());
        self
    }

    /// How OTLP is spoken; by the endpoint's port by default.
    pub fn with_otlp_protocol(mut self, protocol: Protocol) -> Self {
        self.code.otlp.general.protocol = Some(protocol);
        self
    }

    /// A header of each export, such as a token. Its value is shown nowhere.
    pub fn with_otlp_header(mut self, name: impl Into<String>, value: impl Into<Secret>) -> Self {
        self.code
            .otlp
            .general
            .headers
            .push((name.into(), value.into()));
        self
    }

    /// How long one attempt to export may take.
    pub fn with_otlp_timeout(mut self, timeout: Duration) -> Self {
        self.code.otlp.general.timeout = Some(timeout);
        self
    }

    /// How long a span waits for others before it is exported.
    pub fn with_batch_delay(mut self, delay: Duration) -> Self {
        self.code.batch_delay = Some(delay);
        self
    }

    /// How many spans go out together at most.
    pub fn with_batch_size(mut self, spans: usize) -> Self {
        self.code.batch_size = Some(spans);
        self
    }

    /// How many spans wait at most.
    pub fn with_queue_size(mut self, spans: usize) -> Self {
        self.code.queue_size = Some(spans);
        self
    }

    /// How many bytes of spans wait at most.
    pub fn with_queue_bytes(mut self, bytes: usize) -> Self {
        self.code.queue_bytes = Some(bytes);
        self
    }

    /// Whether sums over OTLP count since the start, the default, or since the last export.
    pub fn with_metric_temporality(mut self, temporality: Temporality) -> Self {
        self.code.temporality = Some(temporality);
        self
    }

    /// How often metrics go out over OTLP.
    pub fn with_metric_interval(mut self, interval: Duration) -> Self {
        self.code.metric_interval = Some(interval);
        self
    }

    /// Whether `/metrics` and `/health` are served.
    pub fn with_prometheus(mut self, enabled: bool) -> Self {
        self.code.prometheus = Some(enabled);
        self
    }

    /// The address on which they are served.
    pub fn with_prometheus_host(mut self, host: impl Into<String>) -> Self {
        self.code.prometheus_host = Some(host.into());
        self
    }

    /// Their port; 0 takes any that is free, and the status says which.
    pub fn with_prometheus_port(mut self, port: u16) -> Self {
        self.code.prometheus_port = Some(port);
        self
    }

    /// Whether metrics are shown under their other names too.
    pub fn with_metric_aliases(mut self, aliases: bool) -> Self {
        self.code.metric_aliases = Some(aliases);
        self
    }

    /// How many label sets a metric may have.
    pub fn with_label_limit(mut self, sets: usize) -> Self {
        self.code.label_limit = Some(sets);
        self
    }

    /// Whether log lines are written.
    pub fn with_logs(mut self, enabled: bool) -> Self {
        self.code.logs = Some(enabled);
        self
    }

    /// The least level that is logged.
    pub fn with_log_level(mut self, level: Level) -> Self {
        self.code.log_filter = Some(level.as_str().to_owned());
        self
    }

    /// Which log lines are written, by the module they come from.
    #[cfg(feature = "logs")]
    pub fn with_log_filter(mut self, filter: impl Into<crate::logs::LogFilter>) -> Self {
        self.code.log_filter = Some(filter.into().to_string());
        self
    }

    /// What is taken out of traces, metrics and logs before they leave the process, beyond what the
    /// built-in rules take out.
    pub fn with_redaction(mut self, policy: RedactionPolicy) -> Self {
        self.redaction = policy;
        self
    }

    /// How log lines are written.
    pub fn with_log_format(mut self, format: LogFormat) -> Self {
        self.code.log_format = Some(format);
        self
    }

    /// How long a shutdown may take.
    pub fn with_shutdown_timeout(mut self, timeout: Duration) -> Self {
        self.code.shutdown_timeout = Some(timeout);
        self
    }

    /// Metrics of your own, to be shown beside ours.
    #[cfg(feature = "prometheus")]
    pub fn with_prometheus_registry(mut self, registry: crate::exposition::UserRegistry) -> Self {
        self.user_registry = Some(registry);
        self
    }

    /// Sends spans there instead of to an OTLP endpoint.
    #[cfg(feature = "otlp")]
    pub fn with_span_sink(mut self, sink: std::sync::Arc<dyn crate::traces::SpanSink>) -> Self {
        self.sink = Some(sink);
        self
    }

    pub(crate) fn resolve(&self) -> Resolved {
        let mut settings = Resolved::new(&self.code, &self.environment);
        // Both are shown, at `/health` too.
        let values = settings.shown.iter_mut().map(|setting| &mut setting.value);
        for text in values.chain(&mut settings.warnings) {
            *text = masked(std::mem::take(text));
        }
        settings
    }
}

impl fmt::Debug for ObservabilityConfig {
    /// Headers may be secret, and are left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObservabilityConfig")
            .field("name", &self.code.name)
            .finish_non_exhaustive()
    }
}
