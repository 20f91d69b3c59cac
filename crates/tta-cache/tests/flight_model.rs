//! All schedules of one computation a key, as far as loom tells them apart.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

mod sync {
    pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
}

#[path = "../src/flight.rs"]
#[expect(dead_code, reason = "the model calls what schedules decide")]
mod flight;

use loom::future::block_on;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use self::flight::{Ended, Flights, Joined};
use self::sync::{Arc, Mutex};

type Stored = Arc<Mutex<Option<u32>>>;

/// One caller: looks, joins, computes if it leads, and is gone without a word if it is to be.
fn call(
    flights: &Flights<u8, u32>,
    stored: &Stored,
    computed: &AtomicUsize,
    gives_up: bool,
) -> Option<u32> {
    loop {
        let look = || *stored.lock().unwrap();
        if let Some(value) = look() {
            return Some(value);
        }
        match flights.join(0, look) {
            Joined::Found(value) => return Some(value),
            Joined::Lead(lead) => {
                if gives_up {
                    return None;
                }
                computed.fetch_add(1, Ordering::Relaxed);
                lead.land(7, |_| stored.lock().unwrap().replace(7).or(Some(7)));
                return Some(7);
            }
            Joined::Follow(follower) => match block_on(follower) {
                Ended::With(value) => return Some(value),
                Ended::Abandoned | Ended::Panicked => {}
            },
        }
    }
}

fn model(callers: [bool; 3], expected: usize) {
    let mut limits = loom::model::Builder::new();
    limits.preemption_bound = Some(2);
    limits.check(move || {
        let flights = Flights::new(1);
        let stored = Stored::default();
        let computed = Arc::new(AtomicUsize::new(0));
        let [first, others @ ..] = callers;
        let threads = others.map(|gives_up| {
            let (flights, stored, computed) = (flights.clone(), stored.clone(), computed.clone());
            thread::spawn(move || call(&flights, &stored, &computed, gives_up))
        });
        let mut answers = vec![call(&flights, &stored, &computed, first)];
        answers.extend(threads.map(|it| it.join().unwrap()));
        for (answer, gives_up) in answers.into_iter().zip(callers) {
            assert!(answer == Some(7) || gives_up);
        }
        assert_eq!(computed.load(Ordering::Relaxed), expected);
    });
}

#[test]
fn three_callers_compute_once() {
    model([false, false, false], 1);
}

#[test]
fn a_leader_that_is_gone_is_replaced_and_nobody_waits_for_ever() {
    model([true, false, false], 1);
}

#[test]
fn what_is_invalidated_while_it_is_computed_is_not_stored() {
    loom::model(|| {
        let flights: Flights<u8, u32> = Flights::new(1);
        let stored = Stored::default();
        let old = Arc::new(AtomicUsize::new(0));
        let Joined::Lead(lead) = flights.join(0, || None::<()>) else {
            panic!("nobody else is here");
        };
        let invalidating = {
            let (flights, stored, old) = (flights.clone(), stored.clone(), old.clone());
            thread::spawn(move || {
                flights.spoil(0, || *stored.lock().unwrap() = None);
                // From here on the old value must not be seen.
                old.store(1, Ordering::SeqCst);
                *stored.lock().unwrap()
            })
        };
        lead.land(7, |_| stored.lock().unwrap().replace(7).or(Some(7)));
        let _ = lead.finish();
        assert_eq!(invalidating.join().unwrap(), None);
        assert_eq!(*stored.lock().unwrap(), None);
    });
}

#[test]
fn a_follower_that_is_dropped_disturbs_nobody() {
    loom::model(|| {
        let flights: Flights<u8, u32> = Flights::new(1);
        let Joined::Lead(lead) = flights.join(0, || None::<()>) else {
            panic!("nobody else is here");
        };
        let (waits, leaves) = (
            flights.join(0, || None::<()>),
            flights.join(0, || None::<()>),
        );
        let (Joined::Follow(waits), Joined::Follow(mut leaves)) = (waits, leaves) else {
            panic!("somebody computes");
        };
        let leaving = thread::spawn(move || {
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = std::pin::Pin::new(&mut leaves).poll(&mut cx);
        });
        let waiting = thread::spawn(move || block_on(waits));
        lead.land(7, |_| Some(()));
        assert_eq!(waiting.join().unwrap(), Ended::With(7));
        leaving.join().unwrap();
    });
}
