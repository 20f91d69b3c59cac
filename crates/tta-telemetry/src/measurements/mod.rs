//! Metrics over OTLP: the core's instruments, read from time to time.

mod collect;
mod points;

pub(crate) use points::{Point, Points, Value};

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval_at, timeout_at};
use tta_core::registry;

use self::collect::Collector;
use crate::export::{AnyExporter, Backends, Delivery, Exporter, Job, Show, Start, shown};
use crate::ledger::SignalLedger;
use crate::otlp;
use crate::redaction::{Redactor, redact_families};
use crate::settings::{Batching, Resolved};

/// The metrics of one initialisation, on their way over OTLP.
pub(crate) struct Measurements {
    exporter: Arc<Exporter<Points>>,
    collector: Mutex<Collector>,
    redactor: Arc<Redactor>,
    /// When the last collection must have gone out, once there is one.
    closing: Mutex<Option<Instant>>,
    close: Notify,
}

impl Measurements {
    /// A pipeline to the endpoint that is set or to people, and what reads the instruments for it.
    pub(crate) fn new(
        settings: &Resolved,
        show: Option<Show<Point>>,
        backends: &Backends,
    ) -> Result<(Arc<Self>, Start, Job), String> {
        let delivery = match show {
            Some(show) if !settings.metrics.goes_over_otlp() => {
                shown(&show, settings.metrics.timeout)
            }
            show => Delivery {
                watch: show,
                ..otlp::delivery(
                    &settings.metrics,
                    otlp::METRICS,
                    &settings.resource,
                    otlp::encode_points,
                )?
            },
        };
        let (exporter, start) = Exporter::new(LIMITS, delivery, backends);
        let measurements = Arc::new(Self {
            exporter,
            collector: Mutex::new(Collector::new(settings.temporality)),
            redactor: backends.redactor(),
            closing: Mutex::new(None),
            close: Notify::new(),
        });
        let (own, interval) = (Arc::clone(&measurements), settings.metric_interval);
        let job: Job = Box::new(move || Box::pin(own.collect_periodically(interval)));
        Ok((measurements, start, job))
    }

    pub(crate) fn announce(&self) {
        self.exporter.announce();
    }

    /// Reads the instruments every so often, and once more at the end.
    async fn collect_periodically(self: Arc<Self>, every: Duration) {
        let mut ticks = interval_at(tokio::time::Instant::now() + every, every);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let deadline = tokio::select! {
                biased;
                () = self.close.notified() => self.deadline(),
                _ = ticks.tick() => None,
            };
            // Callbacks are the user's code: one that hangs must not keep spans from going out.
            let own = Arc::clone(&self);
            let collecting = tokio::task::spawn_blocking(move || own.collect());
            let Some(deadline) = deadline else {
                let closed = self.close.notified();
                tokio::select! {
                    biased;
                    _ = collecting => continue,
                    () = closed => {}
                }
                self.exporter
                    .close(self.deadline().unwrap_or_else(Instant::now));
                return;
            };
            let _ = timeout_at(deadline.into(), collecting).await;
            self.exporter.close(deadline);
            return;
        }
    }

    /// Reads the instruments, unless what was read last still waits: the next reading says it all.
    fn collect(&self) {
        let mut collector = self
            .collector
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if self.exporter.account().queued == 0 {
            let mut families = registry().gather();
            redact_families(&mut families, &self.redactor);
            collector.collect(&families, |collection| self.exporter.push(collection));
        }
    }

    fn deadline(&self) -> Option<Instant> {
        *self.closing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl AnyExporter for Measurements {
    fn signal(&self) -> &'static str {
        self.exporter.signal()
    }

    fn part(&self) -> &'static str {
        self.exporter.part()
    }

    fn protocol(&self) -> &'static str {
        self.exporter.protocol()
    }

    fn begin_flush(&self) {
        self.collect();
        self.exporter.begin_flush();
    }

    fn flush(&self, patience: Duration) -> bool {
        self.exporter.flush(patience)
    }

    /// Has the instruments read once more before it refuses records.
    fn close(&self, deadline: Instant) {
        self.closing
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get_or_insert(deadline);
        self.close.notify_one();
    }

    fn wait(&self, deadline: Instant) -> bool {
        let has_ended = self.exporter.wait(deadline);
        // Where nothing has closed it, as when its thread never ran.
        self.exporter.close(deadline);
        has_ended
    }

    fn account(&self) -> SignalLedger {
        self.exporter.account()
    }

    fn is_up(&self) -> Option<bool> {
        self.exporter.is_up()
    }

    fn last_error(&self) -> Option<String> {
        self.exporter.last_error()
    }
}

impl fmt::Debug for Measurements {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Measurements")
            .field("exporter", &self.exporter)
            .finish_non_exhaustive()
    }
}

/// One reading waits at most, and the number of label sets bounds it. It goes out at once, in
/// requests that every backend takes.
const LIMITS: Batching = Batching {
    delay: Duration::ZERO,
    size: 2_000,
    queue: 1_000_000,
    queue_bytes: 64 << 20,
};
