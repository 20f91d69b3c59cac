//! Writing a context into headers, and reading one from them.

use std::env;
use std::sync::Arc;

use tta_core::{Parent, WorkflowContext, WorkflowContextBuilder};

use crate::carrier::Carrier;
use crate::tracestate::State;
use crate::{baggage, traceparent, tracestate};

/// Writes a context into what leaves the process, and reads one from what comes in.
///
/// # Examples
///
/// A job that resumes the trace of whoever queued it:
///
/// ```
/// use std::collections::HashMap;
/// use tta_core::{Result, WorkflowContext, step};
/// use tta_http::Propagation;
///
/// # fn main() -> Result<()> { tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let propagation = Propagation::new();
/// let enqueue = step("enqueue", async move |job: String, ctx: &WorkflowContext| {
///     let mut headers = HashMap::new();
///     Propagation::new().inject(ctx, &mut headers);
///     Ok((job, headers))
/// });
/// let (job, headers) = enqueue.run("resize".to_owned()).await?;
///
/// let ctx = propagation.extract(&headers).into_builder().build();
/// step("work", async |job: String| Ok(job.len())).execute(job, &ctx).await?;
/// # Ok(()) }) }
/// ```
///
/// # Source
///
/// [W3C Trace Context, level 2](https://www.w3.org/TR/trace-context-2/) and
/// [W3C Baggage](https://www.w3.org/TR/baggage/).
#[derive(Clone, Debug)]
pub struct Propagation {
    trace_context: bool,
    baggage: bool,
    forwarded: Arc<[String]>,
}

impl Propagation {
    /// Trace context, baggage and correlation id, whatever the environment says; of the baggage
    /// that comes in, nothing goes on.
    pub fn new() -> Self {
        Self {
            trace_context: true,
            baggage: true,
            forwarded: Arc::default(),
        }
    }

    /// As `OTEL_PROPAGATORS` says: a list of `tracecontext`, `baggage` and `none`, both of the former
    /// when it is not set. What it does not know is ignored.
    pub fn from_env() -> Self {
        let list = env::var("OTEL_PROPAGATORS").unwrap_or_default();
        let named = |name: &str| {
            list.split(',')
                .any(|item| item.trim().eq_ignore_ascii_case(name))
        };
        let all = list.trim().is_empty();
        Self {
            trace_context: !named("none") && (all || named("tracecontext")),
            baggage: !named("none") && (all || named("baggage")),
            ..Self::new()
        }
    }

    /// Lets received baggage of these keys go on to the services that are called in turn. By
    /// default none does: it comes from whoever can reach the service.
    #[must_use]
    pub fn with_forwarded_baggage<K: Into<String>>(
        mut self,
        keys: impl IntoIterator<Item = K>,
    ) -> Self {
        self.forwarded = keys.into_iter().map(Into::into).collect();
        self
    }

    /// Writes what another process needs to join the trace, in place of what was there.
    ///
    /// Inside a step, the other process's spans become children of that step. Where there is no
    /// trace to join, only baggage and correlation id are written.
    pub fn inject(&self, ctx: &WorkflowContext, carrier: &mut impl Carrier) {
        if self.trace_context {
            let parent = ctx.outgoing_parent();
            write(
                carrier,
                TRACEPARENT,
                parent.as_ref().map(traceparent::format),
            );
            let state = parent.and_then(|parent| parent.trace_state);
            write(carrier, TRACESTATE, state.map(|state| state.to_string()));
        }
        if self.baggage {
            let entries = ctx.outgoing_baggage();
            let entries = entries
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str(), ctx.baggage_properties(key)));
            if let Some(header) = baggage::encode(entries) {
                carrier.set(BAGGAGE, header);
            }
        }
        carrier.set(CORRELATION_ID, ctx.correlation_id().to_owned());
    }

    /// Reads what came in. It cannot fail: what is not as the specifications have it is left out,
    /// and [`refused`](Extracted::refused) names it.
    pub fn extract(&self, carrier: &impl Carrier) -> Extracted {
        let mut extracted = Extracted {
            parent: None,
            correlation_id: correlation_id(carrier),
            baggage: Vec::new(),
            properties: Vec::new(),
            forwarded: Arc::clone(&self.forwarded),
            refused: Vec::new(),
        };
        if self.trace_context {
            extracted.read_trace(carrier);
        }
        if self.baggage {
            let decoded = baggage::decode(carrier.values(BAGGAGE));
            extracted.baggage = decoded.entries;
            extracted.properties = decoded.properties;
            if decoded.refused {
                extracted.refused.push(BAGGAGE);
            }
        }
        extracted
    }
}

