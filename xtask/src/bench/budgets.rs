//! What things may cost, as data: `benches/budgets.json`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::expression::Expression;
use crate::command::{Failure, Result};

/// Every group of the table.
#[derive(Debug)]
pub(crate) struct Budgets {
    pub(crate) groups: Vec<Group>,
}

/// Subjects that one program measures together.
#[derive(Debug)]
pub(crate) struct Group {
    /// The program's name.
    pub(crate) bench: String,
    pub(crate) title: String,
    pub(crate) about: String,
    /// What samples are, "ns" if nothing is said.
    pub(crate) unit: String,
    /// The flag of the command without which it is left out.
    pub(crate) flag: Option<String>,
    pub(crate) rows: Vec<Row>,
}

/// One line of the table: ours over something measured in the same run.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) what: String,
    /// The budget in words, with the reason for its number.
    pub(crate) budget: String,
    pub(crate) ours: Expression,
    pub(crate) over: Expression,
    /// A comparison without it has no verdict.
    pub(crate) at_most: Option<f64>,
    /// For what is better when there is more of it.
    pub(crate) at_least: Option<f64>,
    /// Where it is known that the budget is not met.
    pub(crate) not_met: Option<NotMet>,
}

/// A budget that is not met, by name: how far off it may be, and where it is said why.
#[derive(Debug)]
pub(crate) struct NotMet {
    /// What takes the budget's place, so that it does not become worse.
    pub(crate) limit: f64,
    /// The page with the profile and with what was tried, from the workspace's root.
    pub(crate) why: String,
}

impl Budgets {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path)
            .map_err(|error| Failure::new(format!("failed to read {}: {error}", path.display())))?;
        Self::parse(&text).map_err(|failure| Failure::new(format!("{}: {failure}", path.display())))
    }

    pub(crate) fn parse(text: &str) -> Result<Self> {
        let json: Value =
            serde_json::from_str(text).map_err(|error| Failure::new(error.to_string()))?;
        let groups = list(&json, "groups")?.iter().map(Group::parse);
        Ok(Self {
            groups: groups.collect::<Result<_>>()?,
        })
    }
}

impl Group {
    fn parse(json: &Value) -> Result<Self> {
        let bench = text(json, "bench")?;
        let rows = list(json, "rows")?.iter().map(|row| {
            Row::parse(row).map_err(|failure| Failure::new(format!("group {bench}: {failure}")))
        });
        Ok(Self {
            rows: rows.collect::<Result<_>>()?,
            title: text(json, "title")?,
            about: optional(json, "about").unwrap_or_default(),
            unit: optional(json, "unit").unwrap_or_else(|| "ns".to_owned()),
            flag: optional(json, "flag"),
            bench,
        })
    }
}

impl Row {
    fn parse(json: &Value) -> Result<Self> {
        let mut row = Self {
            what: text(json, "what")?,
            budget: optional(json, "budget").unwrap_or_default(),
            ours: Expression::parse(&text(json, "ours")?)?,
            over: Expression::parse(&text(json, "over")?)?,
            at_most: number(json, "at_most"),
            at_least: number(json, "at_least"),
            not_met: None,
        };
        if let Some(json) = json.get("not_met") {
            row.not_met = Some(row.parse_not_met(json).map_err(|failure| {
                Failure::new(format!("`not_met` of \"{}\": {failure}", row.what))
            })?);
        }
        Ok(row)
    }

    fn parse_not_met(&self, json: &Value) -> Result<NotMet> {
        let (name, budget) = match (self.at_most, self.at_least) {
            (Some(most), _) => ("at_most", most),
            (None, Some(least)) => ("at_least", least),
            (None, None) => return Err(Failure::new("the row has no budget")),
        };
        let limit = number(json, name)
            .ok_or_else(|| Failure::new(format!("`{name}` is missing or no number")))?;
        if self.is_met(limit) != Some(false) {
            let why = format!("`{name}` is {limit}, which the budget of {budget} allows already");
            return Err(Failure::new(why));
        }
        let why = text(json, "why")?;
        Ok(NotMet { limit, why })
    }

    /// Whether the budget allows a ratio; none where there is no budget.
    pub(crate) fn is_met(&self, ratio: f64) -> Option<bool> {
        match (self.at_most, self.at_least) {
            (Some(most), _) => Some(ratio <= most),
            (None, Some(least)) => Some(ratio >= least),
            (None, None) => None,
        }
    }

