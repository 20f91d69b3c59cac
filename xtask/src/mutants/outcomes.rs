//! What became of a crate's mutants, from `outcomes.json`.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::command::{Failure, Result};

/// The mutants of one crate, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// Seen by a test that failed, or by one that did not end.
    pub(crate) caught: usize,
    /// No test noticed them: what was changed, and in how many places alike.
    pub(crate) survivors: BTreeMap<String, usize>,
}

impl Outcomes {
    /// Reads what cargo-mutants wrote; mutants that do not compile count for nothing.
    pub(crate) fn read(json: &str) -> Result<Self> {
        let wrong = |what: &str| Failure::new(format!("outcomes.json {what}"));
        let json: Value = serde_json::from_str(json).map_err(|_| wrong("is no JSON"))?;
        let list = json.get("outcomes").and_then(Value::as_array);
        let mut outcomes = Self::default();
        for outcome in list.ok_or_else(|| wrong("has no outcomes"))? {
            let Some(mutant) = outcome.pointer("/scenario/Mutant") else {
                continue;
            };
            match outcome.get("summary").and_then(Value::as_str) {
                Some("CaughtMutant" | "Timeout") => outcomes.caught += 1,
                Some("MissedMutant") => {
                    let name = mutant.get("name").and_then(Value::as_str);
                    let name = name.ok_or_else(|| wrong("has a mutant without a name"))?;
                    *outcomes.survivors.entry(without_place(name)).or_default() += 1;
                }
                _ => {}
            }
        }
        Ok(outcomes)
    }

    pub(crate) fn missed(&self) -> usize {
        self.survivors.values().sum()
    }

    /// The share of mutants that were caught, in per cent, rounded down.
    pub(crate) fn score(&self) -> usize {
        let all = self.caught + self.missed();
        (self.caught * 100).checked_div(all).unwrap_or(100)
    }
}

/// `file:line:column: change` without the line and the column, which any edit moves.
fn without_place(name: &str) -> String {
    let mut parts = name.splitn(4, ':');
    match (parts.next(), parts.next(), parts.next(), parts.next()) {
        (Some(file), Some(_), Some(_), Some(change)) => format!("{file}:{change}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(name: &str, summary: &str) -> String {
        format!(r#"{{"scenario":{{"Mutant":{{"name":"{name}"}}}},"summary":"{summary}"}}"#)
    }

    #[test]
    fn what_was_caught_and_what_survived_is_counted_and_the_rest_is_not() {
        let list = [
            r#"{"scenario":"Baseline","summary":"Success"}"#.to_owned(),
            outcome("a/b.rs:3:9: replace x with 1", "CaughtMutant"),
            outcome("a/b.rs:4:9: replace x with 2", "Timeout"),
            outcome("a/b.rs:5:9: replace x with 3", "Unviable"),
            outcome("a/b.rs:6:9: replace A::y -> u8 with 4", "MissedMutant"),
            outcome("a/b.rs:7:2: replace A::y -> u8 with 4", "MissedMutant"),
        ];
        let json = format!(r#"{{"outcomes":[{}]}}"#, list.join(","));
        let read = Outcomes::read(&json).unwrap();
        let survivors = [("a/b.rs: replace A::y -> u8 with 4".to_owned(), 2)];
        let expected = Outcomes {
            caught: 2,
            survivors: survivors.into(),
        };
        assert_eq!(read, expected);
        assert_eq!((read.missed(), read.score()), (2, 50));
    }

    #[test]
    fn no_mutants_at_all_are_all_caught_and_garbage_is_refused() {
        assert_eq!(Outcomes::read(r#"{"outcomes":[]}"#).unwrap().score(), 100);
        assert!(Outcomes::read("{}").is_err());
        assert!(Outcomes::read("nothing").is_err());
    }
}
