//! The pipeline of spans of one initialisation, or why there is none.

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use tta_core::Recorder;

use crate::config::ObservabilityConfig;
use crate::recorder::TelemetryRecorder;
use crate::settings::Resolved;
use crate::status::PartStatus;

/// The pipeline of spans, or why there is none.
#[derive(Debug)]
pub(crate) struct Pipeline {
    #[cfg(feature = "otlp")]
    traces: Option<Arc<crate::traces::Traces>>,
    absent: Option<PartStatus>,
    recorder: OnceLock<Arc<TelemetryRecorder>>,
}

impl Pipeline {
    pub(crate) fn without(why: PartStatus) -> Self {
        Self {
            #[cfg(feature = "otlp")]
            traces: None,
            absent: Some(why),
            recorder: OnceLock::new(),
        }
    }

    pub(crate) fn recorder(&self, logs: bool) -> Arc<dyn Recorder> {
        let recorder = self.recorder.get_or_init(|| {
            Arc::new(TelemetryRecorder {
                #[cfg(feature = "otlp")]
                traces: self.traces.clone(),
                logs,
            })
        });
        Arc::<TelemetryRecorder>::clone(recorder)
    }

    pub(crate) fn is_recorder(&self, other: &Arc<dyn Recorder>) -> bool {
        self.recorder
            .get()
            .is_some_and(|ours| std::ptr::addr_eq(Arc::as_ptr(ours), Arc::as_ptr(other)))
    }

    /// Why there is no pipeline, where there should be one.
    pub(crate) fn failure(&self) -> Option<PartStatus> {
        self.absent.clone()
    }
}

#[cfg(feature = "otlp")]
impl Pipeline {
    pub(crate) fn start(config: &ObservabilityConfig, settings: &Resolved) -> Self {
        let sink = config.sink.as_ref();
        if sink.is_none() {
            if let Some(why) = &settings.otlp.endpoint_error {
                return Self::without(PartStatus::degraded(TRACES, why.clone()));
            }
            if settings.otlp.endpoint.is_none() {
                return Self::without(PartStatus::disabled(
                    TRACES,
                    "no endpoint is set; nothing leaves the process",
                ));
            }
            if !settings.otlp.is_wanted {
                return Self::without(PartStatus::disabled(TRACES, "OTEL_TRACES_EXPORTER is none"));
            }
        }
        match crate::traces::Traces::start(settings, sink) {
            Ok(pipeline) => {
                crate::traces::install_provider();
                Self {
                    traces: Some(pipeline),
                    absent: None,
                    recorder: OnceLock::new(),
                }
            }
            Err(why) => Self::without(PartStatus::degraded(TRACES, why)),
        }
    }

    pub(crate) fn status(&self, is_shut_down: bool) -> PartStatus {
        let Some(pipeline) = &self.traces else {
            return self
                .absent
                .clone()
                .unwrap_or_else(|| PartStatus::disabled(TRACES, "not started"));
        };
        if is_shut_down {
            return PartStatus::disabled(TRACES, "shut down");
        }
        match (pipeline.is_up(), pipeline.last_error()) {
            (Some(false), Some(why)) => PartStatus::degraded(TRACES, why),
            _ => PartStatus::healthy(TRACES),
        }
    }

    pub(crate) fn protocol(&self) -> Option<&'static str> {
        self.traces.as_ref().map(|pipeline| pipeline.protocol)
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        self.traces
            .as_ref()
            .and_then(|pipeline| pipeline.last_error())
    }

    pub(crate) fn account(&self) -> crate::SignalLedger {
        self.traces
            .as_ref()
            .map(|pipeline| pipeline.account())
            .unwrap_or_default()
    }

    pub(crate) fn flush(&self, patience: Duration) -> bool {
        self.traces
            .as_ref()
            .is_none_or(|pipeline| pipeline.flush(patience))
    }

    pub(crate) fn close_from_within(&self, deadline: Instant) -> bool {
        self.traces.as_ref().is_some_and(|pipeline| {
            let is_within = pipeline.is_worker();
            if is_within {
                pipeline.shutdown(deadline);
            }
            is_within
        })
    }

    pub(crate) fn shutdown(&self, deadline: Instant) {
        if let Some(pipeline) = &self.traces {
            pipeline.shutdown(deadline);
        }
    }
}

#[cfg(not(feature = "otlp"))]
#[allow(
    clippy::unused_self,
    reason = "it has the shape of the one that is there"
)]
impl Pipeline {
    pub(crate) fn start(_config: &ObservabilityConfig, _settings: &Resolved) -> Self {
        Self::without(PartStatus::disabled(TRACES, "the feature `otlp` is off"))
    }

    pub(crate) fn status(&self, _is_shut_down: bool) -> PartStatus {
        self.absent
            .clone()
            .unwrap_or_else(|| PartStatus::disabled(TRACES, "not started"))
    }

    pub(crate) fn protocol(&self) -> Option<&'static str> {
        None
    }

    pub(crate) fn last_error(&self) -> Option<String> {
        None
    }

    pub(crate) fn account(&self) -> crate::SignalLedger {
        crate::SignalLedger::default()
    }

    pub(crate) fn flush(&self, _patience: Duration) -> bool {
        true
    }

    pub(crate) fn close_from_within(&self, _deadline: Instant) -> bool {
        false
    }

    pub(crate) fn shutdown(&self, _deadline: Instant) {}
}

/// Our own spans.
pub(crate) const TRACES: &str = "traces";
