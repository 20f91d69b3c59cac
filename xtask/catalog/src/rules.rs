//! Prometheus's recording and alerting rules as data, and as its YAML.

mod alerts;
mod recording;
mod yaml;

use crate::known::Known;
use crate::promql::with_durations;

/// Rules that are evaluated one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its rules, those first that others read.
    pub rules: Vec<Rule>,
}

/// A rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Rule {
    /// Writes what a query answers as a series of its own.
    Record(Record),
    /// Tells somebody when a query answers anything.
    Alert(Alert),
}

/// A series made of others.
#[derive(Clone, Debug, PartialEq)]
pub struct Record {
    /// Its name: what it is grouped by, what it is made of, how.
    pub name: String,
    /// The query.
    pub promql: String,
    /// Labels that it gets besides those of the answer.
    pub labels: Vec<(&'static str, String)>,
    /// The labels of the answer.
    pub grouping: Vec<String>,
}

/// What somebody is told.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name, and that of its runbook.
    pub name: &'static str,
    /// The query.
    pub promql: String,
    /// For how long it must answer something.
    pub hold: String,
    /// How soon somebody must look.
    pub severity: Severity,
    /// Further labels.
    pub labels: Vec<(&'static str, String)>,
    /// What is wrong, in one line.
    pub summary: String,
    /// What that means and where to look first.
    pub description: String,
}

/// How soon somebody must look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Now, at night too.
    Critical,
    /// In working hours.
    Warning,
}

/// A file of rules.
#[derive(Clone, Debug, PartialEq)]
pub struct RuleFile {
    /// Its name.
    pub file: &'static str,
    /// What stands above the rules.
    pub comment: String,
    /// The rules.
    pub groups: Vec<Group>,
}

/// The rules that need no objective: those that record, and the alerts.
pub fn all() -> Vec<RuleFile> {
    vec![recording::file(), alerts::file()]
}

impl RuleFile {
    /// As Prometheus reads it.
    pub fn yaml(&self) -> String {
        yaml::file(self)
    }

    /// All rules.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }

    /// What is wrong with its queries, each with the rule's name.
    pub fn wrong(&self, known: &Known) -> Vec<String> {
        let of_rule = |rule: &Rule| {
            let name = rule.name().to_owned();
            let wrong = known.wrong(rule.promql()).into_iter();
            let named = move |why| format!("{}, rule `{name}`: {why}", self.file);
            wrong.map(named).collect::<Vec<_>>()
        };
        self.rules().flat_map(of_rule).collect()
    }

    /// The same rules with every duration divided, to see in seconds what takes hours.
    #[must_use]
    pub fn accelerated(mut self, divisor: u32) -> Self {
        for rule in self.groups.iter_mut().flat_map(|group| &mut group.rules) {
            match rule {
                Rule::Record(record) => record.promql = with_durations(&record.promql, divisor),
                Rule::Alert(alert) => {
                    alert.promql = with_durations(&alert.promql, divisor);
                    alert.hold = with_durations(&alert.hold, divisor);
                }
            }
        }
        self
    }
}

impl Rule {
    /// The name of the series or of the alert.
    pub fn name(&self) -> &str {
        match self {
            Self::Record(record) => &record.name,
            Self::Alert(alert) => alert.name,
        }
    }

    /// Its query.
    pub fn promql(&self) -> &str {
        match self {
            Self::Record(record) => &record.promql,
            Self::Alert(alert) => &alert.promql,
        }
    }
}

impl Known {
    /// The same with what these rules record.
    #[must_use]
    pub fn and_recorded_by(self, files: &[RuleFile]) -> Self {
        let rules = files.iter().flat_map(RuleFile::rules);
        let recorded = rules.filter_map(|rule| match rule {
            Rule::Record(record) => {
                let own = record.labels.iter().map(|(label, _)| (*label).to_owned());
                let labels = record.grouping.iter().cloned().chain(own);
                Some((record.name.clone(), labels.collect()))
            }
            Rule::Alert(_) => None,
        });
        self.with_recorded(recorded.collect::<Vec<_>>())
    }
}

impl Severity {
    /// The value of the label.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Warning => "warning",
        }
    }
}
