//! What a piece of a trace tells: whether it failed, how long it took, whether it is over.

use std::time::Duration;

use opentelemetry::trace::Status;
use opentelemetry_sdk::trace::SpanData;
use tta_core::{Attribute, ErrorKind, SpanRecord, SpanStatus, TraceId, TraceRecords};

use super::spans::Spans;

/// Why a trace is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Error,
    Slow,
}

impl Reason {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Slow => "slow",
        }
    }
}

/// What was seen in a piece.
pub(super) struct Seen {
    pub(super) trace_id: TraceId,
    has_error: bool,
    /// How long the root took, where it is in the piece.
    root_took: Option<Duration>,
    pub(super) root_ended: bool,
    pub(super) is_last: bool,
    /// From the first start to the last end in it.
    pub(super) covers: Duration,
}

impl Seen {
    pub(super) fn in_piece(piece: &mut Spans) -> Self {
        match piece {
            Spans::Ours(trace) => Self::in_ours(trace.records()),
            Spans::Foreign(span) => Self::in_foreign(span),
        }
    }

    pub(super) fn reason(&self, slow: Duration) -> Option<Reason> {
        if self.has_error {
            Some(Reason::Error)
        } else {
            let is_slow = self.root_took.is_some_and(|took| took >= slow);
            is_slow.then_some(Reason::Slow)
        }
    }

    fn in_ours(trace: &TraceRecords) -> Self {
        // The outermost span ends last.
        let root = trace.spans.last().filter(|_| trace.root_ended);
        let took = |span: &SpanRecord| {
            Duration::from_nanos(span.end_unix_nanos.saturating_sub(span.start_unix_nanos))
        };
        let began = trace.spans.iter().map(|span| span.start_unix_nanos).min();
        let ended = trace.spans.iter().map(|span| span.end_unix_nanos).max();
        Self {
            trace_id: trace.trace_id,
            has_error: trace.spans.iter().any(has_failed) || root.is_some_and(has_not_succeeded),
            root_took: root.map(took),
            root_ended: trace.root_ended,
            is_last: trace.is_last,
            covers: Duration::from_nanos(
                ended
                    .unwrap_or_default()
                    .saturating_sub(began.unwrap_or_default()),
            ),
        }
    }

    fn in_foreign(span: &SpanData) -> Self {
        let trace_id = u128::from_be_bytes(span.span_context.trace_id().to_bytes());
        let is_root = span.parent_span_id == opentelemetry::trace::SpanId::INVALID
            || span.parent_span_is_remote;
        let took = span
            .end_time
            .duration_since(span.start_time)
            .unwrap_or_default();
        Self {
            trace_id: TraceId::from_u128(trace_id),
            has_error: matches!(span.status, Status::Error { .. }),
            root_took: is_root.then_some(took),
            root_ended: is_root,
            // Others of the trace may end after it.
            is_last: false,
            covers: took,
        }
    }
}

impl Spans {
    /// The same piece, whose root says why it was kept.
    pub(super) fn kept_for(mut self, reason: Reason) -> Self {
        if let Self::Ours(trace) = &mut self {
            let trace = trace.records();
            if let Some(root) = trace.spans.last().filter(|_| trace.root_ended) {
                let attribute = Attribute::new(KEPT_FOR, reason.as_str());
                trace.attributes.push((root.span_id, attribute));
            }
        }
        self
    }
}

/// Whether something went wrong in it. A step that was cancelled lost a race or had no need to go
/// on, which is nothing to look at by itself.
fn has_failed(span: &SpanRecord) -> bool {
    matches!(&span.status, SpanStatus::Error { error_type, .. } if *error_type != ErrorKind::Cancelled.as_str())
}

/// Whether a root did not end as it should, which includes that somebody cancelled it.
fn has_not_succeeded(root: &SpanRecord) -> bool {
    matches!(root.status, SpanStatus::Error { .. })
}

const KEPT_FOR: &str = "sampling.kept_for";
