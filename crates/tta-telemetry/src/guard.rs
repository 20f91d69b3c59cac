//! Telemetry, for as long as the guard lives.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_core::{Error, ErrorKind, Result};

use crate::config::ObservabilityConfig;
use crate::instance::Instance;
use crate::ledger::{DropReason, Ledger, SignalLedger};
use crate::lifecycle::{self, Turn};
use crate::settings::Resolved;
use crate::status::{PartStatus, Status};

/// Initialises telemetry as the environment says: the same as
/// `ObservabilityConfig::from_env(service_name).init()`.
///
/// # Examples
///
/// ```no_run
/// let telemetry = tta_telemetry::initialize_observability("my-app");
/// // … run workflows …
/// drop(telemetry); // what is left is exported
/// ```
pub fn initialize_observability(service_name: impl Into<String>) -> ObservabilityGuard {
    ObservabilityConfig::from_env(service_name).init()
}

/// Exports what waits and stops telemetry, whoever has its guard.
///
/// Safe before an initialisation, twice, from several threads at once, in async code that can bear
/// to block until the deadline, and in a panic hook. Where nothing runs it returns at once, with
/// the report of the latest shutdown if there was one.
pub fn shutdown_observability() -> ShutdownReport {
    match lifecycle::running() {
        Some(instance) => stop(&instance),
        None => lifecycle::last_report().unwrap_or_default(),
    }
}

/// Whether `/metrics` is being served now.
pub fn is_prometheus_enabled() -> bool {
    lifecycle::running().is_some_and(|instance| instance.serves_metrics())
}

/// Telemetry, for as long as it lives: dropping it exports what waits and stops everything, within
/// the shutdown's deadline.
///
/// A guard of a second initialisation shares the first one's telemetry, and dropping it does
/// nothing.
#[derive(Debug)]
#[must_use = "dropping it stops telemetry"]
pub struct ObservabilityGuard {
    instance: std::result::Result<Arc<Instance>, Box<Resolved>>,
    is_owner: bool,
}

/// What became of the records at a shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ShutdownReport {
    /// Records that were delivered while shutting down.
    pub delivered: u64,
    /// Records that were left at the deadline, and are lost.
    pub left: u64,
    /// Records that were lost for another reason while shutting down: refused, or put off too often.
    pub dropped: u64,
    /// Of these, spans.
    pub traces: SignalReport,
    /// Of these, values of series over OTLP.
    pub metrics: SignalReport,
    /// Of these, log lines over OTLP.
    pub logs: SignalReport,
    /// The account at the end, over the whole initialisation.
    pub ledger: Ledger,
    /// How long it took.
    pub elapsed: Duration,
}

/// What became of one signal's records at a shutdown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SignalReport {
    /// Records that were delivered while shutting down.
    pub delivered: u64,
    /// Records that were left at the deadline, and are lost.
    pub left: u64,
    /// Records that were lost for another reason while shutting down.
    pub dropped: u64,
}

impl SignalReport {
    /// What happened between two accounts.
    pub(crate) fn between(before: &SignalLedger, after: &SignalLedger) -> Self {
        let lost = |account: &SignalLedger| account.dropped_for(DropReason::Shutdown);
        let late = lost(after) - lost(before);
        Self {
            delivered: after.delivered - before.delivered,
            left: late + after.queued + after.in_flight,
            dropped: after.dropped() - before.dropped() - late,
        }
    }
}

impl ObservabilityGuard {
    pub(crate) fn init(config: &ObservabilityConfig) -> Self {
        let Some(turn) = Turn::take(INIT_PATIENCE) else {
            // Only from within an initialisation or a shutdown that this thread is in, or one that
            // hangs. There is nothing to share, and the status says so.
            return Self {
                instance: Err(Box::new(config.resolve().masked())),
                is_owner: false,
            };
        };
        if let Some(instance) = lifecycle::running() {
            return Self {
                instance: Ok(instance),
                is_owner: false,
            };
        }
        let instance = Instance::start(config);
        turn.set(Arc::clone(&instance));
        drop(turn);
        instance.announce();
        Self {
            instance: Ok(instance),
            is_owner: true,
        }
    }

