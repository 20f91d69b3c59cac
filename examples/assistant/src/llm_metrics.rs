//! What the models are asked and paid, as metrics of the application's own.
//!
//! The library counts what its primitives do; that a step calls a model, and with how many tokens,
//! only the application knows. These are recorded into the same registry, and so go wherever the
//! library's go.

use tta::{Counter, MetricSpec, Result, Unit, WorkflowContext, registry};

/// Handles for one model, resolved once.
#[derive(Clone, Debug)]
pub struct LlmMetrics {
    success: Counter,
    error: Counter,
    cancelled: Counter,
    input_tokens: Counter,
    output_tokens: Counter,
    cost: Counter,
}

/// A call under way; one that is dropped without having ended is cancelled.
#[derive(Debug)]
#[must_use = "a call that is dropped at once counts as cancelled"]
pub struct LlmCall<'a> {
    metrics: &'a LlmMetrics,
    ctx: &'a WorkflowContext,
    ending: &'a Counter,
}

impl LlmMetrics {
    /// Those of the model of this name.
    ///
    /// # Errors
    ///
    /// When another metric has one of the names.
    pub fn new(model: &str) -> Result<Self> {
        let requests = |status| registry().counter(&REQUESTS, &[PROVIDER, model, status]);
        let tokens = |token_type| registry().counter(&TOKENS, &[PROVIDER, model, token_type]);
        Ok(Self {
            success: requests("success")?,
            error: requests("error")?,
            cancelled: requests("cancelled")?,
            input_tokens: tokens("input")?,
            output_tokens: tokens("output")?,
            cost: registry().counter(&COST, &[PROVIDER, model])?,
        })
    }

    /// A call from here on.
    pub fn call<'a>(&'a self, ctx: &'a WorkflowContext) -> LlmCall<'a> {
        LlmCall {
            metrics: self,
            ctx,
            ending: &self.cancelled,
        }
    }
}

impl LlmCall<'_> {
    /// The model has read so many tokens, or written them, for so much.
    pub fn charge(&self, input_tokens: u32, output_tokens: u32, usd: f64) {
        let LlmMetrics {
            input_tokens: input,
            output_tokens: output,
            cost,
            ..
        } = self.metrics;
        input.add_in(input_tokens.into(), self.ctx);
        output.add_in(output_tokens.into(), self.ctx);
        cost.add_in(usd, self.ctx);
    }

    /// The call gave an answer.
    pub fn answered(mut self) {
        self.ending = &self.metrics.success;
    }

    /// The call failed.
    pub fn failed(mut self) {
        self.ending = &self.metrics.error;
    }
}

impl Drop for LlmCall<'_> {
    fn drop(&mut self) {
        self.ending.increment_in(self.ctx);
    }
}

/// Calls of models.
static REQUESTS: MetricSpec = MetricSpec::counter(
    "llm_requests_total",
    Unit::One,
    "Calls of a model by how they ended: success, error or cancelled.",
)
.labels(&["provider", "model", "status"]);

/// Tokens.
static TOKENS: MetricSpec = MetricSpec::counter(
    "llm_tokens_total",
    Unit::One,
    "Tokens that a model has read (input) or written (output).",
)
.labels(&["provider", "model", "token_type"]);

/// Money.
static COST: MetricSpec = MetricSpec::counter(
    "llm_cost_usd_total",
    Unit::UsDollars,
    "What calls of a model cost.",
)
.labels(&["provider", "model"]);

/// No model is called: they are simulated.
const PROVIDER: &str = "simulated";
