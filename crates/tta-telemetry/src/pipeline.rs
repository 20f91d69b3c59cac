//! What leaves the process in one initialisation, or why nothing does.

#[cfg(feature = "otlp")]
pub(crate) use present::Pipeline;

#[cfg(not(feature = "otlp"))]
pub(crate) use absent::Pipeline;

/// Our own spans.
pub(crate) const TRACES: &str = "traces";

#[cfg(feature = "otlp")]
mod present {
    use std::sync::{Arc, OnceLock};
    use std::time::{Duration, Instant};

    use opentelemetry_sdk::trace::SpanData;
    use tta_core::{NanoClock, Recorder};

    use super::TRACES;
    use crate::config::ObservabilityConfig;
    use crate::console::Console;
    use crate::export::{AnyExporter, Backends, ExportThread, Exporter, Job, Show, Signal, Start};
    use crate::ledger::Ledger;
    #[cfg(feature = "logs")]
    use crate::log_records::{self, LogLine};
    use crate::measurements::{Measurements, Point, Points};
    use crate::metrics;
    use crate::recorder::TelemetryRecorder;
    use crate::redaction::Redactor;
    use crate::settings::{Otlp, Resolved};
    use crate::status::PartStatus;
    use crate::traces::{Spans, Traces, install_provider, limits};

    /// What leaves the process, or why nothing does.
    #[derive(Debug, Default)]
    pub(crate) struct Pipeline {
        traces: Option<Arc<Traces>>,
        #[cfg(feature = "logs")]
        log_records: Option<Arc<Exporter<LogLine>>>,
        console: Console,
        /// One for each signal that is exported.
        exporters: Vec<Arc<dyn AnyExporter>>,
        thread: Option<ExportThread>,
        /// What is not exported, and why.
        absent: Vec<PartStatus>,
        recorder: OnceLock<Arc<TelemetryRecorder>>,
    }

    impl Pipeline {
        pub(crate) fn without(why: PartStatus) -> Self {
            Self {
                absent: vec![why],
                ..Self::default()
            }
        }

        pub(crate) fn start(
            config: &ObservabilityConfig,
            settings: &Resolved,
            redactor: &Arc<Redactor>,
        ) -> Self {
            limits::set(settings.kept.spans);
            #[cfg(feature = "logs")]
            log_records::set_limits(settings.kept.logs);
            let mut starting = Starting::default();
            let backends = Backends::new(Arc::clone(redactor));
            let console = Console::start(settings);
            let traces = match traces(config, settings, console.spans(), &backends) {
                Ok((traces, start)) => {
                    starting.add(Arc::<Exporter<Spans>>::clone(&traces.exporter), start);
                    Some(traces)
                }
                Err(why) => {
                    starting.absent.push(why);
                    None
                }
            };
            let measurements = match measurements(settings, console.points(), &backends) {
                Ok((measurements, start, collecting)) => {
                    starting.add(Arc::<Measurements>::clone(&measurements), start);
                    starting.jobs.push(collecting);
                    Some(measurements)
                }
                Err(why) => {
                    starting.absent.extend(why);
                    None
                }
            };
            #[cfg(feature = "logs")]
            let log_records = match log_records(settings, &backends) {
                Ok((exporter, start)) => {
                    starting.add(Arc::<Exporter<LogLine>>::clone(&exporter), start);
                    Some(exporter)
                }
                Err(why) => {
                    starting.absent.extend(why);
                    None
                }
            };
            #[cfg(feature = "logs")]
            metrics::register::<LogLine>();
            metrics::register::<Spans>();
            metrics::register::<Points>();
            let pipeline = starting.run();
            let is_exported = |signal| pipeline.exporters.iter().any(|it| it.signal() == signal);
            if let Some(measurements) = measurements.filter(|_| is_exported(Points::NAME)) {
                measurements.announce();
            }
            #[cfg(feature = "logs")]
            let log_records = log_records.filter(|_| is_exported(LogLine::NAME));
            #[cfg(feature = "logs")]
            if let Some(exporter) = &log_records {
                log_records::announce(exporter);
            }
            let traces = traces.filter(|_| is_exported(Spans::NAME));
            if let Some(traces) = &traces {
                traces.announce();
                install_provider();
            }
            Self {
                traces,
                #[cfg(feature = "logs")]
                log_records,
                console,
                ..pipeline
            }
        }

        pub(crate) fn recorder(&self, logs: bool, clock: Option<NanoClock>) -> Arc<dyn Recorder> {
            let recorder = self.recorder.get_or_init(|| {
                Arc::new(TelemetryRecorder {
                    traces: self.traces.clone(),
                    logs,
                    clock,
                })
            });
            Arc::<TelemetryRecorder>::clone(recorder)
        }

        pub(crate) fn is_recorder(&self, other: &Arc<dyn Recorder>) -> bool {
            self.recorder
                .get()
                .is_some_and(|ours| std::ptr::addr_eq(Arc::as_ptr(ours), Arc::as_ptr(other)))
        }

        /// What is not exported, and why.
        pub(crate) fn failures(&self) -> &[PartStatus] {
            &self.absent
        }

