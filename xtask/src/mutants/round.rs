//! All mutants of one crate: built together, run one by one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use crate::command::{Failure, Result};
use crate::workspace::Workspace;

use super::Choice;
use super::build::{self, Blame, Build, CompileError};
use super::listed::{self, Mutant};
use super::outcomes::{Outcome, Outcomes, Record};
use super::page::Reasons;
use super::suite::{Suite, Verdict};
use super::tree::Tree;

/// Runs the mutants of a package; with `rest`, those that no earlier run has settled.
pub(crate) fn run(
    workspace: &Workspace,
    package: &str,
    choice: &Choice,
    reasons: &Reasons,
) -> Result<Outcomes> {
    let begun = Instant::now();
    let tree = Tree::copied(workspace, package)?;
    let path = workspace.target().join("tta-mutants").join(package);
    fs::create_dir_all(&path)
        .map_err(|error| Failure::new(format!("cannot write {}: {error}", path.display())))?;
    let path = path.join("outcomes.txt");
    let record = if choice.rest {
        Record::read(&path)
    } else {
        Record::new(&path)
    };
    let all = listed::list(workspace, package)?;
    let mut open: Vec<_> = all
        .iter()
        .filter(|it| !record.is_settled(&it.name, reasons))
        .cloned()
        .collect();
    // Who survives takes the longest, since all tests are run; and has been seen before.
    open.sort_by_key(|it| record.has(&it.name));
    let mut round = Round {
        workspace,
        package,
        jobs: choice.jobs,
        end: choice.minutes.map(|minutes| begun + MINUTE * minutes),
        tree,
        record,
        mutants: (1..).zip(open).collect(),
        alone: BTreeSet::new(),
        constant: BTreeSet::new(),
    };
    eprintln!("{package}: {} mutants", round.mutants.len());
    if !round.is_over() {
        let build = round.build()?;
        round.judge(build)?;
    }
    Ok(round.record.count(all.iter().map(|it| it.name.as_str())))
}

struct Round<'a> {
    workspace: &'a Workspace,
    package: &'a str,
    jobs: usize,
    /// When no further mutant is begun.
    end: Option<Instant>,
    tree: Tree,
    record: Record,
    /// Those that are not settled, by number.
    mutants: BTreeMap<usize, Mutant>,
    /// Those of them that want a build each.
    alone: BTreeSet<usize>,
    /// Functions that stay `const`.
    constant: BTreeSet<String>,
}

