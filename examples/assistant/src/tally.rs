//! What the assistant counts itself, to hold the metrics against.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::money::NanoUsd;

/// What the assistant counts itself: plain numbers under a lock, far from any telemetry.
#[derive(Debug, Default)]
pub struct Tally {
    counts: Mutex<Counts>,
}

/// The numbers of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Requests that were answered.
    pub answered: u64,
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
    /// What the answers cost.
    pub cost: NanoUsd,
}

impl Tally {
    /// Counts a request that was answered.
    pub fn answered(&self) {
        self.counts().answered += 1;
    }

    /// Counts a request that failed.
    pub fn failed(&self, kind: &'static str) {
        *self.counts().failed.entry(kind).or_default() += 1;
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

impl Counts {
    /// Requests that ended.
    pub fn requests(&self) -> u64 {
        self.answered + self.errors()
    }

    /// Requests that failed.
    pub fn errors(&self) -> u64 {
        self.failed.values().sum()
    }

    /// What all answers cost.
    pub fn cost(&self) -> NanoUsd {
        self.models.values().map(|model| model.cost).sum()
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
    /// The call gave an answer.
    pub fn answered(mut self, cost: NanoUsd) {
        self.end(|model| {
            model.answered += 1;
            model.cost = model.cost + cost;
        });
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
