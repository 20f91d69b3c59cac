//! What is recorded of a workflow: attributes, events, log lines and finished spans.

use std::borrow::Cow;
use std::mem::ManuallyDrop;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::{Parent, Shared, WorkflowContext, scratch};
use crate::catalog::LogSpec;
use crate::identity::SpanId;
use crate::instruments::ExemplarFilter;
use crate::record::{
    Attribute, CONTENT_EVENT, ContentCapture, EventRecord, FinishedSpan, Level, LogField,
    LogRecord, SpanNote, Taken, TraceBuffer, TraceNotes, TraceRecords, Value,
};
use crate::recorder::guarded;

impl WorkflowContext {
    /// Sets an attribute of the innermost span; a later value for the same key wins. Costs nothing
    /// when the trace is not sampled.
    #[inline]
    pub fn set_attribute(&self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) {
        if let Some(span) = self.recording_span() {
            self.attribute_on(span, Attribute::new(key, value));
        }
    }

    /// Sets several attributes of the innermost span at once.
    #[inline(always)]
    #[expect(
        clippy::inline_always,
        reason = "so that attributes which nobody wants are not even put together"
    )]
    pub fn set_attributes<const N: usize>(&self, attributes: [Attribute; N]) {
        if let Some(span) = self.recording_span() {
            // They are taken out, so that nothing is left to drop.
            scratch::note_attributes(self, span, &mut *ManuallyDrop::new(attributes));
        }
    }

    /// Notes something that happened inside the innermost span, such as `validation_complete`.
    pub fn event(&self, name: impl Into<Cow<'static, str>>, attributes: Vec<Attribute>) {
        if let Some(span) = self.recording_span() {
            self.event_on(span, name, self.unix_nanos(self.moment()), attributes);
        }
    }

    /// Records what was said to a model or by it, such as `gen_ai.input.messages`, where that is
    /// opted in: see [`ContentCapture`]. Otherwise `content` is not even made.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::{ContentCapture, WorkflowContext};
    ///
    /// fn ask(prompt: &str, ctx: &WorkflowContext) {
    ///     ctx.record_content("gen_ai.input.messages", || prompt.to_owned());
    /// }
    ///
    /// assert_eq!(ContentCapture::present(), ContentCapture::NoContent);
    /// ask("what ails me?", &WorkflowContext::new()); // recorded nowhere
    /// ```
    ///
    /// # Source
    ///
    /// [Semantic conventions of generative AI](https://opentelemetry.io/docs/specs/semconv/gen-ai/).
    pub fn record_content(
        &self,
        key: impl Into<Cow<'static, str>>,
        content: impl FnOnce() -> String,
    ) {
        let capture = ContentCapture::present();
        if capture == ContentCapture::NoContent {
            return;
        }
        let Some(span) = self.recording_span() else {
            return;
        };
        let attribute = Attribute::new(key, content());
        if capture.in_events() {
            let now = self.unix_nanos(self.moment());
            self.event_on(span, CONTENT_EVENT, now, vec![attribute.clone()]);
        }
        if capture.in_spans() {
            self.attribute_on(span, attribute);
        }
    }

    /// Notes that the innermost span comes from a span of another trace too, such as that of each
    /// message of a batch.
    pub fn add_link(&self, to: Parent) {
        if let Some(span) = self.recording_span() {
            self.link_on(span, to);
        }
    }

    /// Logs a declared event with the identity of this context.
    pub fn log(&self, event: &'static LogSpec, level: Level, fields: &[LogField<'_>]) {
        if let (true, Some(recorder)) = (self.logs(level), &self.shared.recorder) {
            let record = LogRecord {
                event,
                level,
                fields,
                context: Some(self),
            };
            guarded(|| recorder.log(&record));
        }
    }

    /// Whether lines of this level are wanted.
    #[inline]
    pub fn logs(&self, level: Level) -> bool {
        self.shared.log_level.is_some_and(|least| level >= least)
    }

    /// Whether anybody is told of what ends as it should: a recorder, a log, an exemplar.
    #[inline]
    pub(crate) fn tells(&self) -> bool {
        self.is_sampled() || self.shared.log_level.is_some() || ExemplarFilter::admits(false)
    }

    /// Sets an attribute of a span of ours.
    #[inline]
    pub(crate) fn attribute_on(&self, span: SpanId, attribute: Attribute) {
        scratch::note_attributes(self, span, &mut *ManuallyDrop::new([attribute]));
    }

    /// Links a span of ours to one of another trace.
    pub(crate) fn link_on(&self, span: SpanId, to: Parent) {
        self.buffer().push_link(span, to);
    }

    /// Notes something that happened inside a span of ours.
    pub(crate) fn event_on(
        &self,
        span_id: SpanId,
        name: impl Into<Cow<'static, str>>,
        unix_nanos: u64,
        attributes: Vec<Attribute>,
    ) {
        self.buffer().push_event(EventRecord {
            span_id,
            name: name.into(),
            unix_nanos,
            attributes,
        });
    }

    /// Notes that an execution has begun whose end hands over what is kept.
    pub(crate) fn outermost_begun(&self) {
        self.shared.outermost.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that such an execution has ended, and tells whether nothing of the workflow goes on.
    pub(crate) fn outermost_ended(&self) -> bool {
        let others = self.shared.outermost.fetch_sub(1, Ordering::Relaxed) - 1;
        // Whatever else might go on holds a clone; borrowers live inside an outermost execution.
        others == 0 && Arc::strong_count(&self.shared) == 1
    }

    /// Keeps the span of a step that ended as it should, where that is possible without the lock.
    #[inline]
    pub(crate) fn note(&self, span: SpanNote) -> bool {
        scratch::note_span(self, span)
    }

    /// Keeps a finished span, and hands over what is kept when it is the outermost or when it is
    /// much.
    pub(crate) fn keep(&self, span: FinishedSpan, outermost: bool) {
        scratch::flush(self);
        let parent_id = span.parent_id();
        let is_much = self.buffer().push_span(span);
        if outermost || is_much {
            self.hand_over(parent_id, outermost);
        }
    }

    /// Hands over what is kept: everything if the outermost span has just ended and nothing goes on.
    #[cold]
    pub(super) fn hand_over(&self, parent_id: SpanId, outermost: bool) {
        let begins_here = self.shared.begins_trace();
        let root_ended = begins_here && outermost && parent_id == self.outer_span();
        let mut is_last = false;
        let taken = {
            let mut buffer = self.buffer();
            if outermost && self.outermost_ended() {
                is_last = begins_here && self.shared.inherited.is_none();
                buffer.take_all()
            } else {
                buffer.take_ended()
            }
        };
        if taken.is_some() {
            self.shared.hand_over(taken, root_ended, is_last);
        }
    }

    /// The span that attributes and events belong to, if it is ours and recorded.
    #[inline]
    fn recording_span(&self) -> Option<SpanId> {
        let span = self.is_sampled().then(|| self.span_id())?;
        (span.is_valid() && span != self.outer_span()).then_some(span)
    }

    #[inline]
    pub(super) fn buffer(&self) -> MutexGuard<'_, TraceBuffer> {
        // No code of the user runs under the lock, and each push is a single step.
        self.shared
            .buffer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Forgets what has not been handed over.
    pub(super) fn give_up_records(&self) {
        let buffer =
            std::mem::take(&mut *self.buffer.lock().unwrap_or_else(PoisonError::into_inner));
        // Dropped here, with the lock released.
        drop(buffer);
    }

    /// Whether no span of another library is around it in this process.
    fn begins_trace(&self) -> bool {
        self.outer.as_ref().is_none_or(|outer| outer.is_remote)
    }

    fn hand_over(&self, taken: Option<Taken>, root_ended: bool, is_last: bool) {
        if let (Some(taken), Some(recorder)) = (taken, &self.recorder) {
            let rest = TraceRecords {
                trace_id: self.identity.trace_id(),
                is_random: self.outer.as_ref().is_none_or(|it| it.is_random),
                identity: Arc::clone(&self.identity),
                spans: Vec::new(),
                attributes: Vec::new(),
                events: taken.events,
                links: taken.links,
                trace_state: self.outer.as_ref().and_then(|it| it.trace_state.clone()),
                lost: taken.lost,
                is_sampled: !self.sampling.is_held(),
                root_ended,
                is_last,
            };
            let trace = TraceNotes::new(taken.spans, taken.attributes, rest);
            guarded(|| recorder.record(trace));
        }
    }
}

impl Drop for Shared {
    /// Spans that ended after the workflow's root are handed over at the latest here.
    fn drop(&mut self) {
        let taken = self
            .buffer
            .get_mut()
            .unwrap_or_else(PoisonError::into_inner)
            .take_all();
        let is_last = self.begins_trace() && self.inherited.is_none();
        self.hand_over(taken, false, is_last);
        // One after the other: a workflow that makes a child at every turn must not recurse as deep
        // as its chain of children is long.
        let mut inherited = self.inherited.take();
        while let Some(mut shared) = inherited.and_then(Arc::into_inner) {
            inherited = shared.inherited.take();
        }
    }
}
