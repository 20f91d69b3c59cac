//! The router beside what anybody could do without one, each with its price in quality.

use std::time::{Duration, Instant};

use serde::Serialize;
use tta::prelude::*;
use tta::{ByComplexity, CostModel};

use crate::model::Model;
use crate::profile::Tier;
use crate::replay::{Outcome, Quality, Replay, SEEDS};
use crate::workload::Request;
use crate::world::Truth;

/// Policies side by side.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The models' names, the cheap one first.
    pub models: [String; 2],
    /// Where it is known from which answers are right.
    pub truth: Truth,
    /// Requests.
    pub requests: u64,
    /// The share of requests whose answer comes from the cache, under each replayed policy.
    pub hit_rate: f64,
    /// How often chance was tried.
    pub seeds: u64,
    /// The policies; the first is the baseline of all savings.
    pub policies: Vec<PolicyReport>,
    /// What the numbers say, in words.
    pub findings: Vec<String>,
    /// What to know before believing them.
    pub caveats: Vec<String>,
}

/// What one policy came to. Money is in US dollars.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PolicyReport {
    /// Its name.
    pub policy: String,
    /// Whether it was really run, failures and all, rather than replayed.
    pub is_measured: bool,
    /// The share of requests whose answer came from the cache.
    pub hit_rate: f64,
    /// The share of computed answers that the cheap model gave.
    pub cheap_share: f64,
    /// The share of computed answers that the premium model gave.
    pub premium_share: f64,
    /// All that was paid: for answers, for calls whose answer was not given, for deciding.
    pub cost_usd: f64,
    /// The baseline less what the answers cost that were given.
    pub gross_savings_usd: f64,
    /// What was paid for calls whose answer was not given, and for deciding.
    pub overhead_usd: f64,
    /// The gross savings less the overhead; negative where the policy cost more than it saved.
    pub net_savings_usd: f64,
    /// The share of requests that got a right answer.
    pub quality: Option<f64>,
    /// The standard deviation of the quality over seeds, where chance has a say.
    pub quality_spread: Option<f64>,
    /// The quality without the questions whose verdicts are suspect, where there are any.
    pub quality_without_suspect: Option<f64>,
    /// What a right answer cost.
    pub usd_per_right_answer: Option<f64>,
}

impl Comparison {
    /// Reckons every policy for a replay.
    ///
    /// # Errors
    ///
    /// When the router refuses to be built, which a well-formed pair of models rules out.
    pub fn of(replay: &Replay, models: [&Model; 2], truth: Truth) -> Result<Self> {
        let baseline = replay.always(Tier::Premium);
        let (choices, deciding) = by_complexity(replay, models)?;
        let row = |policy: &str, outcome: &Outcome| {
            PolicyReport::replayed(policy, outcome, &baseline, replay.hit_rate())
        };
        let mut it = Self {
            models: models.map(|model| model.name().to_owned()),
            truth,
            requests: replay.requests(),
            hit_rate: replay.hit_rate(),
            seeds: SEEDS,
            policies: vec![
                row("always premium", &baseline),
                row("always cheap", &replay.always(Tier::Cheap)),
            ],
            findings: Vec::new(),
            caveats: Vec::new(),
        };
        let mut complexity = replay.chosen(&choices);
        complexity.wasted += price_of(deciding);
        it.beside_chance("complexity", &complexity, replay, &row);
        if let Some(cascade) = replay.cascade() {
            it.beside_chance("cascade", &cascade, replay, &row);
        } else if truth != Truth::Unknown {
            it.caveats.push(
                "no cascade: the questions come without the text of the cheap answers, so there is \
                 nothing to verify"
                    .to_owned(),
            );
        }
        it.doubts(&baseline);
        Ok(it)
    }

    /// Adds a policy of ours and chance at the same share, and says which is better.
    fn beside_chance(
        &mut self,
        name: &str,
        outcome: &Outcome,
        replay: &Replay,
        row: &impl Fn(&str, &Outcome) -> PolicyReport,
    ) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a count"
        )]
        let chance = replay.chance(outcome.premium.round() as u64);
        let own = row(name, outcome);
        let mut random = row("  random, same share", &chance.expected);
        random.quality_spread = random.quality.map(|_| chance.spread);
        self.findings.extend(beside(&own, &random));
        if let Some(premium) = self.policies.first() {
            self.findings.extend(price_in_quality(&own, premium));
        }
        self.policies.extend([own, random]);
    }

    fn doubts(&mut self, baseline: &Outcome) {
        let suspect = baseline.quality.judged - baseline.without_suspect.judged;
        if suspect > 0.0 {
            self.caveats.push(format!(
                "{:.1} % of the answers are to questions whose verdicts are suspect (the source \
                 misread the premium model's answers); see the column without them",
                suspect / baseline.quality.judged * 100.0
            ));
        }
        match self.truth {
            Truth::Recorded => {}
            Truth::Synthetic => self.caveats.push(
                "quality is synthetic: made up from the difficulty of the built-in questions, not \
                 measured on any model"
                    .to_owned(),
            ),
            Truth::Unknown => self.caveats.push(
                "quality is unknown: the questions do not say which model's answer is right, so \
                 these savings are shown without their price"
                    .to_owned(),
            ),
        }
    }
}

