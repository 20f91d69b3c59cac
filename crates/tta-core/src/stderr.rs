//! One line per step on standard error, with nothing else installed.

use std::fmt::Write as _;
use std::io::Write as _;

use crate::context::with_current;
use crate::record::{Level, LogRecord, LogValue};
use crate::recorder::Recorder;

/// A [`Recorder`] that writes each log line to standard error, and keeps no spans.
///
/// It is what the core has to offer without a telemetry layer: enough to see a workflow run.
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use tta_core::{Level, StderrLogger, install_recorder};
///
/// install_recorder(Arc::new(StderrLogger::new(Level::Debug)));
/// // debug primitive_execution_complete primitive=double duration_ms=0.004 status=success …
/// ```
#[derive(Clone, Copy, Debug)]
pub struct StderrLogger {
    level: Level,
}

impl StderrLogger {
    /// Logs lines of this level and above: steps at debug, workflows at info.
    pub const fn new(level: Level) -> Self {
        Self { level }
    }
}

impl Recorder for StderrLogger {
    fn log_level(&self) -> Option<Level> {
        Some(self.level)
    }

    fn log(&self, record: &LogRecord<'_>) {
        let mut line = format!("{} {}", record.level.as_str(), record.event.name);
        for field in record.fields {
            line.push(' ');
            line.push_str(field.name);
            line.push('=');
            push_value(&mut line, field.value);
        }
        if let Some(ctx) = record.context {
            line.push_str(" correlation_id=");
            line.push_str(ctx.correlation_id());
        } else {
            with_current(|ctx| {
                line.push_str(" correlation_id=");
                line.push_str(ctx.correlation_id());
            });
        }
        line.push('\n');
        // One write for the whole line keeps lines of several threads apart. Where standard error
        // is closed there is nobody to tell.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }
}

/// Text with anything that could end or colour the line escaped, quoted when it has spaces.
fn push_value(line: &mut String, value: LogValue<'_>) {
    // Writing into a string cannot fail.
    let _ = match value {
        LogValue::Str(text) if text.bytes().all(|b| b.is_ascii_graphic()) => line.write_str(text),
        LogValue::Str(text) => write!(line, "{text:?}"),
        LogValue::Unsigned(number) => write!(line, "{number}"),
        LogValue::Float(number) => write!(line, "{number:.3}"),
    };
}
