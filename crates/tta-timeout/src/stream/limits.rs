//! How slow a stream may be.

use std::time::Duration;

use tta_core::{Error, ErrorKind, Result};

/// How slow a stream may be; each limit is off until it is given.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use tta_timeout::StreamLimits;
///
/// let limits = StreamLimits::llm().with_total(Duration::from_secs(300));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[must_use]
pub struct StreamLimits {
    pub(super) first_item: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) total: Option<Duration>,
}

impl StreamLimits {
    /// No limits yet; a [`StreamTimeout`](crate::StreamTimeout) needs at least one.
    pub const fn new() -> Self {
        Self {
            first_item: None,
            idle: None,
            total: None,
        }
    }

    /// For rows or events of a service near by: the first item within 10 s, the next within 10 s
    /// each, no total.
    ///
    /// As [`TimeoutConfig::standard`](crate::TimeoutConfig::standard); how many items there are is
    /// not known, and a stream that keeps moving does not hang.
    pub const fn standard() -> Self {
        Self::new()
            .with_first_item(Duration::from_secs(10))
            .with_idle(Duration::from_secs(10))
    }

    /// For the tokens of a language model: the first within 20 s, the next within 10 s each, all of
    /// them within 120 s.
    ///
    /// Before the first token a model queues the request and reads the prompt, which takes seconds
    /// where it is long; after it tokens come many a second, and a pause of ten seconds is a broken
    /// connection. Somebody reads along, so that a whole answer may take longer than one that comes
    /// in one piece.
    pub const fn llm() -> Self {
        Self::new()
            .with_first_item(Duration::from_secs(20))
            .with_idle(Duration::from_secs(10))
            .with_total(Duration::from_mins(2))
    }

    /// How long the first item may take, from when the timeout is put around the stream.
    pub const fn with_first_item(mut self, limit: Duration) -> Self {
        self.first_item = Some(limit);
        self
    }

    /// How long each further item may take, from when the consumer asks for it.
    pub const fn with_idle(mut self, limit: Duration) -> Self {
        self.idle = Some(limit);
        self
    }

    /// How long the whole stream may take, the consumer's time included.
    pub const fn with_total(mut self, limit: Duration) -> Self {
        self.total = Some(limit);
        self
    }

    pub(super) fn validated(self) -> Result<Self> {
        let refuse = |message| Err(Error::new(ErrorKind::Configuration, message));
        let all = [self.first_item, self.idle, self.total];
        if all.iter().all(Option::is_none) {
            return refuse("a stream without limits needs no timeout; give it at least one limit");
        }
        if all.iter().flatten().any(Duration::is_zero) {
            return refuse(
                "a limit of zero leaves a stream no time; give it limits above zero, or leave the \
                 limit out",
            );
        }
        Ok(self)
    }
}
