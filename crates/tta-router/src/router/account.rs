//! What one call cost, however it ends.

use std::time::Instant;

use tta_core::{Error, WorkflowContext};

use super::RouterPrimitive;
use crate::metrics::Metrics;

/// The account of one call; left open, the call was abandoned.
pub(super) struct Account<'a, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) router: &'a RouterPrimitive<I, O>,
    pub(super) metrics: &'a Metrics,
    pub(super) index: usize,
    pub(super) ctx: &'a WorkflowContext,
    /// The route's own context.
    pub(super) call: &'a WorkflowContext,
    pub(super) deciding_nano_usd: u64,
    pub(super) begun: Instant,
    pub(super) open: bool,
}

/// Amounts in billionths of a US dollar.
struct Bill {
    baseline: u64,
    actual: u64,
}

impl<I, O> Account<'_, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) fn close(&mut self, error: Option<&Error>) {
        self.settle(error.is_none());
        if let Some(error) = error {
            self.metrics
                .failed(Some(self.index), error.kind())
                .increment_in(self.ctx);
        }
    }

    fn settle(&mut self, answered: bool) {
        self.open = false;
        let Some(metrics) = self.metrics.route(self.index) else {
            return;
        };
        let took = self.ctx.now().saturating_duration_since(self.begun);
        metrics.duration.record_in(took, self.ctx);

        let bill = self.bill(answered);
        if answered && bill.is_none() {
            self.router.ledger.unpriced();
        }
        let is_known = bill.is_some() || self.deciding_nano_usd > 0;
        let bill = bill.unwrap_or(Bill {
            baseline: 0,
            actual: 0,
        });
        let actual = bill.actual.saturating_add(self.deciding_nano_usd);
        self.router.ledger.answered(bill.baseline, actual);
        // Through dollars, which are exact to the billionth here, to leave an exemplar.
        if actual > 0 {
            metrics.cost.add_in(usd(actual), self.ctx);
        }
        let saved = bill.baseline.saturating_sub(actual);
        if saved > 0 {
            metrics.savings.add_in(usd(saved), self.ctx);
        }
        if is_known && self.ctx.is_sampled() {
            self.ctx.set_attribute("cost_usd", usd(actual));
            if answered {
                let net = usd(bill.baseline) - usd(actual);
                self.ctx.set_attribute("saving_usd", net);
            }
        }
    }

    /// What the route cost, and what the same call would have on the dearest; none if nobody knows.
    fn bill(&self, answered: bool) -> Option<Bill> {
        let usage = self.call.usage();
        let price = self.router.routes.get(self.index)?.cost;
        let Some(reported) = usage.cost_nano_usd else {
            // A call that failed is charged for the tokens it is known to have used.
            let used_tokens = usage.input_tokens > 0 || usage.output_tokens > 0;
            let actual = price
                .cost_nano_usd(&usage)
                .filter(|_| answered || used_tokens)?;
            // Nobody has told those around us yet.
            self.call.report_cost(usd(actual));
            return Some(self.against_the_dearest(actual, answered));
        };
        // Somebody inside answered for nothing, such as a cache: what that saved is not this
        // router's doing, unless nothing is what the route costs.
        if reported == 0 && !price.is_free() {
            return Some(Bill {
                baseline: 0,
                actual: 0,
            });
        }
        Some(self.against_the_dearest(reported, answered))
    }

    fn against_the_dearest(&self, actual: u64, answered: bool) -> Bill {
        // The route taken is one of the candidates, whatever its price list says.
        let dearest = || self.router.dearest(&self.call.usage()).unwrap_or_default();
        let baseline = if answered { dearest().max(actual) } else { 0 };
        Bill { baseline, actual }
    }
}

impl<I, O> Drop for Account<'_, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    fn drop(&mut self) {
        if self.open {
            self.settle(false);
        }
    }
}

fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / 1e9
}
