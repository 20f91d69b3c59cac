//! What became of a crate's mutants: kept mutant by mutant, and counted.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use crate::command::{Failure, Result};

use super::page::Reasons;

/// What became of one mutant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// A test failed.
    Caught,
    /// A test did not end.
    Clock,
    Survived,
    /// It does not compile.
    Unviable,
}

/// The outcomes of a crate by the mutant's name, in a file that outlives an interrupted run.
#[derive(Debug, Default)]
pub(crate) struct Record {
    path: PathBuf,
    by_name: BTreeMap<String, Outcome>,
}

/// The mutants of one crate, counted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outcomes {
    /// Seen by a test that failed, or by one that did not end.
    pub(crate) caught: usize,
    /// Those of them that the clock caught.
    pub(crate) clock: usize,
    pub(crate) unviable: usize,
    /// Those that were not run.
    pub(crate) unknown: usize,
    /// No test noticed them: what was changed, and in how many places alike.
    pub(crate) survivors: BTreeMap<String, usize>,
}

impl Record {
    /// Reads what an earlier run has left, if any.
    pub(crate) fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_default();
        let outcome = |line: &str| {
            let (word, name) = line.split_once(' ')?;
            Some((name.to_owned(), Outcome::named(word)?))
        };
        Self {
            path: path.to_owned(),
            by_name: text.lines().filter_map(outcome).collect(),
        }
    }

    /// Nothing yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            by_name: BTreeMap::new(),
        }
    }

    /// Whether a mutant is known to be noticed, to be none, or to have a reason to survive.
    pub(crate) fn is_settled(&self, name: &str, reasons: &Reasons) -> bool {
        match self.by_name.get(name) {
            None => false,
            Some(Outcome::Survived) => reasons.contains_key(&without_place(name)),
            Some(_) => true,
        }
    }

    /// Whether a mutant was run, whatever came of it.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.by_name.contains_key(name)
    }

    pub(crate) fn insert(&mut self, name: &str, outcome: Outcome) -> Result {
        self.by_name.insert(name.to_owned(), outcome);
        let mut lines = String::new();
        for (name, outcome) in &self.by_name {
            let _ = writeln!(lines, "{} {name}", outcome.word());
        }
        let written = fs::write(&self.path, lines);
        written.map_err(|error| {
            Failure::new(format!("failed to write {}: {error}", self.path.display()))
        })
    }

    /// Counts those of these names.
    pub(crate) fn count<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Outcomes {
        let mut outcomes = Outcomes::default();
        for name in names {
            match self.by_name.get(name) {
                Some(Outcome::Caught) => outcomes.caught += 1,
                Some(Outcome::Clock) => {
                    outcomes.caught += 1;
                    outcomes.clock += 1;
                }
                Some(Outcome::Unviable) => outcomes.unviable += 1,
                Some(Outcome::Survived) => {
                    *outcomes.survivors.entry(without_place(name)).or_default() += 1;
                }
                None => outcomes.unknown += 1,
            }
        }
        outcomes
    }
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Caught, Self::Clock, Self::Survived, Self::Unviable];

    fn word(self) -> &'static str {
        match self {
            Self::Caught => "caught",
            Self::Clock => "clock",
            Self::Survived => "survived",
            Self::Unviable => "unviable",
        }
    }

    fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.word() == word)
    }
}

impl Outcomes {
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

    #[test]
    fn what_was_caught_and_what_survived_is_counted_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("outcomes.txt");
        let mut record = Record::new(&path);
        let list = [
            ("a/b.rs:3:9: replace x with 1", Outcome::Caught),
            ("a/b.rs:4:9: replace x with 2", Outcome::Clock),
            ("a/b.rs:5:9: replace x with 3", Outcome::Unviable),
            ("a/b.rs:6:9: replace A::y -> u8 with 4", Outcome::Survived),
            ("a/b.rs:7:2: replace A::y -> u8 with 4", Outcome::Survived),
            ("a/b.rs:8:2: of another day", Outcome::Survived),
        ];
        for (name, outcome) in list {
            record.insert(name, outcome).unwrap();
        }
        let names: Vec<_> = list.iter().take(5).map(|(name, _)| *name).collect();
        let names = [names, vec!["a/b.rs:9:1: not reached"]].concat();
        let survivors = [("a/b.rs: replace A::y -> u8 with 4".to_owned(), 2)];
        let expected = Outcomes {
            caught: 2,
            clock: 1,
            unviable: 1,
            unknown: 1,
            survivors: survivors.into(),
        };
        let read = Record::read(&path);
        assert_eq!(read.count(names), expected);
        assert_eq!((expected.missed(), expected.score()), (2, 50));
        assert!(read.has(list[3].0) && !read.has("a/b.rs:9:1: not reached"));
        let none = Reasons::new();
        let settled = list.map(|(name, _)| read.is_settled(name, &none));
        assert_eq!(settled, [true, true, true, false, false, false]);
        let reasons = [("a/b.rs: of another day".to_owned(), "it is old".to_owned())].into();
        assert!(read.is_settled(list[5].0, &reasons));
    }

    #[test]
    fn no_mutants_at_all_are_all_caught() {
        assert_eq!(Outcomes::default().score(), 100);
    }
}