    /// Whether a ratio keeps so far within the budget that it does so in the next run too.
    pub(crate) fn is_well_met(&self, ratio: f64) -> bool {
        match (self.at_most, self.at_least) {
            (Some(most), _) => ratio <= most * (1.0 - MARGIN),
            (None, Some(least)) => ratio >= least * (1.0 + MARGIN),
            (None, None) => false,
        }
    }

    /// Whether a ratio that misses the budget is no worse than what is named.
    pub(crate) fn is_named(&self, ratio: f64) -> bool {
        self.not_met.as_ref().is_some_and(|it| {
            if self.at_most.is_some() {
                ratio <= it.limit
            } else {
                ratio >= it.limit
            }
        })
    }

    /// The limit of the ratio in words.
    pub(crate) fn allowed(&self) -> String {
        match (self.at_most, self.at_least) {
            (Some(most), _) => format!("at most {most}"),
            (None, Some(least)) => format!("at least {least}"),
            (None, None) => String::new(),
        }
    }

    /// The same of the limit that is named in the budget's place.
    pub(crate) fn named(&self) -> String {
        let word = self.at_most.map_or("least", |_| "most");
        self.not_met
            .as_ref()
            .map(|it| format!("at {word} {}", it.limit))
            .unwrap_or_default()
    }
}

/// What two runs may differ by: a virtual processor has quicker hours and slower ones.
const MARGIN: f64 = 0.2;

fn number(json: &Value, name: &str) -> Option<f64> {
    json.get(name).and_then(Value::as_f64)
}

fn list<'a>(json: &'a Value, name: &str) -> Result<&'a Vec<Value>> {
    json.get(name)
        .and_then(Value::as_array)
        .ok_or_else(|| Failure::new(format!("`{name}` is missing or no list")))
}

fn text(json: &Value, name: &str) -> Result<String> {
    optional(json, name).ok_or_else(|| Failure::new(format!("`{name}` is missing in {json}")))
}

fn optional(json: &Value, name: &str) -> Option<String> {
    json.get(name).and_then(Value::as_str).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_workspace_is_read_and_every_row_with_a_limit_says_its_budget() {
        let budgets = Budgets::parse(include_str!("../../../benches/budgets.json")).unwrap();
        let rows: Vec<&Row> = budgets.groups.iter().flat_map(|it| &it.rows).collect();
        assert!(rows.len() > 10);
        for row in rows {
            let limited = row.at_most.is_some() || row.at_least.is_some();
            assert_eq!(limited, !row.budget.is_empty(), "{}", row.what);
        }
    }

    #[test]
    fn every_page_that_says_why_a_budget_is_not_met_exists() {
        let budgets = Budgets::parse(include_str!("../../../benches/budgets.json")).unwrap();
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let rows = budgets.groups.iter().flat_map(|it| &it.rows);
        for not_met in rows.filter_map(|row| row.not_met.as_ref()) {
            assert!(root.join(&not_met.why).is_file(), "{}", not_met.why);
        }
    }

    /// What is wrong with the name of a row.
    fn wrong(limit: &str, not_met: &str) -> String {
        let text = format!(
            r#"{{"groups":[{{"bench":"step","title":"A step","rows":[{{"what":"x","ours":"a","over":"b",
            {limit} "not_met":{not_met}}}]}}]}}"#
        );
        Budgets::parse(&text).unwrap_err().to_string()
    }

    #[test]
    fn a_name_has_a_limit_of_its_own_beyond_the_budget_and_says_why() {
        let said = wrong(r#""at_most":2,"#, r#"{"why":"docs/why.md"}"#);
        assert!(said.ends_with("`not_met` of \"x\": `at_most` is missing or no number"));
        let said = wrong(r#""at_most":2,"#, r#"{"at_most":2,"why":"docs/why.md"}"#);
        assert!(said.ends_with("`at_most` is 2, which the budget of 2 allows already"));
        let said = wrong(r#""at_least":2,"#, r#"{"at_least":3,"why":"docs/why.md"}"#);
        assert!(said.ends_with("`at_least` is 3, which the budget of 2 allows already"));
        let said = wrong(r#""at_most":2,"#, r#"{"at_most":3}"#);
        assert!(said.contains("`why` is missing"), "{said}");
        let said = wrong("", r#"{"at_most":3,"why":"docs/why.md"}"#);
        assert!(said.ends_with("the row has no budget"), "{said}");
    }

    #[test]
    fn what_a_row_lacks_is_named_with_its_group() {
        let text =
            r#"{"groups":[{"bench":"step","title":"A step","rows":[{"what":"x","ours":"a"}]}]}"#;
        let failure = Budgets::parse(text).unwrap_err().to_string();
        assert!(
            failure.contains("group step: `over` is missing"),
            "{failure}"
        );
    }
}
