//! Which models there are, and what sets one apart from another.

use std::time::Duration;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// Which of the two models of a pair.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// The small, fast one.
    Cheap,
    /// The large, slow one.
    Premium,
}

/// Two models to choose between, by the names and prices of public price lists.
///
/// # Source
///
/// Prices per million tokens, input and output, in US dollars: `gpt-4o-mini` 0.15 and 0.60, `gpt-4o`
/// 2.50 and 10.00; `mixtral-8x7b-instruct` 0.45 and 0.70 (as Amazon Bedrock has it),
/// `gpt-4-1106-preview` 10.00 and 30.00. Pace and failures are assumptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Pair {
    /// gpt-4o-mini and gpt-4o
    Gpt4o,
    /// mixtral-8x7b-instruct and gpt-4-1106-preview, whose answers the routellm data sets judge
    Routellm,
}

impl Pair {
    pub(crate) fn profile(self, tier: Tier) -> Profile {
        match (self, tier) {
            (Self::Gpt4o, Tier::Cheap) => Profile {
                name: "gpt-4o-mini",
                nano_usd_per_input_token: 150,
                nano_usd_per_output_token: 600,
                ..CHEAP
            },
            (Self::Gpt4o, Tier::Premium) => Profile {
                name: "gpt-4o",
                nano_usd_per_input_token: 2_500,
                nano_usd_per_output_token: 10_000,
                ..PREMIUM
            },
            (Self::Routellm, Tier::Cheap) => Profile {
                name: "mixtral-8x7b-instruct",
                nano_usd_per_input_token: 450,
                nano_usd_per_output_token: 700,
                ..CHEAP
            },
            (Self::Routellm, Tier::Premium) => Profile {
                name: "gpt-4-1106-preview",
                nano_usd_per_input_token: 10_000,
                nano_usd_per_output_token: 30_000,
                ..PREMIUM
            },
        }
    }
}

/// What sets one model apart from another.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Profile {
    pub(crate) name: &'static str,
    pub(crate) tier: Tier,
    pub(crate) nano_usd_per_input_token: u64,
    pub(crate) nano_usd_per_output_token: u64,
    pub(crate) time_to_first_token: Duration,
    pub(crate) time_per_token: Duration,
    /// Sigma of the log-normal factor on the time of a call.
    pub(crate) spread: f64,
    /// Median length of an answer.
    pub(crate) answer_tokens: f64,
}

const CHEAP: Profile = Profile {
    name: "",
    tier: Tier::Cheap,
    nano_usd_per_input_token: 0,
    nano_usd_per_output_token: 0,
    time_to_first_token: Duration::from_millis(350),
    time_per_token: Duration::from_millis(10),
    spread: 0.35,
    answer_tokens: 140.0,
};

const PREMIUM: Profile = Profile {
    name: "",
    tier: Tier::Premium,
    nano_usd_per_input_token: 0,
    nano_usd_per_output_token: 0,
    time_to_first_token: Duration::from_millis(600),
    time_per_token: Duration::from_millis(16),
    spread: 0.45,
    answer_tokens: 180.0,
};
