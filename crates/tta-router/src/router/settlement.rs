//! Booking what a call cost, however it ends.

use std::time::Instant;

use tta_core::{Result, Usage, WorkflowContext};

use super::{RouterPrimitive, usd};

/// One call of a route, charged when it ends and also when it is dropped.
pub(super) struct Settlement<'a, I, O> {
    router: &'a RouterPrimitive<I, O>,
    index: usize,
    /// What deciding cost.
    deciding: Usage,
    /// The route's own context.
    metered: &'a WorkflowContext,
    begun: Instant,
    settled: bool,
}

impl<'a, I, O> Settlement<'a, I, O> {
    pub(super) fn begin(
        router: &'a RouterPrimitive<I, O>,
        index: usize,
        deciding: Usage,
        metered: &'a WorkflowContext,
    ) -> Self {
        Self {
            router,
            index,
            deciding,
            metered,
            begun: metered.now(),
            settled: false,
        }
    }

    pub(super) fn end(&mut self, result: &Result<O>) {
        if let Err(error) = result
            && let Some(count) = self.router.metrics().errors(Some(self.index), error.kind())
        {
            count.increment_in(self.metered);
        }
        self.settle(result.is_ok());
    }

    fn settle(&mut self, succeeded: bool) {
        self.settled = true;
        let (router, ctx) = (self.router, self.metered);
        let Some(metrics) = router.metrics().route(self.index) else {
            return;
        };
        let took = ctx.now().saturating_duration_since(self.begun);
        metrics.duration.record_in(took, ctx);
        let bill = self.bill(succeeded);
        if let Some(unreported) = bill.unreported {
            // Nobody has told those around us yet.
            ctx.report_cost(usd(unreported));
        }
        let deciding = self.deciding.cost_nano_usd.unwrap_or_default();
        let actual = bill.actual.saturating_add(deciding);
        router.ledger.book(bill.baseline, actual);
        if actual > 0 {
            metrics.cost.add_in(usd(actual), ctx);
        }
        let saved = bill.baseline.saturating_sub(actual);
        if saved > 0 {
            metrics.savings.add_in(usd(saved), ctx);
        }
        if ctx.is_sampled() && bill.known {
            ctx.set_attribute("cost_usd", usd(actual));
            ctx.set_attribute("route.saved_usd", usd(bill.baseline) - usd(actual));
        }
    }

    /// What the route cost, and what the same call would have on the dearest route.
    fn bill(&self, succeeded: bool) -> Bill {
        let used = self.metered.usage();
        let tokens = Some(used).filter(|used| used.input_tokens > 0 || used.output_tokens > 0);
        let route = self.router.routes.get(self.index);
        let by_price = route.and_then(|route| route.expected_cost(tokens));
        let is_free = route
            .and_then(|route| route.price)
            .is_some_and(|price| price.is_free());
        let actual = match (used.cost_nano_usd, by_price) {
            // Somebody inside answered for nothing, such as a cache: what that saved is not this
            // router's doing, unless nothing is what the route costs.
            (Some(0), _) if !is_free => return Bill::of(0, 0),
            (Some(reported), _) => reported,
            // A call that failed is charged for what it is known to have used.
            (None, Some(_)) if !succeeded && tokens.is_none() => return Bill::default(),
            (None, Some(by_price)) => by_price,
            (None, None) => return Bill::default(),
        };
        let baseline = if succeeded {
            let dearest = self.router.dearest(|route| route.expected_cost(tokens));
            // A route whose price is not known is a candidate at what it did cost.
            let own = by_price.unwrap_or(actual);
            dearest.unwrap_or_default().max(own)
        } else {
            0
        };
        Bill {
            unreported: used.cost_nano_usd.is_none().then_some(actual),
            ..Bill::of(baseline, actual)
        }
    }
}

impl<I, O> Drop for Settlement<'_, I, O> {
    fn drop(&mut self) {
        if !self.settled {
            self.settle(false);
        }
    }
}

/// Amounts in billionths of a dollar.
#[derive(Default)]
struct Bill {
    baseline: u64,
    actual: u64,
    /// What the price says the route cost where no step has.
    unreported: Option<u64>,
    known: bool,
}

impl Bill {
    fn of(baseline: u64, actual: u64) -> Self {
        Self {
            baseline,
            actual,
            unreported: None,
            known: true,
        }
    }
}
