//! Work is told, through its context, that nobody waits for it any longer.

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};

use tta_core::{Cancelled, WorkflowContext, step, with_current};

/// Counts how often it is woken.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A task: what it is polled with, and how often that was woken.
fn task() -> (Arc<Woken>, Waker) {
    let woken = Arc::new(Woken::default());
    (Arc::clone(&woken), Waker::from(woken))
}

fn poll(cancelled: &mut Cancelled, waker: &Waker) -> Poll<()> {
    pin!(cancelled).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_context_that_nobody_can_cancel_is_never_cancelled() {
    let ctx = WorkflowContext::new();
    let (woken, waker) = task();
    assert!(!ctx.is_cancelled());
    assert!(poll(&mut ctx.cancelled(), &waker).is_pending());
    assert_eq!(Arc::strong_count(&woken), 2);
}

#[test]
fn the_context_its_clones_and_its_children_hear_of_it_and_the_one_around_does_not() {
    let outer = WorkflowContext::new();
    let (ctx, canceller) = outer.cancellable();
    let (clone, child) = (ctx.clone(), ctx.child().child());
    let hurried = ctx.with_deadline(ctx.now()).metered();
    let all = [&ctx, &clone, &child, &hurried];
    assert!(all.iter().all(|ctx| !ctx.is_cancelled()));
    canceller.cancel();
    assert!(all.iter().all(|ctx| ctx.is_cancelled()));
    assert!(canceller.is_cancelled());
    assert!(!outer.is_cancelled());
}

#[test]
fn an_outer_signal_cancels_what_lies_inside_and_not_the_other_way_round() {
    let (outer, outer_canceller) = WorkflowContext::new().cancellable();
    let (middle, middle_canceller) = outer.cancellable();
    let (inner, inner_canceller) = middle.cancellable();
    inner_canceller.cancel();
    assert!(inner.is_cancelled() && !middle.is_cancelled() && !outer.is_cancelled());
    outer_canceller.cancel();
    assert!(middle.is_cancelled() && middle_canceller.is_cancelled());
}

#[test]
fn all_who_wait_are_woken_once_by_whichever_signal_comes_first() {
    let (outer, outer_canceller) = WorkflowContext::new().cancellable();
    let (inner, inner_canceller) = outer.cancellable();
    for canceller in [inner_canceller, outer_canceller] {
        let tasks: Vec<_> = (0..5).map(|_| task()).collect();
        let mut waiting: Vec<_> = tasks.iter().map(|_| inner.cancelled()).collect();
        let ready = inner.is_cancelled();
        for (cancelled, (_, waker)) in waiting.iter_mut().zip(&tasks) {
            assert_eq!(poll(cancelled, waker).is_ready(), ready);
            assert_eq!(poll(cancelled, waker).is_ready(), ready, "polled again");
        }
        canceller.cancel();
        canceller.cancel();
        for (cancelled, (woken, waker)) in waiting.iter_mut().zip(&tasks) {
            assert_eq!(woken.0.load(Ordering::SeqCst), usize::from(!ready));
            assert!(poll(cancelled, waker).is_ready());
        }
    }
}

#[test]
fn the_outer_signal_wakes_who_waits_for_the_inner_one() {
    let (outer, canceller) = WorkflowContext::new().cancellable();
    let (inner, _inner_canceller) = outer.cancellable();
    let (woken, waker) = task();
    let mut signal = inner.cancelled();
    assert!(poll(&mut signal, &waker).is_pending());
    canceller.cancel();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
    assert!(poll(&mut signal, &waker).is_ready());
}

#[test]
fn who_is_polled_by_another_task_is_woken_there_and_not_where_it_was() {
    let (ctx, canceller) = WorkflowContext::new().cancellable();
    let ((first, first_waker), (second, second_waker)) = (task(), task());
    let mut signal = ctx.cancelled();
    assert!(poll(&mut signal, &first_waker).is_pending());
    assert!(poll(&mut signal, &second_waker).is_pending());
    canceller.cancel();
    assert_eq!(first.0.load(Ordering::SeqCst), 0);
    assert_eq!(second.0.load(Ordering::SeqCst), 1);
}

#[test]
fn who_waits_no_longer_is_not_woken_and_not_held() {
    let (outer, outer_canceller) = WorkflowContext::new().cancellable();
    let (ctx, canceller) = outer.cancellable();
    let (woken, waker) = task();
    let mut signal = ctx.cancelled();
    assert!(poll(&mut signal, &waker).is_pending());
    assert!(Arc::strong_count(&woken) > 2);
    drop(signal);
    assert_eq!(Arc::strong_count(&woken), 2);
    outer_canceller.cancel();
    canceller.cancel();
    assert_eq!(woken.0.load(Ordering::SeqCst), 0);
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_asleep() {
    struct Panics;
    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic!("the executor is gone");
        }
    }
    let (ctx, canceller) = WorkflowContext::new().cancellable();
    let mut of_panicking = ctx.cancelled();
    assert!(poll(&mut of_panicking, &Waker::from(Arc::new(Panics))).is_pending());
    let (woken, waker) = task();
    let mut signal = ctx.cancelled();
    assert!(poll(&mut signal, &waker).is_pending());
    canceller.cancel();
    assert_eq!(woken.0.load(Ordering::SeqCst), 1);
}

