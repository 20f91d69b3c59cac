//! A comparison as a table for a reader.

use std::fmt;

use crate::comparison::{Comparison, PolicyReport};
use crate::world::Truth;

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [cheap, premium] = &self.models;
        let truth = match self.truth {
            Truth::Recorded => "as recorded in the data",
            Truth::Synthetic => "SYNTHETIC",
            Truth::Unknown => "unknown",
        };
        writeln!(
            f,
            "{cheap} or {premium}, right answers {truth}\n\
             held equal: {} requests at the same times, the same cache ({:.1} % hits), tokens and \
             prices, no failures; baseline of savings: always premium",
            self.requests,
            self.hit_rate * 100.0,
        )?;
        let has_suspect = self
            .policies
            .iter()
            .any(|it| it.quality_without_suspect.is_some());
        writeln!(
            f,
            "\n{:<21} {:>7} {:>7} {:>10} {:>10} {:>9} {:>10} {:>13} {}{:>9}",
            "policy",
            "hits",
            "premium",
            "cost $",
            "gross $",
            "over $",
            "net $",
            "right",
            if has_suspect { "w/o suspect " } else { "" },
            "m$/right",
        )?;
        for policy in &self.policies {
            row(f, policy, has_suspect)?;
        }
        let notes = self.findings.iter().chain(&self.caveats);
        for note in notes {
            writeln!(f, "- {note}")?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, policy: &PolicyReport, has_suspect: bool) -> fmt::Result {
    let percent = |share: Option<f64>| {
        share.map_or_else(|| "?".to_owned(), |share| format!("{:.1} %", share * 100.0))
    };
    let right = match policy.quality_spread {
        Some(spread) => format!("{} ±{:.1}", percent(policy.quality), spread * 100.0),
        None => percent(policy.quality),
    };
    // What shows as nothing is shown without a sign.
    let money = |usd: f64| if usd.abs() < 0.000_05 { 0.0 } else { usd };
    let without_suspect = if has_suspect {
        format!("{:>11} ", percent(policy.quality_without_suspect))
    } else {
        String::new()
    };
    let each = policy
        .usd_per_right_answer
        .map_or_else(|| "?".to_owned(), |usd| format!("{:.4}", usd * 1e3));
    writeln!(
        f,
        "{:<21} {:>7} {:>7} {:>10.4} {:>10.4} {:>9.4} {:>10.4} {right:>13} {without_suspect}{each:>9}",
        policy.policy,
        percent(Some(policy.hit_rate)),
        percent(Some(policy.premium_share)),
        money(policy.cost_usd),
        money(policy.gross_savings_usd),
        money(policy.overhead_usd),
        money(policy.net_savings_usd),
    )
}
