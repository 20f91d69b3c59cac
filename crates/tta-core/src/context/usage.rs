//! What work has cost, as far as its steps have said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::WorkflowContext;
use crate::catalog::Unit;
use crate::instruments::checked_units;

/// What a piece of work has consumed, as far as its steps have reported it.
///
/// # Examples
///
/// ```
/// use tta_core::WorkflowContext;
///
/// let ctx = WorkflowContext::new();
/// let call = ctx.metered(); // what the step of interest is given
/// call.report_tokens(1_200, 300);
/// call.report_cost(0.004_5);
/// ctx.report_cost(0.001); // by another step
///
/// assert_eq!(call.usage().cost_usd(), Some(0.004_5));
/// assert_eq!(ctx.usage().cost_usd(), Some(0.005_5));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Tokens read by models.
    pub input_tokens: u64,
    /// Tokens written by models.
    pub output_tokens: u64,
    /// Money spent, in billionths of a US dollar so that sums are exact; none if no step has named
    /// a price, which is not the same as a price of nothing.
    pub cost_nano_usd: Option<u64>,
    /// Whether an answer on the way was not whole: cut off at a limit, or filtered.
    pub incomplete: bool,
}

impl Usage {
    /// So many tokens, at a price that is not known yet.
    pub const fn of_tokens(input_tokens: u64, output_tokens: u64) -> Self {
        Self {
            input_tokens,
            output_tokens,
            cost_nano_usd: None,
            incomplete: false,
        }
    }

    /// Money spent, in US dollars.
    pub fn cost_usd(&self) -> Option<f64> {
        self.cost_nano_usd
            .map(|nano| nano as f64 / Unit::UsDollars.scale())
    }
}

impl WorkflowContext {
    /// Says that the work in this context has cost an amount in US dollars; zero says that it was
    /// free, which is more than saying nothing.
    ///
    /// The amount counts for every [metered](Self::metered) piece of work around the caller, for
    /// the workflow, and for the context of which this one is a child. Not a number, an infinity or
    /// a negative amount is refused and counted by
    /// [`refused_measurements`](crate::refused_measurements).
    #[inline]
    pub fn report_cost(&self, usd: f64) {
        // What is free is reported by each hit of a cache, and needs no rounding.
        if usd == 0.0 {
            self.each_meter(|meter| meter.spend(0));
        } else if let Some(nano_usd) = checked_units(usd, Unit::UsDollars.scale()) {
            self.each_meter(|meter| meter.spend(nano_usd));
        }
    }

    /// Says how many tokens a model has read and written; counts as for
    /// [`report_cost`](Self::report_cost).
    pub fn report_tokens(&self, input: u64, output: u64) {
        self.each_meter(|meter| meter.take(input, output));
    }

    /// Says that the answer is not whole: a model stopped at its limit of tokens, or a filter took
    /// something out. It is an answer all the same; whoever would keep it for others, such as a
    /// cache, does not. Counts as for [`report_cost`](Self::report_cost).
    pub fn report_incomplete(&self) {
        self.each_meter(|meter| meter.incomplete.store(true, Ordering::Relaxed));
    }

    /// What has been reported so far: of the [metered](Self::metered) piece of work that this
    /// context belongs to, or else of the whole workflow.
    pub fn usage(&self) -> Usage {
        self.meter
            .as_ref()
            .map_or_else(|| self.shared.usage.read(), |metered| metered.meter.read())
    }

    /// The same context for a piece of work whose usage is to be known apart: what is reported to
    /// it counts here as well. Pieces that run at once do not mix.
    ///
    /// Code that finds its context through [`with_current`](crate::with_current) rather than being
    /// handed it reports to the workflow alone.
    #[must_use]
    pub fn metered(&self) -> Self {
        let mut ctx = self.clone();
        ctx.meter = Some(Arc::new(Metered {
            meter: Meter::default(),
            outer: ctx.meter.take(),
        }));
        ctx
    }

    #[inline]
    fn each_meter(&self, add: impl Fn(&Meter)) {
        let mut metered = self.meter.as_ref();
        while let Some(here) = metered {
            add(&here.meter);
            metered = here.outer.as_ref();
        }
        let mut shared = Some(&self.shared);
        while let Some(here) = shared {
            add(&here.usage);
            shared = here.inherited.as_ref();
        }
    }
}

/// A metered piece of work, inside others.
pub(super) struct Metered {
    meter: Meter,
    outer: Option<Arc<Self>>,
}

#[derive(Default)]
pub(super) struct Meter {
    input_tokens: AtomicU64,
    output_tokens: AtomicU64,
    nano_usd: AtomicU64,
    priced: AtomicBool,
    incomplete: AtomicBool,
}

impl Meter {
    fn spend(&self, nano_usd: u64) {
        if nano_usd > 0 {
            self.nano_usd.fetch_add(nano_usd, Ordering::Relaxed);
        }
        self.priced.store(true, Ordering::Relaxed);
    }

    fn take(&self, input: u64, output: u64) {
        self.input_tokens.fetch_add(input, Ordering::Relaxed);
        self.output_tokens.fetch_add(output, Ordering::Relaxed);
    }

    fn read(&self) -> Usage {
        let priced = self.priced.load(Ordering::Relaxed);
        Usage {
            input_tokens: self.input_tokens.load(Ordering::Relaxed),
            output_tokens: self.output_tokens.load(Ordering::Relaxed),
            cost_nano_usd: priced.then(|| self.nano_usd.load(Ordering::Relaxed)),
            incomplete: self.incomplete.load(Ordering::Relaxed),
        }
    }
}
