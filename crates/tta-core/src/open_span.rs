//! Spans that are opened and ended by hand, at the edges of the process.

use std::borrow::Cow;
use std::thread;

use crate::catalog::SpanSpec;
use crate::context::{Moment, Parent, WorkflowContext};
use crate::error::ErrorKind;
use crate::identity::SpanId;
use crate::record::{Attribute, FinishedSpan, SpanKind, SpanName, SpanRecord, SpanStatus, Value};

/// A span that is open until it is ended or dropped: what a future cannot hold, such as a request
/// whose answer streams on after its handler has returned.
///
/// It is for the edges of a process; for work inside it there are steps. It is traced only: it has
/// no metrics and no log line.
///
/// # Examples
///
/// ```
/// use tta_core::{SpanKind, SpanSpec, WorkflowContext};
///
/// static RECEIVE: SpanSpec = SpanSpec {
///     name: "receive",
///     help: "A message from outside.",
///     attributes: &["bytes"],
/// };
///
/// let span = WorkflowContext::builder().open(&RECEIVE, SpanKind::Server);
/// span.set_attribute("bytes", 12_usize);
/// let answer = span.enter(|| "what happens here is part of it");
/// span.end();
/// ```
///
/// # Cancellation
///
/// Dropped before its end it says `cancelled`, or `panic` where a panic drops it.
#[derive(Debug)]
#[must_use = "a span that is dropped at once says that it was cancelled"]
pub struct OpenSpan {
    ctx: WorkflowContext,
    spec: &'static SpanSpec,
    name: Cow<'static, str>,
    kind: SpanKind,
    span_id: SpanId,
    parent_id: SpanId,
    begun: Moment,
    /// Whether the span is the outermost of those that the context hands over.
    outermost: bool,
    status: SpanStatus,
    ended: bool,
}

impl WorkflowContext {
    /// Opens a span inside the innermost one, to be ended by hand.
    pub fn open_span(&self, spec: &'static SpanSpec, kind: SpanKind) -> OpenSpan {
        OpenSpan::begin(self.clone(), spec, kind, SpanId::random(), self.span_id())
    }
}

impl OpenSpan {
    /// The span around all that happens in a context.
    pub(crate) fn around(ctx: WorkflowContext, spec: &'static SpanSpec, kind: SpanKind) -> Self {
        let (span_id, parent_id) = (ctx.entry(), ctx.outer_span());
        Self::begin(ctx, spec, kind, span_id, parent_id)
    }

    fn begin(
        ctx: WorkflowContext,
        spec: &'static SpanSpec,
        kind: SpanKind,
        span_id: SpanId,
        parent_id: SpanId,
    ) -> Self {
        let outermost = ctx.hands_over_after(parent_id);
        if outermost {
            ctx.outermost_begun();
        }
        Self {
            begun: ctx.moment(),
            ctx: ctx.based_on(span_id),
            spec,
            name: Cow::Borrowed(spec.name),
            kind,
            span_id,
            parent_id,
            outermost,
            status: SpanStatus::Unset,
            ended: false,
        }
    }

    /// The context whose work is part of this span. Where another step of the same workflow is
    /// being polled, that step goes before: clone and use it inside [`enter`](Self::enter).
    pub fn context(&self) -> &WorkflowContext {
        &self.ctx
    }

    /// Gives it the name that the specification's pattern stands for; one of few.
    pub fn set_name(&mut self, name: impl Into<Cow<'static, str>>) {
        self.name = name.into();
    }

    /// Sets an attribute; a later value for the same key wins. Costs nothing when the trace is not
    /// sampled.
    pub fn set_attribute(&self, key: &'static str, value: impl Into<Value>) {
        if self.ctx.is_sampled() {
            self.ctx
                .attribute_on(self.span_id, Attribute::new(key, value));
        }
    }

    /// Notes that the span comes from a span of another trace too.
    pub fn add_link(&self, to: Parent) {
        if self.ctx.is_sampled() {
            self.ctx.link_on(self.span_id, to);
        }
    }

    /// Says how it will have ended; without it, an [end](Self::end) is an [`SpanStatus::Unset`].
    pub fn set_status(&mut self, status: SpanStatus) {
        self.status = status;
    }

    /// Calls `work` inside the span; see [`WorkflowContext::enter`].
    ///
    /// # Panics
    ///
    /// If `work` does.
    pub fn enter<R>(&self, work: impl FnOnce() -> R) -> R {
        self.ctx.enter(work)
    }

    /// Ends it.
    pub fn end(mut self) {
        self.ended = true;
    }
}

impl Drop for OpenSpan {
    fn drop(&mut self) {
        if !self.ctx.is_sampled() {
            if self.outermost {
                self.ctx.outermost_ended();
            }
            return;
        }
        let failed = matches!(self.status, SpanStatus::Error { .. });
        let status = if self.ended || failed {
            std::mem::replace(&mut self.status, SpanStatus::Unset)
        } else {
            let (kind, description) = if thread::panicking() {
                (ErrorKind::Panic, "panicked before it ended")
            } else {
                (ErrorKind::Cancelled, "cancelled before it ended")
            };
            SpanStatus::Error {
                error_type: kind.as_str(),
                description: Cow::Borrowed(description),
            }
        };
        let span = SpanRecord {
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: self.ctx.is_remote(self.parent_id),
            name: SpanName::Edge {
                spec: self.spec,
                name: std::mem::take(&mut self.name),
            },
            kind: self.kind,
            start_unix_nanos: self.ctx.unix_nanos(self.begun),
            end_unix_nanos: self.ctx.unix_nanos(self.ctx.moment().max(self.begun)),
            status,
        };
        self.ctx.keep(FinishedSpan::Record(span), self.outermost);
    }
}
