//! What this thread has recorded of the workflow that is being polled on it.
//!
//! A lock of the workflow's own buffer costs two locked instructions, and a sampled step would take it
//! twice. So what is recorded in a poll is noted here, where it needs none, and goes to the buffer
//! when the poll of the workflow returns: before anybody else can poll it, and before its last handle
//! is gone.
//!
//! The order of attributes holds between threads all the same. Whoever sets one of a workflow that
//! other threads hold something of marks the workflow, and puts it into a list of its own. From then
//! on everybody takes the lock and adds to that list; what the threads have held since before the mark
//! is put in front of it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::WorkflowContext;
use super::current::{is_polled_here, workflow};
use crate::identity::SpanId;
use crate::record::{Attribute, Notes, SpanNote};

/// How a workflow stands to the threads that record of it without its lock.
#[derive(Default)]
pub(super) struct Scratches {
    /// Threads that hold something.
    holders: AtomicUsize,
    /// Whether everybody takes the lock until nobody holds anything.
    is_marked: AtomicBool,
}

impl Scratches {
    /// Whether an attribute that is being added under the lock belongs behind what threads hold; they
    /// take the lock themselves from now on.
    ///
    /// What another thread has set so that this one could know is held, and counted, by now; what is
    /// set at this very moment may stand on either side.
    pub(super) fn mark(&self) -> bool {
        let is_held = self.holders.load(Ordering::Relaxed) > 0;
        if is_held {
            self.is_marked.store(true, Ordering::Relaxed);
        }
        is_held
    }

    /// Called under the lock by a thread that holds nothing any more; tells whether it was the last.
    fn release(&self) -> bool {
        let is_last = self.holders.fetch_sub(1, Ordering::Relaxed) == 1;
        if is_last {
            self.is_marked.store(false, Ordering::Relaxed);
        }
        is_last
    }
}

/// Records attributes, which are left empty.
#[inline(always)]
#[expect(
    clippy::inline_always,
    reason = "so that attributes are made where they are kept"
)]
pub(super) fn note_attributes(ctx: &WorkflowContext, span: SpanId, attributes: &mut [Attribute]) {
    let may_hold = may_hold(ctx);
    let count = attributes.len();
    // No closure, which would be too large for the compiler to put into the step that sets something.
    let mut is_much = None;
    if let Some(held) = held()
        && let Ok(mut held) = held.try_borrow_mut()
    {
        is_much = Some(held.push_attributes(span, attributes));
    }
    // Noted in any case and moved on afterwards: attributes that were taken elsewhere instead would
    // have to be in a place of their own, and could not be made in that of their notes.
    if !may_hold || is_much != Some(false) {
        move_on(ctx, count, may_hold, is_much.is_some());
    }
}

/// Records a finished span, if it need not be taken elsewhere.
#[inline]
pub(super) fn note_span(ctx: &WorkflowContext, span: SpanNote) -> bool {
    if !may_hold(ctx) {
        return false;
    }
    let is_much = with_held(|held| held.push_span(span));
    if is_much == Some(true) {
        flush_held(ctx);
    }
    is_much.is_some()
}

/// Whether this thread may hold something of the workflow, without the lock.
#[inline]
fn may_hold(ctx: &WorkflowContext) -> bool {
    is_polled_here(ctx)
        && !ctx.shared.scratches.is_marked.load(Ordering::Relaxed)
        && (HOLDER.get() == workflow(ctx) || claim(ctx))
}

/// Makes this thread a holder, unless it holds something of another workflow or is ending: what is
/// claimed has to be released by a [flush](flush_held).
#[cold]
fn claim(ctx: &WorkflowContext) -> bool {
    let is_free = HOLDER.get() == 0 && held().is_some();
    if is_free {
        HOLDER.set(workflow(ctx));
        ctx.shared.scratches.holders.fetch_add(1, Ordering::Relaxed);
    }
    is_free
}

/// Takes the attributes elsewhere that have just been noted: they are many, or this thread may not hold
/// any, or could not even note them because it is ending.
#[cold]
fn move_on(ctx: &WorkflowContext, count: usize, may_hold: bool, were_noted: bool) {
    if may_hold && were_noted {
        return flush_held(ctx);
    }
    let mut buffer = ctx.buffer();
    let is_late = ctx.shared.scratches.mark();
    let moved = with_held(|held| buffer.push_attributes(is_late, &mut held.last_attributes(count)));
    if moved.is_none() || !were_noted {
        buffer.lose_attributes(count);
    }
}

/// Puts what this thread holds of the workflow into its buffer.
#[inline]
pub(super) fn flush(ctx: &WorkflowContext) {
    if HOLDER.get() == workflow(ctx) {
        flush_held(ctx);
    }
}

#[inline(never)]
fn flush_held(ctx: &WorkflowContext) {
    HOLDER.set(0);
    let is_much = with_held(|held| {
        if !ctx.is_sampled() {
            // It was switched off meanwhile.
            held.clear();
        }
        let mut buffer = ctx.buffer();
        let is_much = buffer.absorb(held);
        if ctx.shared.scratches.release() {
            buffer.settle();
        }
        is_much
    });
    if is_much == Some(true) {
        ctx.hand_over(SpanId::INVALID, false);
    }
}

/// Calls `f` with what this thread holds, unless the thread is ending.
#[inline]
fn with_held<R>(f: impl FnOnce(&mut Notes) -> R) -> Option<R> {
    let held = held()?;
    let mut held = held.try_borrow_mut().ok()?;
    Some(f(&mut held))
}

/// What this thread holds: counted and not only lent, so that it needs no closure to be added to.
#[inline]
fn held() -> Option<Rc<RefCell<Notes>>> {
    HELD.try_with(Rc::clone).ok()
}

// The address of the workflow that something is held of, and what. Apart, since the first is asked
// for by every poll of a workflow, and has no destructor.
thread_local! {
    static HOLDER: Cell<usize> = const { Cell::new(0) };
    static HELD: Rc<RefCell<Notes>> = Rc::default();
}