impl PolicyReport {
    fn replayed(policy: &str, outcome: &Outcome, baseline: &Outcome, hit_rate: f64) -> Self {
        let without_suspect = (outcome.without_suspect != outcome.quality)
            .then(|| outcome.without_suspect.share())
            .flatten();
        Self {
            quality_without_suspect: without_suspect,
            ..Self::new(policy, outcome, baseline.used, hit_rate)
        }
    }

    /// The row of an outcome whose answers would have cost `baseline` on the premium model.
    pub fn new(policy: &str, outcome: &Outcome, baseline: f64, hit_rate: f64) -> Self {
        let premium_share = outcome.premium / (outcome.computations as f64).max(1.0);
        let cost = outcome.used + outcome.wasted;
        let Quality { right, .. } = outcome.quality;
        Self {
            policy: policy.to_owned(),
            is_measured: false,
            hit_rate,
            cheap_share: 1.0 - premium_share,
            premium_share,
            cost_usd: cost,
            gross_savings_usd: baseline - outcome.used,
            overhead_usd: outcome.wasted,
            net_savings_usd: baseline - cost,
            quality: outcome.quality.share(),
            quality_spread: None,
            quality_without_suspect: None,
            usd_per_right_answer: (right > 0.0).then(|| cost / right),
        }
    }
}

/// What the router of the live run decides for each computation, and how long it took to decide.
fn by_complexity(replay: &Replay, models: [&Model; 2]) -> Result<(Vec<Tier>, Duration)> {
    let [cheap, premium] = models.map(Model::name);
    let nobody = |name| step(name, async |_: Request| Ok(()));
    let router = RouterPrimitive::builder()
        .route(cheap, nobody(cheap), CostModel::unknown())
        .route(premium, nobody(premium), CostModel::unknown())
        .strategy(ByComplexity::new(cheap, premium, Request::prompt))
        .build()?;
    let ctx = WorkflowContext::builder().sampled(false).build();
    let begun = Instant::now();
    let decide = |request: &Request| {
        router.decide_route(request, &ctx).map(|it| {
            if it.route == premium {
                Tier::Premium
            } else {
                Tier::Cheap
            }
        })
    };
    let choices: Result<Vec<Tier>> = replay.computed().map(decide).collect();
    Ok((choices?, begun.elapsed()))
}

/// Whether a policy is better than chance at the same share.
fn beside(own: &PolicyReport, random: &PolicyReport) -> Option<String> {
    let (quality, chance) = (own.quality? * 100.0, random.quality? * 100.0);
    let spread = random.quality_spread? * 100.0;
    let name = &own.policy;
    let verdict = if quality > chance + BEYOND_CHANCE * spread {
        format!(
            "is better than random at the same share by {:.1} points",
            quality - chance
        )
    } else if quality < chance - BEYOND_CHANCE * spread {
        format!(
            "is WORSE than random at the same share by {:.1} points",
            chance - quality
        )
    } else {
        "is NO BETTER than random at the same share".to_owned()
    };
    Some(format!(
        "{name} {verdict}: {quality:.1} % right against {chance:.1} ± {spread:.1} %"
    ))
}

/// What the savings of a policy cost in right answers.
fn price_in_quality(own: &PolicyReport, premium: &PolicyReport) -> Option<String> {
    let points = (premium.quality? - own.quality?) * 100.0;
    let saved = own.net_savings_usd / premium.cost_usd * 100.0;
    let direction = if points >= 0.0 { "fewer" } else { "more" };
    Some(format!(
        "{} saves {saved:.1} % of the cost of always premium and gives {:.1} points {direction} \
         right answers",
        own.policy,
        points.abs()
    ))
}

/// What computing for so long costs, in US dollars.
pub fn price_of(time: Duration) -> f64 {
    time.as_secs_f64() * USD_PER_CORE_HOUR / 3600.0
}

/// About what clouds charge for one core for an hour.
pub const USD_PER_CORE_HOUR: f64 = 0.05;

/// How many standard deviations from what chance gives count as more than chance.
const BEYOND_CHANCE: f64 = 2.0;
