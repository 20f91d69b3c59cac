//! Which answers are right: as recorded in the data, or else in a synthetic world.
//!
//! The built-in questions come with no answers, so a world is made up for them: each has a
//! difficulty that a person has given it, and a model is right with a probability that follows from
//! that alone. Nothing in it knows how a router scores a prompt. What comes from this world is
//! called synthetic wherever it is shown.

use std::sync::Arc;

use rand::RngExt;
use serde::Serialize;

use crate::profile::Tier;
use crate::question::Question;
use crate::random;

/// Says which model's answer to a question is right.
///
/// ```
/// use assistant::profile::Tier;
/// use assistant::question::{Question, Verdict};
/// use assistant::world::World;
///
/// let mut question = Question::from("What is the capital of Peru?");
/// assert_eq!(World::new(42).rightness(&question, Tier::Cheap), None);
/// question.verdict = Some(Verdict { cheap: 0.0, premium: 1.0, is_suspect: false });
/// assert_eq!(World::new(42).rightness(&question, Tier::Premium), Some(1.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct World {
    seed: u64,
}

/// Where it is known from which answers are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Truth {
    /// The data says so.
    Recorded,
    /// The synthetic world says so.
    Synthetic,
    /// Nobody does.
    Unknown,
}

impl World {
    /// The world of a seed.
    pub fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// Where it is known from which answers to these questions are right: the weakest source that
    /// any of them has.
    pub fn truth(questions: &[Arc<Question>]) -> Truth {
        let all = |known: fn(&Question) -> bool| questions.iter().all(|it| known(it));
        if all(|it| it.verdict.is_some()) {
            Truth::Recorded
        } else if all(|it| it.verdict.is_some() || it.difficulty.is_some()) {
            Truth::Synthetic
        } else {
            Truth::Unknown
        }
    }

    /// How right a model's answer is, from 0 to 1; none if nobody knows.
    pub fn rightness(&self, question: &Question, tier: Tier) -> Option<f64> {
        if let Some(verdict) = question.verdict {
            return Some(match tier {
                Tier::Cheap => verdict.cheap,
                Tier::Premium => verdict.premium,
            });
        }
        let easiest_first = match tier {
            Tier::Cheap => CHEAP_IS_RIGHT,
            Tier::Premium => PREMIUM_IS_RIGHT,
        };
        let place = usize::from(question.difficulty?).checked_sub(1)?;
        let luck = self.draw("right", question, tier);
        Some(f64::from(u8::from(luck < *easiest_first.get(place)?)))
    }

    /// How sure a model is of its answer, from 0 to 1: more often when it is right, but not only
    /// then. None where answers are recorded; they show for themselves.
    pub fn certainty(&self, question: &Question, tier: Tier) -> Option<f64> {
        if question.verdict.is_some() {
            return None;
        }
        let is_right = self.rightness(question, tier)? > 0.5;
        let luck = self.draw("certainty", question, tier);
        Some(if is_right { luck.powf(0.25) } else { luck })
    }

    fn draw(self, purpose: &str, question: &Question, tier: Tier) -> f64 {
        let index = random::stable_hash(&question.prompt);
        random::stream(self.seed, &format!("{tier:?} {purpose}"), index).random()
    }
}

/// How often the models are right in the synthetic world, by difficulty.
const CHEAP_IS_RIGHT: [f64; 5] = [0.97, 0.92, 0.80, 0.60, 0.40];
const PREMIUM_IS_RIGHT: [f64; 5] = [0.99, 0.97, 0.93, 0.86, 0.75];
