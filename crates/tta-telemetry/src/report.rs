//! What telemetry has to say about itself.

use tta_core::{Level, LogField, LogRecord};

use crate::catalog::{SETTING_IGNORED, TELEMETRY_DEGRADED};

/// Writes a line.
#[cfg(feature = "logs")]
pub(crate) fn log(record: &LogRecord<'_>) {
    crate::logs::emit(record);
}

/// Writes a line.
#[cfg(not(feature = "logs"))]
pub(crate) fn log(record: &LogRecord<'_>) {
    use tta_core::Recorder;
    tta_core::StderrLogger::new(Level::Info).log(record);
}

/// Says that a part stopped working.
pub(crate) fn degraded(part: &str, reason: &str) {
    log(&LogRecord::new(
        &TELEMETRY_DEGRADED,
        Level::Warn,
        &[LogField::new("part", part), LogField::new("reason", reason)],
    ));
}

/// Says that a setting cannot be used.
pub(crate) fn setting_ignored(reason: &str) {
    log(&LogRecord::new(
        &SETTING_IGNORED,
        Level::Warn,
        &[LogField::new("reason", reason)],
    ));
}
