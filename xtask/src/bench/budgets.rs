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
        let number = |name: &str| json.get(name).and_then(Value::as_f64);
        Ok(Self {
            what: text(json, "what")?,
            budget: optional(json, "budget").unwrap_or_default(),
            ours: Expression::parse(&text(json, "ours")?)?,
            over: Expression::parse(&text(json, "over")?)?,
            at_most: number("at_most"),
            at_least: number("at_least"),
        })
    }
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
