//! The global subscriber of `tracing`, where nobody else has set one.
//!
//! It can be set once in a process, so it outlives a shutdown and serves the next initialisation:
//! the layer for spans points to the present pipeline, and log lines go on as the latest
//! initialisation has them.

/// Spans of other libraries.
pub(crate) const TRACING: &str = "tracing";
/// Log lines.
pub(crate) const LOGS: &str = "logs";

#[cfg(not(any(feature = "logs", feature = "otlp")))]
pub(crate) fn install(
    _settings: &crate::settings::Resolved,
    _redactor: &std::sync::Arc<crate::redaction::Redactor>,
) -> Vec<crate::PartStatus> {
    use crate::PartStatus;

    vec![
        PartStatus::disabled(TRACING, "the feature `otlp` is off"),
        PartStatus::disabled(LOGS, "the feature `logs` is off"),
    ]
}

#[cfg(any(feature = "logs", feature = "otlp"))]
pub(crate) use present::install;
#[cfg(feature = "logs")]
pub(crate) use present::log_handle;

/// Writes the lines that wait.
pub(crate) fn flush_logs(patience: std::time::Duration) -> bool {
    #[cfg(feature = "logs")]
    return present::flush(patience);
    #[cfg(not(feature = "logs"))]
    {
        let _ = patience;
        true
    }
}

#[cfg(any(feature = "logs", feature = "otlp"))]
mod present {
    use std::sync::{Arc, OnceLock};

    use tracing_subscriber::layer::SubscriberExt;

    use super::{LOGS, TRACING};
    use crate::redaction::Redactor;
    use crate::settings::Resolved;
    use crate::status::PartStatus;

    /// Sets the global subscriber if there is none, has it do what the settings say, and says how
    /// each part of it is doing.
    pub(crate) fn install(settings: &Resolved, redactor: &Arc<Redactor>) -> Vec<PartStatus> {
        let is_ours = *IS_OURS.get_or_init(set);
        #[cfg(feature = "logs")]
        if is_ours {
            configure(settings, redactor);
        }
        #[cfg(not(feature = "logs"))]
        let _ = redactor;
        vec![
            tracing_status(is_ours),
            logs_status(is_ours, settings.log_filter.as_deref()),
        ]
    }

    fn set() -> bool {
        let subscriber = tracing_subscriber::registry();
        #[cfg(feature = "otlp")]
        let subscriber = {
            use tracing_subscriber::Layer;
            let layer = crate::traces::opentelemetry_layer();
            subscriber.with(layer.with_filter(crate::traces::span_filter()))
        };
        #[cfg(feature = "logs")]
        let subscriber = subscriber.with(crate::logs::layer_of(Arc::clone(lines())));
        tracing::subscriber::set_global_default(subscriber).is_ok()
    }

    /// Has the lines be those of these settings, whatever an earlier initialisation had.
    #[cfg(feature = "logs")]
    fn configure(settings: &Resolved, redactor: &Arc<Redactor>) {
        use crate::logs::{LogFilter, LogWriter, Present};

        let filter = settings.log_filter.as_ref();
        let filter = filter.map_or_else(LogFilter::off, |filter| {
            filter
                .parse()
                .unwrap_or_else(|_| LogFilter::from(tta_core::Level::Info))
        });
        let lines = lines();
        if settings.log_filter.is_some() && lines.writer.get().is_none() {
            // Without a thread for it there are no lines, and the status says so.
            if let Ok(writer) = LogWriter::stdout() {
                let _ = lines.writer.set(writer);
            }
        }
        if let Some(writer) = lines.writer.get() {
            writer.set_redactor(Arc::clone(redactor));
        }
        lines.change(|_| Present::new(filter, settings.log_format, &settings.service_name));
    }

    /// The handle to the lines, if they are ours.
    #[cfg(feature = "logs")]
    pub(crate) fn log_handle() -> Option<crate::logs::LogHandle> {
        (IS_OURS.get() == Some(&true)).then(|| lines().handle())
    }

    #[cfg(feature = "otlp")]
    fn tracing_status(is_ours: bool) -> PartStatus {
        if is_ours {
            PartStatus::healthy(TRACING)
        } else {
            PartStatus::degraded(
                TRACING,
                "another global `tracing` subscriber is set; add \
                 `tta_telemetry::opentelemetry_layer()` to it for its spans to join the traces",
            )
        }
    }

    #[cfg(not(feature = "otlp"))]
    fn tracing_status(_is_ours: bool) -> PartStatus {
        PartStatus::disabled(TRACING, "the feature `otlp` is off")
    }

    #[cfg(feature = "logs")]
    fn logs_status(is_ours: bool, filter: Option<&str>) -> PartStatus {
        match (filter, is_ours, lines().writer.get()) {
            (None, ..) => PartStatus::disabled(LOGS, "log lines were not asked for"),
            (Some(_), false, _) => PartStatus::degraded(
                LOGS,
                "another global `tracing` subscriber is set and writes lines its own way; add \
                 `tta_telemetry::logs::log_layer(..)` to it for lines with ids",
            ),
            (Some(_), true, None) => {
                PartStatus::degraded(LOGS, "there is no thread to write lines on")
            }
            (Some("off"), true, Some(_)) => PartStatus::disabled(LOGS, "the level is off"),
            (Some(_), true, Some(_)) => PartStatus::healthy(LOGS),
        }
    }

    #[cfg(not(feature = "logs"))]
    fn logs_status(_is_ours: bool, _filter: Option<&str>) -> PartStatus {
        PartStatus::disabled(LOGS, "the feature `logs` is off")
    }

    #[cfg(feature = "logs")]
    pub(super) fn flush(patience: std::time::Duration) -> bool {
        let writer = lines().writer.get();
        writer.is_none_or(|writer| writer.flush(patience))
    }

    /// What the layer of the global subscriber does: nothing until it is told.
    #[cfg(feature = "logs")]
    fn lines() -> &'static Arc<crate::logs::Lines> {
        use crate::logs::{Lines, LogFilter, Present};
        use crate::settings::LogFormat;

        static LINES: OnceLock<Arc<Lines>> = OnceLock::new();
        LINES.get_or_init(|| Lines::new(Present::new(LogFilter::off(), LogFormat::Json, "")))
    }

    static IS_OURS: OnceLock<bool> = OnceLock::new();
}
