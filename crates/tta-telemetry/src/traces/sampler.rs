//! Which traces are sampled, decided when they begin.

use std::collections::HashMap;

use tta_core::{Counter, Parent, TraceId, registry};

use super::rate::TokenBucket;
use crate::catalog::SAMPLING_DECISIONS;
use crate::settings::{Sampler, Sampling};

/// The sampler of a process, and those of single workflows.
#[derive(Debug)]
pub(crate) struct Samplers {
    of_all: Decision,
    by_workflow: HashMap<String, Decision>,
    counts: Counts,
}

impl Samplers {
    pub(crate) fn new(sampling: &Sampling) -> Self {
        let of_workflow =
            |(name, sampler): &(String, Sampler)| (name.clone(), Decision::of(*sampler));
        Self {
            of_all: Decision::of(sampling.sampler),
            by_workflow: sampling.workflows.iter().map(of_workflow).collect(),
            counts: Counts::new(sampling.tail.is_some()),
        }
    }

    /// Whether a trace is sampled.
    pub(crate) fn sample(&self, trace_id: TraceId, parent: Option<&Parent>) -> bool {
        let by_parent = self.of_all.parent_decides(parent);
        let is_sampled = by_parent.map_or_else(
            || self.of_all.root.sample(trace_id),
            |parent| parent.sampled,
        );
        // What happens inside a span of this process was decided with that span.
        if parent.is_none_or(|parent| parent.is_remote) {
            let by = if by_parent.is_some() {
                By::Parent
            } else {
                By::Sampler
            };
            self.counts.count(by, is_sampled);
        }
        is_sampled
    }

    /// Whether a trace that begins with this workflow is sampled, where the workflow has a sampler
    /// of its own and no parent has decided.
    pub(crate) fn sample_workflow(
        &self,
        workflow: &str,
        trace_id: TraceId,
        parent: Option<&Parent>,
    ) -> Option<bool> {
        if self.by_workflow.is_empty() || self.of_all.parent_decides(parent).is_some() {
            return None;
        }
        let decision = self.by_workflow.get(workflow)?;
        let is_sampled = decision.root.sample(trace_id);
        self.counts.count(By::Workflow, is_sampled);
        Some(is_sampled)
    }
}

/// A sampler, ready to decide.
#[derive(Debug)]
struct Decision {
    follows_parent: bool,
    root: Root,
}

#[derive(Debug)]
enum Root {
    All,
    None,
    /// Traces whose lower 63 random bits are below this.
    Below(u64),
    /// As many as there are tokens.
    Limited(TokenBucket),
}

impl Decision {
    fn of(sampler: Sampler) -> Self {
        let (follows_parent, root) = match sampler {
            Sampler::AlwaysOn => (false, Root::All),
            Sampler::AlwaysOff => (false, Root::None),
            Sampler::Ratio(ratio) => (false, Root::share(ratio)),
            Sampler::RateLimited(rate) => (false, Root::rate(rate)),
            Sampler::ParentBasedAlwaysOn => (true, Root::All),
            Sampler::ParentBasedAlwaysOff => (true, Root::None),
            Sampler::ParentBasedRatio(ratio) => (true, Root::share(ratio)),
            Sampler::ParentBasedRateLimited(rate) => (true, Root::rate(rate)),
        };
        Self {
            follows_parent,
            root,
        }
    }

    /// The parent, where it is the one that decides.
    fn parent_decides<'p>(&self, parent: Option<&'p Parent>) -> Option<&'p Parent> {
        // A bucket would give another answer for each part of one trace.
        let is_limited = matches!(self.root, Root::Limited(_));
        parent.filter(|parent| self.follows_parent || (is_limited && !parent.is_remote))
    }
}

impl Root {
    fn rate(per_second: f64) -> Self {
        TokenBucket::new(per_second).map_or(Self::None, Self::Limited)
    }

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
    fn sample(&self, trace_id: TraceId) -> bool {
        match self {
            Self::All => true,
            Self::None => false,
            Self::Below(bound) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "the lower half is what is wanted"
                )]
                let low = trace_id.to_u128() as u64;
                low >> 1 < *bound
            }
            Self::Limited(bucket) => bucket.take(),
        }
    }
}

/// Who decided.
#[derive(Clone, Copy)]
enum By {
    Parent,
    Sampler,
    Workflow,
}

/// What was decided, counted.
#[derive(Debug)]
struct Counts {
    sampled: [Counter; 3],
    others: [Counter; 3],
}

impl Counts {
    fn new(is_tail_kept: bool) -> Self {
        let counters = |decision: &str| {
            ["parent", "sampler", "workflow"].map(|by| {
                registry()
                    .counter(&SAMPLING_DECISIONS, &[decision, by])
                    .unwrap_or_else(|_| Counter::detached(SAMPLING_DECISIONS.unit))
            })
        };
        Self {
            sampled: counters("sampled"),
            others: counters(if is_tail_kept { "held" } else { "dropped" }),
        }
    }

    fn count(&self, by: By, is_sampled: bool) {
        let counters = if is_sampled {
            &self.sampled
        } else {
            &self.others
        };
        let [parent, sampler, workflow] = counters;
        match by {
            By::Parent => parent,
            By::Sampler => sampler,
            By::Workflow => workflow,
        }
        .increment();
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;
