//! What one request cost, however it ends.

use std::time::Instant;

use tta_core::{Error, Usage, WorkflowContext};

use super::RouterPrimitive;
use crate::live::InFlight;
use crate::metrics::Metrics;

/// The account of one request, whatever calls it takes; settled when it is answered or dropped.
pub(super) struct Request<'a, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    router: &'a RouterPrimitive<I, O>,
    metrics: &'a Metrics,
    pub(super) ctx: &'a WorkflowContext,
    /// The route that was called last.
    index: Option<usize>,
    /// In billionths of a US dollar, as every amount here.
    spent: u64,
    /// What deciding cost and no call has shown in its span yet.
    deciding: u64,
    is_open: bool,
}

/// Amounts in billionths of a US dollar.
#[derive(Clone, Copy)]
pub(super) struct Bill {
    baseline: u64,
    actual: u64,
}

impl<'a, I, O> Request<'a, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) fn begin(
        router: &'a RouterPrimitive<I, O>,
        metrics: &'a Metrics,
        ctx: &'a WorkflowContext,
    ) -> Self {
        Self {
            router,
            metrics,
            ctx,
            index: None,
            spent: 0,
            deciding: 0,
            is_open: true,
        }
    }

    /// Charges what deciding cost.
    pub(super) fn decided(&mut self, index: Option<usize>, usage: &Usage) {
        self.index = index;
        self.deciding = usage.cost_nano_usd.unwrap_or_default();
        self.charge(index, self.deciding);
    }

    /// Credits an answer that holds, and settles; the bill is that of the call that gave it.
    pub(super) fn answered(&mut self, bill: Option<Bill>) {
        let baseline = bill.map_or(0, |bill| bill.baseline);
        if (bill.is_some() || self.spent > 0) && self.ctx.is_sampled() {
            let net = usd(baseline) - usd(self.spent);
            self.ctx.set_attribute("saving_usd", net);
        }
        self.settle(baseline);
    }

    fn charge(&mut self, index: Option<usize>, actual: u64) {
        if actual > 0 {
            self.spent = self.spent.saturating_add(actual);
            // Through dollars, which are exact to the billionth here, to leave an exemplar.
            self.metrics.cost(index).add_in(usd(actual), self.ctx);
        }
    }

    fn settle(&mut self, baseline: u64) {
        self.is_open = false;
        self.router.ledger.settle(baseline, self.spent);
        let saved = baseline.saturating_sub(self.spent);
        let lost = self.spent.saturating_sub(baseline);
        if saved > 0 {
            self.metrics
                .savings(self.index)
                .add_in(usd(saved), self.ctx);
        }
        if lost > 0 {
            self.metrics.losses(self.index).add_in(usd(lost), self.ctx);
        }
    }
}

impl<I, O> Drop for Request<'_, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    fn drop(&mut self) {
        if self.is_open {
            self.settle(0);
        }
    }
}

/// One call of a route; left open, it was abandoned.
pub(super) struct Attempt<'q, 'a, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) request: &'q mut Request<'a, I, O>,
    index: usize,
    /// The call's own context.
    call: &'q WorkflowContext,
    in_flight: InFlight<'q>,
    begun: Instant,
    is_open: bool,
}

impl<'q, 'a, I, O> Attempt<'q, 'a, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) fn begin(
        request: &'q mut Request<'a, I, O>,
        index: usize,
        call: &'q WorkflowContext,
        in_flight: InFlight<'q>,
        begun: Instant,
    ) -> Self {
        request.index = Some(index);
        Self {
            request,
            index,
            call,
            in_flight,
            begun,
            is_open: true,
        }
    }

    /// Charges a call that has ended; the bill of an answer whose price is known.
    pub(super) fn close(&mut self, error: Option<&Error>) -> Option<Bill> {
        let now = self.request.ctx.now();
        let bill = self.settle(error.is_none(), now);
        let router = self.request.router;
        let tick = router.table.tick(now);
        if let Some(error) = error {
            self.in_flight.failed(error, tick);
            let errors = self.request.metrics.failed(Some(self.index), error.kind());
            errors.increment_in(self.request.ctx);
        } else {
            let took = now.saturating_duration_since(self.begun);
            self.in_flight.succeeded(took, router.table.half_life, tick);
            if bill.is_none() {
                router.ledger.unpriced();
            }
        }
        bill
    }

    fn settle(&mut self, answered: bool, now: Instant) -> Option<Bill> {
        self.is_open = false;
        let ctx = self.request.ctx;
        let took = now.saturating_duration_since(self.begun);
        if let Some(route) = self.request.metrics.route(self.index) {
            route.duration.record_in(took, ctx);
        }
        let bill = self.bill(answered);
        let actual = bill.map_or(0, |bill| bill.actual);
        self.request.charge(Some(self.index), actual);
        let deciding = std::mem::take(&mut self.request.deciding);
        if (bill.is_some() || deciding > 0) && ctx.is_sampled() {
            ctx.set_attribute("cost_usd", usd(actual.saturating_add(deciding)));
        }
        bill
    }

    /// What the call cost, and what it would have on the dearest route; none if nobody knows.
    fn bill(&self, answered: bool) -> Option<Bill> {
        let usage = self.call.usage();
        let price = self.request.router.table.rows.get(self.index)?.cost;
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
        let dearest = || self.request.router.dearest(&self.call.usage());
        let baseline = if answered {
            dearest().unwrap_or_default().max(actual)
        } else {
            0
        };
        Bill { baseline, actual }
    }
}

impl<I, O> Drop for Attempt<'_, '_, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    fn drop(&mut self) {
        if self.is_open {
            self.settle(false, self.request.ctx.now());
        }
    }
}

/// What a verifier costs; left open, it was abandoned.
pub(super) struct Expense<'q, 'a, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) request: &'q mut Request<'a, I, O>,
    pub(super) index: usize,
    /// The verifier's own context.
    pub(super) call: &'q WorkflowContext,
    pub(super) is_open: bool,
}

impl<I, O> Expense<'_, '_, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    pub(super) fn close(&mut self) {
        self.is_open = false;
        let cost = self.call.usage().cost_nano_usd.unwrap_or_default();
        self.request.charge(Some(self.index), cost);
        if cost > 0 && self.request.ctx.is_sampled() {
            self.request.ctx.set_attribute("cost_usd", usd(cost));
        }
    }
}

impl<I, O> Drop for Expense<'_, '_, I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    fn drop(&mut self) {
        if self.is_open {
            self.close();
        }
    }
}

fn usd(nano_usd: u64) -> f64 {
    nano_usd as f64 / 1e9
}
