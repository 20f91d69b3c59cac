//! The assistant itself.

use std::sync::Arc;
use std::time::Duration;

use tta::prelude::*;
use tta::{
    BoxFlow, ByComplexity, CacheConfig, CircuitBreaker, Json, KeyBuilder, RedisTier, RetryBudget,
    Scope, SharedConfig,
};

use crate::answer::Answer;
use crate::model::Model;
use crate::options::{Options, Routing};
use crate::pace::{FRESHNESS, Pace};
use crate::profile::Tier;
use crate::steps::{self, Apology, Cashier, ModelStep};
use crate::tally::Tally;
use crate::verify::WORKFLOW;
use crate::workload::Request;

/// Composes the assistant.
///
/// The cache stands outside, so that a hit costs nothing of what follows; the canned answer outside
/// of that, so that it is never kept.
///
/// # Errors
///
/// When the options make a part that cannot be.
pub fn assistant(
    options: &Options,
    models: &[Model; 2],
    tally: &Arc<Tally>,
) -> Result<BoxFlow<Request, Answer>> {
    let pace = Pace::new(options.speed);

    let moderate = step("moderate", steps::moderate);
    let retrieve = step_with("retrieve", pace, steps::retrieve);
    let compose = step("compose", steps::compose).with_busy_time();
    let reserve = step_with("reserve", Arc::clone(tally), steps::reserve);
    let settle = step_with("settle", Cashier::new(models, tally), steps::settle);
    let release = step_with("release", Arc::clone(tally), steps::release);
    let apology = Apology::new(options, tally);
    let apologise = step_with("apologise", apology, steps::apologise);

    let answer = (moderate | retrieve) >> compose >> router(options, models, tally)?;
    let paid = (reserve >> answer >> settle).with_compensation(release);

    paid.cached(cache(options, models)?)?
        .with_fallback(apologise)
        .named(WORKFLOW)
        .boxed()
}

/// What is kept: answers by their question, in memory, and in Redis if there is one.
fn cache(options: &Options, models: &[Model; 2]) -> Result<CacheConfig<Request, Answer>> {
    // Answers of other models, or of the same to another seed, are other answers.
    let [cheap, premium] = models.each_ref().map(Model::name);
    let world = format!("{cheap}, {premium}, {}", options.seed);
    let key = move |request: &Request, _: &WorkflowContext, key: &mut KeyBuilder| {
        key.text(&world);
        key.text(request.prompt());
    };
    let cache =
        CacheConfig::new(Scope::Global, key).with_ttl(Pace::new(options.speed).of(FRESHNESS));
    let Some(redis) = &options.redis else {
        return Ok(cache);
    };
    let mut redis = redis.clone();
    if let Some(budget) = options.redis_budget {
        let budget = Duration::from_millis(budget.get().into());
        // Several may wait in vain before Redis is left alone for a while.
        redis = redis.with_budget(budget).with_patience(5 * budget);
    }
    let tier = RedisTier::new(redis)?;
    Ok(cache.with_shared(SharedConfig::new("assistant", tier, Json)))
}

/// Picks the model: by the question, away from a provider that fails, and on to the premium model
/// where the cheap one fails or says nothing sound.
fn router(
    options: &Options,
    [cheap, premium]: &[Model; 2],
    tally: &Arc<Tally>,
) -> Result<BoxFlow<Request, Answer>> {
    let pace = Pace::new(options.speed);
    let (small, large) = (cheap.name(), premium.name());
    let call = |model| ModelStep::flow(model, options.speed, tally);
    let (cheap_call, premium_call) = (call(cheap)?, call(premium)?);

    let router = RouterPrimitive::builder()
        .route(small, provider(cheap, cheap_call, pace)?, cheap.price())
        .route(
            large,
            provider(premium, premium_call, pace)?,
            premium.price(),
        )
        .cascade_errors(small, large);
    let router = match options.router {
        Routing::Complexity => router
            .strategy(pace.healthy(ByComplexity::new(small, large, Request::prompt)))
            .default_route(large),
        Routing::Cascade => router.cascade(small, large, steps::verify),
    };
    router.build()?.boxed()
}

/// What stands between us and the provider of a model.
///
/// Each attempt has its own time and its own place, and counts for the breaker. The retry stands
/// outside, within a budget for all calls of the provider.
fn provider<P>(model: &Model, call: Flow<P>, pace: Pace) -> Result<BoxFlow<Request, Answer>>
where
    P: Primitive<Input = Request, Output = Answer> + 'static,
{
    let name = |part: &str| format!("{}.{part}", model.name());
    let budget = RetryBudget::default();

    let attempt = call
        .timeout(pace.patience())?
        .with_name(name("timeout"))
        .limit(pace.bulkhead())?
        .with_name(name("bulkhead"))
        .limit(pace.quota())?
        .with_name(name("quota"));
    // A second call of the premium model would cost more than the wait.
    let attempt = match model.tier() {
        Tier::Cheap => attempt
            .hedged(pace.hedge())?
            .with_name(name("hedge"))
            .boxed()?,
        Tier::Premium => attempt.boxed()?,
    };
    attempt
        .circuit_breaker(CircuitBreaker::new(name("breaker"), pace.breaker())?)?
        .retry(pace.retry(&budget))?
        .with_name(name("retry"))
        .boxed()
}
