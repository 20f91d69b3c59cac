//! A span that another library may add to, from wherever it is.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use super::cancellation::Cancellation;
use super::{Parent, Shared, WorkflowContext};
use crate::identity::SpanId;
use crate::record::{Attribute, Value};

/// One span of a workflow, to add to from any thread for as long as the workflow's context lives:
/// what a [`Recorder`](crate::Recorder) gives to the libraries that it shows the span to.
///
/// Unlike a clone of the context it means this span wherever it is used, also in a step further in.
/// A clone is one reference count.
#[derive(Clone)]
pub struct SpanHandle {
    shared: Arc<Shared>,
    span_id: SpanId,
}

impl SpanHandle {
    /// A handle to a span of ours.
    #[inline]
    pub(crate) fn new(ctx: &WorkflowContext, span_id: SpanId) -> Self {
        Self {
            shared: Arc::clone(&ctx.shared),
            span_id,
        }
    }

    /// Sets an attribute; a later value for the same key wins. Does nothing when the trace is not
    /// recorded.
    pub fn set_attribute(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        let ctx = self.context();
        if ctx.is_sampled() {
            ctx.attribute_on(self.span_id, Attribute::new(key, value));
        }
    }

    /// Notes something that happened inside the span.
    pub fn event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<Attribute>) {
        let ctx = self.context();
        if ctx.is_sampled() {
            let now = ctx.unix_nanos(ctx.moment());
            ctx.event_on(self.span_id, name, now, attributes);
        }
    }

    /// Notes that the span comes from a span of another trace too.
    pub fn add_link(&self, to: Parent) {
        let ctx = self.context();
        if ctx.is_sampled() {
            ctx.link_on(self.span_id, to);
        }
    }

    /// The workflow as seen from the span, for the seldom case that something is added.
    fn context(&self) -> WorkflowContext {
        WorkflowContext {
            shared: Arc::clone(&self.shared),
            base: self.span_id,
            deadline: None,
            meter: None,
            cancellation: Cancellation::default(),
        }
    }
}

impl fmt::Debug for SpanHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanHandle")
            .field("trace_id", &self.shared.identity.trace_id())
            .field("span_id", &self.span_id)
            .finish()
    }
}
