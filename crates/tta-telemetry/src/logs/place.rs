//! Where a line belongs: which trace, which span, which correlation.

use std::cell::RefCell;

use tta_core::{WorkflowContext, with_current};

use super::escape::{Capped, hex_digit};

/// Appends the ids of the workflow and the innermost span around the caller, where there are any.
pub(super) fn push(out: &mut Vec<u8>) {
    let named = NAMED.try_with(|named| {
        let named = named.try_borrow().ok()?;
        // The span of a record's own context is the right one, whatever else is active meanwhile.
        named.as_ref().map(|ctx| push_workflow(out, ctx, own(ctx)))
    });
    if matches!(named, Ok(Some(()))) {
        return;
    }
    let ambient = ambient();
    let here = with_current(|ctx| {
        // A span of somebody else is inside the step, unless it is the one around the workflow.
        let outer = ctx.outer_parent().map(|parent| parent.span_id.to_u64());
        let inner = ambient.filter(|&(_, span)| Some(span) != outer);
        push_workflow(out, ctx, inner.unwrap_or_else(|| own(ctx)));
    });
    if let (None, Some(ids)) = (here, ambient) {
        push_ids(out, ids);
    }
}

/// Calls `f` so that lines inside it belong to this context.
pub(super) fn within<R>(ctx: Option<&WorkflowContext>, f: impl FnOnce() -> R) -> R {
    let Some(ctx) = ctx else {
        return f();
    };
    let before = exchange(Some(ctx.clone()));
    let result = f();
    exchange(before);
    result
}

fn exchange(context: Option<WorkflowContext>) -> Option<WorkflowContext> {
    let exchanged = NAMED.try_with(|named| {
        let mut named = named.try_borrow_mut().ok()?;
        std::mem::replace(&mut *named, context)
    });
    exchanged.ok().flatten()
}

fn own(ctx: &WorkflowContext) -> (u128, u64) {
    (ctx.trace_id().to_u128(), ctx.span_id().to_u64())
}

/// The active span of OpenTelemetry, which those of `tracing` are too where they are connected.
#[cfg(feature = "otlp")]
fn ambient() -> Option<(u128, u64)> {
    use opentelemetry::trace::TraceContextExt as _;

    opentelemetry::Context::map_current(|cx| {
        let span = cx.span();
        let span = span.span_context();
        let ids = (
            u128::from_be_bytes(span.trace_id().to_bytes()),
            u64::from_be_bytes(span.span_id().to_bytes()),
        );
        span.is_valid().then_some(ids)
    })
}

#[cfg(not(feature = "otlp"))]
fn ambient() -> Option<(u128, u64)> {
    None
}

fn push_workflow(out: &mut Vec<u8>, ctx: &WorkflowContext, ids: (u128, u64)) {
    push_name(out, "correlation_id");
    // At most 128 harmless characters, by the rules for what comes from outside.
    let mut text = Capped::new(out, CORRELATION_LIMIT, true);
    text.push(ctx.correlation_id());
    text.finish();
    push_end(out);
    push_ids(out, ids);
}

fn push_ids(out: &mut Vec<u8>, (trace, span): (u128, u64)) {
    if trace != 0 {
        push_name(out, "trace_id");
        #[expect(clippy::cast_possible_truncation, reason = "one half after the other")]
        let (high, low) = ((trace >> 64) as u64, trace as u64);
        push_hex(out, high);
        push_hex(out, low);
        push_end(out);
    }
    if trace != 0 && span != 0 {
        push_name(out, "span_id");
        push_hex(out, span);
        push_end(out);
    }
}

fn push_name(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b",\"");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\":\"");
}

fn push_end(out: &mut Vec<u8>) {
    out.push(b'"');
}

fn push_hex(out: &mut Vec<u8>, bits: u64) {
    let mut digits = [0; 16];
    let mut rest = bits;
    for digit in digits.iter_mut().rev() {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "the lowest four bits are meant"
        )]
        let low = rest as u32;
        *digit = hex_digit(low);
        rest >>= 4;
    }
    out.extend_from_slice(&digits);
}

const CORRELATION_LIMIT: usize = 160;

thread_local! {
    /// The context of the record that is being emitted.
    static NAMED: RefCell<Option<WorkflowContext>> = const { RefCell::new(None) };
}
