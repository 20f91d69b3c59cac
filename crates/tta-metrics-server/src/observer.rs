//! What the owner may measure of the server's own work.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Measures what the server does.
///
/// It is called on the server's own thread, so it must not block; should it panic, that measurement
/// is lost and nothing else.
///
/// # Examples
///
/// ```
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use tta_metrics_server::{AnsweredRequest, ServerObserver};
///
/// #[derive(Default)]
/// struct Bytes(AtomicUsize);
///
/// impl ServerObserver for Bytes {
///     fn request_answered(&self, request: &AnsweredRequest) {
///         self.0.fetch_add(request.bytes, Ordering::Relaxed);
///     }
/// }
/// # assert_eq!(Bytes::default().0.into_inner(), 0);
/// ```
pub trait ServerObserver: Send + Sync + 'static {
    /// A request has its answer, which is about to be sent; a page that is made as its client takes
    /// it, when it has ended.
    fn request_answered(&self, _request: &AnsweredRequest) {}

    /// A connection was closed, or not opened, for a reason that is not the client's wish.
    fn connection_rejected(&self, _reason: Rejection) {}
}

/// A request that has its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct AnsweredRequest {
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The HTTP status of the answer.
    pub status: u16,
    /// What the exposition [chose](crate::Exposition::content_type) for a page of metrics; none for
    /// everything else.
    pub content_type: Option<&'static str>,
    /// The length of the answer's body as it is sent, after compression.
    pub bytes: usize,
    /// From the whole request head to the answer: waiting for its turn, and rendering. Where a page
    /// is made as its client takes it, to its end.
    pub duration: Duration,
}

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `/metrics`.
    Metrics,
    /// `/health`.
    Health,
    /// `/health/live`.
    Live,
    /// `/health/ready`.
    Ready,
    /// Anything else.
    Other,
}

impl Endpoint {
    /// Every endpoint.
    pub const ALL: [Self; 5] = [
        Self::Metrics,
        Self::Health,
        Self::Live,
        Self::Ready,
        Self::Other,
    ];

    /// Its name, for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Metrics => "metrics",
            Self::Health => "health",
            Self::Live => "live",
            Self::Ready => "ready",
            Self::Other => "other",
        }
    }
}

/// Why a connection was closed, or not opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Rejection {
    /// To make room for a newer one.
    Evicted,
    /// A deadline passed.
    TimedOut,
    /// What came was no HTTP/1 request, or too large a one.
    Malformed,
    /// What came was no TLS that is spoken here, or a certificate that is not believed.
    Handshake,
    /// The operating system had no room for it, as a rule no file descriptor.
    NoResources,
}

impl Rejection {
    /// Every reason.
    pub const ALL: [Self; 5] = [
        Self::Evicted,
        Self::TimedOut,
        Self::Malformed,
        Self::Handshake,
        Self::NoResources,
    ];

    /// Its name, for labels.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::TimedOut => "timed_out",
            Self::Malformed => "malformed",
            Self::Handshake => "handshake",
            Self::NoResources => "no_resources",
        }
    }
}

/// The owner's observer, if any.
#[derive(Clone, Default)]
pub(crate) struct Observer(Option<Arc<dyn ServerObserver>>);

impl Observer {
    pub(crate) fn new(observer: impl ServerObserver) -> Self {
        Self(Some(Arc::new(observer)))
    }

    pub(crate) fn answered(&self, request: &AnsweredRequest) {
        self.call(|observer| observer.request_answered(request));
    }

    pub(crate) fn rejected(&self, reason: Rejection) {
        self.call(|observer| observer.connection_rejected(reason));
    }

    fn call(&self, call: impl FnOnce(&dyn ServerObserver)) {
        if let Some(observer) = &self.0
            && let Err(panic) = catch_unwind(AssertUnwindSafe(|| call(observer.as_ref())))
        {
            // Dropping what was thrown could throw again.
            std::mem::forget(panic);
        }
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "set" } else { "none" })
    }
}
