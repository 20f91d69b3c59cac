//! The server's own counters.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::observer::{Observer, Rejection};

/// What the server has done since it started, read at one moment.
///
/// Every field counts from the start, except [`connections_open`](Self::connections_open),
/// [`requests_in_flight`](Self::requests_in_flight) and
/// [`scrapes_rendering`](Self::scrapes_rendering), which are as they are now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerStats {
    /// Connections taken from the operating system.
    pub connections_accepted: u64,
    /// Connections being served now.
    pub connections_open: u64,
    /// The most connections that were ever served at one time.
    pub connections_peak: u64,
    /// Connections closed to make room for newer ones.
    pub connections_evicted: u64,
    /// Connections closed because a deadline passed.
    pub connections_timed_out: u64,
    /// Connections whose TLS handshake failed.
    pub handshakes_failed: u64,
    /// Attempts to accept that the operating system refused.
    pub accept_errors: u64,
    /// Requests being answered now.
    pub requests_in_flight: u64,
    /// Pages of metrics being rendered now: 1 while one is, so that a page can leave out what its
    /// own making adds.
    pub scrapes_rendering: u64,
    /// Requests answered with what they asked for.
    pub requests_served: u64,
    /// Requests without the right name and password (401).
    pub requests_unauthorized: u64,
    /// Requests over a connection without a client certificate, where one is asked for (403).
    pub requests_forbidden: u64,
    /// Requests for a path that does not exist (404).
    pub requests_not_found: u64,
    /// Requests with a method that is not allowed (405).
    pub requests_method_not_allowed: u64,
    /// Requests that carried a body (413).
    pub requests_body_refused: u64,
    /// What was no valid HTTP/1 request, or too large a one (400, 414, 431, or just closed).
    pub requests_malformed: u64,
    /// Requests whose rendering panicked (500).
    pub requests_failed: u64,
    /// Requests whose rendering took too long (503).
    pub requests_render_timed_out: u64,
    /// Requests whose client, or the server, went away before the answer was ready.
    pub requests_abandoned: u64,
    /// Renderings made; fewer than requests where several shared one.
    pub renderings: u64,
    /// Renderings that panicked.
    pub render_panics: u64,
}

/// The counters behind [`ServerStats`].
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) observer: Observer,
    pub(crate) connections_accepted: Counter,
    pub(crate) connections_open: AtomicU64,
    pub(crate) connections_peak: AtomicU64,
    pub(crate) connections_evicted: Counter,
    pub(crate) connections_timed_out: Counter,
    pub(crate) handshakes_failed: Counter,
    pub(crate) accept_errors: Counter,
    pub(crate) requests_in_flight: AtomicU64,
    pub(crate) scrapes_rendering: AtomicU64,
    pub(crate) requests_served: Counter,
    pub(crate) requests_unauthorized: Counter,
    pub(crate) requests_forbidden: Counter,
    pub(crate) requests_not_found: Counter,
    pub(crate) requests_method_not_allowed: Counter,
    pub(crate) requests_body_refused: Counter,
    pub(crate) requests_malformed: Counter,
    pub(crate) requests_failed: Counter,
    pub(crate) requests_render_timed_out: Counter,
    pub(crate) requests_abandoned: Counter,
    pub(crate) renderings: Counter,
    pub(crate) render_panics: Counter,
}

impl Counters {
    pub(crate) fn new(observer: Observer) -> Self {
        Self {
            observer,
            ..Self::default()
        }
    }

    /// A connection ended, or did not begin, for this reason.
    pub(crate) fn rejected(&self, reason: Rejection) {
        let counter = match reason {
            Rejection::Evicted => &self.connections_evicted,
            Rejection::TimedOut => &self.connections_timed_out,
            Rejection::Malformed => &self.requests_malformed,
            Rejection::Handshake => &self.handshakes_failed,
            Rejection::NoResources => &self.accept_errors,
        };
        counter.increment();
        self.observer.rejected(reason);
    }

    pub(crate) fn request_began(&self) {
        self.requests_in_flight.fetch_add(1, Ordering::Relaxed);
    }

    /// A request ended in the way that `outcome` counts.
    pub(crate) fn request_ended(&self, outcome: &Counter) {
        outcome.increment();
        self.requests_in_flight.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn opened(&self) {
        let open = self.connections_open.fetch_add(1, Ordering::Relaxed) + 1;
        self.connections_peak.fetch_max(open, Ordering::Relaxed);
    }

    pub(crate) fn closed(&self) {
        self.connections_open.fetch_sub(1, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> ServerStats {
        ServerStats {
            connections_accepted: self.connections_accepted.value(),
            connections_open: self.connections_open.load(Ordering::Relaxed),
            connections_peak: self.connections_peak.load(Ordering::Relaxed),
            connections_evicted: self.connections_evicted.value(),
            connections_timed_out: self.connections_timed_out.value(),
            handshakes_failed: self.handshakes_failed.value(),
            accept_errors: self.accept_errors.value(),
            requests_in_flight: self.requests_in_flight.load(Ordering::Relaxed),
            scrapes_rendering: self.scrapes_rendering.load(Ordering::Relaxed),
            requests_served: self.requests_served.value(),
            requests_unauthorized: self.requests_unauthorized.value(),
            requests_forbidden: self.requests_forbidden.value(),
            requests_not_found: self.requests_not_found.value(),
            requests_method_not_allowed: self.requests_method_not_allowed.value(),
            requests_body_refused: self.requests_body_refused.value(),
            requests_malformed: self.requests_malformed.value(),
            requests_failed: self.requests_failed.value(),
            requests_render_timed_out: self.requests_render_timed_out.value(),
            requests_abandoned: self.requests_abandoned.value(),
            renderings: self.renderings.value(),
            render_panics: self.render_panics.value(),
        }
    }
}

/// A number that only grows.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn increment(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
