//! Making the step that is being polled visible to OpenTelemetry and `tracing`.

use std::borrow::Cow;
use std::time::SystemTime;

use opentelemetry::trace::{Span, SpanContext, Status, TraceContextExt, TraceFlags};
use opentelemetry::{Context, KeyValue, Value as OtelValue};
use tta_core::{ActiveSpan, Attribute, Value, WorkflowContext};

use super::convert::{of_random_trace, span_id, trace_id, trace_state};

/// Polls with the step's span as the current one of OpenTelemetry on this thread.
pub(crate) fn scope(active: &ActiveSpan<'_>, poll: &mut dyn FnMut()) {
    let ctx = active.context;
    let trace_id = trace_id(ctx.trace_id());
    let _attached = if ctx.is_sampled() {
        let span_context = SpanContext::new(
            trace_id,
            span_id(active.span_id),
            if ctx.is_held() {
                TraceFlags::default()
            } else {
                TraceFlags::SAMPLED
            },
            false,
            trace_state(ctx.trace_state().as_deref()),
        );
        let span = StepSpan {
            span_context: if ctx.is_trace_id_random() {
                of_random_trace(&span_context)
            } else {
                span_context
            },
            // A clone remembers the step in which it was made, which is the one being polled.
            context: ctx.clone(),
        };
        Some(Context::map_current(|cx| cx.with_span(span)).attach())
    } else {
        // Whatever span of an unsampled trace is current says the same: record nothing.
        let is_current = Context::map_current(|cx| cx.span().span_context().trace_id() == trace_id);
        (!is_current).then(|| {
            let span_context = SpanContext::new(
                trace_id,
                span_id(active.span_id),
                TraceFlags::default(),
                false,
                trace_state(ctx.trace_state().as_deref()),
            );
            Context::map_current(|cx| cx.with_remote_span_context(span_context)).attach()
        })
    };
    poll();
}

/// A step as OpenTelemetry sees it: attributes and events reach our record. Its name, its status
/// and its end are the step's own.
#[derive(Debug)]
struct StepSpan {
    span_context: SpanContext,
    context: WorkflowContext,
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
        self.context.event(name, attributes);
    }

    fn span_context(&self) -> &SpanContext {
        &self.span_context
    }

    fn is_recording(&self) -> bool {
        true
    }

    fn set_attribute(&mut self, attribute: KeyValue) {
        self.context
            .set_attribute(String::from(attribute.key), value(attribute.value));
    }

    fn set_status(&mut self, _status: Status) {}

    fn update_name<T>(&mut self, _name: T)
    where
        T: Into<Cow<'static, str>>,
    {
    }

    fn add_link(&mut self, _span_context: SpanContext, _attributes: Vec<KeyValue>) {}

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
