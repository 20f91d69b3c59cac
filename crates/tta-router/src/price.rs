//! What a call on a route costs.

use tta_core::{Error, ErrorKind, Result, Usage};

/// What a call on a route costs.
///
/// # Units
///
/// US dollars for a call, or for a million tokens.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Price {
    call: f64,
    million_input: f64,
    million_output: f64,
}

impl Price {
    /// Nothing: a model of one's own, say.
    pub const FREE: Self = Self::per_call(0.0);

    /// So much a call, whatever its size.
    pub const fn per_call(usd: f64) -> Self {
        Self {
            call: usd,
            million_input: 0.0,
            million_output: 0.0,
        }
    }

    /// So much a million tokens read and written, as the step
    /// [reports](tta_core::WorkflowContext::report_tokens) them.
    pub const fn per_million_tokens(input_usd: f64, output_usd: f64) -> Self {
        Self {
            call: 0.0,
            million_input: input_usd,
            million_output: output_usd,
        }
    }

    pub(crate) fn validated(self) -> Result<Self> {
        let parts = [self.call, self.million_input, self.million_output];
        if parts.iter().all(|usd| (0.0..=LARGEST).contains(usd)) {
            Ok(self)
        } else {
            Err(Error::new(
                ErrorKind::Configuration,
                "a price must be a number of dollars between zero and a million; give a route \
                 without a known price no price",
            ))
        }
    }

    /// What a call of this usage costs, in billionths of a dollar.
    pub(crate) fn of(&self, usage: Usage) -> u64 {
        // A dollar for a million tokens is a thousand billionths for one.
        let tokens = usage.input_tokens as f64 * self.million_input
            + usage.output_tokens as f64 * self.million_output;
        let nano_usd = self.call * 1e9 + tokens * 1e3;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "not negative by construction, and a cast from a float saturates"
        )]
        let whole = nano_usd.round() as u64;
        whole
    }

    /// Whether every call is for nothing.
    pub(crate) fn is_free(&self) -> bool {
        self.call <= 0.0 && !self.depends_on_usage()
    }

    /// Whether a call's cost is known only when its tokens are.
    pub(crate) fn depends_on_usage(&self) -> bool {
        self.million_input > 0.0 || self.million_output > 0.0
    }
}

const LARGEST: f64 = 1e6;
