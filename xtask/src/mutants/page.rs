//! `docs/mutants.md`: the score of each crate and its survivors, each with the reason why it may.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::outcomes::Outcomes;

/// Reasons by survivor.
pub(crate) type Reasons = BTreeMap<String, String>;

/// The page of these crates.
pub(crate) fn written(crates: &BTreeMap<String, Outcomes>, reasons: &Reasons) -> String {
    let mut page = format!("{HEAD}\n{SCORES}");
    for (name, outcomes) in crates {
        let (score, missed) = (outcomes.score(), outcomes.missed());
        let Outcomes {
            caught,
            clock,
            unviable,
            unknown,
            ..
        } = outcomes;
        let _ = writeln!(
            page,
            "| `{name}` | {score} % | {caught} | {clock} | {missed} | {unviable} | {unknown} |"
        );
    }
    for (name, outcomes) in crates {
        if outcomes.survivors.is_empty() {
            continue;
        }
        let _ = write!(page, "\n## {name}\n\n{SURVIVORS}");
        for (survivor, count) in &outcomes.survivors {
            let reason = reasons.get(survivor).map_or(NO_REASON, String::as_str);
            let survivor = survivor.replace('|', "\\|");
            let _ = writeln!(page, "| `{survivor}` | {count} | {reason} |");
        }
    }
    page
}

/// The crates that a page tells of.
pub(crate) fn crates(page: &str) -> BTreeMap<String, Outcomes> {
    let mut crates: BTreeMap<String, Outcomes> = BTreeMap::new();
    let mut heading = String::new();
    for line in page.lines() {
        if let Some(name) = line.strip_prefix("## ") {
            name.clone_into(&mut heading);
        }
        let Some(cells) = line
            .strip_prefix("| `")
            .and_then(|it| it.strip_suffix(" |"))
        else {
            continue;
        };
        let Some((name, cells)) = cells.split_once("` | ") else {
            continue;
        };
        let cells: Vec<_> = cells.split(" | ").collect();
        match cells.as_slice() {
            [_score, caught, clock, _missed, unviable, unknown] => {
                let outcomes = crates.entry(name.to_owned()).or_default();
                outcomes.caught = caught.parse().unwrap_or_default();
                outcomes.clock = clock.parse().unwrap_or_default();
                outcomes.unviable = unviable.parse().unwrap_or_default();
                outcomes.unknown = unknown.parse().unwrap_or_default();
            }
            [count, _reason] => {
                let outcomes = crates.entry(heading.clone()).or_default();
                let survivor = name.replace("\\|", "|");
                let count = count.parse().unwrap_or_default();
                outcomes.survivors.insert(survivor, count);
            }
            _ => {}
        }
    }
    crates
}

const HEAD: &str = "\
# Mutants

`cargo xtask mutants` changes the code of each crate in one place at a time and runs the crate's tests:
a change that no test notices survives. The score is the share that was noticed, by a test that failed
or by the clock, where a test did not end. A change that does not compile counts for nothing. What is
not changed at all, such as `Debug`, is listed in [`.cargo/mutants.toml`](../.cargo/mutants.toml) with
the reason.

cargo-mutants says which changes there are. All of a crate's are built into one program, which is told
by a variable which of them to make; so a crate takes minutes. Not run are doctests, loom's models, of
the cache the rows of `tests/faults.rs`, and of `tests/redis_faults` what takes more than five seconds;
its tests of Redis are run for changes of what they are about.
";

const SCORES: &str = "\
| crate | score | caught | of these by the clock | survived | do not compile | not run |
|---|---:|---:|---:|---:|---:|---:|
";

const SURVIVORS: &str = "\
| survivor | places | why it may |
|---|---:|---|
";

const NO_REASON: &str = "no reason yet";

#[cfg(test)]
mod tests {
    use super::*;

    fn one_crate() -> BTreeMap<String, Outcomes> {
        let survivors = [
            ("a.rs: replace || with &&".to_owned(), 2),
            ("a.rs: replace x".to_owned(), 1),
        ];
        let outcomes = Outcomes {
            caught: 17,
            clock: 2,
            unviable: 5,
            unknown: 7,
            survivors: survivors.into(),
        };
        let all_caught = Outcomes {
            caught: 4,
            ..Outcomes::default()
        };
        [
            ("tta-a".to_owned(), outcomes),
            ("tta-b".to_owned(), all_caught),
        ]
        .into()
    }

    #[test]
    fn a_survivor_is_listed_with_its_reason_or_as_having_none() {
        let reasons = [("a.rs: replace x".to_owned(), "it is a hint".to_owned())].into();
        let page = written(&one_crate(), &reasons);
        for line in [
            "| `tta-a` | 85 % | 17 | 2 | 3 | 5 | 7 |",
            "| `tta-b` | 100 % | 4 | 0 | 0 | 0 | 0 |",
            "| `a.rs: replace \\|\\| with &&` | 2 | no reason yet |",
            "| `a.rs: replace x` | 1 | it is a hint |",
        ] {
            assert!(page.lines().any(|it| it == line), "{line} in {page}");
        }
        assert!(!page.contains("## tta-b"), "{page}");
    }

    #[test]
    fn a_page_is_read_as_it_was_written() {
        assert_eq!(crates(&written(&one_crate(), &Reasons::new())), one_crate());
    }
}