    /// How telemetry is doing now.
    pub fn status(&self) -> Status {
        match &self.instance {
            Ok(instance) if !instance.is_here() => Status::of_nothing_here(
                instance.settings(),
                PartStatus::disabled(
                    "all",
                    "this process was forked from the one in which telemetry runs; initialise it \
                     here",
                ),
            ),
            Ok(instance) => {
                let mut status = instance.status();
                status.already_initialized = !self.is_owner;
                status
            }
            Err(settings) => {
                let why = "another initialisation or shutdown is under way";
                let mut status =
                    Status::of_nothing_here(settings, PartStatus::degraded("all", why));
                status.already_initialized = true;
                status
            }
        }
    }

    /// Changes which log lines are written, and how, while the program runs; none where lines are off
    /// or a `tracing` subscriber of the application's own writes them.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use tta_core::Level;
    ///
    /// let telemetry = tta_telemetry::initialize_observability("my-app");
    /// if let Some(lines) = telemetry.log_handle() {
    ///     lines.set_level(Level::Debug);
    /// }
    /// ```
    #[cfg(feature = "logs")]
    pub fn log_handle(&self) -> Option<crate::logs::LogHandle> {
        self.instance.as_ref().ok()?.log_handle()
    }

    /// The account of every record of this initialisation.
    pub fn ledger(&self) -> Ledger {
        match &self.instance {
            Ok(instance) if instance.is_here() => instance.ledger(),
            _ => Ledger::default(),
        }
    }

    /// Exports everything now, and waits for it; false when it took longer.
    ///
    /// For programs that are frozen between requests; others need not.
    pub fn flush(&self, patience: Duration) -> bool {
        self.instance
            .as_ref()
            .is_ok_and(|instance| instance.flush(patience))
    }

    /// Exports what waits and stops telemetry, whichever guard it is called on.
    ///
    /// As safe as [`shutdown_observability`]; the guard may be dropped later at no cost.
    pub fn shutdown(&self) -> ShutdownReport {
        self.instance
            .as_ref()
            .map_or_else(|_| ShutdownReport::default(), stop)
    }
}

impl Drop for ObservabilityGuard {
    fn drop(&mut self) {
        if let (true, Ok(instance)) = (self.is_owner, &self.instance) {
            stop(instance);
        }
    }
}

/// One line for people: the account of all records, and how long the shutdown took.
impl fmt::Display for ShutdownReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = self.ledger.all();
        write!(
            f,
            "{} records: {} delivered, {} dropped, {} left, in {:?}",
            all.created,
            all.delivered,
            all.dropped(),
            self.left,
            self.elapsed
        )
    }
}

impl ShutdownReport {
    /// Whether everything that waited was delivered.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unavailable`], with the counts, where records were left at the deadline or
    /// dropped while shutting down.
    pub fn result(&self) -> Result<()> {
        let lost = self.left + self.dropped;
        if lost == 0 {
            return Ok(());
        }
        let all = self.ledger.all();
        Err(Error::new(
            ErrorKind::Unavailable,
            format!(
                "{} telemetry records could not be delivered by the end of the shutdown; {} were \
                 delivered and {} dropped in all",
                lost,
                all.delivered,
                all.dropped()
            ),
        ))
    }
}

/// Stops an instance once; later callers are told how that went.
fn stop(instance: &Arc<Instance>) -> ShutdownReport {
    // What waits is the parent's to export.
    if !instance.is_here() {
        return ShutdownReport::default();
    }
    if let Some(report) = instance.report() {
        return report;
    }
    let began = Instant::now();
    let timeout = instance.shutdown_timeout();
    // A panic hook may run on the worker, which must not wait for itself.
    if instance.close_from_within(began + timeout) {
        return instance.unfinished_report(began);
    }
    let Some(turn) = Turn::take(timeout + PATIENCE_MARGIN) else {
        return instance.unfinished_report(began);
    };
    if let Some(report) = instance.report() {
        return report;
    }
    let report = instance.shutdown(began, timeout);
    turn.clear(&report);
    report
}

/// Longer than an initialisation takes, and than a shutdown that is under way.
const INIT_PATIENCE: Duration = Duration::from_secs(10);
const PATIENCE_MARGIN: Duration = Duration::from_millis(100);
