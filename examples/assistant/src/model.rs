//! The simulated models: a cheap one and a premium one.
//!
//! ```
//! use assistant::model::Model;
//! use assistant::workload::Request;
//!
//! let request = Request {
//!     index: 0,
//!     at: std::time::Duration::ZERO,
//!     prompt: "What is the capital of Peru?".into(),
//!     input_tokens: Some(1_000),
//!     output_tokens: Some(100),
//! };
//! let plan = Model::cheap(42).plan(&request);
//! assert_eq!(plan, Model::cheap(42).plan(&request));
//! assert_eq!(Model::cheap(42).cost(1_000, 100).to_string(), "$0.000210000");
//! ```

use std::error::Error;
use std::fmt;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};

use crate::money::NanoUsd;
use crate::positive::Positive;
use crate::random;
use crate::workload::Request;

/// A model that answers after a while, for a price, most of the time.
///
/// Everything it does follows from the seed and the request, never from the order in which
/// requests reach it. What it answers, and hence what that costs, follows from the question, unless
/// a trace says otherwise: asked again it says the same, so what a cache saves is known exactly.
/// How long a call takes and whether it fails follows from the request's index: a popular question
/// is not cursed.
#[derive(Clone, Debug)]
pub struct Model {
    profile: Profile,
    seed: u64,
}

impl Model {
    /// The small, fast model.
    ///
    /// # Source
    ///
    /// Name and price are those of the public price list for `gpt-4o-mini`: 0.15 USD per million
    /// input tokens, 0.60 per million output tokens. Pace and failures are assumptions.
    pub fn cheap(seed: u64) -> Self {
        Self {
            profile: CHEAP,
            seed,
        }
    }

    /// The large, slow model.
    ///
    /// # Source
    ///
    /// Name and price are those of the public price list for `gpt-4o`: 2.50 USD per million input
    /// tokens, 10.00 per million output tokens. Pace and failures are assumptions.
    pub fn premium(seed: u64) -> Self {
        Self {
            profile: PREMIUM,
            seed,
        }
    }

    /// The model's name, as price lists have it.
    pub fn name(&self) -> &'static str {
        self.profile.name
    }

    /// What a call with so many tokens costs.
    pub fn cost(&self, input_tokens: u32, output_tokens: u32) -> NanoUsd {
        let Profile {
            nano_usd_per_input_token,
            nano_usd_per_output_token,
            ..
        } = self.profile;
        NanoUsd(u64::from(input_tokens) * nano_usd_per_input_token)
            + NanoUsd(u64::from(output_tokens) * nano_usd_per_output_token)
    }

    /// Waits as long as the call takes at `speed`, then gives its outcome.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the wait; nothing is left behind.
    pub async fn call(&self, request: &Request, speed: Positive) -> Result<Answer, ModelFailure> {
        let plan = self.plan(request);
        tokio::time::sleep(speed.compress(plan.latency)).await;
        plan.outcome
    }

    /// What a call for `request` will do, without doing it.
    pub fn plan(&self, request: &Request) -> Plan {
        let answer = self.answer(request);
        let mut call = self.stream("call", request.index);
        // Both are drawn always, so that a change of one share leaves the pace of the rest alone.
        let fate: f64 = call.random();
        let pace = log_normal(&mut call, self.profile.spread);

        let writing = self.profile.time_per_token * answer.output_tokens;
        let answering = stretch(self.profile.time_to_first_token + writing, pace);
        let refusing = stretch(TIME_TO_REFUSE, pace);
        let unavailable_below = RATE_LIMITED_SHARE + UNAVAILABLE_SHARE;
        let (latency, outcome) = if fate < RATE_LIMITED_SHARE {
            (
                refusing,
                Err(ModelFailure::RateLimited {
                    retry_after: RETRY_AFTER,
                }),
            )
        } else if fate < unavailable_below {
            (refusing, Err(ModelFailure::Unavailable))
        } else if fate < unavailable_below + STALLED_SHARE {
            (answering + STALL, Ok(answer))
        } else {
            (answering, Ok(answer))
        };
        Plan { latency, outcome }
    }

    fn answer(&self, request: &Request) -> Answer {
        let input_tokens = request
            .input_tokens
            .unwrap_or_else(|| estimate_tokens(&request.prompt));
        let output_tokens = request.output_tokens.unwrap_or_else(|| {
            let mut answer = self.stream("answer", random::stable_hash(&request.prompt));
            let tokens = self.profile.answer_tokens * log_normal(&mut answer, ANSWER_SPREAD);
            let tokens = tokens.round().clamp(1.0, MAX_ANSWER_TOKENS);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped"
            )]
            let tokens = tokens as u32;
            tokens
        });
        let beginning: String = request.prompt.chars().take(QUOTED_CHARS).collect();
        Answer {
            text: format!(
                "{} answers \"{beginning}\" in {output_tokens} tokens",
                self.name()
            ),
            input_tokens,
            output_tokens,
            cost: self.cost(input_tokens, output_tokens),
        }
    }

    fn stream(&self, purpose: &str, index: u64) -> ChaCha8Rng {
        random::stream(self.seed, &format!("{} {purpose}", self.name()), index)
    }
}

