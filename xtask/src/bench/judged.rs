//! Rows with their figures and verdicts.

use std::fmt::Write as _;

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
    /// Missed, as it is named, and no worse.
    NotMet,
    /// Missed by more than is named.
    Worse,
    /// Well met, though it is named as not met.
    MetByNow,
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

    /// Fails where a budget is missed that is not named as such, where one is missed by more than it
    /// is named, or met by now, and where a figure is missing.
    pub(crate) fn check(&self) -> Result {
        let complaints: Vec<String> = [
            (Verdict::Missed, "budgets missed"),
            (Verdict::Worse, "worse than is named in `not_met`"),
            (
                Verdict::MetByNow,
                "met by now: take `not_met` out of the budgets",
            ),
            (Verdict::Missing, "not measured"),
        ]
        .into_iter()
        .filter_map(|(verdict, complaint)| self.listed(verdict, complaint))
        .collect();
        if complaints.is_empty() {
            return Ok(());
        }
        Err(Failure::new(complaints.join("\n")))
    }

    /// The budgets that are not met and named as such, if there are any.
    pub(crate) fn not_met(&self) -> Option<String> {
        self.listed(Verdict::NotMet, "budgets not met, each for a reason given")
    }

    fn listed(&self, verdict: Verdict, head: &str) -> Option<String> {
        let rows = self.rows.iter().filter(|row| row.verdict == verdict);
        let rows: Vec<String> = rows.map(JudgedRow::named).collect();
        (!rows.is_empty()).then(|| format!("{head}:\n  {}", rows.join("\n  ")))
    }
}

impl JudgedRow<'_> {
    fn named(&self) -> String {
        let Self { bench, row, .. } = self;
        let Some(Figures { ratio, .. }) = self.figures else {
            return format!("{bench}: {}: {} over {}", row.what, row.ours, row.over);
        };
        let allowed = row.allowed();
        let mut line = format!("{bench}: {}: ratio {ratio:.3}, {allowed}", row.what);
        if let Some(not_met) = &row.not_met {
            let _ = write!(line, ", named {}: {}", row.named(), not_met.why);
        }
        line
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
        match (row.is_met(ratio), &row.not_met) {
            (None, _) => Self::Compared,
            (Some(true), Some(_)) if row.is_well_met(ratio) => Self::MetByNow,
            (Some(true), _) => Self::Met,
            (Some(false), None) => Self::Missed,
            (Some(false), Some(_)) if row.is_named(ratio) => Self::NotMet,
            (Some(false), Some(_)) => Self::Worse,
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Met => "met",
            Self::Missed => "**missed**",
            Self::NotMet => "**not met**",
            Self::Worse => "**worse than named**",
            Self::MetByNow => "met, though named",
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
        let (verdicts, failure, _) = checked(BUDGETS, samples);
        (verdicts, failure)
    }

    /// The verdicts, what fails the check, and what is not met and named.
    fn checked(budgets: &str, samples: &str) -> (Vec<Verdict>, Option<String>, Option<String>) {
        let budgets = Budgets::parse(budgets).unwrap();
        let plan = Plan::new(&Choice::default(), &budgets).unwrap();
        let mut read = Samples::default();
        read.add(samples).unwrap();
        let judged = Judged::all(&budgets, &plan, &read);
        let verdicts = judged.rows.iter().map(|row| row.verdict).collect();
        let failure = judged.check().err().map(|it| it.to_string());
        (verdicts, failure, judged.not_met())
    }

    const NAMED: &str = r#"{"groups":[{"bench":"step","title":"A step","rows":[
        {"what":"a step","budget":"twice","ours":"tta","over":"floor","at_most":2,
            "not_met":{"at_most":3,"why":"docs/design/0001.md"}},
        {"what":"gets","budget":"four","ours":"gets","over":"floor","at_least":4,
            "not_met":{"at_least":3.5,"why":"docs/design/0002.md"}}
    ]}]}"#;

    #[test]
    fn a_budget_that_is_named_as_not_met_passes_and_is_said() {
        let samples = r#"{"bench":"step","subjects":{"tta":[3],"gets":[3.5],"floor":[1]}}"#;
        let (verdicts, failure, not_met) = checked(NAMED, samples);
        assert_eq!(verdicts, [Verdict::NotMet, Verdict::NotMet]);
        assert_eq!(failure, None);
        assert_eq!(
            not_met.unwrap(),
            "budgets not met, each for a reason given:\n  \
             step: a step: ratio 3.000, at most 2, named at most 3: docs/design/0001.md\n  \
             step: gets: ratio 3.500, at least 4, named at least 3.5: docs/design/0002.md"
        );
    }

    #[test]
    fn one_that_has_become_worse_than_its_name_fails() {
        let samples = r#"{"bench":"step","subjects":{"tta":[3.1],"gets":[3.4],"floor":[1]}}"#;
        let (verdicts, failure, not_met) = checked(NAMED, samples);
        assert_eq!(verdicts, [Verdict::Worse, Verdict::Worse]);
        assert_eq!(
            failure.unwrap(),
            "worse than is named in `not_met`:\n  \
             step: a step: ratio 3.100, at most 2, named at most 3: docs/design/0001.md\n  \
             step: gets: ratio 3.400, at least 4, named at least 3.5: docs/design/0002.md"
        );
        assert_eq!(not_met, None);
    }

    #[test]
    fn one_that_is_met_by_now_fails_until_its_name_is_gone() {
        let samples = r#"{"bench":"step","subjects":{"tta":[1.6],"gets":[4.9],"floor":[1]}}"#;
        let (verdicts, failure, _) = checked(NAMED, samples);
        assert_eq!(verdicts, [Verdict::MetByNow, Verdict::MetByNow]);
        let failure = failure.unwrap();
        assert!(
            failure.starts_with("met by now: take `not_met` out of the budgets:\n  step: a step:"),
            "{failure}"
        );
    }

    #[test]
    fn one_that_is_met_in_one_run_and_not_in_the_next_passes_in_both() {
        let samples = r#"{"bench":"step","subjects":{"tta":[1.9],"gets":[4.3],"floor":[1]}}"#;
        let (verdicts, failure, _) = checked(NAMED, samples);
        assert_eq!(verdicts, [Verdict::Met, Verdict::Met]);
        assert_eq!(failure, None);
    }

    #[test]
    fn one_that_is_named_and_was_not_measured_fails_as_any_other() {
        let samples = r#"{"bench":"step","subjects":{"tta":[3],"floor":[1]}}"#;
        let (verdicts, failure, _) = checked(NAMED, samples);
        assert_eq!(verdicts, [Verdict::NotMet, Verdict::Missing]);
        assert_eq!(
            failure.unwrap(),
            "not measured:\n  step: gets: gets over floor"
        );
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
