//! Spans and metrics on standard output, for people.
//!
//! They come from the export thread and are written by a thread of their own, so that a terminal
//! that stands still holds up neither the application nor an export.

#[cfg(feature = "logs")]
mod points;
#[cfg(feature = "logs")]
mod spans;
#[cfg(feature = "logs")]
mod text;

use std::time::Duration;

use opentelemetry_sdk::trace::SpanData;

use crate::export::Show;
#[cfg(feature = "logs")]
use crate::logs::LogWriter;
use crate::measurements::Point;
use crate::settings::Resolved;
use crate::status::PartStatus;

/// Standard output, as one initialisation writes on it.
#[derive(Debug, Default)]
pub(crate) struct Console {
    shows_spans: bool,
    shows_points: bool,
    #[cfg(feature = "logs")]
    writer: Option<LogWriter>,
    /// Why nothing is written although it should be.
    failure: Option<String>,
}

#[cfg_attr(
    not(feature = "logs"),
    allow(
        clippy::unused_self,
        reason = "it has the shape of the one that is there"
    )
)]
impl Console {
    /// Standard output, if a signal goes there.
    pub(crate) fn start(settings: &Resolved) -> Self {
        let console = Self {
            shows_spans: settings.traces.exporters.console,
            shows_points: settings.metrics.exporters.console,
            ..Self::default()
        };
        if console.shows_spans || console.shows_points {
            console.started()
        } else {
            console
        }
    }

    #[cfg(feature = "logs")]
    fn started(self) -> Self {
        match LogWriter::stdout() {
            Ok(writer) => Self {
                writer: Some(writer),
                ..self
            },
            Err(why) => Self {
                failure: Some(format!("start the console's thread: {why}")),
                ..self
            },
        }
    }

    #[cfg(not(feature = "logs"))]
    fn started(self) -> Self {
        let why = "the feature `logs` is off, which writes on it";
        Self {
            failure: Some(why.to_owned()),
            ..self
        }
    }

    /// What shows spans, if they are to be shown.
    pub(crate) fn spans(&self) -> Option<Show<SpanData>> {
        #[cfg(feature = "logs")]
        return self.show(self.shows_spans, spans::render);
        #[cfg(not(feature = "logs"))]
        None
    }

    /// What shows metrics, if they are to be shown.
    pub(crate) fn points(&self) -> Option<Show<Point>> {
        #[cfg(feature = "logs")]
        return self.show(self.shows_points, points::render);
        #[cfg(not(feature = "logs"))]
        None
    }

    /// Writes what waits; false when it took longer.
    pub(crate) fn flush(&self, patience: Duration) -> bool {
        #[cfg(feature = "logs")]
        return self
            .writer
            .as_ref()
            .is_none_or(|writer| writer.flush(patience));
        #[cfg(not(feature = "logs"))]
        {
            let _ = patience;
            true
        }
    }

    /// How it is doing, if it is there.
    pub(crate) fn status(&self, is_shut_down: bool) -> Option<PartStatus> {
        if let Some(why) = &self.failure {
            return Some(PartStatus::degraded(PART, why.clone()));
        }
        #[cfg(feature = "logs")]
        return self.writer.as_ref().map(|writer| {
            let lost = writer.stats().lost;
            if is_shut_down {
                PartStatus::disabled(PART, "shut down")
            } else if lost > 0 {
                let why = format!("{lost} batches were not shown: it is slow, or closed");
                PartStatus::degraded(PART, why)
            } else {
                PartStatus::healthy(PART)
            }
        });
        #[cfg(not(feature = "logs"))]
        {
            let _ = is_shut_down;
            None
        }
    }

    #[cfg(feature = "logs")]
    fn show<R: 'static>(&self, is_wanted: bool, render: fn(&[R]) -> Vec<u8>) -> Option<Show<R>> {
        let writer = self.writer.clone().filter(|_| is_wanted)?;
        Some(std::sync::Arc::new(move |batch: &[R]| {
            let text = render(batch);
            text.is_empty() || writer.push_finished(&text)
        }))
    }
}

/// The name of the part in the status.
const PART: &str = "console";