impl Round<'_> {
    /// Builds all mutants at once, without those that the compiler refuses.
    fn build(&mut self) -> Result<Build> {
        loop {
            let mut together = self.mutants.clone();
            together.retain(|number, _| !self.alone.contains(number));
            let schema = self.tree.write(&together, &self.constant)?;
            self.alone.extend(schema.alone);
            for number in schema.unviable {
                self.settle(number, Outcome::Unviable)?;
            }
            let build = build::build(self.workspace, &self.tree, self.package)?;
            if build.errors.is_empty() {
                return Ok(build);
            }
            let errors = build.errors.len();
            let left = self.mutants.len();
            if !self.learn(&build.errors)? {
                return Err(build::unexplained(&build.errors));
            }
            let refused = left - self.mutants.len();
            eprintln!("  {errors} errors of the compiler, {refused} mutants refused");
        }
    }

    /// Takes the mutants away that the errors tell of, and says whether there were any.
    fn learn(&mut self, errors: &[CompileError]) -> Result<bool> {
        let mut has_learnt = false;
        for error in errors {
            match &error.blame {
                Blame::Mutant(number) if self.mutants.contains_key(number) => {
                    self.settle(*number, Outcome::Unviable)?;
                    has_learnt = true;
                }
                Blame::ConstFn(name) => has_learnt |= self.constant.insert(name.clone()),
                Blame::Mutant(_) | Blame::Nobody => {}
            }
        }
        Ok(has_learnt)
    }

    fn judge(&mut self, build: Build) -> Result {
        let venv = self.workspace.venv();
        let files = self.mutants.values().map(|it| &*it.file).collect();
        let suite = Suite::timed(
            build.binaries,
            &self.tree.folder,
            self.package,
            venv,
            &files,
        )?;
        eprintln!("  unmutated: {}", suite.line());
        let begun = Instant::now();
        let together: Vec<_> = self
            .mutants
            .keys()
            .copied()
            .filter(|number| !self.alone.contains(number))
            .collect();
        let (count, alone) = (together.len(), self.alone.len());
        eprintln!("  {count} in one build, {alone} that want one each");
        self.judge_together(&suite, &together)?;
        for number in self.alone.clone() {
            if self.is_over() {
                break;
            }
            self.judge_alone(number, &suite)?;
        }
        eprintln!("  {:.0?}", begun.elapsed());
        Ok(())
    }

    /// Runs those of one build, several at a time.
    fn judge_together(&mut self, suite: &Suite, numbers: &[usize]) -> Result {
        let begun = Instant::now();
        let files: Vec<_> = numbers
            .iter()
            .filter_map(|number| Some((*number, self.mutants.get(number)?.file.clone())))
            .collect();
        let next = AtomicUsize::new(0);
        let end = self.end;
        let (say, verdicts) = mpsc::channel();
        thread::scope(|scope| {
            for _ in 0..self.jobs.max(1) {
                let say = say.clone();
                let (files, next) = (&files, &next);
                scope.spawn(move || {
                    while let Some((number, file)) = files.get(next.fetch_add(1, Ordering::Relaxed))
                        && end.is_none_or(|end| Instant::now() < end)
                    {
                        if say.send((*number, suite.judge(*number, file))).is_err() {
                            break;
                        }
                    }
                });
            }
            drop(say);
            for (done, (number, verdict)) in (1..).zip(verdicts) {
                self.conclude(number, &verdict)?;
                if done % 50 == 0 {
                    eprintln!("  {done} of {}, {:.0?}", files.len(), begun.elapsed());
                }
            }
            Ok(())
        })
    }

    fn judge_alone(&mut self, number: usize, suite: &Suite) -> Result {
        let Some(mutant) = self.mutants.get(&number) else {
            return Ok(());
        };
        self.tree.write_alone(mutant)?;
        // Each just before it is run: most mutants are noticed by the first.
        for name in suite.names(&mutant.file) {
            let build = build::build_one(self.workspace, &self.tree, self.package, &name)?;
            if !build.errors.is_empty() {
                return self.settle(number, Outcome::Unviable);
            }
            let verdict = suite.rebuilt(&build.binaries).judge(0, &mutant.file);
            if verdict != Verdict::Passed {
                return self.conclude(number, &verdict);
            }
        }
        self.conclude(number, &Verdict::Passed)
    }

    fn is_over(&self) -> bool {
        self.end.is_some_and(|end| Instant::now() >= end)
    }

    fn conclude(&mut self, number: usize, verdict: &Verdict) -> Result {
        let outcome = match verdict {
            Verdict::Failed => Outcome::Caught,
            Verdict::Clock(_) => Outcome::Clock,
            Verdict::Passed => Outcome::Survived,
        };
        if let Some(mutant) = self.mutants.get(&number) {
            match verdict {
                Verdict::Failed => {}
                Verdict::Clock(binary) => eprintln!("  clock in {binary}: {}", mutant.name),
                Verdict::Passed => eprintln!("  survived: {}", mutant.name),
            }
        }
        self.settle(number, outcome)
    }

    fn settle(&mut self, number: usize, outcome: Outcome) -> Result {
        match self.mutants.remove(&number) {
            Some(mutant) => self.record.insert(&mutant.name, outcome),
            None => Ok(()),
        }
    }
}

const MINUTE: Duration = Duration::from_mins(1);
