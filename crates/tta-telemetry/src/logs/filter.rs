//! Which events become lines.

use std::fmt;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing::subscriber::Interest;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Context, Filter};

use tta_core::{Error, ErrorKind, Level, Result};

/// Which events become lines: those of a least level, by the module they come from.
///
/// # Examples
///
/// ```
/// use tta_telemetry::logs::LogFilter;
///
/// let filter: LogFilter = "info,my_service::billing=debug,hyper=warn".parse()?;
/// # let _ = filter;
/// assert!("loud".parse::<LogFilter>().is_err());
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LogFilter(Targets);

impl LogFilter {
    /// No events.
    pub fn off() -> Self {
        Self(Targets::new().with_default(LevelFilter::OFF))
    }

    /// The same with another least level of what no directive names.
    #[must_use]
    pub fn with_level(self, level: Level) -> Self {
        Self(self.0.with_default(level_filter(level)))
    }

    /// The same with another least level of what comes from this module and those in it.
    #[must_use]
    pub fn with_target(self, target: impl Into<String>, level: Level) -> Self {
        Self(self.0.with_target(target, level_filter(level)))
    }
}

impl From<Level> for LogFilter {
    /// Events of this level and above, wherever they come from.
    fn from(level: Level) -> Self {
        Self::off().with_level(level)
    }
}

/// The directives as [`FromStr`] reads them, the most special first.
impl fmt::Display for LogFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl FromStr for LogFilter {
    type Err = Error;

    /// Reads `level` and `target=level` with commas between, as `RUST_LOG` has them.
    fn from_str(text: &str) -> Result<Self> {
        let refused = || {
            let message = format!(
                "log filter `{text}` is no list of `level` and `target=level`, where a level is \
                 off, error, warn, info, debug or trace"
            );
            Error::new(ErrorKind::Configuration, message)
        };
        let mut targets = Self::off().0;
        for directive in text.split(',').map(str::trim) {
            // A target without a level is refused: a misspelt level would be one.
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) => (Some(target.trim()), level.trim()),
                None => (None, directive),
            };
            let known = !level.is_empty() && target != Some("");
            let parsed = level.parse::<LevelFilter>().ok().filter(|_| known);
            let level = parsed.ok_or_else(refused)?;
            targets = match target {
                Some(target) => targets.with_target(target, level),
                None => targets.with_default(level),
            };
        }
        Ok(Self(targets))
    }
}

impl<S: Subscriber> Filter<S> for LogFilter {
    fn enabled(&self, metadata: &Metadata<'_>, context: &Context<'_, S>) -> bool {
        Filter::<S>::enabled(&self.0, metadata, context)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        Filter::<S>::callsite_enabled(&self.0, metadata)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Filter::<S>::max_level_hint(&self.0)
    }
}

fn level_filter(level: Level) -> LevelFilter {
    match level {
        Level::Trace => LevelFilter::TRACE,
        Level::Debug => LevelFilter::DEBUG,
        Level::Info => LevelFilter::INFO,
        Level::Warn => LevelFilter::WARN,
        Level::Error => LevelFilter::ERROR,
    }
}
