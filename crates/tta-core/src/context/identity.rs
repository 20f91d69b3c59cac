//! Who a context speaks for.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::identity::{SpanId, TraceId, random_u128};

/// Who a context speaks for: what every span and log line of a workflow is found by.
pub struct Identity {
    trace_id: TraceId,
    correlation: Label,
    workflow: Label,
    session: Option<Box<str>>,
    causation: Option<Box<str>>,
}

/// Text given from outside, or random bits that are written out only when somebody asks.
struct Label {
    bits: u128,
    text: OnceLock<Box<str>>,
}

impl Identity {
    pub(super) fn new(
        trace_id: TraceId,
        correlation: Option<Box<str>>,
        workflow: Option<Box<str>>,
        session: Option<Box<str>>,
        causation: Option<Box<str>>,
    ) -> Self {
        let (correlation, workflow) = (Label::new(correlation), Label::new(workflow));
        Self {
            trace_id,
            correlation,
            workflow,
            session,
            causation,
        }
    }

    /// The identity of a part of the work: caused by this workflow, otherwise the same.
    pub(super) fn child(&self) -> Self {
        Self {
            trace_id: self.trace_id,
            correlation: self.correlation.clone(),
            workflow: Label::new(None),
            session: self.session.clone(),
            causation: Some(self.workflow_id().into()),
        }
    }

    /// The trace.
    #[inline]
    pub fn trace_id(&self) -> TraceId {
        self.trace_id
    }

    /// The identifier that joins everything done for one request.
    pub fn correlation_id(&self) -> &str {
        self.correlation.as_str()
    }

    /// The identifier of this run of the workflow.
    pub fn workflow_id(&self) -> &str {
        self.workflow.as_str()
    }

    /// The identifier of the user's session, if one was given.
    pub fn session_id(&self) -> Option<&str> {
        self.session.as_deref()
    }

    /// The identifier of what caused this run: a message, or the workflow it is a part of.
    pub fn causation_id(&self) -> Option<&str> {
        self.causation.as_deref()
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("trace_id", &self.trace_id)
            .field("correlation_id", &self.correlation_id())
            .field("workflow_id", &self.workflow_id())
            .finish_non_exhaustive()
    }
}

impl Label {
    fn new(text: Option<Box<str>>) -> Self {
        match text {
            Some(text) => Self {
                bits: 0,
                text: OnceLock::from(text),
            },
            None => Self {
                bits: random_u128(),
                text: OnceLock::new(),
            },
        }
    }

    fn as_str(&self) -> &str {
        self.text
            .get_or_init(|| format!("{:032x}", self.bits).into())
    }
}

impl Clone for Label {
    fn clone(&self) -> Self {
        Self {
            bits: self.bits,
            text: self.text.clone(),
        }
    }
}

/// A span of another process or another library, around a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Parent {
    /// The trace, which the workflow joins.
    pub trace_id: TraceId,
    /// The span, which becomes the parent of the workflow's root.
    pub span_id: SpanId,
    /// Whether the other side records the trace.
    pub sampled: bool,
    /// Whether the span belongs to another process.
    pub is_remote: bool,
    /// Whether the trace's identifier is known to be random in its lower 56 bits.
    pub is_random: bool,
    /// What vendors along the way have noted about the trace, opaque to us.
    pub trace_state: Option<Arc<str>>,
}

impl Parent {
    /// A span of another process; none if an identifier is all zero.
    pub fn remote(trace_id: TraceId, span_id: SpanId, sampled: bool) -> Option<Self> {
        Self::checked(trace_id, span_id, sampled, true)
    }

    /// A span of another library in this process; none if an identifier is all zero.
    pub fn local(trace_id: TraceId, span_id: SpanId, sampled: bool) -> Option<Self> {
        Self::checked(trace_id, span_id, sampled, false)
    }

    /// The same span of a trace whose identifier is known to be random, or not.
    #[must_use]
    pub fn with_random(mut self, is_random: bool) -> Self {
        self.is_random = is_random;
        self
    }

    /// The same span with what vendors have noted about the trace, which is passed on unchanged.
    #[must_use]
    pub fn with_trace_state(mut self, trace_state: impl Into<Arc<str>>) -> Self {
        self.trace_state = Some(trace_state.into()).filter(|text: &Arc<str>| !text.is_empty());
        self
    }

    fn checked(trace_id: TraceId, span_id: SpanId, sampled: bool, is_remote: bool) -> Option<Self> {
        let valid = trace_id.is_valid() && span_id.is_valid();
        valid.then_some(Self {
            trace_id,
            span_id,
            sampled,
            is_remote,
            is_random: false,
            trace_state: None,
        })
    }
}

/// Whether text from outside may stand for an identity: `[A-Za-z0-9._:-]{1,128}`.
pub(super) fn is_identifier(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-');
    (1..=128).contains(&text.len()) && text.bytes().all(allowed)
}