impl Default for Propagation {
    /// As the environment says; see [`from_env`](Self::from_env).
    fn default() -> Self {
        Self::from_env()
    }
}

/// What came in with a request or a message.
#[derive(Clone, Debug)]
pub struct Extracted {
    parent: Option<Parent>,
    correlation_id: Option<String>,
    baggage: Vec<(String, String)>,
    properties: Vec<(String, String)>,
    forwarded: Arc<[String]>,
    refused: Vec<&'static str>,
}

impl Extracted {
    /// The span that sent it, with what vendors noted about the trace.
    pub fn parent(&self) -> Option<&Parent> {
        self.parent.as_ref()
    }

    /// The baggage, in order.
    pub fn baggage(&self) -> &[(String, String)] {
        &self.baggage
    }

    /// What is said of entries of the baggage: each key with its properties, `ttl=60;private`.
    pub fn baggage_properties(&self) -> &[(String, String)] {
        &self.properties
    }

    /// The headers of which something was left out, because it was malformed or beyond a limit.
    pub fn refused(&self) -> &[&'static str] {
        &self.refused
    }

    /// Takes the parent away, for a context that begins a trace of its own.
    pub fn take_parent(&mut self) -> Option<Parent> {
        self.parent.take()
    }

    /// A builder of the context that goes on with it.
    pub fn into_builder(self) -> WorkflowContextBuilder {
        self.apply_to(WorkflowContext::builder())
    }

    /// The same for a builder that exists.
    pub fn apply_to(self, mut builder: WorkflowContextBuilder) -> WorkflowContextBuilder {
        if let Some(parent) = self.parent {
            builder = builder.parent(parent);
        }
        if let Some(id) = self.correlation_id {
            builder = builder.correlation_id(id);
        }
        for (key, value) in self.baggage {
            builder = if self.forwarded.contains(&key) {
                builder.baggage(key, value)
            } else {
                builder.received_baggage(key, value)
            };
        }
        for (key, properties) in self.properties {
            builder = builder.baggage_properties(&key, properties);
        }
        builder
    }

    fn read_trace(&mut self, carrier: &impl Carrier) {
        let mut headers = carrier.values(TRACEPARENT);
        let first = headers.next();
        // Two of them contradict each other, whatever they say.
        let only = first.filter(|_| headers.next().is_none());
        let parent = only.and_then(traceparent::parse);
        if first.is_some() && parent.is_none() {
            self.refused.push(TRACEPARENT);
        }
        // Without a parent, what vendors noted belongs to no trace.
        self.parent = parent.map(
            |parent| match tracestate::join(carrier.values(TRACESTATE)) {
                State::Taken(state) => parent.with_trace_state(state),
                State::Absent => parent,
                State::Refused => {
                    self.refused.push(TRACESTATE);
                    parent
                }
            },
        );
    }
}

/// The first one; it is judged by the context. Text too long to be one is not copied.
fn correlation_id(carrier: &impl Carrier) -> Option<String> {
    let value = carrier.values(CORRELATION_ID).next()?;
    let value = value.get(..MOST_CORRELATION_BYTES).unwrap_or(value);
    Some(String::from_utf8_lossy(value).into_owned())
}

fn write(carrier: &mut impl Carrier, name: &'static str, value: Option<String>) {
    match value {
        Some(value) => carrier.set(name, value),
        None => carrier.remove(name),
    }
}

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";
const BAGGAGE: &str = "baggage";
pub(crate) const CORRELATION_ID: &str = "x-correlation-id";
/// One more than an identifier may have, so that a longer one is still refused.
const MOST_CORRELATION_BYTES: usize = 129;
