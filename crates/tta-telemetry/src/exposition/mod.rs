//! Metrics for Prometheus: the core's instruments and the user's own, on one page.

mod aliases;
mod family;
mod format;
mod info;
mod names;
mod page;
mod pieces;
mod sample_line;
mod texts;
mod user;
mod user_labels;

pub use format::ExpositionFormat;
pub use pieces::Pieces;

use std::collections::HashSet;
use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tta_core::{Counter, registry};

use crate::catalog::{BUILD_INFO, CALLBACK_FAILURES, TARGET_INFO, USER_METRICS_SKIPPED};
use crate::redaction::{RedactionPolicy, Redactor};
use info::Info;
use texts::Texts;
use tta_core::ContentCapture;
use user::Skipped;

/// Shows every metric of the process in the formats that Prometheus reads.
///
/// The numbers come from [`tta_core::registry`], read at each scrape. The user's own
/// `prometheus-client` metrics stand beside them; one whose name is taken, or that is not what the
/// format allows, is left out and counted, and one that panics costs none of ours.
///
/// # Examples
///
/// ```
/// use tta_core::{MetricSpec, Unit, registry};
/// use tta_telemetry::exposition::{ExpositionFormat, ExpositionOptions, PrometheusExposition};
///
/// static GREETINGS: MetricSpec =
///     MetricSpec::counter("greetings_total", Unit::One, "Greetings by language.")
///         .labels(&["language"]);
/// registry().counter(&GREETINGS, &["en"])?.increment();
///
/// let exposition = PrometheusExposition::new(ExpositionOptions::default());
/// let page = exposition.render(ExpositionFormat::Text);
/// assert!(String::from_utf8_lossy(&page).contains("greetings_total{language=\"en\"} 1\n"));
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Source
///
/// [OpenMetrics 1.0](https://prometheus.io/docs/specs/om/open_metrics_spec/) and the [Prometheus
/// text format](https://prometheus.io/docs/instrumenting/exposition_formats/).
pub struct PrometheusExposition {
    shown: Arc<Shown>,
    health: HealthCheck,
    ready: ReadyCheck,
    /// How long the last whole page was.
    last_length: AtomicUsize,
}

/// What pages are made of.
struct Shown {
    infos: [Info; 2],
    user_registry: Option<UserRegistry>,
    aliases: bool,
    redactor: Arc<Redactor>,
    texts: Texts,
    skipped: Mutex<HashSet<(String, &'static str)>>,
    skips: [Option<Counter>; Skipped::ALL.len()],
}

/// What a [`PrometheusExposition`] shows besides the core's instruments.
pub struct ExpositionOptions {
    /// The attributes of the resource, shown as `target_info`.
    pub target_info: Vec<(String, String)>,
    /// Version and features, shown as `tta_build_info`.
    pub build_info: Vec<(String, String)>,
    /// Metrics of the user's own.
    pub user_registry: Option<UserRegistry>,
    /// Whether each metric is shown under its other names too.
    pub aliases: bool,
    /// Whether all is well, and the JSON that says more.
    pub health: HealthCheck,
    /// What labels do not show.
    pub redaction: RedactionPolicy,
    /// Whether the application can take work now.
    pub ready: ReadyCheck,
}

/// A registry of `prometheus-client` that the application shares with the exposition.
pub type UserRegistry = Arc<Mutex<prometheus_client::registry::Registry>>;

/// Says whether all is well, with JSON that says more.
pub type HealthCheck = Box<dyn Fn() -> (bool, String) + Send + Sync>;

/// Says whether the application can take work now.
pub type ReadyCheck = Box<dyn Fn() -> bool + Send + Sync>;

impl Default for ExpositionOptions {
    /// The core's instruments under their canonical names, and good health.
    fn default() -> Self {
        Self {
            target_info: Vec::new(),
            build_info: Vec::new(),
            user_registry: None,
            aliases: false,
            health: Box::new(|| (true, "{\"status\":\"healthy\"}".to_owned())),
            redaction: RedactionPolicy::new(),
            ready: Box::new(|| true),
        }
    }
}

impl PrometheusExposition {
    /// An exposition of the core's instruments with these options.
    pub fn new(options: ExpositionOptions) -> Self {
        // Only a clash of names could refuse these, and then there is nowhere to count.
        let _ = registry().observe_counter(&CALLBACK_FAILURES, &[], || {
            registry().failed_callbacks() as f64
        });
        let shown = Shown {
            infos: [
                Info::new(&TARGET_INFO, options.target_info),
                Info::new(&BUILD_INFO, options.build_info),
            ],
            user_registry: options.user_registry,
            aliases: options.aliases,
            redactor: Redactor::new(options.redaction, ContentCapture::default()),
            texts: Texts::default(),
            skipped: Mutex::default(),
            skips: Skipped::ALL.map(|reason| {
                let counter = registry().counter(&USER_METRICS_SKIPPED, &[reason.as_str()]);
                counter.ok()
            }),
        };
        Self {
            shown: Arc::new(shown),
            health: options.health,
            ready: options.ready,
            last_length: AtomicUsize::new(0),
        }
    }

