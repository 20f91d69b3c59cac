//! Observing one execution: from its first poll to its end, however it ends.

use std::borrow::Cow;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use crate::catalog::{
    PRIMITIVE_EXECUTION_COMPLETE, PRIMITIVE_SPAN, SpanSpec, WORKFLOW_EXECUTED, WORKFLOW_SPAN,
};
use crate::context::{Moment, WorkflowContext, entered};
use crate::error::{Error, ErrorKind, Result};
use crate::identity::SpanId;
use crate::instruments::{Counted, ExemplarFilter, Outcome, SeamInstruments, registry};
use crate::panics::{Contained, error_about};
use crate::primitive::Primitive;
use crate::record::{
    Attribute, Level, LogField, SpanKind, SpanName, SpanRecord, SpanStatus, StepRef,
};
use crate::recorder::{ActiveSpan, guarded};

/// A place in a flow where executions are observed: what it is called and where it is measured.
#[derive(Debug)]
pub(crate) struct Seam {
    name: Box<str>,
    kind: &'static str,
    scope: Scope,
    bounds: Option<Box<[f64]>>,
    measures_busy: bool,
    /// Resolved at the first execution, when all options have been given.
    resolved: OnceLock<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    identity: StepRef,
    instruments: Arc<SeamInstruments>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Scope {
    Step,
    Workflow,
}

impl Seam {
    pub(crate) fn step(name: &str, kind: &'static str) -> Self {
        Self::new(name, kind, Scope::Step)
    }

    pub(crate) fn workflow(name: &str) -> Self {
        Self::new(name, "Workflow", Scope::Workflow)
    }

