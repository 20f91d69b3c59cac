//! The same requests under other policies: what each would have cost, and how right it would be.
//!
//! A policy is not run again but reckoned: which computations there are follows from the arrivals
//! and the cache alone, and what each costs and whether it is right follows from the model. So every
//! policy meets the same questions at the same times with the same hits, and no policy is lucky.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use rand::seq::SliceRandom;

use crate::model::Model;
use crate::money::NanoUsd;
use crate::profile::Tier;
use crate::random;
use crate::verifier;
use crate::workload::Request;
use crate::world::World;

/// The computations of a run: what is left of its requests behind the cache.
#[derive(Clone, Debug)]
pub struct Replay {
    computations: Vec<Computation>,
    requests: u64,
    seed: u64,
}

/// One question that had to be computed, and both ways of doing it.
#[derive(Clone, Debug)]
struct Computation {
    request: Request,
    /// How many requests it answered, the first included.
    served: u64,
    cheap: Offer,
    premium: Offer,
    is_suspect: bool,
    /// Whether the cheap answer passes the verifier; none if there is nothing to judge.
    is_accepted: Option<bool>,
}

/// What one model does with a question.
#[derive(Clone, Copy, Debug)]
struct Offer {
    cost: NanoUsd,
    rightness: Option<f64>,
}

/// What a policy came to over all computations.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Outcome {
    /// Computations.
    pub computations: u64,
    /// Computations whose answer the premium model gave.
    pub premium: f64,
    /// What the answers that were given cost.
    pub used: f64,
    /// What was paid for calls whose answer was not given.
    pub wasted: f64,
    /// Requests, and how right their answers were, where that is known.
    pub quality: Quality,
    /// The same without what is suspect.
    pub without_suspect: Quality,
}

/// How right a number of answers is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Quality {
    /// Answers of which it is known how right they are.
    pub judged: f64,
    /// The sum of how right they are, 1 for each that is right.
    pub right: f64,
}

/// What chance came to at a given share: the expectation, and how far seeds lie apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Chance {
    /// The expectation over all ways to choose so many computations.
    pub expected: Outcome,
    /// The standard deviation of the share of right answers over [`SEEDS`] seeds.
    pub spread: f64,
}

impl Replay {
    /// Finds the computations of `requests`, which come in the order of time, behind a cache whose
    /// answers stay good for `freshness`.
    pub fn of(
        requests: impl Iterator<Item = Request>,
        models: [&Model; 2],
        freshness: Duration,
        seed: u64,
    ) -> Self {
        let world = World::new(seed);
        let mut computations: Vec<Computation> = Vec::new();
        let mut latest: HashMap<Arc<str>, usize> = HashMap::new();
        let mut total = 0;
        for request in requests {
            total += 1;
            let known = latest.get(&request.question.prompt).copied();
            if let Some(known) = known.and_then(|place| computations.get_mut(place))
                && request.at.saturating_sub(known.request.at) < freshness
            {
                known.served += 1;
                continue;
            }
            latest.insert(Arc::clone(&request.question.prompt), computations.len());
            let [cheap, premium] = models.map(|model| Offer {
                cost: model.answer(&request).cost,
                rightness: world.rightness(&request.question, model.tier()),
            });
            let is_accepted = verifier::can_judge(&request.question)
                .then(|| verifier::accepts(&models[0].answer(&request)));
            computations.push(Computation {
                served: 1,
                cheap,
                premium,
                is_suspect: request.question.verdict.is_some_and(|it| it.is_suspect),
                is_accepted,
                request,
            });
        }
        Self {
            computations,
            requests: total,
            seed,
        }
    }

    /// How many requests there are.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// The requests that have to be computed.
    pub fn computed(&self) -> impl ExactSizeIterator<Item = &Request> {
        self.computations.iter().map(|it| &it.request)
    }

    /// The share of requests whose answer comes from the cache.
    pub fn hit_rate(&self) -> f64 {
        1.0 - self.computations.len() as f64 / (self.requests as f64).max(1.0)
    }

