//! What a call of a route costs.

use tta_core::{Error, ErrorKind, Result, Usage};

/// What a call of a route costs, for routes whose steps do not report it themselves.
///
/// A step that [reports a cost](tta_core::WorkflowContext::report_cost) is believed; this says what
/// to reckon otherwise, and what the same call would have cost on the routes not taken.
///
/// # Examples
///
/// ```
/// use tta_core::Usage;
/// use tta_router::CostModel;
///
/// let model = CostModel::per_million_tokens(0.15, 0.60);
/// assert_eq!(model.cost_nano_usd(&Usage::of_tokens(1_000, 100)), Some(210_000));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub struct CostModel {
    price: Price,
}

#[derive(Clone, Copy, Debug, PartialEq, Default)]
enum Price {
    /// Nothing is known.
    #[default]
    Unknown,
    PerCall {
        nano_usd: f64,
    },
    PerToken {
        input_nano_usd: f64,
        output_nano_usd: f64,
    },
}

impl CostModel {
    /// The cost is not known; only what steps report counts.
    pub const fn unknown() -> Self {
        Self {
            price: Price::Unknown,
        }
    }

    /// The same price for each call, in US dollars.
    pub const fn per_call(usd: f64) -> Self {
        Self {
            price: Price::PerCall {
                nano_usd: usd * NANO,
            },
        }
    }

    /// A price for each million tokens read and written, in US dollars, for steps that
    /// [report tokens](tta_core::WorkflowContext::report_tokens).
    pub const fn per_million_tokens(input_usd: f64, output_usd: f64) -> Self {
        let (input_nano_usd, output_nano_usd) = (input_usd * NANO / 1e6, output_usd * NANO / 1e6);
        Self {
            price: Price::PerToken {
                input_nano_usd,
                output_nano_usd,
            },
        }
    }

    /// What a call of this usage costs, in billionths of a US dollar, if that can be known.
    pub fn cost_nano_usd(&self, usage: &Usage) -> Option<u64> {
        let tokens = usage.input_tokens.saturating_add(usage.output_tokens);
        let nano_usd = match self.price {
            Price::Unknown => return None,
            Price::PerCall { nano_usd } => nano_usd,
            // A step that says nothing of tokens has not said that there were none.
            Price::PerToken { .. } if tokens == 0 => return None,
            Price::PerToken {
                input_nano_usd,
                output_nano_usd,
            } => {
                usage.input_tokens as f64 * input_nano_usd
                    + usage.output_tokens as f64 * output_nano_usd
            }
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "prices were seen to be finite and not negative; beyond u64 it saturates"
        )]
        Some(nano_usd.round() as u64)
    }

    /// Whether every call is known to be for nothing.
    pub(crate) fn is_free(&self) -> bool {
        match self.price {
            Price::Unknown => false,
            Price::PerCall { nano_usd } => nano_usd <= 0.0,
            Price::PerToken {
                input_nano_usd,
                output_nano_usd,
            } => input_nano_usd + output_nano_usd <= 0.0,
        }
    }

    pub(crate) fn validated(self, route: &str) -> Result<Self> {
        let prices = match self.price {
            Price::Unknown => [0.0, 0.0],
            Price::PerCall { nano_usd } => [nano_usd, 0.0],
            Price::PerToken {
                input_nano_usd,
                output_nano_usd,
            } => [input_nano_usd, output_nano_usd],
        };
        if prices
            .iter()
            .all(|price| price.is_finite() && *price >= 0.0)
        {
            return Ok(self);
        }
        let message = format!("route `{route}` has a price that is negative or no number; mend it");
        Err(Error::new(ErrorKind::Configuration, message))
    }
}

const NANO: f64 = 1e9;
