//! When a provider is down.

use std::ops::Range;
use std::time::Duration;

use rand::RngExt;

use crate::random;

/// When the provider of the model `name` is down, in a run of this length: once, somewhere in the
/// middle, for a while.
///
/// A request meets the outage if it is asked within it, at whatever time its calls are made, so
/// that who meets it follows from the seed and not from the machine's pace.
pub fn draw(seed: u64, name: &str, run: Duration) -> Range<Duration> {
    let down = run.mul_f64(SHARE_OF_RUN).min(LONGEST);
    let place: f64 = random::stream(seed, &format!("{name} outage"), 0).random_range(0.2..0.8);
    let begins = run.mul_f64(place);
    begins..begins.saturating_add(down)
}

const SHARE_OF_RUN: f64 = 0.06;
const LONGEST: Duration = Duration::from_mins(1);
