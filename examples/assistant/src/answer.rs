//! What a model says, or why it says nothing.

use std::error::Error;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::money::NanoUsd;
use crate::profile::Tier;

/// What the asker gets: a model's answer, or the canned one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The answer that was recorded for the question, or a line that stands for one.
    pub text: Arc<str>,
    /// Which model it is from; none for the canned one.
    pub tier: Option<Tier>,
    /// How many tokens the model read.
    pub input_tokens: u32,
    /// How many tokens the model wrote.
    pub output_tokens: u32,
    /// What reading the question cost.
    pub input_cost: NanoUsd,
    /// What the call cost, reading and writing.
    pub cost: NanoUsd,
    /// How sure the model is, from 0 to 1, as log-probabilities would tell. Only answers that the
    /// [synthetic world](crate::world) makes have it.
    pub certainty: Option<f64>,
    /// Who made it and when; none before it was made.
    pub origin: Option<Origin>,
}

/// Who made an answer, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The [run](crate::tally::Tally::run) of the program.
    pub run: u64,
    /// When the model had answered.
    pub at: SystemTime,
}

impl Answer {
    /// What somebody is told when no model answers.
    pub fn canned() -> Self {
        Self {
            text: "I cannot answer right now. Please try again in a minute.".into(),
            tier: None,
            input_tokens: 0,
            output_tokens: 0,
            input_cost: NanoUsd(0),
            cost: NanoUsd(0),
            certainty: None,
            origin: None,
        }
    }
}

/// Why a model gave no answer. A refused call costs nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ModelFailure {
    /// The provider refuses more requests for now.
    RateLimited {
        /// When it says it will accept more.
        retry_after: Duration,
    },
    /// The provider is down.
    Unavailable,
}

impl ModelFailure {
    /// A short name for a metric's label.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable => "unavailable",
        }
    }
}

impl fmt::Display for ModelFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RateLimited { retry_after } => {
                write!(
                    f,
                    "get an answer: rate limited, try again in {retry_after:?}"
                )
            }
            Self::Unavailable => f.write_str("get an answer: the model is unavailable"),
        }
    }
}

impl Error for ModelFailure {}