/// The waker's own destructor asks the same signal, which it could not while the list is locked.
#[test]
fn no_lock_is_held_while_a_waker_runs_or_is_dropped() {
    struct Asks(WorkflowContext);
    impl Asks {
        fn ask(&self) {
            let mut again = self.0.cancelled();
            let _ = poll(&mut again, Waker::noop());
        }
    }
    impl Wake for Asks {
        fn wake(self: Arc<Self>) {
            self.ask();
        }
    }
    impl Drop for Asks {
        fn drop(&mut self) {
            self.ask();
        }
    }
    let (ctx, canceller) = WorkflowContext::new().cancellable();
    let mut signal = ctx.cancelled();
    for _ in 0..2 {
        let waker = Waker::from(Arc::new(Asks(ctx.clone())));
        assert!(poll(&mut signal, &waker).is_pending());
    }
    let mut dropped = ctx.cancelled();
    assert!(poll(&mut dropped, &Waker::from(Arc::new(Asks(ctx.clone())))).is_pending());
    drop(dropped);
    canceller.cancel();
    assert!(poll(&mut signal, Waker::noop()).is_ready());
}

#[test]
fn a_hundred_thousand_signals_inside_one_another_run_and_drop_on_a_small_stack() {
    let (outer, canceller) = WorkflowContext::new().cancellable();
    let mut inner = outer.clone();
    for _ in 0..100_000 {
        inner = inner.cancellable().0;
    }
    assert!(!inner.is_cancelled());
    canceller.cancel();
    assert!(inner.is_cancelled());
    drop((outer, canceller));
    drop(inner);
}

#[test]
fn code_that_was_not_handed_the_context_hears_of_the_workflows_signal() {
    let (ctx, canceller) = WorkflowContext::new().cancellable();
    canceller.cancel();
    let flow = step("asks", async |(): ()| {
        Ok(with_current(WorkflowContext::is_cancelled))
    });
    let waker = Waker::noop();
    let run = pin!(flow.execute((), &ctx)).poll(&mut Context::from_waker(waker));
    let Poll::Ready(Ok(heard)) = run else {
        panic!("it does not wait")
    };
    assert_eq!(heard, Some(true));
}

#[test]
fn threads_that_wait_leave_and_cancel_at_once_miss_nothing() {
    for _ in 0..200 {
        let (outer, canceller) = WorkflowContext::new().cancellable();
        let begin = Barrier::new(5);
        std::thread::scope(|scope| {
            for waits in [true, true, false, false] {
                let (ctx, begin) = (&outer, &begin);
                scope.spawn(move || {
                    let (inner, _canceller) = ctx.cancellable();
                    begin.wait();
                    let mut signal = inner.cancelled();
                    let waker = Waker::from(Arc::new(Unparks(std::thread::current())));
                    while poll(&mut signal, &waker).is_pending() {
                        if !waits {
                            return;
                        }
                        std::thread::park();
                    }
                    assert!(inner.is_cancelled());
                });
            }
            begin.wait();
            canceller.cancel();
        });
    }
}

struct Unparks(std::thread::Thread);

impl Wake for Unparks {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
