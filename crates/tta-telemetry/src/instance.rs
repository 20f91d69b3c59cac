//! Everything that one initialisation started.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Duration, Instant};

use tta_core::{install_recorder, registry, uninstall_recorder};

use crate::address_space;
use crate::config::ObservabilityConfig;
use crate::fork::Home;
use crate::guard::{ShutdownReport, SignalReport};
use crate::ledger::Ledger;
use crate::pipeline::{Pipeline, TRACES};
use crate::process::observe_process;
use crate::redaction::{Place, Redactor};
use crate::report;
use crate::server::{Checks, METRICS, Server};
use crate::settings::{Resolved, Setting};
use crate::status::{PartStatus, State, Status};
use crate::subscriber::{self, LOGS, TRACING};

/// Everything that one initialisation started.
#[derive(Debug)]
pub(crate) struct Instance {
    home: Home,
    settings: Resolved,
    pipeline: Pipeline,
    /// The subscriber's parts: spans of other libraries, and log lines.
    subscriber: Vec<PartStatus>,
    server: Server,
    is_closing: AtomicBool,
    report: OnceLock<ShutdownReport>,
}

impl Instance {
    /// Starts what is asked for, and takes note of what could not start.
    pub(crate) fn start(config: &ObservabilityConfig) -> Arc<Self> {
        let mut settings = config.resolve();
        if !settings.is_enabled {
            return Arc::new(Self::without(settings, |name| {
                PartStatus::disabled(name, "all telemetry is switched off")
            }));
        }
        if let Some(why) = address_space::shortage() {
            return Arc::new(Self::without(settings, |name| {
                PartStatus::degraded(name, why.clone())
            }));
        }
        registry().set_label_limit(settings.label_limit);
        settings.kept.apply();
        let redactor = Redactor::new(config.redaction.clone(), settings.kept.content);
        redact_attributes(&mut settings.resource, &redactor);
        redact_attributes(&mut settings.target_info, &redactor);
        let subscriber = subscriber::install(&settings, &redactor);
        let pipeline = Pipeline::start(config, &settings, &redactor);
        if let Err(why) = observe_process(registry()) {
            report::degraded(METRICS, &why.to_string());
        }
        let me: Arc<OnceLock<Weak<Self>>> = Arc::default();
        let checks = Checks {
            health: health_check(Arc::clone(&me)),
            ready: ready_check(Arc::clone(&me), config),
        };
        let server = Server::start(config, &settings, checks);
        install_recorder(pipeline.recorder(settings.log_filter.is_some(), config.span_clock));
        let instance = Arc::new(Self {
            home: Home::here(),
            settings,
            pipeline,
            subscriber,
            server,
            is_closing: AtomicBool::new(false),
            report: OnceLock::new(),
        });
        let _ = me.set(Arc::downgrade(&instance));
        instance
    }

    /// The core's own statistics alone.
    fn without(mut settings: Resolved, off: impl Fn(&'static str) -> PartStatus) -> Self {
        // Nothing goes out, but all of it can be shown.
        settings.mask();
        Self {
            home: Home::here(),
            pipeline: Pipeline::without(off(TRACES)),
            subscriber: vec![off(TRACING), off(LOGS)],
            server: Server::without(off(METRICS)),
            settings,
            is_closing: AtomicBool::new(false),
            report: OnceLock::new(),
        }
    }

    /// Says in one line each what is wrong from the start.
    pub(crate) fn announce(&self) {
        for warning in &self.settings.warnings {
            report::setting_ignored(warning);
        }
        let static_parts = self.subscriber.iter().cloned();
        let parts = static_parts.chain([self.server.status()]);
        for part in parts.chain(self.pipeline.failures().iter().cloned()) {
            if let (State::Degraded, Some(reason)) = (part.state, part.reason) {
                report::degraded(part.name, &reason);
            }
        }
    }

    /// Whether it was started in this process, and not in one that this was forked from.
    pub(crate) fn is_here(&self) -> bool {
        self.home.is_here()
    }

    pub(crate) fn status(&self) -> Status {
        let mut parts = self.pipeline.status(self.report().is_some());
        parts.push(self.server.status());
        parts.extend(self.subscriber.iter().cloned());
        Status {
            state: State::of(&parts),
            already_initialized: false,
            parts,
            settings: self.shown(),
            resource: self.settings.resource.clone(),
            warnings: self.settings.warnings.clone(),
            metrics_url: self.server.url().map(str::to_owned),
            otlp_endpoint: self
                .settings
                .traces
                .endpoint
                .as_ref()
                .filter(|_| self.settings.traces.exporters.otlp)
                .map(ToString::to_string),
            otlp_protocol: self.pipeline.protocol(),
            last_export_error: self.pipeline.last_error(),
            ledger: self.ledger(),
        }
    }

    pub(crate) fn settings(&self) -> &Resolved {
        &self.settings
    }

    /// The handle to our lines, where they are ours.
    #[cfg(feature = "logs")]
    pub(crate) fn log_handle(&self) -> Option<crate::logs::LogHandle> {
        subscriber::log_handle().filter(|_| self.settings.log_filter.is_some())
    }

    /// Each setting as it holds, also where a handle has changed it since.
    #[cfg(feature = "logs")]
    fn shown(&self) -> Vec<Setting> {
        use crate::logs::LogHandle;
        use crate::settings::{LOG_FORMAT, LOG_LEVEL, Origin};

        let mut shown = self.settings.shown.clone();
        let Some(handle) = self.log_handle().filter(LogHandle::is_changed) else {
            return shown;
        };
        let now = [
            (LOG_LEVEL.name(), handle.filter().to_string()),
            (LOG_FORMAT.name(), handle.format().as_str().to_owned()),
        ];
        for (name, value) in now {
            let setting = shown.iter_mut().find(|setting| setting.name == name);
            if let Some(setting) = setting.filter(|setting| setting.value != value) {
                setting.value = value;
                setting.origin = Origin::Handle;
            }
        }
        shown
    }

    #[cfg(not(feature = "logs"))]
    fn shown(&self) -> Vec<Setting> {
        self.settings.shown.clone()
    }

    pub(crate) fn ledger(&self) -> Ledger {
        self.pipeline.ledger()
    }

    fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }

