//! What the assistant counts itself, to hold the metrics against.

use std::collections::BTreeMap;
use std::hash::{BuildHasher as _, Hasher as _, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::answer::Answer;
use crate::money::NanoUsd;
use crate::profile::Tier;
use crate::replay::Quality;

/// What the assistant counts itself: plain numbers under a lock, far from any telemetry.
#[derive(Debug)]
pub struct Tally {
    run: u64,
    counts: Mutex<Counts>,
}

/// The numbers of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts {
    /// Requests that were answered.
    pub answered: u64,
    /// Requests that were answered with the canned answer, among those.
    pub canned: u64,
    /// Answers for which money was set aside.
    pub reserved: u64,
    /// Answers for which that money was given back.
    pub released: u64,
    /// Answers that were paid, by model.
    pub settled: BTreeMap<Tier, u64>,
    /// What the calls cost whose answers were paid.
    pub used: NanoUsd,
    /// What those answers would have cost on the premium model.
    pub baseline: NanoUsd,
    /// Answers that another process had computed.
    pub from_elsewhere: u64,
    /// Answers among those for which another process was waited for.
    pub awaited_elsewhere: u64,
    /// How right the answers were that requests got, where that is known; no answer is not right.
    pub quality: Quality,
    /// The same without questions whose verdicts are suspect.
    pub without_suspect: Quality,
    /// Requests that failed, by kind of error.
    pub failed: BTreeMap<&'static str, u64>,
    /// Calls of each model, by its name.
    pub models: BTreeMap<&'static str, ModelCounts>,
}

/// The numbers of one model.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelCounts {
    /// Calls that began.
    pub started: u64,
    /// Calls that gave an answer.
    pub answered: u64,
    /// Calls that were given up before they ended.
    pub abandoned: u64,
    /// Calls that failed, by kind.
    pub failed: BTreeMap<&'static str, u64>,
    /// What the calls cost, those without an answer included.
    pub cost: NanoUsd,
}

impl Tally {
    /// A number that tells this run of the program from others.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// Counts what a request got that was asked at `asked`.
    pub fn got(&self, answer: &Answer, asked: SystemTime) {
        let Some(origin) = answer.origin.filter(|it| it.run != self.run) else {
            return;
        };
        let mut counts = self.counts();
        counts.from_elsewhere += 1;
        if origin.at > asked {
            counts.awaited_elsewhere += 1;
        }
    }

    /// Counts a request that was answered.
    pub fn answered(&self) {
        self.counts().answered += 1;
    }

    /// Counts a request that failed.
    pub fn failed(&self, kind: &'static str) {
        *self.counts().failed.entry(kind).or_default() += 1;
    }

    /// Counts a canned answer.
    pub fn canned(&self) {
        self.counts().canned += 1;
    }

    /// Counts money set aside.
    pub fn reserved(&self) {
        self.counts().reserved += 1;
    }

    /// Counts money given back.
    pub fn released(&self) {
        self.counts().released += 1;
    }

    /// Counts an answer that is paid, which would have cost `baseline` on the premium model.
    pub fn settled(&self, tier: Tier, cost: NanoUsd, baseline: NanoUsd) {
        let mut counts = self.counts();
        *counts.settled.entry(tier).or_default() += 1;
        counts.used = counts.used + cost;
        counts.baseline = counts.baseline + baseline;
    }

    /// Counts how right an answer was that a request got; `rightness` is none if nobody knows.
    pub fn judged(&self, rightness: Option<f64>, is_suspect: bool) {
        let Some(rightness) = rightness else { return };
        let mut counts = self.counts();
        counts.quality.add(1.0, rightness);
        if !is_suspect {
            counts.without_suspect.add(1.0, rightness);
        }
    }

    /// Counts a call of a model from here on: as abandoned, unless the call says how it ended.
    pub fn call(&self, model: &'static str) -> Call<'_> {
        self.counts().models.entry(model).or_default().started += 1;
        Call {
            tally: self,
            model,
            ended: false,
        }
    }

    /// The numbers so far.
    pub fn read(&self) -> Counts {
        self.counts().clone()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Counts are added one at a time; there is no half-way state to be afraid of.
        self.counts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Tally {
    /// Nothing counted yet, under a new number.
    fn default() -> Self {
        Self {
            run: RandomState::new().build_hasher().finish(),
            counts: Mutex::default(),
        }
    }
}

impl Counts {
    /// Requests that ended.
    pub fn requests(&self) -> u64 {
        self.answered + self.errors()
    }

    /// Requests that failed.
    pub fn errors(&self) -> u64 {
        self.failed.values().sum()
    }

    /// Answers that were computed and given.
    pub fn computed(&self) -> u64 {
        self.settled.values().sum()
    }

    /// What all calls cost.
    pub fn cost(&self) -> NanoUsd {
        self.models.values().map(|model| model.cost).sum()
    }

    /// What calls cost whose answer nobody got.
    pub fn wasted(&self) -> NanoUsd {
        NanoUsd(self.cost().0.saturating_sub(self.used.0))
    }
}

/// One call of a model, under way.
#[derive(Debug)]
#[must_use = "a call that is dropped at once counts as abandoned"]
pub struct Call<'a> {
    tally: &'a Tally,
    model: &'static str,
    ended: bool,
}

impl Call<'_> {
    /// The call has cost so much more, however it ends.
    pub fn charge(&self, cost: NanoUsd) {
        let mut counts = self.tally.counts();
        let model = counts.models.entry(self.model).or_default();
        model.cost = model.cost + cost;
    }

    /// The call gave an answer.
    pub fn answered(mut self) {
        self.end(|model| model.answered += 1);
    }

    /// The call failed.
    pub fn failed(mut self, kind: &'static str) {
        self.end(|model| *model.failed.entry(kind).or_default() += 1);
    }

    fn end(&mut self, count: impl FnOnce(&mut ModelCounts)) {
        self.ended = true;
        count(self.tally.counts().models.entry(self.model).or_default());
    }
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.end(|model| model.abandoned += 1);
        }
    }
}