        pub(crate) fn status(&self, is_shut_down: bool) -> Vec<PartStatus> {
            let status = |exporter: &Arc<dyn AnyExporter>| {
                let name = exporter.part();
                if is_shut_down {
                    return PartStatus::disabled(name, "shut down");
                }
                match (exporter.is_up(), exporter.last_error()) {
                    (Some(false), Some(why)) => PartStatus::degraded(name, why),
                    _ => PartStatus::healthy(name),
                }
            };
            let exported = self.exporters.iter().map(status);
            let parts = exported.chain(self.absent.iter().cloned());
            parts.chain(self.console.status(is_shut_down)).collect()
        }

        pub(crate) fn protocol(&self) -> Option<&'static str> {
            self.exporters.first().map(|exporter| exporter.protocol())
        }

        pub(crate) fn last_error(&self) -> Option<String> {
            self.exporters
                .iter()
                .find_map(|exporter| exporter.last_error())
        }

        pub(crate) fn ledger(&self) -> Ledger {
            let mut ledger = Ledger::default();
            for exporter in &self.exporters {
                ledger.set(exporter.signal(), exporter.account());
            }
            ledger
        }

        pub(crate) fn flush(&self, patience: Duration) -> bool {
            // What waits on this very thread cannot be waited for.
            if self.is_within() {
                return true;
            }
            let until = Instant::now().checked_add(patience);
            let left = || {
                until.map_or(patience, |until| {
                    until.saturating_duration_since(Instant::now())
                })
            };
            for exporter in &self.exporters {
                exporter.begin_flush();
            }
            // Every one is waited for, also after one that took too long.
            let slow = self
                .exporters
                .iter()
                .filter(|exporter| !exporter.flush(left()));
            slow.count() == 0 && self.console.flush(left())
        }

        /// Closes everything if this is the export thread, which cannot wait for itself: a panic
        /// hook runs on the thread that panicked.
        pub(crate) fn close_from_within(&self, deadline: Instant) -> bool {
            let is_within = self.is_within();
            if is_within {
                self.close(deadline);
            }
            is_within
        }

        /// Exports what waits, all signals at once, and stops, by the deadline.
        pub(crate) fn shutdown(&self, deadline: Instant) {
            self.close(deadline);
            if self.is_within() {
                return;
            }
            // Every one is waited for, also after one that has not ended.
            let exporters = self.exporters.iter();
            let running = exporters
                .filter(|exporter| !exporter.wait(deadline))
                .count();
            if let (0, Some(thread)) = (running, &self.thread) {
                thread.join();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            self.console.flush(left);
        }

        fn close(&self, deadline: Instant) {
            // What is logged about the shutdown itself is on standard output alone.
            #[cfg(feature = "logs")]
            if let Some(exporter) = &self.log_records {
                log_records::withdraw(exporter);
            }
            if let Some(traces) = &self.traces {
                traces.settle();
            }
            for exporter in &self.exporters {
                exporter.close(deadline);
            }
        }

        fn is_within(&self) -> bool {
            self.thread.as_ref().is_some_and(ExportThread::is_current)
        }
    }

    fn traces(
        config: &ObservabilityConfig,
        settings: &Resolved,
        show: Option<Show<SpanData>>,
        backends: &Backends,
    ) -> Result<(Arc<Traces>, Start), PartStatus> {
        let sink = config.sink.as_ref();
        if sink.is_none() && show.is_none() {
            is_wanted(TRACES, &settings.traces)?;
        }
        Traces::new(settings, sink, show, backends).map_err(|why| PartStatus::degraded(TRACES, why))
    }

    /// Metrics over OTLP or to people; where they are not asked for there is nothing to say.
    fn measurements(
        settings: &Resolved,
        show: Option<Show<Point>>,
        backends: &Backends,
    ) -> Result<(Arc<Measurements>, Start, Job), Option<PartStatus>> {
        if show.is_none() {
            if !settings.metrics.exporters.otlp {
                return Err(None);
            }
            is_wanted(Points::PART, &settings.metrics)?;
        }
        Measurements::new(settings, show, backends)
            .map_err(|why| Some(PartStatus::degraded(Points::PART, why)))
    }

    /// Log records over OTLP; where there is no way out for them there is nothing to say.
    #[cfg(feature = "logs")]
    fn log_records(
        settings: &Resolved,
        backends: &Backends,
    ) -> Result<(Arc<Exporter<LogLine>>, Start), Option<PartStatus>> {
        let is_asked_for = settings.logs.exporters.otlp && settings.log_filter.is_some();
        let is_set = settings.logs.endpoint.is_some() || settings.logs.endpoint_error.is_some();
        if !(is_asked_for && is_set) {
            return Err(None);
        }
        is_wanted(LogLine::PART, &settings.logs)?;
        log_records::start(settings, backends)
            .map_err(|why| Some(PartStatus::degraded(LogLine::PART, why)))
    }

