//! The steps that the assistant is composed of.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tta::prelude::*;

use crate::answer::{Answer, ModelFailure, Origin};
use crate::injected::{self, Fault, covers};
use crate::llm_metrics::LlmMetrics;
use crate::model::Model;
use crate::money::NanoUsd;
use crate::options::Options;
use crate::pace::Pace;
use crate::positive::Positive;
use crate::tally::Tally;
use crate::verifier;
use crate::workload::Request;

/// A model as a step: it calls, says what that cost, and keeps the program's own count.
#[derive(Debug)]
pub struct ModelStep {
    model: Model,
    pace: Pace,
    speed: Positive,
    tally: Arc<Tally>,
    metrics: LlmMetrics,
}

impl ModelStep {
    /// The step, by the model's name.
    ///
    /// # Errors
    ///
    /// When its metrics cannot be.
    pub fn flow(
        model: &Model,
        speed: Positive,
        tally: &Arc<Tally>,
    ) -> Result<Flow<impl Primitive<Input = Request, Output = Answer> + use<>>> {
        let call = Self {
            metrics: LlmMetrics::new(model.name())?,
            model: model.clone(),
            pace: Pace::new(speed),
            speed,
            tally: Arc::clone(tally),
        };
        Ok(step_with(model.name(), call, Self::ask))
    }

    async fn ask(&self, request: Request, ctx: &WorkflowContext) -> Result<Answer> {
        ctx.set_attribute("model", self.model.name());
        let call = self.tally.call(self.model.name());
        let counted = self.metrics.call(ctx);
        let earlier = ctx.state::<Attempts>().map_or(0, |it| it.next());
        let plan = self.model.plan_attempt(&request, earlier);
        // A provider charges for what it reads even if nobody waits for what it writes.
        let charge = |cost: NanoUsd| {
            call.charge(cost);
            ctx.report_cost(cost.usd());
        };
        if let Ok(answer) = &plan.outcome {
            charge(answer.input_cost);
            counted.charge(answer.input_tokens, 0, answer.input_cost.usd());
            ctx.report_tokens(answer.input_tokens.into(), 0);
        }
        match plan.carry_out(self.speed).await {
            Ok(mut answer) => {
                answer.origin = Some(Origin {
                    run: self.tally.run(),
                    at: SystemTime::now(),
                });
                let (read, written) = (answer.input_tokens, answer.output_tokens);
                let cost = self.model.cost(0, written);
                charge(cost);
                counted.charge(0, written, cost.usd());
                ctx.report_tokens(0, written.into());
                ctx.set_attribute("prompt_tokens", read);
                ctx.set_attribute("completion_tokens", written);
                call.answered();
                counted.answered();
                Ok(answer)
            }
            Err(failure) => {
                let error = failed(failure, self.pace);
                call.failed(error.kind().as_str());
                counted.failed();
                Err(error)
            }
        }
    }
}

/// How often a request has asked a model, kept in its context.
#[derive(Debug, Default)]
pub struct Attempts(AtomicU64);

impl Attempts {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }
}

/// A failure of the model as an error that a retry or a fallback understands.
fn failed(failure: ModelFailure, pace: Pace) -> Error {
    match failure {
        ModelFailure::RateLimited { retry_after } => Error::from(failure)
            .with_kind(ErrorKind::RateLimited)
            .with_retry_after(pace.of(retry_after)),
        ModelFailure::Unavailable => Error::from(failure).with_kind(ErrorKind::Unavailable),
    }
}

/// Judges cheap answers for a cascade, by what they say alone.
pub fn verify(_: &Request, answer: &Answer) -> bool {
    verifier::accepts(answer)
}

/// Refuses what no model should be asked.
pub async fn moderate(request: Request) -> Result<Request> {
    if request.prompt().chars().count() > LONGEST_PROMPT {
        let error = "answer: the question is too long";
        return Err(Error::new(ErrorKind::InvalidInput, error));
    }
    Ok(request)
}

/// How many passages were found on a subject.
#[derive(Clone, Copy, Debug)]
pub struct Passages(pub usize);

/// Looks for what is known on the subject: simulated, as the models are.
pub async fn retrieve(pace: &Pace, request: Request, ctx: &WorkflowContext) -> Result<Passages> {
    tokio::time::sleep(pace.of(TIME_TO_RETRIEVE)).await;
    let words = request.prompt().split_whitespace();
    let telling = words.filter(|word| word.len() > SHORT_WORD).count();
    let passages = Passages(telling.min(MOST_PASSAGES));
    ctx.set_attribute("passages", passages.0 as u64);
    Ok(passages)
}

/// Puts together what the model is asked. The passages stay out of it: what a call costs is to be
/// what the data says.
pub async fn compose((request, _): (Request, Passages)) -> Result<Request> {
    Ok(request)
}

/// Sets money aside for an answer.
pub async fn reserve(tally: &Arc<Tally>, request: Request) -> Result<Request> {
    tally.reserved();
    Ok(request)
}

/// Who pays for answers.
#[derive(Debug)]
pub struct Cashier {
    premium: Model,
    tally: Arc<Tally>,
}

impl Cashier {
    /// One who reckons what the premium model would have cost, too.
    pub fn new([_, premium]: &[Model; 2], tally: &Arc<Tally>) -> Self {
        Self {
            premium: premium.clone(),
            tally: Arc::clone(tally),
        }
    }
}

/// Pays for an answer that came out of what was set aside.
pub async fn settle(cashier: &Cashier, answer: Answer) -> Result<Answer> {
    let (read, written) = (answer.input_tokens, answer.output_tokens);
    if let Some(tier) = answer.tier {
        let baseline = cashier.premium.cost(read, written);
        cashier.tally.settled(tier, answer.cost, baseline);
    }
    Ok(answer)
}

/// Gives back what was set aside for an answer that did not come.
pub async fn release(tally: &Arc<Tally>, _: Request) -> Result<()> {
    tally.released();
    Ok(())
}

/// What is said when there is no answer.
#[derive(Debug)]
pub struct Apology {
    tally: Arc<Tally>,
    down: Vec<Range<Duration>>,
}

impl Apology {
    /// Always there, but for the faults that were asked for.
    pub fn new(options: &Options, tally: &Arc<Tally>) -> Self {
        Self {
            tally: Arc::clone(tally),
            down: injected::during(&options.inject, Fault::ApologyDown, options.speed),
        }
    }
}

/// Says that there is no answer now.
pub async fn apologise(apology: &Apology, request: Request) -> Result<Answer> {
    if covers(&apology.down, request.at) {
        let error = "apologise: nobody is there to do it";
        return Err(Error::new(ErrorKind::Unavailable, error));
    }
    apology.tally.canned();
    Ok(Answer::canned())
}

const LONGEST_PROMPT: usize = 100_000;
const TIME_TO_RETRIEVE: Duration = Duration::from_millis(40);
const SHORT_WORD: usize = 7;
const MOST_PASSAGES: usize = 5;
