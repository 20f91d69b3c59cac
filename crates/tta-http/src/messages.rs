//! Messages of a queue: who works on one goes on with the trace of who sent it.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use tta_core::{
    OpenSpan, Parent, Result, SpanKind, SpanSpec, SpanStatus, WorkflowContext,
    WorkflowContextBuilder,
};

use crate::carried::Carry;
use crate::carrier::Carrier;
use crate::catalog::{PROCESS_SPAN, SEND_SPAN};
use crate::propagation::Propagation;

/// The spans of sending messages to a queue, and of working on them.
///
/// # Examples
///
/// ```
/// use std::collections::HashMap;
/// use tta_core::{WorkflowContext, step};
/// use tta_http::Messages;
///
/// # fn main() -> tta_core::Result<()> { tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let jobs = Messages::new("redis", "jobs");
///
/// // Where a job is made:
/// let ctx = WorkflowContext::new();
/// let mut headers = HashMap::new();
/// jobs.send(&ctx, &mut headers, async { Ok(()) }).await?;
///
/// // In the worker, wherever it runs:
/// let work = step("work", async |job: String| Ok(job.len()));
/// jobs.process(&headers, async |ctx| work.execute("resize".to_owned(), &ctx).await).await?;
/// # Ok(()) }) }
/// ```
///
/// # Source
///
/// [Semantic conventions for messaging](https://opentelemetry.io/docs/specs/semconv/messaging/messaging-spans/).
#[derive(Clone)]
#[must_use]
pub struct Messages {
    system: &'static str,
    destination: &'static str,
    propagation: Propagation,
    make_builder: Option<Arc<MakeBuilder>>,
}

type MakeBuilder = dyn Fn() -> WorkflowContextBuilder + Send + Sync;

impl Messages {
    /// Messages in this system (`kafka`, `rabbitmq`, `redis`, …) for this queue or topic, which is
    /// part of the spans' names.
    pub fn new(system: &'static str, destination: &'static str) -> Self {
        Self {
            system,
            destination,
            propagation: Propagation::default(),
            make_builder: None,
        }
    }

    /// What goes into messages and is read from them; by default what `OTEL_PROPAGATORS` says.
    pub fn with_propagation(mut self, propagation: Propagation) -> Self {
        self.propagation = propagation;
        self
    }

    /// What contexts of jobs are made from, such as one with a recorder of its own.
    pub fn with_builder(
        mut self,
        make: impl Fn() -> WorkflowContextBuilder + Send + Sync + 'static,
    ) -> Self {
        self.make_builder = Some(Arc::new(make));
        self
    }

    /// Writes the context into the message's headers and runs what sends it, in a span that who
    /// works on it becomes a child of. The headers are written before `send` is first polled, so
    /// that [`sender`](Self::sender) is for those who need them to make `send`.
    ///
    /// # Errors
    ///
    /// Those of `send`.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops `send`; the span says `cancelled`.
    pub async fn send<T>(
        &self,
        ctx: &WorkflowContext,
        headers: &mut impl Carrier,
        send: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let span = self.sender(ctx, headers);
        finish(span, send).await
    }

    /// Opens the span of sending a message and writes the context into its headers. The caller ends
    /// the span when the message is sent.
    pub fn sender(&self, ctx: &WorkflowContext, headers: &mut impl Carrier) -> OpenSpan {
        let mut span = ctx.open_span(&SEND_SPAN, SpanKind::Producer);
        self.describe(&mut span, "send", &SEND_SPAN);
        span.enter(|| self.propagation.inject(span.context(), headers));
        span
    }

    /// Works on one message: in the trace of who sent it, as a child of its span.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops `work`; the span says `cancelled`.
    pub async fn process<T, F>(
        &self,
        headers: &impl Carrier,
        work: impl FnOnce(WorkflowContext) -> F,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        let extracted = self.propagation.extract(headers);
        let builder = extracted.apply_to(self.builder());
        let mut span = builder.open(&PROCESS_SPAN, SpanKind::Consumer);
        self.describe(&mut span, "process", &PROCESS_SPAN);
        let ctx = span.context().clone();
        finish(span, work(ctx)).await
    }

    /// Works on several messages at once: in a trace of its own, with a link to the span that sent
    /// each. Correlation and baggage of single messages do not speak for the batch, and are left
    /// out.
    ///
    /// # Errors
    ///
    /// Those of `work`.
    ///
    /// # Cancellation
    ///
    /// As for [`process`](Self::process).
    pub async fn process_batch<'a, C, T, F>(
        &self,
        messages: impl IntoIterator<Item = &'a C>,
        work: impl FnOnce(WorkflowContext) -> F,
    ) -> Result<T>
    where
        C: Carrier + 'a,
        F: Future<Output = Result<T>>,
    {
        let mut count = 0_usize;
        let senders: Vec<Option<Parent>> = messages
            .into_iter()
            .map(|headers| self.propagation.extract(headers).take_parent())
            .inspect(|_| count += 1)
            .collect();
        let mut span = self.builder().open(&PROCESS_SPAN, SpanKind::Consumer);
        self.describe(&mut span, "process", &PROCESS_SPAN);
        span.set_attribute("messaging.batch.message_count", count);
        for sender in senders.into_iter().flatten() {
            span.add_link(sender);
        }
        let ctx = span.context().clone();
        finish(span, work(ctx)).await
    }

    fn builder(&self) -> WorkflowContextBuilder {
        match &self.make_builder {
            Some(make) => make(),
            None => WorkflowContext::builder(),
        }
    }

    fn describe(&self, span: &mut OpenSpan, operation: &'static str, spec: &'static SpanSpec) {
        span.set_name(spec.name.replace("{destination}", self.destination));
        span.set_attribute("messaging.system", self.system);
        span.set_attribute("messaging.destination.name", self.destination);
        span.set_attribute("messaging.operation.name", operation);
        span.set_attribute("messaging.operation.type", operation);
    }
}

impl fmt::Debug for Messages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages")
            .field("system", &self.system)
            .field("destination", &self.destination)
            .finish_non_exhaustive()
    }
}

/// Runs a future inside a span, and ends the span as it ends.
async fn finish<T>(mut span: OpenSpan, future: impl Future<Output = Result<T>>) -> Result<T> {
    // Made inside the span, so that it is the span which is remembered.
    let carried = span.enter(|| future.carried(span.context()));
    let result = carried.await;
    span.set_status(match &result {
        Ok(_) => SpanStatus::Ok,
        Err(error) => SpanStatus::Error {
            error_type: error.kind().as_str(),
            description: Cow::Owned(error.to_string()),
        },
    });
    span.end();
    result
}