    /// Whether a signal goes anywhere, or why it does not.
    fn is_wanted(name: &'static str, otlp: &Otlp) -> Result<(), PartStatus> {
        if let Some(why) = &otlp.endpoint_error {
            return Err(PartStatus::degraded(name, why.clone()));
        }
        if otlp.endpoint.is_none() {
            let why = "no endpoint is set; nothing leaves the process";
            return Err(PartStatus::disabled(name, why));
        }
        if !otlp.exporters.otlp {
            let why = "its exporters are without otlp";
            return Err(PartStatus::disabled(name, why));
        }
        Ok(())
    }

    /// Exporters that have yet to be given their thread.
    #[derive(Default)]
    struct Starting {
        exporters: Vec<Arc<dyn AnyExporter>>,
        starts: Vec<Start>,
        /// What else runs on the thread.
        jobs: Vec<Job>,
        absent: Vec<PartStatus>,
    }

    impl Starting {
        fn add(&mut self, exporter: Arc<dyn AnyExporter>, start: Start) {
            self.exporters.push(exporter);
            self.starts.push(start);
        }

        /// Gives them the thread, and waits a little to learn whether the backends are there.
        fn run(self) -> Pipeline {
            let mut pipeline = Pipeline {
                absent: self.absent,
                ..Pipeline::default()
            };
            if self.exporters.is_empty() {
                return pipeline;
            }
            let starts = self.starts.into_iter();
            let (jobs, started): (Vec<_>, Vec<_>) =
                starts.map(|start| (start.job, start.started)).unzip();
            let jobs = jobs.into_iter().chain(self.jobs).collect();
            let now = Instant::now();
            pipeline.thread = match ExportThread::spawn(jobs) {
                Ok(thread) => Some(thread),
                Err(why) => {
                    let why = format!("start the exporter's thread: {why}");
                    for exporter in self.exporters {
                        exporter.close(now);
                        pipeline
                            .absent
                            .push(PartStatus::degraded(exporter.part(), why.clone()));
                    }
                    return pipeline;
                }
            };
            for (exporter, started) in self.exporters.into_iter().zip(started) {
                let left = START_PATIENCE.saturating_sub(now.elapsed());
                // A resolver may take its time, and the application does not wait for it.
                if let Ok(Err(why)) = started.recv_timeout(left) {
                    exporter.close(now);
                    pipeline
                        .absent
                        .push(PartStatus::degraded(exporter.part(), why));
                } else {
                    pipeline.exporters.push(exporter);
                }
            }
            pipeline
        }
    }

    /// How long an initialisation waits to learn whether the backends are there.
    const START_PATIENCE: Duration = Duration::from_millis(30);
}

#[cfg(not(feature = "otlp"))]
#[allow(
    clippy::unused_self,
    reason = "it has the shape of the one that is there"
)]
mod absent {
    use std::sync::{Arc, OnceLock};
    use std::time::{Duration, Instant};

    use tta_core::{NanoClock, Recorder};

    use super::TRACES;
    use crate::config::ObservabilityConfig;
    use crate::ledger::Ledger;
    use crate::recorder::TelemetryRecorder;
    use crate::redaction::Redactor;
    use crate::settings::Resolved;
    use crate::status::PartStatus;

    /// Nothing leaves the process.
    #[derive(Debug)]
    pub(crate) struct Pipeline {
        why: PartStatus,
        recorder: OnceLock<Arc<TelemetryRecorder>>,
    }

    impl Pipeline {
        pub(crate) fn without(why: PartStatus) -> Self {
            Self {
                why,
                recorder: OnceLock::new(),
            }
        }

        pub(crate) fn start(
            _config: &ObservabilityConfig,
            _settings: &Resolved,
            _redactor: &Arc<Redactor>,
        ) -> Self {
            Self::without(PartStatus::disabled(TRACES, "the feature `otlp` is off"))
        }

        pub(crate) fn recorder(&self, logs: bool, clock: Option<NanoClock>) -> Arc<dyn Recorder> {
            let recorder = self
                .recorder
                .get_or_init(|| Arc::new(TelemetryRecorder { logs, clock }));
            Arc::<TelemetryRecorder>::clone(recorder)
        }

        pub(crate) fn is_recorder(&self, other: &Arc<dyn Recorder>) -> bool {
            self.recorder
                .get()
                .is_some_and(|ours| std::ptr::addr_eq(Arc::as_ptr(ours), Arc::as_ptr(other)))
        }

        pub(crate) fn failures(&self) -> &[PartStatus] {
            std::slice::from_ref(&self.why)
        }

        pub(crate) fn status(&self, _is_shut_down: bool) -> Vec<PartStatus> {
            vec![self.why.clone()]
        }

        pub(crate) fn protocol(&self) -> Option<&'static str> {
            None
        }

        pub(crate) fn last_error(&self) -> Option<String> {
            None
        }

        pub(crate) fn ledger(&self) -> Ledger {
            Ledger::default()
        }

        pub(crate) fn flush(&self, _patience: Duration) -> bool {
            true
        }

        pub(crate) fn close_from_within(&self, _deadline: Instant) -> bool {
            false
        }

        pub(crate) fn shutdown(&self, _deadline: Instant) {}
    }
}
