//! The settings of sampling beyond the sampler itself, as data.

use super::spec::SettingSpec;

pub(crate) const WORKFLOW_SAMPLERS: SettingSpec = SettingSpec::new(
    &["TTA_WORKFLOW_SAMPLERS"],
    "none",
    "with_workflow_sampler",
    "Samplers of single workflows, for traces that begin with them: `name=share` pairs, \
     comma-separated, percent-encoded, where a share is 0 to 1, always_on or always_off.",
);
pub(crate) const TAIL_KEEP: SettingSpec = SettingSpec::new(
    &["TTA_TAIL_KEEP"],
    "false",
    "with_tail_keep",
    "Whether traces that are not sampled are kept all the same when they had an error or were slow.",
);
pub(crate) const TAIL_SLOW: SettingSpec = SettingSpec::new(
    &["TTA_TAIL_SLOW"],
    "5000",
    "with_tail_slow",
    "How long a trace takes at least to be kept for being slow, in milliseconds.",
);
pub(crate) const TAIL_TRACES: SettingSpec = SettingSpec::new(
    &["TTA_TAIL_TRACES"],
    "1000",
    "with_tail_traces",
    "How many undecided traces are held at most; the oldest beyond it are dropped and counted.",
);
pub(crate) const TAIL_BYTES: SettingSpec = SettingSpec::new(
    &["TTA_TAIL_BYTES"],
    "8388608",
    "with_tail_bytes",
    "How many bytes of undecided traces are held at most.",
);
