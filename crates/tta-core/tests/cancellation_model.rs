//! The cancellation signal, with every order in which two threads can run it.

#[path = "../src/context/cancellation/signal.rs"]
mod signal;

/// Loom's in the place of the standard library's.
mod sync {
    pub(super) use loom::sync::atomic::AtomicBool;
    pub(super) use loom::sync::{Mutex, MutexGuard};
}

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use loom::future::block_on;
use loom::thread;

use self::signal::{Listening, Signal};

#[test]
fn a_signal_raised_while_somebody_begins_to_wait_is_never_missed() {
    loom::model(|| {
        let signal = Arc::new(Signal::inside(None));
        let raising = thread::spawn({
            let signal = Arc::clone(&signal);
            move || signal.cancel()
        });
        // Missed, it would wait for ever, which loom reports as a deadlock.
        let mut listening = Listening::new(Arc::clone(&signal));
        block_on(poll_fn(|cx| listening.poll(cx)));
        assert!(signal.is_cancelled());
        assert!(raising.join().is_ok());
    });
}

#[test]
fn an_outer_signal_raised_while_somebody_begins_to_wait_inside_is_never_missed() {
    loom::model(|| {
        let outer = Arc::new(Signal::inside(None));
        let inner = Arc::new(Signal::inside(Some(Arc::clone(&outer))));
        let raising = thread::spawn(move || outer.cancel());
        let mut listening = Listening::new(Arc::clone(&inner));
        block_on(poll_fn(|cx| listening.poll(cx)));
        assert!(inner.is_cancelled());
        assert!(raising.join().is_ok());
    });
}

#[test]
fn who_moves_to_another_task_while_the_signal_is_raised_is_woken_there() {
    loom::model(|| {
        let signal = Arc::new(Signal::inside(None));
        let mut listening = Listening::new(Arc::clone(&signal));
        // The first task is never polled again.
        let mut first = Context::from_waker(Waker::noop());
        let is_pending = listening.poll(&mut first) == Poll::Pending;
        assert!(is_pending);
        let raising = thread::spawn(move || signal.cancel());
        block_on(poll_fn(|cx| listening.poll(cx)));
        assert!(raising.join().is_ok());
    });
}

#[test]
fn who_leaves_while_the_signal_is_raised_leaves_nothing_behind() {
    loom::model(|| {
        let signal = Arc::new(Signal::inside(None));
        let woken = Arc::new(Wakes);
        let waker = Waker::from(Arc::clone(&woken));
        let mut listening = Listening::new(Arc::clone(&signal));
        let is_pending = listening.poll(&mut Context::from_waker(&waker)) == Poll::Pending;
        assert!(is_pending);
        drop(waker);
        let leaving = thread::spawn(move || drop(listening));
        signal.cancel();
        assert!(leaving.join().is_ok());
        assert_eq!(Arc::strong_count(&woken), 1);
    });
}

struct Wakes;

impl std::task::Wake for Wakes {
    fn wake(self: Arc<Self>) {}
}
