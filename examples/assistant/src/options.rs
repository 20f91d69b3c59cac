//! The command line.
//!
//! ```
//! use assistant::options::Options;
//! use clap::Parser;
//!
//! let options = Options::try_parse_from(["assistant", "--once", "--speed", "200"]).unwrap();
//! assert!(options.once);
//! assert_eq!(options.speed.get(), 200.0);
//! ```

use std::num::{NonZeroU32, NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;

use clap::{Parser, ValueEnum};
use tta::RedisConfig;

use crate::injected::Injected;
use crate::positive::Positive;
use crate::profile::Pair;
use crate::rejected::OnBadLine;

/// A question-answering assistant under load, every step of it observed.
///
/// Questions pass a cache and a router that picks a cheap or a premium model, each behind a retry, a
/// breaker, limits and a timeout. The models are simulated: nothing is installed, paid for, or sent
/// anywhere. Traces leave the process only if OTEL_EXPORTER_OTLP_ENDPOINT says where to.
#[expect(
    clippy::doc_markdown,
    reason = "these comments are the help, shown as they stand"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
#[derive(Clone, Debug, Parser)]
#[command(name = "assistant", version, max_term_width = 100)]
pub struct Options {
    /// End after the run; otherwise the metrics page stays up until Ctrl-C
    #[arg(long)]
    pub once: bool,

    /// Ask this many questions [default: 2000, or every row of the trace]
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>)]
    #[arg(allow_negative_numbers = true)]
    pub requests: Option<NonZeroU64>,

    /// Fix all chance: the same seed gives the same questions, answers, delays and failures
    #[arg(long, value_name = "N", default_value_t = 42)]
    pub seed: u64,

    /// Ask the prompts of this file: JSON lines with a "prompt" field and, for the quality of the
    /// answers, "cheap_ok" and "premium_ok" from 0 to 1; plain or gzip [default: built-in questions]
    #[arg(long, value_name = "FILE")]
    pub questions: Option<PathBuf>,

    /// Let requests come as in this file: CSV with the header
    /// TIMESTAMP,ContextTokens,GeneratedTokens, plain or gzip [default: at random, see --rate]
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,

    /// Simulate these models
    /// [default: routellm if the questions say which model was right, else gpt4o]
    #[arg(long, value_name = "PAIR")]
    pub models: Option<Pair>,

    /// How the router picks a model
    #[arg(long, value_name = "HOW", default_value = "complexity")]
    pub router: Routing,

    /// Share the cache with other processes, in the Redis at this URL: redis://, rediss://,
    /// redis+cluster:// or redis+sentinel:// [default: in memory only]
    #[arg(long, value_name = "URL", value_parser = redis)]
    pub redis: Option<RedisConfig>,

    /// How many milliseconds a question may wait for Redis before it is answered without [default: 50]
    #[arg(long, value_name = "MS", requires = "redis")]
    #[arg(value_parser = at_least_one::<NonZeroU32>, allow_negative_numbers = true)]
    pub redis_budget: Option<NonZeroU32>,

    /// Let no model fail, hang or be down, but for --inject
    #[arg(long)]
    pub no_failures: bool,

    /// Let something go wrong from FROM to TO seconds after the start; can be given several times.
    /// FAULT is cheap-down, premium-down, cheap-slow, premium-slow (five times as slow),
    /// apology-down (requests fail that no model answers) or new-questions (no cache can help)
    #[arg(long, value_name = "FAULT=FROM..TO")]
    pub inject: Vec<Injected>,

    /// Refuse a questions or trace file that has a bad line, instead of skipping the line
    #[arg(long)]
    pub strict: bool,

    /// Mean number of requests a second, when there is no trace
    #[arg(long, value_name = "N", default_value = "25", conflicts_with = "trace")]
    #[arg(allow_negative_numbers = true)]
    pub rate: Positive,

    /// Let time pass this many times as fast: arrivals, models and the timeout alike
    #[arg(long, value_name = "N", default_value = "10")]
    #[arg(allow_negative_numbers = true)]
    pub speed: Positive,

    /// Work on at most this many requests at once; later ones wait for their turn
    #[arg(long, value_name = "N", default_value = "512")]
    #[arg(value_parser = at_least_one::<NonZeroUsize>, allow_negative_numbers = true)]
    pub concurrency: NonZeroUsize,

    /// Write the summary to this file, as JSON
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,

    /// Serve /metrics on this port; 0 takes a free one
    /// [default: OTEL_EXPORTER_PROMETHEUS_PORT, else 9464]
    #[arg(long, value_name = "PORT")]
    pub metrics_port: Option<u16>,

    /// Instead of running, ask the one that runs on this machine whether it is ready, and exit with 0
    /// if so: a health check for images without a shell
    #[arg(long)]
    pub probe: bool,
}

/// How the router picks a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Routing {
    /// By how hard the question looks
    Complexity,
    /// The cheap model first, the premium one if a verifier does not accept the cheap answer
    Cascade,
}

impl Options {
    /// After how many requests the run ends, or `None` for all rows of the trace.
    pub fn request_limit(&self) -> Option<u64> {
        match (self.requests, &self.trace) {
            (Some(requests), _) => Some(requests.get()),
            (None, Some(_)) => None,
            (None, None) => Some(DEFAULT_REQUESTS),
        }
    }

    /// What to do with a bad line in a questions or trace file.
    pub fn on_bad_line(&self) -> OnBadLine {
        if self.strict {
            OnBadLine::Refuse
        } else {
            OnBadLine::Skip
        }
    }
}

fn redis(url: &str) -> Result<RedisConfig, String> {
    RedisConfig::new(url).map_err(|error| error.to_string())
}

fn at_least_one<N: FromStr>(text: &str) -> Result<N, &'static str> {
    text.parse()
        .map_err(|_| "give a whole number of at least 1")
}

const DEFAULT_REQUESTS: u64 = 2_000;
