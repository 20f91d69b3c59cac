//! Which level is wanted, in a process with one subscriber at a time, as applications are.
#![cfg(feature = "logs")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

use tracing_subscriber::layer::SubscriberExt;
use tta_core::Level;
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{
    LogFilter, LogOptions, LogWriter, enabled_level, log_layer, log_layer_with_handle,
};

#[test]
fn the_enabled_level_is_the_least_that_is_wanted_and_none_without_a_subscriber() {
    assert_eq!(enabled_level(), None);
    for (filter, expected) in [
        ("trace", Some(Level::Trace)),
        ("debug", Some(Level::Debug)),
        ("info", Some(Level::Info)),
        ("warn", Some(Level::Warn)),
        ("error", Some(Level::Error)),
        ("off", None),
        ("debug,tta=error", Some(Level::Error)),
        ("warn,tta=debug", Some(Level::Debug)),
        ("warn,orders=debug", Some(Level::Warn)),
    ] {
        assert_eq!(level_under(filter.parse().unwrap()), expected, "{filter}");
    }
    assert_eq!(enabled_level(), None);
    a_handle_changes_the_enabled_level();
}

/// A part of the test above: a second subscriber at the same time would lower the level of both.
fn a_handle_changes_the_enabled_level() {
    let (layer, handle) = log_layer_with_handle(LogOptions {
        service: "shop".to_owned(),
        filter: Level::Error.into(),
        format: LogFormat::Json,
        writer: LogWriter::new(std::io::sink()).unwrap(),
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        assert_eq!(enabled_level(), Some(Level::Error));
        handle.set_filter("off,tta=debug".parse::<LogFilter>().unwrap());
        assert_eq!(enabled_level(), Some(Level::Debug));
        handle.set_filter(LogFilter::off());
        assert_eq!(enabled_level(), None);
    });
}

fn level_under(filter: LogFilter) -> Option<Level> {
    let layer = log_layer(LogOptions {
        service: "shop".to_owned(),
        filter,
        format: LogFormat::Json,
        writer: LogWriter::new(std::io::sink()).unwrap(),
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), enabled_level)
}
