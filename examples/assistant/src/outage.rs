//! When a provider is down.

use std::ops::Range;
use std::time::Duration;

use rand::RngExt;

use crate::profile::Tier;
use crate::random;

/// When the provider of a model is down, in a run of this length: once for a while, the cheap one's
/// early and the premium one's late, so that there is one to turn to.
///
/// A request meets the outage if it is asked within it, at whatever time its calls are made, so
/// that who meets it follows from the seed and not from the machine's pace.
pub fn draw(seed: u64, tier: Tier, run: Duration) -> Range<Duration> {
    let down = run.mul_f64(SHARE_OF_RUN).min(LONGEST);
    let (purpose, earliest) = match tier {
        Tier::Cheap => ("cheap outage", 0.10),
        Tier::Premium => ("premium outage", 0.60),
    };
    let place = earliest..earliest + 0.15;
    let place: f64 = random::stream(seed, purpose, 0).random_range(place);
    let begins = run.mul_f64(place);
    begins..begins.saturating_add(down)
}

const SHARE_OF_RUN: f64 = 0.06;
const LONGEST: Duration = Duration::from_mins(1);
