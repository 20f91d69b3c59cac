//! The simulated models: a cheap one and a premium one.
//!
//! ```
//! use assistant::model::Model;
//! use assistant::workload::Request;
//!
//! let request = Request {
//!     index: 0,
//!     at: std::time::Duration::ZERO,
//!     question: std::sync::Arc::new("What is the capital of Peru?".into()),
//!     input_tokens: Some(1_000),
//!     output_tokens: Some(100),
//! };
//! let plan = Model::cheap(42).plan(&request);
//! assert_eq!(plan, Model::cheap(42).plan(&request));
//! assert_eq!(Model::cheap(42).cost(1_000, 100).to_string(), "$0.000210000");
//! ```

use std::ops::Range;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::ChaCha8Rng;
use rand_distr::{Distribution, StandardNormal};
use tta::CostModel;

use crate::answer::{Answer, ModelFailure};
use crate::injected::{SLOWNESS, covers};
use crate::money::NanoUsd;
use crate::positive::Positive;
use crate::profile::{Pair, Profile, Tier};
use crate::question::Question;
use crate::random;
use crate::workload::Request;
use crate::world::World;

/// A model that answers after a while, for a price, most of the time.
///
/// Everything it does follows from the seed, the request and how often that was tried, never from
/// the order in which requests reach it. What it answers, and hence what that costs, follows from
/// the question, unless a trace says otherwise: asked again it says the same, so what a cache saves
/// is known exactly. How long a call takes and whether it fails follows from the request's index: a
/// popular question is not cursed.
#[derive(Clone, Debug)]
pub struct Model {
    profile: Profile,
    seed: u64,
    is_reliable: bool,
    down: Range<Duration>,
    injected_down: Vec<Range<Duration>>,
    injected_slow: Vec<Range<Duration>>,
}

impl Model {
    /// A model of a pair; see there for its name and price.
    pub fn new(pair: Pair, tier: Tier, seed: u64) -> Self {
        Self {
            profile: pair.profile(tier),
            seed,
            is_reliable: false,
            down: Duration::ZERO..Duration::ZERO,
            injected_down: Vec::new(),
            injected_slow: Vec::new(),
        }
    }

    /// The small, fast model of the pair [`Pair::Gpt4o`].
    pub fn cheap(seed: u64) -> Self {
        Self::new(Pair::Gpt4o, Tier::Cheap, seed)
    }

    /// The large, slow model of the pair [`Pair::Gpt4o`].
    pub fn premium(seed: u64) -> Self {
        Self::new(Pair::Gpt4o, Tier::Premium, seed)
    }

    /// The same model, which neither fails nor hangs nor is down.
    #[must_use]
    pub fn reliable(mut self) -> Self {
        self.is_reliable = true;
        self
    }

    /// The same model, down for all who ask in this time, counted as [`Request::at`] is.
    #[must_use]
    pub fn with_outage(mut self, down: Range<Duration>) -> Self {
        self.down = down;
        self
    }

    /// The same model, besides down or slow at these times, however reliable it is.
    #[must_use]
    pub fn with_injected(mut self, down: Vec<Range<Duration>>, slow: Vec<Range<Duration>>) -> Self {
        self.injected_down = down;
        self.injected_slow = slow;
        self
    }

    /// When the model is down.
    pub fn down(&self) -> &Range<Duration> {
        &self.down
    }

