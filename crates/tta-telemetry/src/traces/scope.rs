//! Making the step that is being polled visible to OpenTelemetry and `tracing`.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanContext, Status, TraceContextExt, TraceFlags, TraceState};
use opentelemetry::{Context, KeyValue, Value as OtelValue};
use tta_core::{ActiveSpan, Attribute, SpanHandle, Value};

use super::convert::{RANDOM, span_id, trace_id, trace_state};
use super::foreign::parent;

/// Polls with the step's span as the current one of OpenTelemetry on this thread.
#[inline]
pub(crate) fn scope(active: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
    let _attached = if active.context.is_sampled() {
        Some(Context::current_with_span(StepSpan::of(active)).attach())
    } else {
        unrecorded(active).map(Context::attach)
    };
    poll();
}

/// What says that nothing is recorded, unless what is current says so already.
fn unrecorded(active: &ActiveSpan<'_>) -> Option<Context> {
    let trace_id = trace_id(active.context.trace_id());
    Context::map_current(|cx| {
        let span = cx.span();
        let current = span.span_context();
        let says_so =
            current.trace_id() == trace_id && !current.is_sampled() && !span.is_recording();
        (!says_so).then(|| cx.with_remote_span_context(span_context(active, false)))
    })
}

fn span_context(active: &ActiveSpan<'_>, is_sampled: bool) -> SpanContext {
    let ctx = active.context;
    let (is_random, state) = match ctx.outer_parent() {
        Some(outer) => (outer.is_random, trace_state(outer.trace_state.as_deref())),
        None => (true, TraceState::NONE),
    };
    let random = if is_random { RANDOM } else { 0 };
    SpanContext::new(
        trace_id(ctx.trace_id()),
        span_id(active.span_id),
        TraceFlags::new(u8::from(is_sampled) | random),
        false,
        state,
    )
}

/// A step as OpenTelemetry sees it: attributes, events and links reach our record. Its name, its status
/// and its end are the step's own.
#[derive(Debug)]
struct StepSpan {
    span_context: SpanContext,
    step: SpanHandle,
}

impl StepSpan {
    #[inline]
    fn of(active: &ActiveSpan<'_>) -> Self {
        Self {
            span_context: span_context(active, !active.context.is_held()),
            step: active.handle(),
        }
    }
}

impl Span for StepSpan {
    fn add_event_with_timestamp<T>(&mut self, name: T, _at: SystemTime, attributes: Vec<KeyValue>)
    where
        T: Into<Cow<'static, str>>,
    {
        let attributes = attributes
            .into_iter()
            .map(|pair| Attribute::new(String::from(pair.key), value(pair.value)))
            .collect();
        self.step.event(name, attributes);
    }

    fn span_context(&self) -> &SpanContext {
        &self.span_context
    }

    fn is_recording(&self) -> bool {
        true
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.step
            .set_attribute(String::from(attribute.key), value(attribute.value));
    }

    fn set_status(&mut self, _status: Status) {}

    fn update_name<T>(&mut self, _name: T)
    where
        T: Into<Cow<'static, str>>,
    {
    }

    fn add_link(&mut self, to: SpanContext, _attributes: Vec<KeyValue>) {
        if let Some(to) = parent(&to) {
            self.step.add_link(to);
        }
    }

    fn end_with_timestamp(&mut self, _at: SystemTime) {}
}

fn value(value: OtelValue) -> Value {
    match value {
        OtelValue::Bool(value) => Value::from(value),
        OtelValue::I64(value) => Value::from(value),
        OtelValue::F64(value) => Value::from(value),
        other => Value::from(other.to_string()),
    }
}
