//! Which span is being polled on this thread.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use super::{Shared, WorkflowContext, scratch};
use crate::identity::SpanId;

/// Calls `f` with the context of the workflow that is being polled on this thread, if one is.
///
/// The innermost span is [`span_id`](WorkflowContext::span_id) of that context. This is how code
/// that was not handed a context, such as a logger, finds out where it is.
pub fn with_current<R>(f: impl FnOnce(&WorkflowContext) -> R) -> Option<R> {
    CONTEXT
        .try_with(|context| context.try_borrow().ok()?.as_ref().map(f))
        .ok()
        .flatten()
}

/// The innermost span around the caller, if a step of the context's workflow is being polled.
#[inline]
pub(super) fn span_in(ctx: &WorkflowContext) -> Option<SpanId> {
    is_polled_here(ctx).then(|| SpanId::from_u64(SPAN.get()))
}

/// Whether a step of the context's workflow is being polled on this thread.
#[inline]
pub(super) fn is_polled_here(ctx: &WorkflowContext) -> bool {
    WORKFLOW.get() == workflow(ctx)
}

/// Calls `poll`, which must not panic, with the span as the innermost on this thread.
#[inline]
pub(crate) fn entered<R>(ctx: &WorkflowContext, span: SpanId, poll: impl FnOnce() -> R) -> R {
    let outer_span = SPAN.replace(span.to_u64());
    let outer_workflow = WORKFLOW.replace(workflow(ctx));
    let result = if outer_workflow == workflow(ctx) {
        poll()
    } else {
        // The first span of this workflow on this thread: here, and only here, the whole context is
        // put in reach. The clone costs a reference count once for each poll of the whole task.
        let handle = WorkflowContext {
            shared: Arc::clone(&ctx.shared),
            base: span,
            deadline: ctx.deadline,
            meter: None,
            cancellation: ctx.cancellation.clone(),
        };
        let outer = exchange(Some(handle));
        let result = poll();
        scratch::flush(ctx);
        drop(SPARE.try_with(Cell::take));
        drop(exchange(outer));
        result
    };
    SPAN.set(outer_span);
    WORKFLOW.set(outer_workflow);
    result
}

/// Calls `poll`, which must not panic, with the recorder showing a span of this workflow, recorded or
/// not, to other libraries on this thread.
#[inline]
pub(crate) fn shown_as<R>(ctx: &WorkflowContext, recorded: bool, poll: impl FnOnce() -> R) -> R {
    let outer = UNRECORDED.replace(if recorded { 0 } else { workflow(ctx) });
    let result = poll();
    UNRECORDED.set(outer);
    result
}

/// Whether what other libraries on this thread are shown is a span of this workflow that is not
/// recorded: any other that is not recorded says the same.
#[inline]
pub(super) fn is_shown_unrecorded(ctx: &WorkflowContext) -> bool {
    UNRECORDED.get() == workflow(ctx)
}

/// The workflow's address tells it apart: it cannot be given to another while one is being polled.
#[inline]
pub(super) fn workflow(ctx: &WorkflowContext) -> usize {
    Arc::as_ptr(&ctx.shared).addr()
}

/// A handle to the context's workflow: the one that was [given back](give_back) here, if it is of it.
#[inline]
pub(super) fn handle(ctx: &WorkflowContext) -> Arc<Shared> {
    match SPARE.try_with(Cell::take) {
        Ok(Some(spare)) if Arc::ptr_eq(&spare, &ctx.shared) => spare,
        taken => another_handle(ctx, taken.ok().flatten()),
    }
}

#[cold]
fn another_handle(ctx: &WorkflowContext, taken: Option<Arc<Shared>>) -> Arc<Shared> {
    if taken.is_some() {
        // That of a workflow around this one.
        let _ = SPARE.try_with(|spare| spare.set(taken));
    }
    Arc::clone(&ctx.shared)
}

/// Keeps a handle for whoever wants one next, as counting references costs two locked instructions;
/// for as long as the workflow is being polled here, which holds one itself meanwhile.
#[inline]
pub(super) fn give_back(handle: Arc<Shared>) {
    if WORKFLOW.get() == Arc::as_ptr(&handle).addr() {
        // Whatever was there is dropped, and so is the handle on a thread that is ending.
        let _ = SPARE.try_with(|spare| spare.replace(Some(handle)));
    }
}

fn exchange(context: Option<WorkflowContext>) -> Option<WorkflowContext> {
    CONTEXT
        .try_with(|slot| {
            slot.try_borrow_mut()
                .ok()
                .map(|mut slot| std::mem::replace(&mut *slot, context))
        })
        .ok()
        .flatten()
        .flatten()
}

// Plain cells, read and written by every poll of every step; two of them, so that neither is read
// as a half of what has just been written in words, which a processor is slow at.
thread_local! {
    static WORKFLOW: Cell<usize> = const { Cell::new(0) };
    static SPAN: Cell<u64> = const { Cell::new(0) };
    static UNRECORDED: Cell<usize> = const { Cell::new(0) };
    static SPARE: Cell<Option<Arc<Shared>>> = const { Cell::new(None) };
    static CONTEXT: RefCell<Option<WorkflowContext>> = const { RefCell::new(None) };
}
