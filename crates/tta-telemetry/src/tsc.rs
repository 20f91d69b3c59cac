//! The processor's time stamp counter, as a clock.

use std::sync::LazyLock;

use quanta::Clock;
use tta_core::NanoClock;

/// The counter's clock, compared with the system's if it has not been before.
pub(crate) fn calibrated() -> NanoClock {
    LazyLock::force(&COUNTER);
    nanos
}

fn nanos() -> u64 {
    let Counter { clock, begun } = &*COUNTER;
    clock.delta_as_nanos(*begun, clock.raw())
}

struct Counter {
    clock: Clock,
    /// What it showed when it was calibrated.
    begun: u64,
}

static COUNTER: LazyLock<Counter> = LazyLock::new(|| {
    let clock = Clock::new();
    let begun = clock.raw();
    Counter { clock, begun }
});

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    #[test]
    fn it_goes_on_and_never_back() {
        let clock = calibrated();
        let mut last = clock();
        for _ in 0..100_000 {
            let now = clock();
            assert!(last <= now, "{last} {now}");
            last = now;
        }
    }

    #[test]
    fn it_measures_what_the_systems_clock_measures() {
        let clock = calibrated();
        // Read on both sides of the other, so that a pause between the two readings is seen.
        let read = || {
            let before = Instant::now();
            let nanos = clock();
            (before, nanos, Instant::now())
        };
        let first = read();
        // The comparison at the start is less exact where other work interrupts it.
        std::thread::sleep(Duration::from_millis(50));
        let last = read();
        let measured = Duration::from_nanos(last.1 - first.1);
        let (shortest, longest) = (last.0 - first.2, last.2 - first.0);
        assert!(
            shortest.mul_f64(0.8) <= measured,
            "{measured:?} {shortest:?}"
        );
        assert!(
            measured <= longest.mul_f64(1.25),
            "{measured:?} {longest:?}"
        );
    }
}
