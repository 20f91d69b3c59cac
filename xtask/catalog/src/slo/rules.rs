//! The rules of objectives.

use std::collections::BTreeSet;

use super::{Indicator, Slo, Slos};
use crate::rules::{Alert, Group, Record, Rule, RuleFile, Severity};

/// The rules of all objectives: what is recorded first, then the alerts.
pub fn rules(slos: &Slos) -> RuleFile {
    RuleFile {
        file: "slo.yml",
        comment: "The error budgets of ../slo.toml, and how fast they burn. Each alert asks for a \
                  burn\nrate over two windows: the long one so that it means something, the short \
                  one so that it\nends soon after the fault."
            .to_owned(),
        groups: slos.slos.iter().map(group).collect(),
    }
}

fn group(slo: &Slo) -> Group {
    let burns: Vec<&Burn> = BURNS.iter().filter(|burn| burn.fits(slo)).collect();
    let windows: BTreeSet<(u32, &str)> = burns
        .iter()
        .flat_map(|burn| [burn.short, burn.long])
        .collect();
    let records = windows.into_iter().map(|(_, window)| record(slo, window));
    let alerts = burns.iter().map(|burn| alert(slo, burn));
    Group {
        name: format!("tta-slo-{}", slo.name),
        rules: records.chain(alerts).collect(),
    }
}

fn record(slo: &Slo, window: &str) -> Rule {
    let Slo {
        metric, subject, ..
    } = slo;
    let by = format!("sum by (job, {subject})");
    let selector = |suffix: &str, own: &str| {
        let matchers: Vec<&str> = [slo.matchers.as_str(), own]
            .into_iter()
            .filter(|it| !it.is_empty())
            .collect();
        let braces = match matchers.join(", ") {
            none if none.is_empty() => none,
            some => format!("{{{some}}}"),
        };
        format!("{by} (rate({metric}{suffix}{braces}[{window}]))")
    };
    let promql = match slo.indicator {
        Indicator::Failed => format!(
            "{}\n/ {}",
            selector("", "status=\"error\""),
            selector("", "")
        ),
        Indicator::Slow(seconds) => format!(
            "1 - {}\n/ {}",
            // As the bound is written at /metrics.
            selector("_bucket", &format!("le=\"{seconds:?}\"")),
            selector("_count", "")
        ),
    };
    Rule::Record(Record {
        name: recorded(window),
        promql,
        labels: vec![("slo", slo.name.clone())],
        grouping: vec!["job".to_owned(), (*subject).to_owned()],
    })
}

fn alert(slo: &Slo, burn: &Burn) -> Rule {
    let rate = burn.rate(slo);
    let limit = format!("{} * {}", round(rate), slo.budget);
    let name = &slo.name;
    let over = |window: &str| format!("{}{{slo=\"{name}\"}} > {limit}", recorded(window));
    let subject = slo.subject;
    let (alert, bad) = match slo.indicator {
        Indicator::Failed => ("TtaErrorBudgetBurn", "fail".to_owned()),
        Indicator::Slow(seconds) => (
            "TtaLatencyBudgetBurn",
            format!("take longer than {seconds} s"),
        ),
    };
    Rule::Alert(Alert {
        name: alert,
        promql: format!("{}\nand {}", over(burn.long.1), over(burn.short.1)),
        hold: burn.hold.to_owned(),
        severity: burn.severity,
        labels: vec![("window", burn.long.1.to_owned())],
        summary: format!(
            "{{{{ $value | humanizePercentage }}}} of {{{{ $labels.{subject} }}}} {bad}: the budget \
             of {name} burns {} times too fast",
            round(rate)
        ),
        description: format!(
            "Of {{{{ $labels.{subject} }}}} ({{{{ $labels.job }}}}), over {} and over {}, so many \
             executions {bad} that the error budget of {} for {} (slo {name}) would be used up in \
             {}.",
            burn.long.1,
            burn.short.1,
            percent(slo.budget),
            slo.window.text,
            hours(slo.window.hours / rate)
        ),
    })
}

fn recorded(window: &str) -> String {
    format!("slo:sli_error:ratio_rate{window}")
}

fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e6).round() / 1e4)
}

fn hours(hours: f64) -> String {
    if hours < 96.0 {
        format!("{hours:.0} hours")
    } else {
        format!("{:.0} days", hours / 24.0)
    }
}

/// A pair of windows, and the share of the budget that may burn within the long one.
struct Burn {
    /// In minutes, and as PromQL has it.
    long: (u32, &'static str),
    short: (u32, &'static str),
    share: f64,
    hold: &'static str,
    severity: Severity,
}

impl Burn {
    /// How many times as fast as it may the budget burns.
    fn rate(&self, slo: &Slo) -> f64 {
        self.share * slo.window.hours * 60.0 / f64::from(self.long.0)
    }

    /// Not below the objective itself, where it would cry over a service that keeps it; nor where
    /// even a total failure burns more slowly.
    fn fits(&self, slo: &Slo) -> bool {
        let rate = self.rate(slo);
        rate >= 1.0 && rate * slo.budget < 1.0
    }
}

const BURNS: [Burn; 3] = [
    Burn {
        long: (60, "1h"),
        short: (5, "5m"),
        share: 0.02,
        hold: "2m",
        severity: Severity::Critical,
    },
    Burn {
        long: (360, "6h"),
        short: (30, "30m"),
        share: 0.05,
        hold: "15m",
        severity: Severity::Critical,
    },
    Burn {
        long: (4_320, "3d"),
        short: (360, "6h"),
        share: 0.1,
        hold: "1h",
        severity: Severity::Warning,
    },
];
