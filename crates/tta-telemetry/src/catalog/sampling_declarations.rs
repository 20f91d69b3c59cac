//! What sampling says about itself.

use tta_core::{MetricSpec, Unit};

/// What was decided about traces when they began.
pub(crate) const SAMPLING_DECISIONS: MetricSpec = MetricSpec::counter(
    "telemetry_sampling_decisions_total",
    Unit::One,
    "Traces by what was decided when they began (sampled, dropped, or held to see how they end) and \
     by whom: the parent, the sampler, or after it the sampler of the workflow.",
)
.labels(&["decision", "by"]);

/// What became of traces that were held.
pub(crate) const TAIL_TRACES: MetricSpec = MetricSpec::counter(
    "telemetry_tail_traces_total",
    Unit::One,
    "Traces that were not sampled and held to see how they end, by outcome: kept for an error, kept \
     for being slow, not_kept, or evicted undecided for want of room.",
)
.labels(&["outcome"]);

/// How many traces are undecided.
pub(crate) const TAIL_HELD_TRACES: MetricSpec = MetricSpec::gauge(
    "telemetry_tail_held_traces",
    Unit::One,
    "Undecided traces of which spans are held.",
);

/// How much room they take.
pub(crate) const TAIL_HELD_BYTES: MetricSpec = MetricSpec::gauge(
    "telemetry_tail_held_bytes",
    Unit::Bytes,
    "About how many bytes the spans of undecided traces take.",
);
