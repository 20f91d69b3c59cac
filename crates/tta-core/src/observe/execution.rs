//! One execution, from its beginning to its end, however it ends.

use std::borrow::Cow;
use std::task::Poll;
use std::time::Duration;

use super::seam::{Scope, Seam};
use super::{Subject, scoped};
use crate::catalog::{PRIMITIVE_EXECUTION_COMPLETE, WORKFLOW_EXECUTED};
use crate::context::{Moment, WorkflowContext, entered};
use crate::error::{Error, ErrorKind, Result};
use crate::identity::SpanId;
use crate::instruments::{Counted, ExemplarFilter, Outcome};
use crate::record::{
    Attribute, FinishedSpan, Level, LogField, SpanKind, SpanName, SpanNote, SpanRecord, SpanStatus,
    StepIdentity,
};

/// One execution that has begun; dropped before its end, it was cancelled.
pub(super) struct Execution<'a> {
    subject: &'a Subject<'a>,
    ctx: &'a WorkflowContext,
    pub(super) span_id: SpanId,
    parent_id: SpanId,
    begun: Moment,
    busy_nanos: u64,
    /// Whether the span is the outermost of those that the context hands over.
    outermost: bool,
    pub(super) ended: bool,
}

/// How an execution ended, and when.
struct End<'e> {
    outcome: Outcome,
    error: Option<&'e Error>,
    /// Whether the error began in this step.
    began_here: bool,
    /// Where it is counted, if it is measured.
    counted: Option<Counted>,
    nanos: u64,
    at: Moment,
}

impl<'a> Execution<'a> {
    /// One that has yet to [begin](Self::begin).
    #[inline]
    pub(super) fn new(subject: &'a Subject<'a>, ctx: &'a WorkflowContext) -> Self {
        Self {
            subject,
            ctx,
            span_id: SpanId::INVALID,
            parent_id: SpanId::INVALID,
            begun: Moment::CREATED,
            busy_nanos: 0,
            outermost: false,
            ended: true,
        }
    }

    /// Begins, where it is to stay: what has just been written is not moved again.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "every execution begins in one place")]
    pub(super) fn begin(&mut self) {
        let ctx = self.ctx;
        self.parent_id = ctx.span_id();
        self.span_id = SpanId::random();
        if let Some(seam) = self.seam() {
            seam.instruments().started();
            if seam.scope == Scope::Workflow {
                ctx.workflow_begins(seam.name(), self.parent_id);
            }
        }
        if ctx.hands_over_after(self.parent_id) {
            self.outermost = true;
            ctx.outermost_begun();
        }
        self.begun = ctx.boundary(self.span_id);
        self.ended = false;
    }

    /// Polls the step once, entered; `poll` must not panic.
    #[inline]
    pub(super) fn poll<T>(&mut self, poll: impl FnOnce() -> Poll<T>) -> Poll<T> {
        let measured = self.seam().is_some_and(|seam| seam.measures_busy);
        let begun = measured.then(|| self.ctx.moment());
        let (ctx, span_id) = (self.ctx, self.span_id);
        let polled = entered(ctx, span_id, || {
            if ctx.wants_scope() {
                scoped(ctx, span_id, poll)
            } else {
                poll()
            }
        });
        if let Some(begun) = begun {
            self.busy_nanos += self.ctx.moment().nanos_since(begun);
        }
        polled
    }

    /// Ends, when what it runs has.
    #[inline]
    pub(super) fn end<T>(&mut self, result: &mut Result<T>) {
        self.subject.share_boundary(self.ctx);
        match result {
            Ok(_) => self.finish(Outcome::Success, None),
            Err(error) => self.finish(Outcome::Error, Some(error)),
        }
    }

    /// Measures, and tells whoever wants to know: what is inlined into every step is what every step
    /// does.
    #[inline]
    pub(super) fn finish(&mut self, outcome: Outcome, error: Option<&mut Error>) {
        self.ended = true;
        let ended = self.ctx.boundary(SpanId::INVALID).max(self.begun);
        let nanos = ended.nanos_since(self.begun);
        let counted = self
            .seam()
            .map(|seam| seam.instruments().ended(outcome, nanos));
        if error.is_some() || self.outermost || self.busy_nanos > 0 || self.ctx.tells() {
            let end = End {
                outcome,
                began_here: error.as_ref().is_some_and(|error| error.step().is_empty()),
                error: error.as_deref(),
                counted,
                nanos,
                at: ended,
            };
            self.tell(&end);
            if let (Some(seam), Some(error)) = (self.seam(), error) {
                error.passed(seam.name());
            }
        }
    }