    /// One model for all.
    pub fn always(&self, tier: Tier) -> Outcome {
        self.sum(|_| (f64::from(u8::from(tier == Tier::Premium)), NanoUsd(0)))
    }

    /// The model that `choices` has for each of the [computations](Self::computed).
    pub fn chosen(&self, choices: &[Tier]) -> Outcome {
        self.sum(|place| {
            let premium = choices.get(place) == Some(&Tier::Premium);
            (f64::from(u8::from(premium)), NanoUsd(0))
        })
    }

    /// The cheap model first, and the premium one where the verifier does not accept its answer.
    /// None if there is a question whose cheap answer cannot be judged.
    pub fn cascade(&self) -> Option<Outcome> {
        let accepted: Option<Vec<bool>> =
            self.computations.iter().map(|it| it.is_accepted).collect();
        let accepted = accepted?;
        Some(self.sum(|place| {
            let wasted = |computation: &Computation| computation.cheap.cost;
            match accepted.get(place) {
                Some(true) => (0.0, NanoUsd(0)),
                _ => (1.0, self.computations.get(place).map_or(NanoUsd(0), wasted)),
            }
        }))
    }

    /// So many computations to the premium model, whichever.
    pub fn chance(&self, premium: u64) -> Chance {
        let all = self.computations.len();
        let share = premium as f64 / (all as f64).max(1.0);
        let expected = self.sum(|_| (share, NanoUsd(0)));
        let premium = usize::try_from(premium).unwrap_or(all).min(all);
        let mut choices: Vec<Tier> = [
            vec![Tier::Premium; premium],
            vec![Tier::Cheap; all - premium],
        ]
        .concat();
        let qualities = (0..SEEDS).filter_map(|index| {
            choices.shuffle(&mut random::stream(self.seed, "random routing", index));
            self.chosen(&choices).quality.share()
        });
        let qualities: Vec<f64> = qualities.collect();
        Chance {
            expected,
            spread: deviation(&qualities),
        }
    }

    /// Sums over the computations; `choose` says with which probability each is for the premium
    /// model, and what else was paid.
    fn sum(&self, choose: impl Fn(usize) -> (f64, NanoUsd)) -> Outcome {
        let mut outcome = Outcome {
            computations: self.computations.len() as u64,
            ..Outcome::default()
        };
        for (place, computation) in self.computations.iter().enumerate() {
            let (premium, wasted) = choose(place);
            let mix = |cheap: f64, dear: f64| (1.0 - premium) * cheap + premium * dear;
            let Computation {
                cheap,
                premium: dear,
                ..
            } = computation;
            outcome.premium += premium;
            outcome.used += mix(cheap.cost.usd(), dear.cost.usd());
            outcome.wasted += wasted.usd();
            let (Some(cheap), Some(dear)) = (cheap.rightness, dear.rightness) else {
                continue;
            };
            let served = computation.served as f64;
            outcome.quality.add(served, mix(cheap, dear));
            if !computation.is_suspect {
                outcome.without_suspect.add(served, mix(cheap, dear));
            }
        }
        outcome
    }
}

impl Quality {
    /// Counts so many answers that are each right to this degree.
    pub fn add(&mut self, answers: f64, rightness: f64) {
        self.judged += answers;
        self.right += answers * rightness;
    }

    /// The share of right answers; none where none was judged.
    pub fn share(&self) -> Option<f64> {
        (self.judged > 0.0).then(|| self.right / self.judged)
    }
}

/// The standard deviation of a sample.
fn deviation(sample: &[f64]) -> f64 {
    let count = sample.len() as f64;
    let mean = sample.iter().sum::<f64>() / count.max(1.0);
    let squares: f64 = sample.iter().map(|it| (it - mean).powi(2)).sum();
    (squares / (count - 1.0).max(1.0)).sqrt()
}

/// How often chance is tried, to see how far it strays.
pub const SEEDS: u64 = 200;
