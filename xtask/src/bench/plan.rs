//! Which programs run, how often and for how long.

use super::Choice;
use super::budgets::Budgets;
use crate::command::{Failure, Result};

/// The programs of a run.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    groups: Vec<&'a str>,
    scale: bool,
    quick: bool,
}

impl<'a> Plan<'a> {
    pub(crate) fn new(choice: &Choice, budgets: &'a Budgets) -> Result<Self> {
        let known: Vec<&str> = budgets.groups.iter().map(|it| it.bench.as_str()).collect();
        let unknown = choice.only.iter().find(|it| !known.contains(&it.as_str()));
        if let Some(unknown) = unknown {
            return Err(Failure::new(format!(
                "no group `{unknown}`; there are {}",
                known.join(", ")
            )));
        }
        let groups = budgets.groups.iter().filter(|group| {
            if !choice.only.is_empty() {
                return choice.only.contains(&group.bench);
            }
            match group.flag.as_deref() {
                Some("redis") => choice.redis,
                Some("python") => choice.python,
                Some("sustained") => choice.sustained,
                _ => true,
            }
        });
        Ok(Self {
            groups: groups.map(|group| group.bench.as_str()).collect(),
            scale: choice.scale,
            quick: choice.quick,
        })
    }

    /// Whether this group is to be measured.
    pub(crate) fn has(&self, bench: &str) -> bool {
        self.groups.contains(&bench)
    }

    /// How often each program is run anew: the addresses of things differ from run to run, and with
    /// them what collides in the caches.
    pub(crate) fn turns(&self) -> usize {
        if self.quick { 1 } else { TURNS }
    }

    /// Every program, each once.
    pub(crate) fn programs(&self) -> Vec<&'a str> {
        let groups = self.groups.iter().copied();
        let groups = groups.filter(|bench| *bench != PYTHON);
        groups.chain(self.scale.then_some(SCALE)).collect()
    }

    /// The programs of one turn; what takes long runs in the first alone.
    pub(crate) fn programs_of(&self, turn: usize) -> Vec<&'a str> {
        let mut programs = self.programs();
        programs.retain(|program| turn == 1 || !LONG.contains(program));
        programs
    }

    pub(crate) fn arguments(&self) -> &'static [&'static str] {
        if self.quick {
            &["--quick", "--rounds", "60", "--slice", "300"]
        } else {
            &["--rounds", "200", "--slice", "2000"]
        }
    }
}

/// Interpreted, and not a program of ours.
pub(crate) const PYTHON: &str = "python";
/// Draws curves and has no row.
pub(crate) const SCALE: &str = "scale";
/// These have rounds of their own.
const LONG: &[&str] = &["redis", "sustained", SCALE];
const TURNS: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGETS: &str = r#"{"groups":[
        {"bench":"step","title":"A step","rows":[]},
        {"bench":"redis","title":"Redis","flag":"redis","rows":[]},
        {"bench":"sustained","title":"Sustained","flag":"sustained","rows":[]},
        {"bench":"python","title":"Python","flag":"python","rows":[]}
    ]}"#;

    fn plan<R>(choice: &Choice, look: impl FnOnce(Result<Plan<'_>>) -> R) -> R {
        let budgets = Budgets::parse(BUDGETS).unwrap();
        look(Plan::new(choice, &budgets))
    }

    #[test]
    fn what_needs_more_than_a_compiler_runs_where_it_is_asked_for() {
        plan(&Choice::default(), |plan| {
            assert_eq!(plan.unwrap().programs(), ["step"]);
        });
        let all = Choice {
            redis: true,
            python: true,
            sustained: true,
            scale: true,
            ..Choice::default()
        };
        plan(&all, |plan| {
            let plan = plan.unwrap();
            assert_eq!(plan.programs(), ["step", "redis", "sustained", "scale"]);
            assert!(plan.has("python"));
            assert_eq!(plan.programs_of(2), ["step"]);
        });
    }

    #[test]
    fn a_group_that_is_named_needs_no_flag_and_must_exist() {
        let only = |name: &str| Choice {
            only: vec![name.to_owned()],
            ..Choice::default()
        };
        plan(&only("redis"), |plan| {
            assert_eq!(plan.unwrap().programs(), ["redis"]);
        });
        plan(&only("rust"), |plan| {
            let failure = plan.unwrap_err().to_string();
            assert!(
                failure.contains("step, redis, sustained, python"),
                "{failure}"
            );
        });
    }
}
