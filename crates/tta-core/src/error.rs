//! One error for the whole workspace.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::time::Duration;

use crate::panics::catch;

/// The result of a step.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error a step may return.
pub type BoxError = Box<dyn StdError + Send + Sync + 'static>;

/// Why a step failed: a small [`kind`](Error::kind), the [path](Error::step) of the step where it
/// began, and the error that caused it.
///
/// Every error type converts into it with `?`, so that closures and implementations of
/// [`Primitive`](crate::Primitive) need no `map_err`. To make that possible it does not implement
/// [`std::error::Error`] itself but dereferences to one, as `anyhow::Error` does.
///
/// # Examples
///
/// ```
/// use tta_core::{Error, ErrorKind};
///
/// fn parse(text: &str) -> tta_core::Result<u8> {
///     Ok(text.parse::<u8>()?)
/// }
///
/// let error = parse("many").unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::Other);
/// assert!(error.downcast_ref::<std::num::ParseIntError>().is_some());
///
/// let busy = Error::new(ErrorKind::RateLimited, "the provider asks to slow down");
/// assert!(busy.is_retryable());
/// ```
pub struct Error {
    inner: Box<Inner>,
}

/// What class of failure an [`Error`] is; the `error_type` label of the metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Nothing more is known.
    Other,
    /// The step refused its input.
    InvalidInput,
    /// A component was put together wrongly; the message says how to mend it.
    Configuration,
    /// What was asked for does not exist.
    NotFound,
    /// Credentials are missing or do not suffice.
    PermissionDenied,
    /// The other side asks to slow down.
    RateLimited,
    /// The other side cannot be reached or cannot answer now.
    Unavailable,
    /// Time ran out.
    Timeout,
    /// The work was given up before it ended.
    Cancelled,
    /// The step was not started, by decision: a full queue, an open circuit.
    Rejected,
    /// The step panicked.
    Panic,
}

impl ErrorKind {
    /// Every kind, in the order of their declaration.
    pub const ALL: [Self; 11] = [
        Self::Other,
        Self::InvalidInput,
        Self::Configuration,
        Self::NotFound,
        Self::PermissionDenied,
        Self::RateLimited,
        Self::Unavailable,
        Self::Timeout,
        Self::Cancelled,
        Self::Rejected,
        Self::Panic,
    ];

    /// The value of the `error_type` label and the `error.type` attribute.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Other => "other",
            Self::InvalidInput => "invalid_input",
            Self::Configuration => "configuration",
            Self::NotFound => "not_found",
            Self::PermissionDenied => "permission_denied",
            Self::RateLimited => "rate_limited",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Panic => "panic",
        }
    }

    /// The position in [`ALL`](Self::ALL), for tables with one entry a kind.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// Whether trying again may help when nothing more is known.
    const fn is_retryable(self) -> bool {
        matches!(self, Self::RateLimited | Self::Unavailable | Self::Timeout)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Error {
    /// An error of this kind with a message of one line.
    ///
    /// The message completes the sentence "failed to …: " and has no trailing stop.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self::from_cause(kind, Cause::Message(message.into()))
    }

    /// An error of kind [`ErrorKind::Other`] with a message of one line.
    pub fn msg(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrorKind::Other, message)
    }

    /// The same as `?` does, for an error that is boxed already. One that was an `Error` before it
    /// was boxed is that error again, with its kind and its step.
    pub fn from_boxed(source: BoxError) -> Self {
        match source.downcast::<Inner>() {
            Ok(inner) => Self { inner },
            Err(source) => {
                let kind = classify(&*source);
                Self::from_cause(kind, Cause::Foreign(source))
            }
        }
    }

    /// The same error under another kind.
    #[must_use]
    pub fn with_kind(mut self, kind: ErrorKind) -> Self {
        self.inner.kind = kind;
        self
    }

    /// The same error, saying itself whether trying again may help.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.inner.retryable = Some(retryable);
        self
    }

    /// The same error with the wait that the other side asked for; it is retryable then.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.inner.retry_after = Some(wait);
        self.inner.retryable = Some(true);
        self
    }

    /// The same error with what caused it.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.inner.source = Some(source.into());
        self
    }

    /// The same error with another one that happened while dealing with it: a fallback or a
    /// compensation that failed as well.
    #[must_use]
    pub fn with_related(mut self, other: Self) -> Self {
        self.inner.related.push(other);
        self
    }

    /// The class of failure.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Whether trying again may help.
    pub fn is_retryable(&self) -> bool {
        self.inner
            .retryable
            .unwrap_or(self.inner.kind.is_retryable())
    }

    /// What the error itself says of trying again, if it says anything; see
    /// [`with_retryable`](Self::with_retryable).
    pub fn marked_retryable(&self) -> Option<bool> {
        self.inner.retryable
    }

    /// How long the other side asked to wait before the next try.
    pub fn retry_after(&self) -> Option<Duration> {
        self.inner.retry_after
    }

    /// The path of the step where the error began, from the outermost named step inward and joined
    /// by `/`; empty for an error that has not passed a step.
    pub fn step(&self) -> &str {
        &self.inner.step
    }

    /// Errors that happened while dealing with this one.
    pub fn related(&self) -> &[Self] {
        &self.inner.related
    }

    /// The error that caused this one.
    pub fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner.source()
    }

    /// The error that a step returned, if it was an `E`; also when it is the source of a message.
    pub fn downcast_ref<E: StdError + 'static>(&self) -> Option<&E> {
        let foreign = match &self.inner.cause {
            Cause::Foreign(error) => error.downcast_ref(),
            Cause::Message(_) => None,
        };
        foreign.or_else(|| self.inner.source.as_ref()?.downcast_ref())
    }

    /// This error as a [`std::error::Error`].
    pub fn into_boxed(self) -> BoxError {
        self.inner
    }

    /// Notes that the error passed the named step on its way out.
    pub(crate) fn passed(&mut self, step: &str) {
        if self.inner.step.is_empty() {
            self.inner.step.push_str(step);
        } else {
            self.inner.step.insert(0, '/');
            self.inner.step.insert_str(0, step);
        }
    }

    fn from_cause(kind: ErrorKind, cause: Cause) -> Self {
        let inner = Inner {
            kind,
            cause,
            retryable: None,
            retry_after: None,
            step: String::new(),
            source: None,
            related: Vec::new(),
        };
        Self {
            inner: Box::new(inner),
        }
    }
}

