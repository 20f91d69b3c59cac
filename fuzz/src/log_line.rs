//! Lines of the log.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tracing::Dispatch;
use tracing_subscriber::layer::SubscriberExt;
use tta_core::Level;
use tta_telemetry::logs::{LogOptions, LogWriter, log_layer};
use tta_telemetry::{LogFormat, RedactionPolicy};

/// A record is one line, of at most 16 KiB, without a character that a terminal obeys; as JSON it
/// is read by a parser of JSON, and holds what was logged unless it says that it was cut.
pub fn log_line(data: &[u8]) {
    static JSON: OnceLock<Log> = OnceLock::new();
    static TEXT: OnceLock<Log> = OnceLock::new();
    let text = String::from_utf8_lossy(data);
    let mut parts = text.splitn(3, '\u{1f}');
    let [message, field, shown] = [(); 3].map(|()| parts.next().unwrap_or_default());
    for (log, format) in [(&JSON, LogFormat::Json), (&TEXT, LogFormat::Text)] {
        let line = log.get_or_init(|| Log::new(format)).line(|| {
            tracing::info!(text = field, shown = %shown, debugged = ?field, "{message}");
        });
        check(&line);
        if format == LogFormat::Json {
            check_json(&line, [message, field, shown]);
        }
    }
}

fn check(line: &str) {
    assert!(line.ends_with('\n') && line.matches('\n').count() == 1);
    assert!(line.len() <= 16 << 10, "{} bytes", line.len());
    let obeyed = |c: char| {
        c.is_control() && c != '\n'
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert_eq!(line.chars().find(|c| obeyed(*c)), None);
}

fn check_json(line: &str, [message, field, shown]: [&str; 3]) {
    let read: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    if read.get("truncated").is_some() {
        return;
    }
    assert_eq!(read["message"], message);
    assert_eq!(read["text"], field);
    assert_eq!(read["shown"], shown);
    assert_eq!(read["debugged"], format!("{field:?}"));
}

struct Log {
    dispatch: Dispatch,
    writer: LogWriter,
    lines: Arc<Mutex<Vec<u8>>>,
}

impl Log {
    fn new(format: LogFormat) -> Self {
        let lines = Arc::default();
        let writer = LogWriter::new(Shared(Arc::clone(&lines)))
            .unwrap_or_else(|error| panic!("the writer's thread does not start: {error}"));
        // An object is held against what was logged, so nothing is taken out of it; of text lines all
        // that must be.
        let writer = match format {
            LogFormat::Json => {
                writer.with_redaction(RedactionPolicy::new().without_builtin_rules())
            }
            _ => writer,
        };
        let layer = log_layer(LogOptions {
            service: "fuzz".to_owned(),
            filter: Level::Trace.into(),
            format,
            writer: writer.clone(),
        });
        Self {
            dispatch: Dispatch::new(tracing_subscriber::registry().with(layer)),
            writer,
            lines,
        }
    }

    fn line(&self, log: impl FnOnce()) -> String {
        tracing::dispatcher::with_default(&self.dispatch, log);
        assert!(self.writer.flush(Duration::from_secs(10)));
        let mut lines = self.lines.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8(std::mem::take(&mut *lines))
            .unwrap_or_else(|error| panic!("a line is not UTF-8: {error}"))
    }
}

struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
