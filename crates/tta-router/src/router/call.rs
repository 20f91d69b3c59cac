//! Running the route that was chosen, and those that follow on it.

use std::time::Instant;

use tta_core::{Error, Level, LogField, Primitive, Result, Usage, WorkflowContext};

use super::RouterPrimitive;
use super::account::{Attempt, Bill, Expense, Request};
use crate::catalog::{EXECUTE_SPAN, VERIFIER_FAILED, VERIFY_SPAN};
use crate::live::{Claim, InFlight};
use crate::metrics::Metrics;
use crate::reason::RouteReason;
use crate::verifier::{BoxFuture, Verification};

/// One call to come.
struct Next<'r> {
    index: usize,
    reason: RouteReason,
    claim: Option<Claim<'r>>,
    /// Whose usage is the call's.
    ctx: WorkflowContext,
    begun: Instant,
    /// Whether an answer has to be judged before it is one.
    is_judged: bool,
}

impl<I, O> RouterPrimitive<I, O>
where
    I: Send + 'static,
    O: Send + 'static,
{
    /// Decides, and calls one route after the other until one gives an answer that holds.
    pub(super) async fn answer(
        &self,
        mut input: I,
        ctx: &WorkflowContext,
        metrics: &Metrics,
    ) -> Result<O> {
        let deciding = ctx.metered();
        let mut request = Request::begin(self, metrics, ctx);
        let (selected, decided) = self
            .decide(&input, &deciding, metrics)
            .inspect_err(|_| request.decided(None, &deciding.usage()))?;
        let usage = deciding.usage();
        request.decided(Some(selected.index), &usage);
        let mut next = Next {
            index: selected.index,
            reason: selected.reason,
            claim: selected.claim,
            // A strategy that reports what it cost is rare; its report must not pass for the route's.
            ctx: if usage == Usage::default() {
                deciding
            } else {
                ctx.metered()
            },
            begun: decided,
            is_judged: false,
        };
        let mut failed: Option<Error> = None;
        loop {
            let cascade = self.cascades.get(next.index).and_then(Option::as_ref);
            let Some(cascade) = cascade else {
                let (result, _) = self.call(input, next, &mut request).await;
                return result.map_err(|error| joined(failed, error));
            };
            let kept = (cascade.keep)(&input);
            let from = next.index;
            next.is_judged = cascade.refused.is_some();
            let (result, bill) = self.call(input, next, &mut request).await;
            let (to, reason) = match (result, &cascade.refused, cascade.failed) {
                (Ok(answer), None, _) => return Ok(answer),
                (Ok(answer), Some((verifier, to)), _) => {
                    let call = ctx.metered();
                    let verdict = verifier.verify(&kept, &answer, &call);
                    match self.judge(verdict, &call, from, bill, &mut request).await {
                        None => return Ok(answer),
                        Some(reason) => (*to, reason),
                    }
                }
                (Err(error), _, Some(to)) => {
                    failed = Some(joined(failed, error));
                    (to, RouteReason::EscalatedError)
                }
                (Err(error), _, None) => return Err(joined(failed, error)),
            };
            if let Some(decisions) = metrics.decided(to, reason) {
                decisions.increment_in(ctx);
            }
            input = kept;
            next = Next {
                index: to,
                reason,
                claim: None,
                ctx: ctx.metered(),
                begun: ctx.now(),
                is_judged: false,
            };
        }
    }

    /// Calls one route; the bill is that of an answer that is still to be judged.
    async fn call(
        &self,
        input: I,
        next: Next<'_>,
        request: &mut Request<'_, I, O>,
    ) -> (Result<O>, Option<Bill>) {
        let ctx = request.ctx;
        let place = self
            .routes
            .get(next.index)
            .zip(self.table.rows.get(next.index));
        let Some((route, row)) = place else {
            return (Err(self.no_route("it has no routes")), None);
        };
        let tick = self.table.tick(next.begun);
        let in_flight = InFlight::begin(&row.live, next.claim, tick);
        let mut attempt = Attempt::begin(request, next.index, &next.ctx, in_flight, next.begun);
        let mut bill = None;
        let (call, reason, is_judged) = (&next.ctx, next.reason, next.is_judged);
        let (attempt, billed) = (&mut attempt, &mut bill);
        let result = ctx
            .in_span_with(&EXECUTE_SPAN, move || async move {
                if ctx.is_sampled() {
                    ctx.set_attribute("route_selected", row.name.clone());
                    ctx.set_attribute("route.reason", reason.as_str());
                    if let Some(model) = &row.model {
                        ctx.set_attribute("model", model.clone());
                    }
                }
                let result = route.execute(input, call).await;
                *billed = attempt.close(result.as_ref().err());
                if result.is_ok() && !is_judged {
                    attempt.request.answered(*billed);
                }
                result
            })
            .await;
        (result, bill)
    }

    /// Hears what a verifier says of an answer: nothing if it holds, or else why not.
    async fn judge(
        &self,
        verdict: BoxFuture<'_, Verification>,
        call: &WorkflowContext,
        from: usize,
        bill: Option<Bill>,
        request: &mut Request<'_, I, O>,
    ) -> Option<RouteReason> {
        let ctx = request.ctx;
        let mut expense = Expense {
            request,
            index: from,
            call,
            is_open: true,
        };
        let judged = ctx
            .in_span(&VERIFY_SPAN, async {
                if ctx.is_sampled() {
                    ctx.set_attribute("route_selected", self.table.name(from).to_owned());
                }
                let verification = verdict.await?;
                expense.close();
                if ctx.is_sampled() {
                    ctx.set_attribute("verify.accepted", verification.accepted);
                    if let Some(score) = verification.score {
                        ctx.set_attribute("verify.score", score);
                    }
                }
                if verification.accepted {
                    expense.request.answered(bill);
                }
                Ok(verification)
            })
            .await;
        match judged {
            Ok(verification) if verification.accepted => None,
            Ok(_) => Some(RouteReason::Escalated),
            Err(error) => {
                self.log_unverified(from, &error, ctx);
                Some(RouteReason::EscalatedUnverified)
            }
        }
    }

    fn log_unverified(&self, from: usize, error: &Error, ctx: &WorkflowContext) {
        if !ctx.logs(Level::Warn) {
            return;
        }
        let message = error.to_string();
        let fields = [
            LogField::new("primitive", self.name.as_str()),
            LogField::new("route", self.table.name(from)),
            LogField::new("error", message.as_str()),
        ];
        ctx.log(&VERIFIER_FAILED, Level::Warn, &fields);
    }
}

/// The error of a call that has failed at several routes: the first one's, with the others' related.
fn joined(first: Option<Error>, last: Error) -> Error {
    match first {
        Some(first) => first.with_related(last),
        None => last,
    }
}
