//! Questions and arrivals joined to requests.
//!
//! ```
//! use assistant::arrivals::Poisson;
//! use assistant::positive::Positive;
//! use assistant::questions::Questions;
//! use assistant::workload::Workload;
//!
//! let seed = 42;
//! let arrivals = Poisson::new(Positive::new(25.0)?, seed);
//! let requests: Vec<_> = Workload::new(&Questions::built_in(), arrivals, seed).take(3).collect();
//! assert_eq!(requests[2].index, 2);
//! # Ok::<(), assistant::positive::NotPositive>(())
//! ```

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use rand_distr::{Distribution, Zipf};

use crate::arrivals::Arrival;
use crate::question::Question;
use crate::questions::Questions;
use crate::random;

/// One question that somebody asks at some time.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// Its place in the run, from 0.
    pub index: u64,
    /// When it is asked, counted from the first request and before any speeding up.
    pub at: Duration,
    /// The question.
    pub question: Arc<Question>,
    /// How many tokens the model will read, where a trace says so.
    pub input_tokens: Option<u32>,
    /// How many tokens the model will write, where a trace says so.
    pub output_tokens: Option<u32>,
}

/// The requests of a run, one for each arrival.
///
/// Some questions are asked far more often than others, as they are in life; this is what gives a
/// cache something to do. A run with the same seed asks the same, and a longer run begins with the
/// requests of a shorter one.
///
/// # Source
///
/// Popularity follows Zipf's law with the exponent [`POPULARITY`]; which question has which rank
/// is drawn once per seed.
#[derive(Debug)]
pub struct Workload<A> {
    questions: Vec<Arc<Question>>,
    popularity: Zipf<f64>,
    generator: ChaCha8Rng,
    arrivals: A,
    index: u64,
}

impl Request {
    /// What is asked.
    pub fn prompt(&self) -> &str {
        &self.question.prompt
    }

    /// The same question in words that no other request of the run uses.
    #[must_use]
    pub fn never_asked_before(mut self) -> Self {
        let question = Arc::make_mut(&mut self.question);
        question.prompt = format!("{} (question {})", question.prompt, self.index).into();
        self
    }
}

impl<A: Iterator<Item = Arrival>> Workload<A> {
    /// Asks `questions` at `arrivals`.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "`Questions` are never empty, and the exponent is a positive constant"
    )]
    pub fn new(
        questions: &Questions,
        arrivals: impl IntoIterator<IntoIter = A>,
        seed: u64,
    ) -> Self {
        let mut questions = questions.as_slice().to_vec();
        questions.shuffle(&mut random::stream(seed, "ranks", 0));
        let popularity = Zipf::new(questions.len() as f64, POPULARITY)
            .expect("at least one question, and a positive exponent");
        let generator = random::stream(seed, "popularity", 0);
        Self {
            questions,
            popularity,
            generator,
            arrivals: arrivals.into_iter(),
            index: 0,
        }
    }
}

impl<A: Iterator<Item = Arrival>> Iterator for Workload<A> {
    type Item = Request;

    fn next(&mut self) -> Option<Request> {
        let arrival = self.arrivals.next()?;
        // A rank is a whole number from 1 to the number of questions.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "see above"
        )]
        let rank = self.popularity.sample(&mut self.generator) as usize;
        let question = Arc::clone(self.questions.get(rank.saturating_sub(1))?);
        let index = self.index;
        self.index += 1;
        Some(Request {
            index,
            at: arrival.at,
            question,
            input_tokens: arrival.context_tokens,
            output_tokens: arrival.generated_tokens,
        })
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.arrivals.size_hint()
    }
}

/// How unevenly questions are asked: the n-th most popular one is asked n to the minus this often.
///
/// # Source
///
/// Breslau, Cao, Fan, Phillips and Shenker (1999) found 0.64 to 0.83 in the traffic of web proxies.
pub const POPULARITY: f64 = 0.8;