    pub(crate) fn serves_metrics(&self) -> bool {
        self.server.is_running()
    }

    pub(crate) fn flush(&self, patience: Duration) -> bool {
        if !self.is_here() {
            return false;
        }
        let until = Instant::now().checked_add(patience);
        let exported = self.pipeline.flush(patience);
        let left = until.map_or(patience, |until| {
            until.saturating_duration_since(Instant::now())
        });
        exported && subscriber::flush_logs(left)
    }

    pub(crate) fn shutdown_timeout(&self) -> Duration {
        self.settings.shutdown_timeout.min(LONGEST_SHUTDOWN)
    }

    /// How it ended, if it has.
    pub(crate) fn report(&self) -> Option<ShutdownReport> {
        self.report.get().copied()
    }

    /// What can be said of a shutdown that somebody else is in.
    pub(crate) fn unfinished_report(&self, began: Instant) -> ShutdownReport {
        let ledger = self.ledger();
        report_between(&ledger, ledger, began)
    }

    /// Refuses further records if this is the telemetry's own thread, which cannot do more.
    pub(crate) fn close_from_within(&self, deadline: Instant) -> bool {
        self.pipeline.close_from_within(deadline)
    }

    /// Exports what waits and stops everything, all under one deadline.
    pub(crate) fn shutdown(&self, began: Instant, timeout: Duration) -> ShutdownReport {
        self.is_closing.store(true, Ordering::Relaxed);
        let deadline = began + timeout;
        let before = self.ledger();
        let left_for = || deadline.saturating_duration_since(Instant::now());
        std::thread::scope(|scope| {
            // Requests of a scraper are let finish while spans go out. Without a thread for it they
            // are cut off.
            let server = std::thread::Builder::new()
                .spawn_scoped(scope, || self.server.shutdown(left_for()));
            self.pipeline.shutdown(deadline);
            if server.is_err() {
                self.server.shutdown(Duration::ZERO);
            }
        });
        self.uninstall();
        let ledger = self.ledger();
        let report = report_between(&before, ledger, began);
        if let Err(why) = report.result() {
            report::degraded(TRACES, &why.to_string());
        }
        subscriber::flush_logs(left_for().max(LOG_PATIENCE));
        let elapsed = began.elapsed();
        *self
            .report
            .get_or_init(|| ShutdownReport { elapsed, ..report })
    }

    /// Takes our recorder out, unless the application has put in another one since.
    fn uninstall(&self) {
        let Some(installed) = uninstall_recorder() else {
            return;
        };
        if !self.pipeline.is_recorder(&installed) {
            install_recorder(installed);
        }
    }
}

fn report_between(before: &Ledger, ledger: Ledger, began: Instant) -> ShutdownReport {
    let all = SignalReport::between(&before.all(), &ledger.all());
    ShutdownReport {
        delivered: all.delivered,
        left: all.left,
        dropped: all.dropped,
        traces: SignalReport::between(&before.traces, &ledger.traces),
        metrics: SignalReport::between(&before.metrics, &ledger.metrics),
        logs: SignalReport::between(&before.logs, &ledger.logs),
        ledger,
        elapsed: began.elapsed(),
    }
}

/// What is said with every record, and at `/metrics`, is redacted once.
fn redact_attributes(attributes: &mut [(String, String)], redactor: &Redactor) {
    for (key, value) in attributes {
        if let Some(text) = redactor.text(Place::Resource, key, value).text() {
            *value = text;
        }
    }
}

/// What `/health` answers; all is well until the instance is there.
fn health_check(
    me: Arc<OnceLock<Weak<Instance>>>,
) -> Box<dyn Fn() -> (bool, String) + Send + Sync> {
    Box::new(move || {
        let instance = me.get().and_then(Weak::upgrade);
        instance.map_or_else(
            || (true, "{\"status\":\"healthy\"}".to_owned()),
            |instance| {
                let status = instance.status();
                (status.state != State::Degraded, status.to_json())
            },
        )
    })
}

/// What `/health/ready` answers: yes from the end of the initialisation to the begin of the
/// shutdown, unless the application says otherwise.
fn ready_check(
    me: Arc<OnceLock<Weak<Instance>>>,
    config: &ObservabilityConfig,
) -> Box<dyn Fn() -> bool + Send + Sync> {
    let own = config.readiness.clone();
    Box::new(move || {
        let instance = me.get().and_then(Weak::upgrade);
        let is_up = instance.is_some_and(|instance| !instance.is_closing());
        is_up && own.as_ref().is_none_or(|is_ready| is_ready())
    })
}

/// A deadline beyond it is one that nobody meant.
const LONGEST_SHUTDOWN: Duration = Duration::from_hours(1);
/// For the lines about the shutdown itself.
const LOG_PATIENCE: Duration = Duration::from_millis(20);