/// What a call will do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// How long it takes, at normal speed.
    pub latency: Duration,
    /// What it gives then.
    pub outcome: Result<Answer, ModelFailure>,
}

/// A model's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// A line that stands for the answer.
    pub text: String,
    /// How many tokens the model read.
    pub input_tokens: u32,
    /// How many tokens the model wrote.
    pub output_tokens: u32,
    /// What the call cost.
    pub cost: NanoUsd,
}

/// Why a model gave no answer. A failed call costs nothing.
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

/// About how many tokens a text has.
///
/// # Source
///
/// Rules of thumb for today's tokenizers: four characters of English a token, and about one token
/// for each character beyond ASCII.
pub fn estimate_tokens(text: &str) -> u32 {
    let ascii = text.bytes().filter(u8::is_ascii).count();
    let beyond = text.chars().count() - ascii;
    u32::try_from(ascii.div_ceil(4) + beyond)
        .unwrap_or(u32::MAX)
        .max(1)
}

/// A draw around 1 (its median), never negative and with a long tail to the right.
fn log_normal(generator: &mut ChaCha8Rng, sigma: f64) -> f64 {
    let normal: f64 = StandardNormal.sample(generator);
    // 1,000 is beyond any draw in practice; it bounds what the callers multiply.
    (normal * sigma).exp().min(1_000.0)
}

/// Whole microseconds, so that the last bit of a machine's `exp` cannot show.
fn stretch(duration: Duration, factor: f64) -> Duration {
    let microseconds = (duration.as_secs_f64() * factor * 1e6).round();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "never negative"
    )]
    let microseconds = microseconds as u64;
    Duration::from_micros(microseconds)
}

/// What sets one model apart from another.
#[derive(Clone, Copy, Debug)]
struct Profile {
    name: &'static str,
    nano_usd_per_input_token: u64,
    nano_usd_per_output_token: u64,
    time_to_first_token: Duration,
    time_per_token: Duration,
    /// Sigma of the log-normal factor on the time of a call.
    spread: f64,
    /// Median length of an answer.
    answer_tokens: f64,
}

const CHEAP: Profile = Profile {
    name: "gpt-4o-mini",
    nano_usd_per_input_token: 150,
    nano_usd_per_output_token: 600,
    time_to_first_token: Duration::from_millis(350),
    time_per_token: Duration::from_millis(10),
    spread: 0.35,
    answer_tokens: 140.0,
};

const PREMIUM: Profile = Profile {
    name: "gpt-4o",
    nano_usd_per_input_token: 2_500,
    nano_usd_per_output_token: 10_000,
    time_to_first_token: Duration::from_millis(600),
    time_per_token: Duration::from_millis(16),
    spread: 0.45,
    answer_tokens: 180.0,
};

/// How many of the calls are refused because there were too many.
pub const RATE_LIMITED_SHARE: f64 = 0.006;

/// How many of the calls find the model down.
pub const UNAVAILABLE_SHARE: f64 = 0.004;

/// How many of the calls hang for [`STALL`] before they are answered.
pub const STALLED_SHARE: f64 = 0.01;

/// How much longer a call takes that hangs: more than anybody would wait.
pub const STALL: Duration = Duration::from_mins(2);

const TIME_TO_REFUSE: Duration = Duration::from_millis(80);
const RETRY_AFTER: Duration = Duration::from_secs(2);
const ANSWER_SPREAD: f64 = 0.7;
const MAX_ANSWER_TOKENS: f64 = 4_096.0;
const QUOTED_CHARS: usize = 60;
