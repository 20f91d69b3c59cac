//! The global subscriber of `tracing`, where nobody else has set one.
//!
//! It can be set once in a process, so it outlives a shutdown and serves the next initialisation:
//! the layer for spans points to the present pipeline, and log lines go on as the first
//! initialisation had them.

/// Spans of other libraries.
pub(crate) const TRACING: &str = "tracing";
/// Log lines.
pub(crate) const LOGS: &str = "logs";

#[cfg(not(any(feature = "logs", feature = "otlp")))]
pub(crate) fn install(_settings: &crate::settings::Resolved) -> Vec<crate::PartStatus> {
    use crate::PartStatus;

    vec![
        PartStatus::disabled(TRACING, "the feature `otlp` is off"),
        PartStatus::disabled(LOGS, "the feature `logs` is off"),
    ]
}

#[cfg(any(feature = "logs", feature = "otlp"))]
pub(crate) use present::install;

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
    use std::sync::OnceLock;

    use tracing_subscriber::layer::SubscriberExt;

    use super::{LOGS, TRACING};
    use crate::settings::Resolved;
    use crate::status::PartStatus;

    /// Sets the global subscriber if there is none, and says how each part of it is doing.
    pub(crate) fn install(settings: &Resolved) -> Vec<PartStatus> {
        let is_ours = *IS_OURS.get_or_init(|| set(settings));
        vec![
            tracing_status(is_ours),
            logs_status(is_ours, settings.log_filter.is_some()),
        ]
    }

    fn set(settings: &Resolved) -> bool {
        let subscriber = tracing_subscriber::registry();
        #[cfg(feature = "otlp")]
        let subscriber = {
            use tracing_subscriber::Layer;
            let layer = crate::traces::opentelemetry_layer();
            subscriber.with(layer.with_filter(crate::traces::span_filter()))
        };
        #[cfg(feature = "logs")]
        let subscriber = subscriber.with(log_layer(settings));
        #[cfg(not(feature = "logs"))]
        let _ = settings;
        tracing::subscriber::set_global_default(subscriber).is_ok()
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
    fn logs_status(is_ours: bool, is_wanted: bool) -> PartStatus {
        match (is_wanted, is_ours, WRITER.get()) {
            (false, ..) => PartStatus::disabled(LOGS, "log lines were not asked for"),
            (true, false, _) => PartStatus::degraded(
                LOGS,
                "another global `tracing` subscriber is set and writes lines its own way; add \
                 `tta_telemetry::logs::log_layer(..)` to it for lines with ids",
            ),
            (true, true, Some(_)) => PartStatus::healthy(LOGS),
            (true, true, None) => PartStatus::degraded(
                LOGS,
                "the first initialisation had no log lines, and that holds for the process",
            ),
        }
    }

    #[cfg(not(feature = "logs"))]
    fn logs_status(_is_ours: bool, _is_wanted: bool) -> PartStatus {
        PartStatus::disabled(LOGS, "the feature `logs` is off")
    }

    #[cfg(feature = "logs")]
    fn log_layer<S>(settings: &Resolved) -> Option<impl tracing_subscriber::Layer<S> + use<S>>
    where
        S: tracing::Subscriber + for<'span> tracing_subscriber::registry::LookupSpan<'span>,
    {
        use crate::logs::{LogFilter, LogOptions, LogWriter, log_layer};

        let filter = settings.log_filter.as_ref()?;
        let filter = filter
            .parse()
            .unwrap_or_else(|_| LogFilter::from(tta_core::Level::Info));
        // Without a thread for it there are no lines, and the status says so.
        let writer = LogWriter::stdout().ok()?;
        let writer = WRITER.get_or_init(|| writer).clone();
        Some(log_layer(LogOptions {
            service: settings.service_name.clone(),
            filter,
            format: settings.log_format,
            writer,
        }))
    }

    #[cfg(feature = "logs")]
    pub(super) fn flush(patience: std::time::Duration) -> bool {
        WRITER.get().is_none_or(|writer| writer.flush(patience))
    }

    static IS_OURS: OnceLock<bool> = OnceLock::new();
    #[cfg(feature = "logs")]
    static WRITER: OnceLock<crate::logs::LogWriter> = OnceLock::new();
}
