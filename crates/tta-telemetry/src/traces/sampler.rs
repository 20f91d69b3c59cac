//! Which traces are recorded.

use tta_core::{Parent, TraceId};

use crate::settings::Sampler;

/// A sampler, ready to decide.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decision {
    follows_parent: bool,
    root: Root,
}

#[derive(Clone, Copy, Debug)]
enum Root {
    All,
    None,
    /// Traces whose lower 63 random bits are below this.
    Below(u64),
}

impl Decision {
    pub(crate) fn of(sampler: Sampler) -> Self {
        let (follows_parent, root) = match sampler {
            Sampler::AlwaysOn => (false, Root::All),
            Sampler::AlwaysOff => (false, Root::None),
            Sampler::Ratio(ratio) => (false, Root::share(ratio)),
            Sampler::ParentBasedAlwaysOn => (true, Root::All),
            Sampler::ParentBasedAlwaysOff => (true, Root::None),
            Sampler::ParentBasedRatio(ratio) => (true, Root::share(ratio)),
        };
        Self {
            follows_parent,
            root,
        }
    }

    /// Whether a trace is recorded.
    pub(crate) fn sample(self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        match (self.follows_parent, parent) {
            (true, Some(parent)) => parent.sampled,
            _ => self.root.sample(trace_id),
        }
    }
}

impl Root {
    fn share(ratio: f64) -> Self {
        if ratio >= 1.0 {
            return Self::All;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share below 1 of 2^63 fits, and one below 0 is taken as 0"
        )]
        let bound = (ratio.max(0.0) * TWO_TO_63) as u64;
        Self::Below(bound)
    }

    /// The same bits and the same bound as the OpenTelemetry SDKs use, so that services agree.
    fn sample(self, trace_id: TraceId) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Below(bound) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the lower half is what is wanted"
                )]
                let low = trace_id.to_u128() as u64;
                low >> 1 < bound
            }
        }
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
