//! Turns events of `tracing` into lines.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::SystemTime;

use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter};
use tracing_subscriber::registry::LookupSpan;

use super::callsites::Callsites;
use super::fields::{Fields, Memory};
use super::handle::{Lines, LogHandle, Present};
use super::place::Ids;
use super::timestamp::Beginning;
use super::{LogFilter, LogWriter, emit};
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
    log_layer_with_handle(options).0
}

/// As [`log_layer`], with a handle that changes level, filter and format while the program runs.
pub fn log_layer_with_handle<S>(
    options: LogOptions,
) -> (impl Layer<S> + Send + Sync + 'static, LogHandle)
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let LogOptions {
        service,
        filter,
        format,
        writer,
    } = options;
    let lines = Lines::new(Present::new(filter, format, &service));
    // It is the first, so it is taken.
    let _ = lines.writer.set(writer);
    let handle = lines.handle();
    (layer_of(lines), handle)
}

/// The layer that does what these say at each moment.
pub(crate) fn layer_of<S>(lines: Arc<Lines>) -> impl Layer<S> + Send + Sync + 'static
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = LogLayer {
        lines: Arc::clone(&lines),
    };
    Layer::<S>::with_filter(layer, OnlyEvents(lines))
}

/// The layer without its filter.
struct LogLayer {
    lines: Arc<Lines>,
}

impl<S: Subscriber> Layer<S> for LogLayer {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        if let Some(writer) = self.lines.writer.get() {
            put(&self.lines, writer, event);
        }
    }
}

// Not a part of what is generic, which would be compiled apart from what it calls.
fn put(lines: &Lines, writer: &LogWriter, event: &Event<'_>) {
    let written = BUFFERS.try_with(|buffers| {
        let mut buffers = buffers.try_borrow_mut().ok()?;
        write(lines, writer, event, &mut buffers);
        Some(())
    });
    // An event inside the `Debug` of another event's field, or while the thread ends.
    if !matches!(written, Ok(Some(()))) {
        put_alone(lines, writer, event);
    }
}

#[cold]
#[inline(never)]
fn put_alone(lines: &Lines, writer: &LogWriter, event: &Event<'_>) {
    write(lines, writer, event, &mut Buffers::default());
}

/// Every line is made as JSON. What else is to be made of it is made on the writer's thread.
///
/// It is made in two parts, what stands before its fields and what the fields are, since the message
/// may come before, between or after these.
#[inline]
fn write(lines: &Lines, writer: &LogWriter, event: &Event<'_>, buffers: &mut Buffers) {
    let now = SystemTime::now();
    let Buffers {
        head,
        memory,
        callsites,
        beginning,
        ids,
    } = buffers;
    let metadata = event.metadata();
    let version = lines.version();
    let callsite = callsites.of(metadata, version, || lines.callsite(metadata, version));

    beginning.begin(head, now);
    callsite.before_message.push_to(head);
    let stand_in = emit::stand_in();
    let names = &callsite.names;
    let mut fields = Fields::new(head, memory, stand_in, metadata.fields(), names);
    event.record(&mut fields);
    if stand_in.is_some() {
        emit::record_undeclared(&mut fields);
    }
    fields.finish();
    head.extend_from_slice(&callsite.after_message);
    ids.push(head);

    let line = [head.as_slice(), memory.fields()];
    writer.push(line, callsite.format);
    #[cfg(feature = "otlp")]
    if crate::log_records::are_wanted() {
        crate::log_records::push(now, *metadata.level(), line);
    }
}

/// What one thread needs to put a line together, kept from line to line.
#[derive(Default)]
struct Buffers {
    head: Vec<u8>,
    memory: Memory,
    callsites: Callsites,
    beginning: Beginning,
    ids: Ids,
}

/// Leaves spans to the layers that want them: a line has the ids of the innermost one anyway.
struct OnlyEvents(Arc<Lines>);

impl<S: Subscriber> Filter<S> for OnlyEvents {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        let is_wanted =
            |present: &Arc<Present>| Filter::<S>::enabled(&present.filter, metadata, context);
        !metadata.is_span() && self.0.with(is_wanted)
    }

    fn callsite_enabled(
        &self,
        metadata: &'static Metadata<'static>,
    ) -> tracing::subscriber::Interest {
        if metadata.is_span() {
            tracing::subscriber::Interest::never()
        } else {
            self.0
                .with(|present| Filter::<S>::callsite_enabled(&present.filter, metadata))
        }
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        self.0
            .with(|present| Filter::<S>::max_level_hint(&present.filter))
    }
}

thread_local! {
    static BUFFERS: RefCell<Buffers> = RefCell::default();
}
