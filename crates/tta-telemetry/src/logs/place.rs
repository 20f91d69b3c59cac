//! Where a line belongs: which trace, which span, which correlation.

use std::cell::{Cell, RefCell};

use tta_core::{WorkflowContext, with_current};

use super::escape::Capped;

/// The ids of the line before, as they stand in it. Most lines have the same.
#[derive(Default)]
pub(super) struct Ids {
    trace: u128,
    span: u64,
    correlation: String,
    text: Vec<u8>,
    /// Whether the text is that of these ids.
    is_kept: bool,
}

impl Ids {
    /// Appends the ids of the workflow and the innermost span around the caller, where there are any.
    #[inline]
    pub(super) fn push(&mut self, out: &mut Vec<u8>) {
        if IS_NAMED.get() && self.push_named(out) {
            return;
        }
        let ambient = ambient();
        let here = with_current(|ctx| self.push_around(out, ctx, ambient));
        if let (None, Some(ids)) = (here, ambient) {
            push_ids(out, ids);
        }
    }

    /// Those of a record's own context; false if it has none.
    #[cold]
    fn push_named(&mut self, out: &mut Vec<u8>) -> bool {
        let named = NAMED.try_with(|named| {
            let named = named.try_borrow().ok()?;
            // The span of a record's own context is the right one, whatever else is active meanwhile.
            named
                .as_ref()
                .map(|ctx| self.push_workflow(out, ctx, own(ctx)))
        });
        matches!(named, Ok(Some(())))
    }

    // A call of its own, so that asking whether there is a workflow is none.
    #[inline(never)]
    fn push_around(
        &mut self,
        out: &mut Vec<u8>,
        ctx: &WorkflowContext,
        ambient: Option<(u128, u64)>,
    ) {
        // A span of somebody else is inside the step, unless it is the one around the workflow.
        let inner = ambient.filter(|&(_, span)| {
            let outer = ctx.outer_parent().map(|parent| parent.span_id.to_u64());
            Some(span) != outer
        });
        self.push_workflow(out, ctx, inner.unwrap_or_else(|| own(ctx)));
    }

    fn push_workflow(&mut self, out: &mut Vec<u8>, ctx: &WorkflowContext, ids: (u128, u64)) {
        let correlation = ctx.correlation_id();
        let is_same =
            self.is_kept && (self.trace, self.span) == ids && self.correlation == correlation;
        if !is_same {
            self.keep(correlation, ids);
        }
        out.extend_from_slice(&self.text);
    }

    #[inline(never)]
    fn keep(&mut self, correlation: &str, ids: (u128, u64)) {
        (self.trace, self.span) = ids;
        self.correlation.clear();
        // Of a longer one only the beginning is shown, and nothing is to be kept.
        self.is_kept = correlation.len() <= CORRELATION_LIMIT;
        if self.is_kept {
            self.correlation.push_str(correlation);
        }
        self.text.clear();
        push_correlation(&mut self.text, correlation);
        push_ids(&mut self.text, ids);
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
        IS_NAMED.set(context.is_some());
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

fn push_correlation(out: &mut Vec<u8>, correlation: &str) {
    push_name(out, "correlation_id");
    // At most 128 harmless characters, by the rules for what comes from outside.
    let mut text = Capped::new(out, CORRELATION_LIMIT, true);
    text.push(correlation);
    text.finish();
    push_end(out);
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
    let [high, low] = [bits >> 32, bits & 0xffff_ffff].map(eight_hex_digits);
    out.extend_from_slice(&high.to_be_bytes());
    out.extend_from_slice(&low.to_be_bytes());
}

/// The digits of 32 bits, the first one in the highest byte: parted in halves side by side in one
/// word.
fn eight_hex_digits(bits: u64) -> u64 {
    let bits = (bits | bits << 16) & 0x0000_ffff_0000_ffff;
    let bits = (bits | bits << 8) & 0x00ff_00ff_00ff_00ff;
    let bits = (bits | bits << 4) & 0x0f0f_0f0f_0f0f_0f0f;
    // A one where the digit is a letter.
    let letters = ((bits + ONES * 6) >> 4) & ONES;
    bits + ONES * u64::from(b'0') + letters * u64::from(b'a' - b'9' - 1)
}

/// A one in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;

const CORRELATION_LIMIT: usize = 160;

thread_local! {
    /// The context of the record that is being emitted.
    static NAMED: RefCell<Option<WorkflowContext>> = const { RefCell::new(None) };
    /// Whether there is one: asked for every line, and of a cell that is as good as none.
    static IS_NAMED: Cell<bool> = const { Cell::new(false) };
}