impl<E: StdError + Send + Sync + 'static> From<E> for Error {
    fn from(source: E) -> Self {
        Self::from_boxed(Box::new(source))
    }
}

impl From<Error> for BoxError {
    fn from(error: Error) -> Self {
        error.into_boxed()
    }
}

impl Deref for Error {
    type Target = dyn StdError + Send + Sync + 'static;

    fn deref(&self) -> &Self::Target {
        &*self.inner
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.inner, f)
    }
}

/// What `fn main() -> tta::Result<()>` prints: the message, where it began, and every cause on a
/// line of its own. `{:#?}` shows the parts.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return fmt::Debug::fmt(&*self.inner, f);
        }
        write!(f, "{self} ({}", self.kind())?;
        if !self.step().is_empty() {
            write!(f, " in step {}", self.step())?;
        }
        f.write_str(")")?;
        let mut cause = self.source();
        while let Some(error) = cause {
            write!(f, "\n  caused by: {error}")?;
            cause = error.source();
        }
        for related in self.related() {
            write!(f, "\n  and then: {related}")?;
        }
        Ok(())
    }
}

#[derive(Debug)]
struct Inner {
    kind: ErrorKind,
    cause: Cause,
    retryable: Option<bool>,
    retry_after: Option<Duration>,
    step: String,
    source: Option<BoxError>,
    related: Vec<Error>,
}

#[derive(Debug)]
enum Cause {
    Message(Cow<'static, str>),
    /// An error of the user's own, shown as it is and not repeated as its own source.
    Foreign(BoxError),
}

impl fmt::Display for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.cause {
            Cause::Message(message) => one_line(message, f),
            // Where an error is shown, whatever failed has failed already: a message that cannot be
            // written must not turn it into another failure.
            Cause::Foreign(error) => match catch(|| error.to_string()) {
                Ok(message) => one_line(&message, f),
                Err(_) => f.write_str("the error panicked while its message was written"),
            },
        }
    }
}

impl StdError for Inner {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match (&self.source, &self.cause) {
            (Some(source), _) => Some(&**source),
            (None, Cause::Foreign(error)) => error.source(),
            (None, Cause::Message(_)) => None,
        }
    }
}

/// Errors end up in log lines and span statuses, where a line break is a second record.
fn one_line(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (i, line) in text
        .split(LINE_BREAKS)
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .enumerate()
    {
        if i > 0 {
            f.write_str(" ")?;
        }
        f.write_str(line)?;
    }
    Ok(())
}

/// Whatever a terminal, an editor or a log collector takes for the end of a line.
const LINE_BREAKS: [char; 7] = [
    '\n', '\r', '\u{b}', '\u{c}', '\u{85}', '\u{2028}', '\u{2029}',
];

/// Input and output errors say themselves whether the other side was slow or gone.
fn classify(error: &(dyn StdError + 'static)) -> ErrorKind {
    let Some(error) = error.downcast_ref::<io::Error>() else {
        return ErrorKind::Other;
    };
    match error.kind() {
        io::ErrorKind::TimedOut => ErrorKind::Timeout,
        io::ErrorKind::NotFound => ErrorKind::NotFound,
        io::ErrorKind::PermissionDenied => ErrorKind::PermissionDenied,
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::NotConnected
        | io::ErrorKind::BrokenPipe => ErrorKind::Unavailable,
        _ => ErrorKind::Other,
    }
}