    /// Every metric in one format.
    pub fn render(&self, format: ExpositionFormat) -> Vec<u8> {
        // As long as the last one was, so that it need not be moved about while it grows.
        let length = self.last_length.load(Ordering::Relaxed);
        let mut page = Vec::with_capacity(length + length / 8);
        self.pieces(format)
            .for_each(|piece| page.extend_from_slice(&piece));
        self.last_length.store(page.len(), Ordering::Relaxed);
        page
    }

    /// Every metric in one format, piece by piece: 64 KiB of text are in memory at a time, however
    /// many series there are. A series is read when its piece is asked for.
    ///
    /// The user's own metrics are the exception: `prometheus-client` writes all of them at once.
    pub fn pieces(&self, format: ExpositionFormat) -> Pieces {
        Pieces::new(Arc::clone(&self.shown), format)
    }

    /// Whether all is well, and the JSON that says more.
    pub fn health(&self) -> (bool, String) {
        (self.health)()
    }

    /// Whether the application can take work now.
    pub fn is_ready(&self) -> bool {
        (self.ready)()
    }

    /// The families of metrics that were left out so far and why: `name_taken`, `invalid` or
    /// `panic`, in no order. The name is empty where nothing came before the panic.
    pub fn skipped(&self) -> Vec<(String, &'static str)> {
        self.shown.lock_skipped().iter().cloned().collect()
    }
}

impl Shown {
    /// Counts a family that is left out, and says so when it is the first time.
    fn skip(&self, name: &str, reason: Skipped) {
        if let Some(Some(counter)) = self.skips.get(reason as usize) {
            counter.increment();
        }
        let mut skipped = self.lock_skipped();
        let room = skipped.len() < MOST_REPORTS;
        if room && skipped.insert((name.to_owned(), reason.as_str())) {
            drop(skipped);
            #[cfg(feature = "logs")]
            crate::logs::emit(&tta_core::LogRecord::new(
                &crate::catalog::METRIC_SKIPPED,
                tta_core::Level::Warn,
                &[
                    tta_core::LogField::new("metric", name),
                    tta_core::LogField::new("reason", reason.as_str()),
                ],
            ));
        }
    }

    fn lock_skipped(&self) -> std::sync::MutexGuard<'_, HashSet<(String, &'static str)>> {
        // A set of finished entries is whole whatever happened to a thread that held it.
        self.skipped.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(feature = "metrics-server")]
impl tta_metrics_server::Exposition for PrometheusExposition {
    fn content_type(&self, accept: Option<&str>) -> &'static str {
        ExpositionFormat::negotiate(accept).content_type()
    }

    fn metrics(&self, content_type: &'static str) -> Vec<u8> {
        self.render(format_of(content_type))
    }

    fn metric_pieces(&self, content_type: &'static str) -> tta_metrics_server::Pieces {
        Box::new(self.pieces(format_of(content_type)))
    }

    /// What is not well with telemetry is no reason to take the application down: 200 either way.
    fn health(&self) -> tta_metrics_server::HealthReport {
        let (well, json) = Self::health(self);
        let status = if well {
            tta_metrics_server::HealthStatus::Healthy
        } else {
            tta_metrics_server::HealthStatus::Degraded
        };
        tta_metrics_server::HealthReport::new(status, json)
    }

    fn is_ready(&self) -> bool {
        Self::is_ready(self)
    }
}

#[cfg(feature = "metrics-server")]
fn format_of(content_type: &'static str) -> ExpositionFormat {
    if content_type == ExpositionFormat::OpenMetrics.content_type() {
        ExpositionFormat::OpenMetrics
    } else {
        ExpositionFormat::Text
    }
}

impl fmt::Debug for PrometheusExposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PrometheusExposition")
            .field("aliases", &self.shown.aliases)
            .field("user_registry", &self.shown.user_registry.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ExpositionOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExpositionOptions")
            .field("target_info", &self.target_info)
            .field("build_info", &self.build_info)
            .field("user_registry", &self.user_registry.is_some())
            .field("aliases", &self.aliases)
            .field("redaction", &self.redaction)
            .finish_non_exhaustive()
    }
}

/// A collector that makes up a new bad name for each scrape shall not fill the memory.
const MOST_REPORTS: usize = 1_000;
