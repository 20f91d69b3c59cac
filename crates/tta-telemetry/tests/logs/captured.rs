//! Runs code under a subscriber whose lines are kept.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tracing_subscriber::layer::SubscriberExt;
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{LogFilter, LogOptions, LogWriter, log_layer};

/// A destination that can be read.
#[derive(Clone, Default)]
pub(crate) struct Destination(Arc<Mutex<Vec<u8>>>);

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Destination {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// The lines that `run` logs at this level and above.
pub(crate) fn lines_of(
    filter: impl Into<LogFilter>,
    format: LogFormat,
    run: impl FnOnce(),
) -> String {
    let destination = Destination::default();
    let writer = LogWriter::with_capacity(destination.clone(), 1 << 30).unwrap();
    let layer = log_layer(LogOptions {
        service: "shop".to_owned(),
        filter: filter.into(),
        format,
        writer: writer.clone(),
    });
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), run);
    assert!(writer.flush(Duration::from_secs(30)));
    assert_eq!(writer.stats().lost, 0);
    destination.text()
}

/// The objects that `run` logs.
pub(crate) fn objects_of(run: impl FnOnce()) -> Vec<Value> {
    let lines = lines_of(tta_core::Level::Trace, LogFormat::Json, run);
    lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// Runs a future to its end on this thread.
pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}
