//! Which traces are recorded, as it is set.

use std::time::Duration;

use super::parse::{self, Parsed};
use super::pick::Picker;
use super::{Origin, Sampler, sampling_spec, spec};

/// Which traces are recorded.
#[derive(Clone, Debug)]
pub(crate) struct Sampling {
    pub(crate) sampler: Sampler,
    /// Those of single workflows, by name.
    pub(crate) workflows: Vec<(String, Sampler)>,
    pub(crate) tail: Option<TailKeep>,
}

/// Which of the others are kept for how they end, and how many are held until then.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TailKeep {
    pub(crate) slow: Duration,
    pub(crate) traces: usize,
    pub(crate) bytes: usize,
}

/// What the program set.
#[derive(Clone, Debug, Default)]
pub(crate) struct SamplingCode {
    pub(crate) sampler: Option<Sampler>,
    pub(crate) workflows: Vec<(String, Sampler)>,
    pub(crate) tail_keep: Option<bool>,
    pub(crate) tail_slow: Option<Duration>,
    pub(crate) tail_traces: Option<usize>,
    pub(crate) tail_bytes: Option<usize>,
}

impl Picker<'_> {
    pub(super) fn sampling(&mut self, code: &SamplingCode) -> Sampling {
        let sampler = self.sampler(code);
        let workflows = self.workflow_samplers(code);
        let is_tail_kept = self.pick(
            &sampling_spec::TAIL_KEEP,
            code.tail_keep,
            parse::boolean,
            || false,
        );
        let slow = self.time(
            &sampling_spec::TAIL_SLOW,
            code.tail_slow,
            Duration::from_secs(5),
        );
        let at_least_one = |count: Option<usize>| count.map(|count| count.max(1));
        let traces = self.pick(
            &sampling_spec::TAIL_TRACES,
            at_least_one(code.tail_traces),
            parse::count,
            || 1_000,
        );
        let bytes = self.pick(
            &sampling_spec::TAIL_BYTES,
            at_least_one(code.tail_bytes),
            parse::count,
            || 8 << 20,
        );
        Sampling {
            sampler,
            workflows,
            tail: is_tail_kept.then_some(TailKeep {
                slow,
                traces,
                bytes,
            }),
        }
    }

    fn sampler(&mut self, code: &SamplingCode) -> Sampler {
        let in_code = code.sampler.map(checked);
        let sampler = self.pick(&spec::SAMPLER, in_code, named, || {
            Sampler::ParentBasedAlwaysOn
        });
        let argument = match in_code {
            Some(Sampler::Ratio(share) | Sampler::ParentBasedRatio(share)) => Some(share),
            Some(Sampler::RateLimited(rate) | Sampler::ParentBasedRateLimited(rate)) => Some(rate),
            _ => None,
        };
        let is_limited = matches!(
            sampler,
            Sampler::RateLimited(_) | Sampler::ParentBasedRateLimited(_)
        );
        let (parse, default): (fn(&str) -> Parsed<f64>, f64) = if is_limited {
            (parse::rate, DEFAULT_RATE)
        } else {
            (parse::ratio, 1.0)
        };
        let argument = self.pick(&spec::SAMPLER_ARG, argument, parse, || default);
        match sampler {
            Sampler::Ratio(_) => Sampler::Ratio(argument),
            Sampler::ParentBasedRatio(_) => Sampler::ParentBasedRatio(argument),
            Sampler::RateLimited(_) => Sampler::RateLimited(argument),
            Sampler::ParentBasedRateLimited(_) => Sampler::ParentBasedRateLimited(argument),
            other => other,
        }
    }

    /// Those of the environment, and on top of them those of the program.
    fn workflow_samplers(&mut self, code: &SamplingCode) -> Vec<(String, Sampler)> {
        let found = self.found(&sampling_spec::WORKFLOW_SAMPLERS, workflow_shares);
        let mut origin = Origin::Default;
        let mut samplers = Vec::new();
        if let Some((given, variable)) = found {
            samplers = given;
            origin = Origin::Environment(variable);
        }
        if !code.workflows.is_empty() {
            samplers.retain(|(name, _)| !code.workflows.iter().any(|(other, _)| other == name));
            samplers.extend(code.workflows.iter().cloned());
            origin = Origin::Code;
        }
        for (_, sampler) in &mut samplers {
            *sampler = checked(*sampler);
        }
        let shown: Vec<_> = samplers
            .iter()
            .map(|(name, sampler)| format!("{name}={}", in_short(*sampler)))
            .collect();
        self.show(&sampling_spec::WORKFLOW_SAMPLERS, shown.join(","), origin);
        samplers
    }
}

/// A share that is none is taken as the nearer end, and no number as all.
fn checked(sampler: Sampler) -> Sampler {
    let share = |share: f64| {
        if share.is_nan() {
            1.0
        } else {
            share.clamp(0.0, 1.0)
        }
    };
    match sampler {
        Sampler::Ratio(ratio) => Sampler::Ratio(share(ratio)),
        Sampler::ParentBasedRatio(ratio) => Sampler::ParentBasedRatio(share(ratio)),
        other => other,
    }
}

/// A sampler by its name, still without its argument.
fn named(text: &str) -> Parsed<Sampler> {
    match text.to_ascii_lowercase().as_str() {
        "always_on" => Ok(Sampler::AlwaysOn),
        "always_off" => Ok(Sampler::AlwaysOff),
        "traceidratio" => Ok(Sampler::Ratio(1.0)),
        "ratelimited" => Ok(Sampler::RateLimited(DEFAULT_RATE)),
        "parentbased_always_on" => Ok(Sampler::ParentBasedAlwaysOn),
        "parentbased_always_off" => Ok(Sampler::ParentBasedAlwaysOff),
        "parentbased_traceidratio" => Ok(Sampler::ParentBasedRatio(1.0)),
        "parentbased_ratelimited" => Ok(Sampler::ParentBasedRateLimited(DEFAULT_RATE)),
        _ => Err("one of the eight samplers"),
    }
}

/// `name=share` pairs.
fn workflow_shares(text: &str) -> Parsed<Vec<(String, Sampler)>> {
    const WANTED: &str = "a list of name=share pairs, where a share is a number from 0 to 1, \
                          always_on or always_off";
    let pairs = parse::pairs(text).map_err(|_| WANTED)?;
    let sampler = |share: &str| match share {
        "always_on" => Ok(Sampler::AlwaysOn),
        "always_off" => Ok(Sampler::AlwaysOff),
        share => parse::ratio(share).map(Sampler::Ratio).map_err(|_| WANTED),
    };
    let pairs = pairs.into_iter();
    pairs
        .map(|(name, share)| Ok((name, sampler(&share)?)))
        .collect()
}

fn in_short(sampler: Sampler) -> String {
    match sampler {
        Sampler::Ratio(share) | Sampler::ParentBasedRatio(share) => share.to_string(),
        Sampler::RateLimited(rate) | Sampler::ParentBasedRateLimited(rate) => {
            format!("{rate}/s")
        }
        other => other.to_string(),
    }
}

/// Traces a second.
const DEFAULT_RATE: f64 = 100.0;
