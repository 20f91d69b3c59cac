//! The table of faults: what is injected, and the figure that is asked.

use std::fmt;
use std::str::FromStr;

use crate::command::{Failure, Result};

/// One row of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    pub(crate) number: u8,
    pub(crate) section: Section,
    pub(crate) fault: &'static str,
    pub(crate) goal: &'static str,
    /// What a peer did, where one was measured.
    pub(crate) peer: Option<&'static str>,
}

/// A part of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Export,
    Lifecycle,
    Metrics,
    Cache,
    Workflow,
    Input,
}

/// All rows, in order.
pub(crate) fn all() -> Result<Vec<Row>> {
    TABLE
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| read(line).ok_or_else(|| Failure::new(format!("no row of faults: `{line}`"))))
        .collect()
}

impl Section {
    pub(crate) const ALL: [Self; 6] = [
        Self::Export,
        Self::Lifecycle,
        Self::Metrics,
        Self::Cache,
        Self::Workflow,
        Self::Input,
    ];

    /// Its heading on the page.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Export => "Telemetry export",
            Self::Lifecycle => "Start and stop",
            Self::Metrics => "The metrics server",
            Self::Cache => "Cache and Redis",
            Self::Workflow => "Workflows and resilience",
            Self::Input => "Hostile input",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Export => "export",
            Self::Lifecycle => "lifecycle",
            Self::Metrics => "metrics",
            Self::Cache => "cache",
            Self::Workflow => "workflow",
            Self::Input => "input",
        }
    }

    /// The sections that a word of the command line stands for.
    pub(crate) fn named(word: &str) -> Result<Vec<Self>> {
        if word == "telemetry" {
            return Ok(vec![Self::Export, Self::Lifecycle, Self::Metrics]);
        }
        word.parse().map(|section| vec![section])
    }
}

impl FromStr for Section {
    type Err = Failure;

    fn from_str(word: &str) -> Result<Self> {
        let found = Self::ALL.into_iter().find(|it| it.name() == word);
        found.ok_or_else(|| {
            let known: Vec<_> = Self::ALL.map(Self::name).into();
            Failure::new(format!(
                "there is no section `{word}`; there are {} and telemetry",
                known.join(", ")
            ))
        })
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn read(line: &'static str) -> Option<Row> {
    let mut cells = line.split('|').map(str::trim);
    Some(Row {
        number: cells.next()?.parse().ok()?,
        section: cells.next()?.parse().ok()?,
        fault: cells.next()?,
        goal: cells.next()?,
        peer: cells.next().filter(|peer| !peer.is_empty()),
    })
}

const TABLE: &str = include_str!("rows.txt");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_every_row_once_and_in_order() {
        let rows = all().unwrap();
        let numbers: Vec<u8> = rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=61).collect::<Vec<_>>());
        assert!(rows.is_sorted_by_key(|row| row.section));
        assert!(
            rows.iter()
                .all(|row| !row.fault.is_empty() && !row.goal.is_empty())
        );
    }

    #[test]
    fn a_peers_figure_is_kept_where_there_is_one() {
        let rows = all().unwrap();
        let peer = |number: u8| rows.iter().find(|row| row.number == number).unwrap().peer;
        assert_eq!(peer(19), Some("opentelemetry-rust panics"));
        assert_eq!(peer(18), None);
    }

    #[test]
    fn telemetry_stands_for_three_sections_and_an_unknown_word_for_none() {
        let telemetry = Section::named("telemetry").unwrap();
        assert_eq!(
            telemetry,
            [Section::Export, Section::Lifecycle, Section::Metrics]
        );
        assert_eq!(Section::named("cache").unwrap(), [Section::Cache]);
        let error = Section::named("cash").unwrap_err().to_string();
        assert!(
            error.contains("`cash`") && error.contains("cache"),
            "{error}"
        );
    }
}
