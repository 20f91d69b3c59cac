//! The assistant itself: cache, router, timeout, model, composed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tta::prelude::*;
use tta::{BoxFlow, ByComplexity, CacheConfig, Scope, TimeoutConfig};

use crate::answer::{Answer, ModelFailure};
use crate::model::Model;
use crate::money::NanoUsd;
use crate::options::Options;
use crate::positive::Positive;
use crate::tally::Tally;
use crate::verify::WORKFLOW;
use crate::workload::Request;

/// Composes the assistant.
///
/// The cache stands outside, so that a hit costs no decision; the timeout inside each route, so
/// that what a call cost before it was cut off is charged to its route.
///
/// # Errors
///
/// When the options make a part that cannot be, such as a timeout of no time at all.
pub fn assistant(
    options: &Options,
    [cheap, premium]: [Model; 2],
    tally: &Arc<Tally>,
) -> Result<BoxFlow<Request, Answer>> {
    let model = |model: Model| {
        let call = ModelStep {
            model,
            premium: premium.clone(),
            speed: options.speed,
            tally: Arc::clone(tally),
        };
        let limit = TimeoutConfig::new(options.speed.compress(PATIENCE));
        step_with(call.model.name(), call, ModelStep::ask).timeout(limit)
    };
    let strategy = ByComplexity::new(cheap.name(), premium.name(), Request::prompt);
    let router = RouterPrimitive::builder()
        .route(cheap.name(), model(cheap.clone())?, price(&cheap))
        .route(premium.name(), model(premium.clone())?, price(&premium))
        .default_route(premium.name())
        .strategy(strategy)
        .build()?;

    let cache = CacheConfig::new(Scope::Global, |request: &Request, _, key| {
        key.text(request.prompt());
    });
    router
        .cached(cache.with_ttl(options.speed.compress(FRESHNESS)))?
        .named(WORKFLOW)
        .boxed()
}

/// A model as a step: it calls, says what that cost, and keeps the program's own count.
struct ModelStep {
    model: Model,
    premium: Model,
    speed: Positive,
    tally: Arc<Tally>,
}

impl ModelStep {
    async fn ask(&self, request: Request, ctx: &WorkflowContext) -> Result<Answer> {
        ctx.set_attribute("model", self.model.name());
        let mut call = self.tally.call(self.model.name());
        let earlier = ctx.state::<Attempts>().map_or(0, |it| it.next());
        let plan = self.model.plan_attempt(&request, earlier);
        // A provider charges for what it reads even if nobody waits for what it writes.
        let mut charge = |cost: NanoUsd| {
            call.charge(cost);
            ctx.report_cost(cost.usd());
        };
        if let Ok(answer) = &plan.outcome {
            charge(answer.input_cost);
            ctx.report_tokens(answer.input_tokens.into(), 0);
        }
        match plan.carry_out(self.speed).await {
            Ok(answer) => {
                let (read, written) = (answer.input_tokens, answer.output_tokens);
                charge(self.model.cost(0, written));
                ctx.report_tokens(0, written.into());
                ctx.set_attribute("prompt_tokens", read);
                ctx.set_attribute("completion_tokens", written);
                call.answered(self.premium.cost(read, written));
                Ok(answer)
            }
            Err(failure) => {
                let error = failed(failure);
                call.failed(error.kind().as_str());
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
fn failed(failure: ModelFailure) -> Error {
    match failure {
        ModelFailure::RateLimited { retry_after } => Error::from(failure)
            .with_kind(ErrorKind::RateLimited)
            .with_retry_after(retry_after),
        ModelFailure::Unavailable => Error::from(failure).with_kind(ErrorKind::Unavailable),
    }
}

/// The model's price list, which says what an answer would have cost on the other route.
fn price(model: &Model) -> CostModel {
    let million = |input, output| model.cost(input, output).usd();
    CostModel::per_million_tokens(million(1_000_000, 0), million(0, 1_000_000))
}

/// How long a caller waits for a model, at normal speed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long an answer stays good, at normal speed.
pub const FRESHNESS: Duration = Duration::from_hours(1);
