//! Rows of the table of faults that concern every primitive there is.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

mod clock;
mod dropped;
mod panicking;

use tokio::sync::Mutex;
use tta::{SampleValue, registry};

/// The gauges are those of the process, so that these tests take turns.
static TURN: Mutex<()> = Mutex::const_new(());

/// How many executions and workflows of this process the gauges say are running.
fn in_flight() -> f64 {
    registry()
        .gather()
        .iter()
        .filter(|family| GAUGES.contains(&family.spec.name))
        .flat_map(|family| &family.samples)
        .map(|sample| match sample.value {
            SampleValue::Gauge(value) => value.abs(),
            ref other => panic!("{other:?} is no gauge"),
        })
        .sum()
}

const GAUGES: [&str; 2] = ["active_workflows", "primitive_executions_in_flight"];
