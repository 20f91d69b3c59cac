//! What a fault cost, as a line that a report can be made of.

use std::fmt::Display;
use std::time::Duration;

/// Says what was measured of one row of the table of faults, and holds it against its goal.
///
/// `part` tells apart the figures of one row; `goal` is the row's own figure, as text, and `met` is
/// whether `measured` reaches it. The line reads `FAULT<tab>row<tab>part<tab>goal<tab>measured<tab>ok`
/// or `…<tab>missed`; `cargo xtask faults` makes its table of them.
///
/// # Panics
///
/// If the goal was not met, so that the test fails.
///
/// # Examples
///
/// ```
/// use tta_testkit::faults;
///
/// let computed = 1;
/// faults::report(46, "10,000 callers of one key", "1 computation", computed, computed == 1);
/// ```
#[track_caller]
pub fn report(row: u8, part: &str, goal: &str, measured: impl Display, met: bool) {
    let verdict = if met { "ok" } else { "missed" };
    println!("FAULT\t{row}\t{part}\t{goal}\t{measured}\t{verdict}");
    assert!(
        met,
        "fault {row}, {part}: the goal is {goal}, measured {measured}"
    );
}

/// The value below which the given share of the durations lies, as in `percentile(&mut all, 0.99)`.
///
/// # Panics
///
/// If there are none.
#[track_caller]
pub fn percentile(durations: &mut [Duration], share: f64) -> Duration {
    durations.sort_unstable();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a slice"
    )]
    let place = (durations.len() as f64 * share) as usize;
    let last = durations.len().saturating_sub(1);
    let Some(found) = durations.get(place.min(last)) else {
        panic!("there are no durations to take a percentile of");
    };
    *found
}
