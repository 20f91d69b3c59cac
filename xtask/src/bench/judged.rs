//! Rows with their figures and verdicts.

use super::budgets::{Budgets, Row};
use super::expression::paired;
use super::plan::Plan;
use super::samples::{Samples, Subjects, median, quantile};
use crate::command::{Failure, Result};

/// Every row of every group, in order.
#[derive(Debug)]
pub(crate) struct Judged<'a> {
    pub(crate) rows: Vec<JudgedRow<'a>>,
}

/// A row and what came of it.
#[derive(Debug)]
pub(crate) struct JudgedRow<'a> {
    pub(crate) bench: &'a str,
    pub(crate) row: &'a Row,
    /// `None` when something in it was not measured.
    pub(crate) figures: Option<Figures>,
    pub(crate) verdict: Verdict,
}

/// Medians over all rounds; the ratio is the median of the rounds' ratios.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Figures {
    pub(crate) ours: f64,
    pub(crate) over: f64,
    pub(crate) ratio: f64,
    /// Half of the distance between the quartiles of the ratios.
    pub(crate) spread: f64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Met,
    Missed,
    /// No budget: a comparison.
    Compared,
    /// Left out of this run by choice.
    LeftOut,
    /// Should have been measured and was not.
    Missing,
}

impl<'a> Judged<'a> {
    pub(crate) fn all(budgets: &'a Budgets, plan: &Plan<'_>, samples: &Samples) -> Self {
        let mut rows = Vec::new();
        for group in &budgets.groups {
            let subjects = samples.of(&group.bench);
            for row in &group.rows {
                let figures = subjects.and_then(|subjects| Figures::of(row, subjects));
                rows.push(JudgedRow {
                    bench: &group.bench,
                    row,
                    figures,
                    verdict: Verdict::of(row, figures, plan.has(&group.bench)),
                });
            }
        }
        Self { rows }
    }

    /// Fails where a budget is missed, and where its figure is missing.
    pub(crate) fn check(&self) -> Result {
        let named = |wanted: Verdict| -> Vec<String> {
            let rows = self.rows.iter().filter(|row| row.verdict == wanted);
            rows.map(JudgedRow::named).collect()
        };
        let (missed, missing) = (named(Verdict::Missed), named(Verdict::Missing));
        let mut complaints = Vec::new();
        if !missed.is_empty() {
            complaints.push(format!("budgets missed:\n  {}", missed.join("\n  ")));
        }
        if !missing.is_empty() {
            complaints.push(format!("not measured:\n  {}", missing.join("\n  ")));
        }
        if complaints.is_empty() {
            return Ok(());
        }
        Err(Failure::new(complaints.join("\n")))
    }
}

impl JudgedRow<'_> {
    fn named(&self) -> String {
        let Self { bench, row, .. } = self;
        match self.figures {
            Some(Figures { ratio, .. }) => {
                format!("{bench}: {}: ratio {ratio:.3}, {}", row.what, row.allowed())
            }
            None => format!("{bench}: {}: {} over {}", row.what, row.ours, row.over),
        }
    }
}

impl Row {
    /// The limit of the ratio in words.
    pub(crate) fn allowed(&self) -> String {
        match (self.at_most, self.at_least) {
            (Some(most), _) => format!("at most {most}"),
            (None, Some(least)) => format!("at least {least}"),
            (None, None) => String::new(),
        }
    }
}

impl Figures {
    fn of(row: &Row, subjects: &Subjects) -> Option<Self> {
        let (ours, over) = (row.ours.values(subjects)?, row.over.values(subjects)?);
        let ratios: Vec<f64> = paired(&ours, &over)
            .map(|(ours, over)| ours / over)
            .collect();
        let ratio = median(&ratios)?;
        Some(Self {
            ours: median(&ours)?,
            over: median(&over)?,
            ratio,
            spread: (quantile(&ratios, 0.75)? - quantile(&ratios, 0.25)?) / 2.0,
        })
    }
}

impl Verdict {
    fn of(row: &Row, figures: Option<Figures>, planned: bool) -> Self {
        let Some(Figures { ratio, .. }) = figures else {
            return if planned {
                Self::Missing
            } else {
                Self::LeftOut
            };
        };
        let met = match (row.at_most, row.at_least) {
            (Some(most), _) => ratio <= most,
            (None, Some(least)) => ratio >= least,
            (None, None) => return Self::Compared,
        };
        if met { Self::Met } else { Self::Missed }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::Compared => "",
            Self::LeftOut => "not in this run",
            Self::Missing => "**not measured**",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Choice;
    use super::*;

    const BUDGETS: &str = r#"{"groups":[{"bench":"step","title":"A step","rows":[
        {"what":"a step","budget":"twice the floor","ours":"tta - bare","over":"floor","at_most":2},
        {"what":"beside a peer","ours":"tta","over":"peer"},
        {"what":"gets","budget":"as many","ours":"tta","over":"floor","at_least":1}
    ]},{"bench":"redis","title":"Redis","flag":"redis","rows":[
        {"what":"GET","budget":"2.5","ours":"tta","over":"theirs","at_least":2.5}
    ]}]}"#;

    fn check(samples: &str) -> (Vec<Verdict>, Option<String>) {
        let budgets = Budgets::parse(BUDGETS).unwrap();
        let plan = Plan::new(&Choice::default(), &budgets).unwrap();
        let mut read = Samples::default();
        read.add(samples).unwrap();
        let judged = Judged::all(&budgets, &plan, &read);
        let verdicts = judged.rows.iter().map(|row| row.verdict).collect();
        (verdicts, judged.check().err().map(|it| it.to_string()))
    }

    #[test]
    fn a_ratio_within_its_budget_passes() {
        let (verdicts, failure) = check(
            r#"{"bench":"step","subjects":{"tta":[21,1000,42],"bare":[1,1,2],"floor":[10,20,20],"peer":[7]}}"#,
        );
        // The rounds' ratios are 2, 49.95 and 2: one bad round is not in the median.
        assert_eq!(
            verdicts,
            [
                Verdict::Met,
                Verdict::Compared,
                Verdict::Met,
                Verdict::LeftOut
            ]
        );
        assert_eq!(failure, None);
    }

    #[test]
    fn a_miss_is_named_with_its_ratio_and_its_limit() {
        let (verdicts, failure) =
            check(r#"{"bench":"step","subjects":{"tta":[22],"bare":[1],"floor":[10],"peer":[7]}}"#);
        assert_eq!(verdicts.first(), Some(&Verdict::Missed));
        assert_eq!(
            failure.unwrap(),
            "budgets missed:\n  step: a step: ratio 2.100, at most 2"
        );
    }

    #[test]
    fn too_few_are_a_miss_where_more_is_better() {
        let (verdicts, failure) =
            check(r#"{"bench":"step","subjects":{"tta":[9],"bare":[1],"floor":[10],"peer":[7]}}"#);
        assert_eq!(verdicts.get(2), Some(&Verdict::Missed));
        assert!(failure.unwrap().ends_with("gets: ratio 0.900, at least 1"));
    }

    #[test]
    fn a_subject_that_was_not_measured_fails_the_check_as_well() {
        let (_, failure) =
            check(r#"{"bench":"step","subjects":{"tta":[10],"bare":[1],"floor":[10]}}"#);
        assert_eq!(
            failure.unwrap(),
            "not measured:\n  step: beside a peer: tta over peer"
        );
    }
}
