//! What telemetry has to say about itself.

use tta_core::{Level, LogField, LogRecord};

#[cfg(feature = "metrics-server")]
use crate::catalog::TELEMETRY_RECOVERED;
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

/// Says that a part works again, which loses nothing when it does not.
#[cfg(feature = "metrics-server")]
pub(crate) fn recovered(part: &str) {
    log(&LogRecord::new(
        &TELEMETRY_RECOVERED,
        Level::Info,
        &[LogField::new("part", part)],
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