    /// Which model of its pair it is.
    pub fn tier(&self) -> Tier {
        self.profile.tier
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

    /// The price list, which says what an answer would have cost on the other route.
    pub fn price(&self) -> CostModel {
        let million = |input, output| self.cost(input, output).usd();
        CostModel::per_million_tokens(million(1_000_000, 0), million(0, 1_000_000))
    }

    /// What the first call for `request` will do, without doing it.
    pub fn plan(&self, request: &Request) -> Plan {
        self.plan_attempt(request, 0)
    }

    /// What a call for `request` will do after so many others for the same request.
    pub fn plan_attempt(&self, request: &Request, earlier: u64) -> Plan {
        let answer = self.answer(request);
        let purpose = if earlier == 0 {
            "call".to_owned()
        } else {
            format!("call {earlier}")
        };
        let mut call = self.stream(&purpose, request.index);
        // Both are drawn always, so that a change of one share leaves the pace of the rest alone.
        let fate: f64 = call.random();
        let pace = log_normal(&mut call, self.profile.spread);

        let writing = self.profile.time_per_token * answer.output_tokens;
        let mut answering = stretch(self.profile.time_to_first_token + writing, pace);
        if covers(&self.injected_slow, request.at) {
            answering *= SLOWNESS;
        }
        let refusing = stretch(TIME_TO_REFUSE, pace);
        let unavailable_below = RATE_LIMITED_SHARE + UNAVAILABLE_SHARE;
        let (latency, outcome) = if covers(&self.injected_down, request.at) {
            (refusing, Err(ModelFailure::Unavailable))
        } else if self.is_reliable {
            (answering, Ok(answer))
        } else if self.down.contains(&request.at) {
            (refusing, Err(ModelFailure::Unavailable))
        } else if fate < RATE_LIMITED_SHARE {
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

    /// What it answers, if it does.
    pub fn answer(&self, request: &Request) -> Answer {
        let question = &*request.question;
        let input_tokens = request
            .input_tokens
            .unwrap_or_else(|| estimate_tokens(&question.prompt));
        let output_tokens = request
            .output_tokens
            .unwrap_or_else(|| self.answer_tokens(question));
        let recorded = question
            .cheap_answer
            .as_ref()
            .filter(|_| self.tier() == Tier::Cheap);
        let text = recorded.cloned().unwrap_or_else(|| {
            let beginning: String = question.prompt.chars().take(QUOTED_CHARS).collect();
            let name = self.name();
            format!("{name} answers \"{beginning}\" in {output_tokens} tokens").into()
        });
        Answer {
            text,
            tier: Some(self.tier()),
            input_tokens,
            output_tokens,
            input_cost: self.cost(input_tokens, 0),
            cost: self.cost(input_tokens, output_tokens),
            certainty: World::new(self.seed).certainty(question, self.tier()),
            origin: None,
        }
    }

    /// How long the answer to a question is: as recorded, or else drawn.
    fn answer_tokens(&self, question: &Question) -> u32 {
        let recorded = match self.tier() {
            Tier::Cheap => question.cheap_answer.as_deref().map(estimate_tokens),
            Tier::Premium => question
                .premium_answer_chars
                .map(|chars| chars.div_ceil(CHARS_PER_TOKEN).max(1)),
        };
        recorded.unwrap_or_else(|| {
            let mut answer = self.stream("answer", random::stable_hash(&question.prompt));
            let tokens = self.profile.answer_tokens * log_normal(&mut answer, ANSWER_SPREAD);
            let tokens = tokens.round().clamp(1.0, MAX_ANSWER_TOKENS);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "clamped"
            )]
            let tokens = tokens as u32;
            tokens
        })
    }

    fn stream(&self, purpose: &str, index: u64) -> ChaCha8Rng {
        random::stream(self.seed, &format!("{} {purpose}", self.name()), index)
    }
}

/// What a call will do.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// How long it takes, at normal speed.
    pub latency: Duration,
    /// What it gives then.
    pub outcome: Result<Answer, ModelFailure>,
}

impl Plan {
    /// Waits as long as the call takes at `speed`, then gives its outcome.
    ///
    /// # Cancellation
    ///
    /// Dropping the future ends the wait; nothing is left behind.
    pub async fn carry_out(self, speed: Positive) -> Result<Answer, ModelFailure> {
        tokio::time::sleep(speed.compress(self.latency)).await;
        self.outcome
    }
}

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
const CHARS_PER_TOKEN: u32 = 4;