    fn new(name: &str, kind: &'static str, scope: Scope) -> Self {
        // An empty name would be an empty label, which Prometheus takes for no label at all.
        let name = if name.is_empty() { kind } else { name };
        Self {
            name: name.into(),
            kind,
            scope,
            bounds: None,
            measures_busy: false,
            resolved: OnceLock::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same seam under another name.
    pub(crate) fn renamed(self, name: &str) -> Self {
        let new = Self::new(name, self.kind, self.scope);
        Self {
            bounds: self.bounds,
            measures_busy: self.measures_busy,
            ..new
        }
    }

    pub(crate) fn with_bounds(mut self, bounds: &[f64]) -> Self {
        self.bounds = Some(bounds.into());
        self.resolved = OnceLock::new();
        self
    }

    pub(crate) fn measuring_busy(mut self) -> Self {
        self.measures_busy = true;
        self
    }

    #[inline]
    pub(crate) fn instruments(&self) -> &Arc<SeamInstruments> {
        &self.resolved().instruments
    }

    #[inline]
    fn resolved(&self) -> &Resolved {
        self.resolved.get_or_init(|| {
            let (name, kind, bounds) = (self.name(), self.kind, self.bounds.as_deref());
            let (pattern, instruments) = match self.scope {
                Scope::Step => (
                    PRIMITIVE_SPAN.name,
                    registry().primitive(name, kind, bounds),
                ),
                Scope::Workflow => (WORKFLOW_SPAN.name, registry().workflow(name, bounds)),
            };
            Resolved {
                identity: StepRef::new(name, kind, pattern),
                instruments,
            }
        })
    }
}

/// What is observed.
#[derive(Clone, Copy)]
pub(crate) enum Subject<'a> {
    /// A step or a workflow: measured, traced and logged.
    Seam(&'a Seam),
    /// The same around what is observed itself, and so begins and ends at the same moments.
    Shell(&'a Seam),
    /// A part of a step: traced only.
    Part(&'static SpanSpec),
    /// A numbered part of a step: traced only.
    NumberedPart(&'static SpanSpec, usize),
}

impl<'a> Subject<'a> {
    /// What is observed where a primitive is run in a workflow.
    pub(crate) fn around<P: Primitive>(seam: &'a Seam) -> Self {
        if P::IS_OBSERVED {
            Self::Shell(seam)
        } else {
            Self::Seam(seam)
        }
    }

    #[inline]
    fn seam(self) -> Option<&'a Seam> {
        match self {
            Self::Seam(seam) | Self::Shell(seam) => Some(seam),
            Self::Part(_) | Self::NumberedPart(..) => None,
        }
    }

    /// Called where a boundary of what it holds follows at once, or came just before.
    #[inline]
    fn share_boundary(self, ctx: &WorkflowContext) {
        if let Self::Shell(_) = self {
            ctx.share_boundary();
        }
    }
}

/// Runs the future that `start` makes, as one observed execution.
///
/// # Cancellation
///
/// Dropping the returned future drops the inner one first and then records the cancellation.
pub(crate) async fn observe<T, F>(
    subject: Subject<'_>,
    ctx: &WorkflowContext,
    start: impl FnOnce() -> F + Send,
) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
{
    let future = pin!(None);
    let mut running = Running {
        future: Contained::new(future),
        start: Some(start),
        execution: Execution::begin(subject, ctx),
    };
    subject.share_boundary(ctx);
    let mut result = (&mut running).await;
    if let Err(panic) = running.future.release() {
        result = Err(panic);
    }
    subject.share_boundary(ctx);
    running.execution.end(&mut result);
    result
}

/// Runs a part of a step of which nothing is recorded: only a panic is seen to, as it is where
/// something is.
pub(crate) async fn caught<T, F>(start: impl FnOnce() -> F + Send) -> Result<T>
where
    F: Future<Output = Result<T>> + Send,
{
    let slot = pin!(None);
    let mut contained = Contained::new(slot);
    let mut start = Some(start);
    let result = poll_fn(|cx| contained.poll(&mut start, cx)).await;
    contained.release().and(result)
}

/// Runs `work` as an observed part of a step that does not wait for anything.
pub(crate) fn observe_now<R>(
    spec: &'static SpanSpec,
    ctx: &WorkflowContext,
    work: impl FnOnce() -> R,
) -> R {
    if !ctx.is_sampled() {
        return work();
    }
    let mut execution = Execution::begin(Subject::Part(spec), ctx);
    // `entered` wants work that does not panic; the panic goes on to the enclosing step below.
    let result = entered(ctx, execution.span_id, || {
        catch_unwind(AssertUnwindSafe(work))
    });
    match result {
        Ok(value) => {
            execution.finish(Outcome::Success, None);
            value
        }
        Err(panic) => {
            execution.finish(Outcome::Error, Some(&mut error_about(&*panic)));
            std::panic::resume_unwind(panic)
        }
    }
}

/// An execution and what it runs.
struct Running<'a, 'f, F, S> {
    /// Dropped before the execution: children end before parents.
    future: Contained<'f, F>,
    start: Option<S>,
    execution: Execution<'a>,
}

impl<F, S, T> Future for &mut Running<'_, '_, F, S>
where
    F: Future<Output = Result<T>>,
    S: FnOnce() -> F,
{
    type Output = Result<T>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<T>> {
        let Running {
            future,
            start,
            execution,
        } = &mut **self.get_mut();
        execution.poll(|| future.poll(start, cx))
    }
}

impl<F, S> Drop for Running<'_, '_, F, S> {
    #[inline]
    fn drop(&mut self) {
        if self.execution.ended {
            return;
        }
        if let Err(mut panic) = self.future.release() {
            self.execution.finish(Outcome::Error, Some(&mut panic));
        }
    }
}

/// One execution that has begun; dropped before its end, it was cancelled.
struct Execution<'a> {
    subject: Subject<'a>,
    ctx: &'a WorkflowContext,
    span_id: SpanId,
    parent_id: SpanId,
    begun: Moment,
    busy_nanos: u64,
    /// Whether the span is the outermost of those that the context hands over.
    outermost: bool,
    ended: bool,
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
    #[inline]
    fn begin(subject: Subject<'a>, ctx: &'a WorkflowContext) -> Self {
        let parent_id = ctx.span_id();
        if let Some(seam) = subject.seam() {
            seam.instruments().started();
            if seam.scope == Scope::Workflow {
                ctx.workflow_begins(seam.name(), parent_id);
            }
        }
        let outermost = ctx.hands_over_after(parent_id);
        if outermost {
            ctx.outermost_begun();
        }
        Self {
            subject,
            ctx,
            span_id: SpanId::random(),
            parent_id,
            begun: ctx.boundary(),
            busy_nanos: 0,
            outermost,
            ended: false,
        }
    }

    /// Polls the step once, entered; `poll` must not panic.
    #[inline]
    fn poll<T>(&mut self, poll: impl FnOnce() -> Poll<Result<T>>) -> Poll<Result<T>> {
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

    #[inline]
    fn end<T>(&mut self, result: &mut Result<T>) {
        match result {
            Ok(_) => self.finish(Outcome::Success, None),
            Err(error) => self.finish(Outcome::Error, Some(error)),
        }
    }

    /// Measures, and tells whoever wants to know: what is inlined into every step is what every step
    /// does.
    #[inline]
    fn finish(&mut self, outcome: Outcome, error: Option<&mut Error>) {
        self.ended = true;
        let ended = self.ctx.boundary().max(self.begun);
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
                instruments.exemplar(counted.with_error(kind), end.nanos, trace, unix_nanos);
            }
        }
        if is_sampled {
            self.record(end);
        } else if self.outermost {
            self.ctx.outermost_ended();
        }
    }

    #[inline]
    fn seam(&self) -> Option<&'a Seam> {
        self.subject.seam()
    }

    fn record(&self, end: &End<'_>) {
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
        let name = match self.subject {
            Subject::Part(spec) | Subject::NumberedPart(spec, _) => SpanName::Part(spec.name),
            Subject::Seam(seam) | Subject::Shell(seam) => match seam.scope {
                Scope::Step => SpanName::Step(seam.resolved().identity.clone()),
                Scope::Workflow => SpanName::Workflow(seam.resolved().identity.clone()),
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
        if let Subject::NumberedPart(_, index) = self.subject {
            self.ctx
                .attribute_on(self.span_id, Attribute::new("branch.index", index));
        }
        let span = SpanRecord {
            span_id: self.span_id,
            parent_id: self.parent_id,
            parent_is_remote: self.ctx.is_remote(self.parent_id),
            name,
            kind: SpanKind::Internal,
            start_unix_nanos: self.ctx.unix_nanos(self.begun),
            end_unix_nanos: self.ctx.unix_nanos(end.at),
            status,
        };
        self.ctx.keep(span, self.outermost);
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

/// Polls inside the recorder's scope; a recorder that fails to poll does not stop the step.
pub(crate) fn scoped<R>(ctx: &WorkflowContext, span_id: SpanId, poll: impl FnOnce() -> R) -> R {
    let mut poll = Some(poll);
    let mut polled = None;
    if let Some(recorder) = ctx.recorder() {
        let active = ActiveSpan {
            context: ctx,
            span_id,
        };
        guarded(|| {
            recorder.scope(&active, &mut || {
                if let Some(poll) = poll.take() {
                    polled = Some(poll());
                }
            });
        });
    }
    match (polled, poll) {
        (Some(polled), _) => polled,
        (None, Some(poll)) => poll(),
        // `poll` is taken only where `polled` is set.
        (None, None) => unreachable!("a step that was polled has an answer"),
    }
}