    #[inline(never)]
    fn tell(&self, end: &End<'_>) {
        let is_sampled = self.ctx.is_sampled();
        if let (Some(seam), Some(counted)) = (self.seam(), end.counted) {
            let instruments = seam.instruments();
            if seam.measures_busy {
                instruments.busy(self.busy_nanos);
            }
            let kind = end.error.map(Error::kind);
            kind.inspect(|&kind| instruments.failed(kind));
            self.log(seam, end);
            if ExemplarFilter::admits(is_sampled && !self.ctx.is_held()) {
                let trace = (self.ctx.trace_id(), self.span_id);
                let unix_nanos = self.ctx.unix_nanos(end.at);
                instruments.exemplar(counted, kind, end.nanos, trace, unix_nanos);
            }
        }
        if is_sampled {
            self.keep(end);
        } else if self.outermost {
            self.ctx.outermost_ended();
        }
    }

    /// Keeps the span: mostly as a note, and without a lock.
    #[inline]
    fn keep(&self, end: &End<'_>) {
        let Some((seam, step)) = self.noted(end) else {
            let span = FinishedSpan::Record(self.record(end));
            return self.ctx.keep(span, self.outermost);
        };
        // Made in each of the two places that take it, so that it is not moved there.
        let note = |parent_is_remote| SpanNote {
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote,
            is_workflow: seam.scope == Scope::Workflow,
            step,
            start_unix_nanos: self.ctx.unix_nanos(self.begun),
            end_unix_nanos: self.ctx.unix_nanos(end.at),
        };
        if self.outermost || !self.ctx.note(note(false)) {
            let span = FinishedSpan::Note(note(self.ctx.is_remote(self.parent_id)));
            self.ctx.keep(span, self.outermost);
        }
    }

    /// What a note is about, if it can tell everything: a step or a workflow that ended as it should.
    #[inline]
    fn noted(&self, end: &End<'_>) -> Option<(&'a Seam, &'static StepIdentity)> {
        let seam = self.seam().filter(|_| end.outcome == Outcome::Success)?;
        Some((seam, seam.identity().as_kept()?))
    }

    #[inline]
    fn seam(&self) -> Option<&'a Seam> {
        self.subject.seam()
    }

    /// Everything else, with what there is to say about it.
    fn record(&self, end: &End<'_>) -> SpanRecord {
        let status = match (end.outcome, end.error) {
            (Outcome::Success, _) => SpanStatus::Ok,
            (_, Some(error)) => SpanStatus::Error {
                error_type: error.kind().as_str(),
                description: Cow::Owned(error.to_string()),
            },
            (_, None) => SpanStatus::Error {
                error_type: ErrorKind::Cancelled.as_str(),
                description: Cow::Borrowed("cancelled before it ended"),
            },
        };
        let name = match *self.subject {
            Subject::Part(spec) | Subject::NumberedPart(spec, _) => SpanName::Part(spec.name),
            Subject::Seam(seam) | Subject::Shell(seam) => match seam.scope {
                Scope::Step => SpanName::Step(seam.identity().clone()),
                Scope::Workflow => SpanName::Workflow(seam.identity().clone()),
            },
        };
        if let (true, Some(_), Some(error)) = (end.began_here, self.seam(), end.error) {
            self.ctx.event_on(
                self.span_id,
                "exception",
                self.ctx.unix_nanos(end.at),
                vec![
                    Attribute::new("exception.type", error.kind().as_str()),
                    Attribute::new("exception.message", error.to_string()),
                ],
            );
        }
        if let Subject::NumberedPart(_, index) = *self.subject {
            self.ctx
                .attribute_on(self.span_id, Attribute::new("branch.index", index));
        }
        SpanRecord {
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: self.ctx.is_remote(self.parent_id),
            name,
            kind: SpanKind::Internal,
            start_unix_nanos: self.ctx.unix_nanos(self.begun),
            end_unix_nanos: self.ctx.unix_nanos(end.at),
            status,
        }
    }

    #[inline]
    fn log(&self, seam: &Seam, end: &End<'_>) {
        if !self.ctx.logs(Level::Error) {
            return;
        }
        let (event, label, level) = match (seam.scope, end.outcome) {
            (Scope::Step, _) if end.began_here => {
                (&PRIMITIVE_EXECUTION_COMPLETE, "primitive", Level::Warn)
            }
            (Scope::Step, _) => (&PRIMITIVE_EXECUTION_COMPLETE, "primitive", Level::Debug),
            (Scope::Workflow, Outcome::Success) => {
                (&WORKFLOW_EXECUTED, "workflow_name", Level::Info)
            }
            (Scope::Workflow, _) => (&WORKFLOW_EXECUTED, "workflow_name", Level::Warn),
        };
        if !self.ctx.logs(level) {
            return;
        }
        let mut fields = vec![
            LogField::new(label, seam.name()),
            LogField::new(
                "duration_ms",
                Duration::from_nanos(end.nanos).as_secs_f64() * 1e3,
            ),
            LogField::new("status", end.outcome.as_str()),
        ];
        if let Some(error) = end.error {
            fields.push(LogField::new("error_type", error.kind().as_str()));
        }
        entered(self.ctx, self.span_id, || {
            self.ctx.log(event, level, &fields);
        });
    }
}

impl Drop for Execution<'_> {
    #[inline]
    fn drop(&mut self) {
        if !self.ended {
            self.finish(Outcome::Cancelled, None);
        }
    }
}
