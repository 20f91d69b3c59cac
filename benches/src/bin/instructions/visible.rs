//! Steps whose spans OpenTelemetry and `tracing` see as the current one.

use tta_benches::Application;

use crate::steps;

/// A step of a trace that is not sampled, below a workflow that other libraries are shown.
pub(crate) fn unsampled(rounds: usize, operations: usize) {
    measure(rounds, operations, false);
}

/// A step of a sampled trace with four attributes, which other libraries are shown.
pub(crate) fn sampled(rounds: usize, operations: usize) {
    measure(rounds, operations, true);
}

fn measure(rounds: usize, operations: usize, sampled: bool) {
    let application = Application::start();
    let recorder = application.recorder(sampled, true);
    steps::one_after_the_other(rounds, operations, &recorder);
}
