//! What the layer for log lines does at present, and the handle that changes it while it runs.

use std::cell::RefCell;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use tracing::Metadata;

use tta_core::Level;

use super::callsites::Callsite;
use super::escape::Capped;
use super::{LogFilter, LogFormat, LogStats, LogWriter};

/// Changes which lines are written, and how, while the program runs. Clones change the same.
///
/// A change holds from the next event on, in every thread. A workflow asks once, when its context
/// is made, which of the project's own lines are wanted; those of a workflow that runs already stay
/// as they are, lines of `tracing` do not.
///
/// # Examples
///
/// ```
/// use tracing_subscriber::layer::SubscriberExt;
/// use tta_core::Level;
/// use tta_telemetry::LogFormat;
/// use tta_telemetry::logs::{LogOptions, LogWriter, log_layer_with_handle};
///
/// let (layer, lines) = log_layer_with_handle(LogOptions {
///     service: "billing".to_owned(),
///     filter: "info,hyper=warn".parse()?,
///     format: LogFormat::Json,
///     writer: LogWriter::new(std::io::sink()).unwrap(),
/// });
/// tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
///     lines.set_level(Level::Debug);
///     tracing::debug!("now a line");
/// });
/// assert_eq!(lines.filter().to_string(), "hyper=warn,debug");
/// assert_eq!(lines.stats().created, 1);
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone)]
pub struct LogHandle {
    pub(super) lines: Arc<Lines>,
}

impl LogHandle {
    /// Sets the least level of what no directive names; the directives for targets stay.
    pub fn set_level(&self, level: Level) {
        self.change(|present| Present {
            filter: present.filter.clone().with_level(level),
            ..present.clone()
        });
    }

    /// Sets which events become lines, and forgets what held before.
    pub fn set_filter(&self, filter: impl Into<LogFilter>) {
        let filter = filter.into();
        self.change(|present| Present {
            filter,
            ..present.clone()
        });
    }

    /// Sets how a line reads.
    pub fn set_format(&self, format: LogFormat) {
        self.change(|present| Present {
            format,
            ..present.clone()
        });
    }

    /// Which events become lines.
    pub fn filter(&self) -> LogFilter {
        self.lines.present().filter.clone()
    }

    /// How a line reads.
    pub fn format(&self) -> LogFormat {
        self.lines.present().format
    }

    /// Whether a handle has changed something since the initialisation.
    pub(crate) fn is_changed(&self) -> bool {
        self.lines.is_changed.load(Ordering::Relaxed)
    }

    fn change(&self, change: impl FnOnce(&Present) -> Present) {
        self.lines.change(change);
        self.lines.is_changed.store(true, Ordering::Relaxed);
    }

    /// What became of the lines so far.
    pub fn stats(&self) -> LogStats {
        let writer = self.lines.writer.get();
        writer.map(LogWriter::stats).unwrap_or_default()
    }
}

impl fmt::Debug for LogHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present = self.lines.present();
        f.debug_struct("LogHandle")
            .field("filter", &present.filter)
            .field("format", &present.format)
            .finish_non_exhaustive()
    }
}

/// What the layer and its handles share.
pub(crate) struct Lines {
    present: RwLock<Arc<Present>>,
    /// Different after each change, and different from that of any other layer.
    version: AtomicU64,
    /// Where lines go, if anywhere yet. Not a part of what threads keep a copy of, so that the last
    /// writer can be dropped.
    pub(crate) writer: OnceLock<LogWriter>,
    /// Whether a handle has changed something.
    is_changed: AtomicBool,
}

/// What holds at present.
#[derive(Clone)]
pub(crate) struct Present {
    pub(crate) filter: LogFilter,
    pub(crate) format: LogFormat,
    /// The service as it stands in a line.
    service: Vec<u8>,
}

impl Present {
    pub(crate) fn new(filter: LogFilter, format: LogFormat, service: &str) -> Self {
        let mut text = Vec::new();
        push_limited(&mut text, service);
        Self {
            filter,
            format,
            service: text,
        }
    }

    pub(super) fn service(&self) -> &[u8] {
        &self.service
    }
}

impl Lines {
    pub(crate) fn new(present: Present) -> Arc<Self> {
        Arc::new(Self {
            present: RwLock::new(Arc::new(present)),
            version: AtomicU64::new(next_version()),
            writer: OnceLock::new(),
            is_changed: AtomicBool::new(false),
        })
    }

    pub(crate) fn handle(self: &Arc<Self>) -> LogHandle {
        let lines = Arc::clone(self);
        LogHandle { lines }
    }

    /// Changes what holds, and has `tracing` ask anew which events are wanted.
    pub(crate) fn change(&self, change: impl FnOnce(&Present) -> Present) {
        {
            let mut present = self.present.write().unwrap_or_else(PoisonError::into_inner);
            *present = Arc::new(change(&present));
            self.version.store(next_version(), Ordering::Release);
        }
        self.is_changed.store(false, Ordering::Relaxed);
        tracing_core::callsite::rebuild_interest_cache();
    }

    /// Says whether what was seen of it before still holds.
    #[inline]
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    /// What lines of a callsite are at present.
    #[cold]
    #[inline(never)]
    pub(super) fn callsite(&self, metadata: &'static Metadata<'static>, version: u64) -> Callsite {
        self.with(|present| Callsite::new(metadata, version, present))
    }

    pub(super) fn present(&self) -> Arc<Present> {
        self.with(Arc::clone)
    }

    /// Shows what holds. Each thread keeps what it saw last, so that asking for every event of every
    /// thread is a look at a number that hardly ever changes.
    pub(super) fn with<R>(&self, look: impl Fn(&Arc<Present>) -> R) -> R {
        let version = self.version();
        let kept = SEEN.try_with(|seen| {
            let mut seen = seen.try_borrow_mut().ok()?;
            match &*seen {
                Some((of, present)) if *of == version => Some(look(present)),
                _ => {
                    let present = self.read();
                    let result = look(&present);
                    *seen = Some((version, present));
                    Some(result)
                }
            }
        });
        // A thread that ends keeps nothing.
        kept.ok().flatten().unwrap_or_else(|| look(&self.read()))
    }

    fn read(&self) -> Arc<Present> {
        Arc::clone(&self.present.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Text that is short unless somebody means harm.
pub(super) fn push_limited(out: &mut Vec<u8>, text: &str) {
    let mut capped = Capped::new(out, SHORT_LIMIT, true);
    capped.push(text);
    capped.finish();
}

fn next_version() -> u64 {
    static LATEST: AtomicU64 = AtomicU64::new(0);
    LATEST.fetch_add(1, Ordering::Relaxed) + 1
}

/// Bytes of a target or a service name at most.
const SHORT_LIMIT: usize = 256;

thread_local! {
    static SEEN: RefCell<Option<(u64, Arc<Present>)>> = const { RefCell::new(None) };
}
