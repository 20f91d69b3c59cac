//! Turns events of `tracing` into lines.

use std::cell::RefCell;
use std::time::SystemTime;

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::escape::Capped;
use super::fields::Fields;
use super::{LogFilter, LogWriter, emit, place, timestamp};
use crate::settings::LogFormat;

/// What becomes a line, how it reads and where it goes.
#[derive(Clone, Debug)]
pub struct LogOptions {
    /// The value of `service` in every line.
    pub service: String,
    /// Which events become lines.
    pub filter: LogFilter,
    /// How a line reads.
    pub format: LogFormat,
    /// Where lines go.
    pub writer: LogWriter,
}

/// Writes each event of `tracing` as one line, with the ids of the step it happened in.
///
/// The filter is this layer's alone: other layers of the subscriber see what they saw before.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tracing_subscriber::layer::SubscriberExt;
/// use tta_core::Level;
/// use tta_telemetry::LogFormat;
/// use tta_telemetry::logs::{LogOptions, LogWriter, log_layer};
///
/// let writer = LogWriter::stdout()?;
/// let layer = log_layer(LogOptions {
///     service: "billing".to_owned(),
///     filter: Level::Info.into(),
///     format: LogFormat::Json,
///     writer: writer.clone(),
/// });
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     tracing::info!(invoice = 7, "sent");
/// });
/// // {"timestamp":"…","level":"info","message":"sent","target":"…","service":"billing","invoice":7}
/// assert!(writer.flush(Duration::from_secs(2)));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn log_layer<S>(options: LogOptions) -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let LogOptions {
        service,
        filter,
        format,
        writer,
    } = options;
    let mut text = Vec::new();
    push_limited(&mut text, &service, format == LogFormat::Json);
    let layer = LogLayer {
        service: text,
        format,
        writer,
    };
    Layer::<S>::with_filter(layer, OnlyEvents(filter))
}

/// The layer without its filter.
struct LogLayer {
    /// As it stands in a line.
    service: Vec<u8>,
    format: LogFormat,
    writer: LogWriter,
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let written = BUFFERS.try_with(|buffers| {
            buffers
                .try_borrow_mut()
                .map(|mut buffers| self.write(event, &mut buffers))
        });
        // An event inside the `Debug` of another event's field, or while the thread ends.
        if !matches!(written, Ok(Ok(()))) {
            self.write(event, &mut Buffers::default());
        }
    }
}

impl LogLayer {
    fn write(&self, event: &Event<'_>, buffers: &mut Buffers) {
        let now = SystemTime::now();
        self.render(self.format, now, event, buffers);
        self.writer.push(&buffers.line);
        #[cfg(feature = "otlp")]
        if crate::log_records::are_wanted() {
            if self.format != LogFormat::Json {
                self.render(LogFormat::Json, now, event, buffers);
            }
            crate::log_records::push(now, *event.metadata().level(), &buffers.line);
        }
    }

    fn render(&self, format: LogFormat, now: SystemTime, event: &Event<'_>, buffers: &mut Buffers) {
        let Buffers { fields, line } = buffers;
        fields.clear(format, emit::stand_in());
        event.record(fields);
        emit::record_undeclared(fields);
        line.clear();
        match format {
            LogFormat::Json => self.json(event.metadata(), now, fields, line),
            LogFormat::Text => self.text(event.metadata(), now, fields, line),
        }
    }

    fn json(&self, metadata: &Metadata<'_>, now: SystemTime, fields: &Fields, line: &mut Vec<u8>) {
        line.extend_from_slice(b"{\"timestamp\":\"");
        timestamp::push(line, now);
        line.extend_from_slice(b"\",\"level\":\"");
        line.extend_from_slice(level(metadata).as_bytes());
        line.extend_from_slice(b"\",\"message\":");
        let message: &[u8] = match fields.message.as_slice() {
            [] => b"\"\"",
            message => message,
        };
        line.extend_from_slice(message);
        line.extend_from_slice(b",\"target\":\"");
        push_limited(line, metadata.target(), true);
        line.extend_from_slice(b"\",\"service\":\"");
        line.extend_from_slice(&self.service);
        line.push(b'"');
        place::push(line, LogFormat::Json);
        line.extend_from_slice(&fields.rest);
        if fields.truncated {
            line.extend_from_slice(b",\"truncated\":true");
        }
        line.extend_from_slice(b"}\n");
    }

    fn text(&self, metadata: &Metadata<'_>, now: SystemTime, fields: &Fields, line: &mut Vec<u8>) {
        timestamp::push(line, now);
        line.push(b' ');
        line.extend_from_slice(level(metadata).as_bytes());
        line.push(b' ');
        push_limited(line, metadata.target(), false);
        line.extend_from_slice(b": ");
        line.extend_from_slice(&fields.message);
        line.extend_from_slice(&fields.rest);
        line.extend_from_slice(b" service=");
        line.extend_from_slice(&self.service);
        place::push(line, LogFormat::Text);
        if fields.truncated {
            line.extend_from_slice(b" truncated=true");
        }
        line.push(b'\n');
    }
}

/// What one thread needs to put a line together, kept from line to line.
#[derive(Default)]
struct Buffers {
    fields: Fields,
    line: Vec<u8>,
}

/// Leaves spans to the layers that want them: a line has the ids of the innermost one anyway.
struct OnlyEvents(LogFilter);

impl<S: Subscriber> Filter<S> for OnlyEvents {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        !metadata.is_span() && Filter::<S>::enabled(&self.0, metadata, context)
    }

    fn callsite_enabled(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if metadata.is_span() {
            tracing::subscriber::Interest::never()
        } else {
            Filter::<S>::callsite_enabled(&self.0, metadata)
        }
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
}

fn level(metadata: &Metadata<'_>) -> &'static str {
    match *metadata.level() {
        tracing::Level::TRACE => "trace",
        tracing::Level::DEBUG => "debug",
        tracing::Level::INFO => "info",
        tracing::Level::WARN => "warn",
        tracing::Level::ERROR => "error",
    }
}

/// Text that is short unless somebody means harm.
fn push_limited(out: &mut Vec<u8>, text: &str, quotes: bool) {
    let mut capped = Capped::new(out, SHORT_LIMIT, quotes);
    capped.push(text);
    capped.finish();
}

/// Bytes of a target or a service name at most.
const SHORT_LIMIT: usize = 256;

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}
