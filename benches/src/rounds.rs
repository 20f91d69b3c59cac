//! Subjects measured in turns, so that what changes meanwhile changes for all of them.

use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use crate::clock::thread_time;
use crate::options::Options;
use crate::report::Report;
use crate::together::{Helper, Meeting, Slice};

/// Subjects that are measured together: a slice of each, then again a slice of each, and so on.
///
/// Criterion measures one subject to the end before it begins the next, half a minute later; what
/// the machine does in between is then in the ratio. Here the slices of a round are a few
/// milliseconds apart, and a ratio is the median of the ratios of all rounds.
pub struct Group<'a> {
    report: Report,
    options: Options,
    subjects: Vec<(String, Subject<'a>)>,
    shared: Vec<Shared<'a>>,
}

enum Subject<'a> {
    /// A call of it is so many operations.
    Plain(Box<dyn FnMut(&mut Bencher<'_>) + 'a>, usize),
    PerStep(Box<dyn FnMut(&mut Bencher<'_>, usize) + 'a>),
    /// The position among those that other threads can call.
    TwoThreads(usize),
}

pub(crate) type Shared<'a> = Box<dyn Fn(&mut Bencher<'_>) + Send + Sync + 'a>;

impl<'a> Group<'a> {
    /// A group with the floor in it: two readings of the clock.
    pub fn new(bench: &'static str) -> Self {
        let mut group = Self::without_floor(bench, Options::from_args());
        group.bench(CLOCK_TWICE, |b| {
            b.iter(|| (black_box(Instant::now()), black_box(Instant::now())));
        });
        group
    }

    /// A group with nothing in it.
    pub fn without_floor(bench: &'static str, options: Options) -> Self {
        Self {
            report: Report::new(bench, options.clone()),
            options,
            subjects: Vec::new(),
            shared: Vec::new(),
        }
    }

    /// Measures no more than so many rounds, where a call takes milliseconds.
    pub fn at_most(&mut self, rounds: usize) {
        self.options.rounds = self.options.rounds.min(rounds);
    }

    /// Adds a subject: nanoseconds a call of what the closure has the bencher iterate.
    pub fn bench(&mut self, name: &str, routine: impl FnMut(&mut Bencher<'_>) + 'a) {
        self.bench_batch(name, 1, routine);
    }

    /// Adds a subject each call of which is so many operations; the figure is one operation's.
    pub fn bench_batch(
        &mut self,
        name: &str,
        operations: usize,
        routine: impl FnMut(&mut Bencher<'_>) + 'a,
    ) {
        let subject = Subject::Plain(Box::new(routine), operations);
        self.subjects.push((name.to_owned(), subject));
    }

    /// Adds a subject that is told how many steps to run, 1 or 11.
    ///
    /// A tenth of the difference is what one more step costs, free of what a workflow costs once;
    /// the figure under `name`. What a workflow of three steps costs is kept beside it.
    pub fn bench_steps(&mut self, name: &str, routine: impl FnMut(&mut Bencher<'_>, usize) + 'a) {
        let subject = Subject::PerStep(Box::new(routine));
        self.subjects.push((name.to_owned(), subject));
    }

    /// Adds a subject that one thread runs, and again as one that two run at once; the nanoseconds
    /// are a call's of one thread.
    pub fn bench_threads(
        &mut self,
        name: &str,
        routine: impl Fn(&mut Bencher<'_>) + Clone + Send + Sync + 'a,
    ) {
        self.bench(name, routine.clone());
        let subject = Subject::TwoThreads(self.shared.len());
        self.shared.push(Box::new(routine));
        self.subjects
            .push((format!("{name}{TWO_THREADS}"), subject));
    }

    /// Measures, prints and writes.
    pub fn finish(self) {
        self.measured().finish();
    }

    /// Measures.
    pub fn measured(self) -> Report {
        let Self {
            mut report,
            options,
            mut subjects,
            shared,
        } = self;
        let meeting = Meeting::default();
        thread::scope(|scope| {
            let helper = (!shared.is_empty()).then(|| Helper::spawn(scope, &meeting, &shared));
            let run = Run {
                helper: helper.as_ref(),
                meeting: &meeting,
                shared: &shared,
            };
            let iterations: Vec<Option<[u64; 2]>> = subjects
                .iter_mut()
                .map(|(_, subject)| run.calibrated(subject, options.slice))
                .collect();
            for round in 0..options.rounds {
                // Who follows whom changes, so that nobody always inherits the same caches.
                for place in 0..subjects.len() {
                    let place = (place + round) % subjects.len();
                    let (Some((name, subject)), Some(Some(iterations))) =
                        (subjects.get_mut(place), iterations.get(place))
                    else {
                        continue;
                    };
                    run.sample(subject, *iterations, name, &mut report);
                }
            }
        });
        report
    }
}

struct Run<'r, 'a> {
    helper: Option<&'r Helper>,
    meeting: &'r Meeting,
    shared: &'r [Shared<'a>],
}

impl Run<'_, '_> {
    /// How often to iterate in one slice, for each of the sizes.
    fn calibrated(&self, subject: &mut Subject<'_>, slice: Duration) -> Option<[u64; 2]> {
        let mut of_size = |size| {
            let mut iterations = 1;
            while self.slice(subject, size, iterations)?.0 < slice {
                iterations *= 2;
            }
            Some(iterations)
        };
        let of_one = of_size(ONE)?;
        Some([of_one, of_size(MANY)?])
    }

    fn sample(
        &self,
        subject: &mut Subject<'_>,
        [of_one, of_many]: [u64; 2],
        name: &str,
        report: &mut Report,
    ) {
        let per_step = matches!(subject, Subject::PerStep(_));
        let operations = match subject {
            Subject::Plain(_, operations) => *operations as f64,
            _ => 1.0,
        };
        // Not a number where it is worth nothing, so that the rounds stay next to each other.
        let mut nanos = |size, iterations: u64| match self.slice(subject, size, iterations) {
            Some((spent, true)) => spent.as_nanos() as f64 / iterations as f64,
            _ => f64::NAN,
        };
        let one = nanos(ONE, of_one);
        if !per_step {
            return report.sample(name, one / operations);
        }
        let many = nanos(MANY, of_many);
        let step = (many - one) / (MANY - ONE) as f64;
        report.sample(name, step);
        report.sample(format!("{name}{THREE_STEPS}"), one + 2.0 * step);
    }

    /// The time of one thread, and whether it is worth anything: `None` if there is nobody to run.
    fn slice(
        &self,
        subject: &mut Subject<'_>,
        size: usize,
        iterations: u64,
    ) -> Option<(Duration, bool)> {
        let mut bencher = Bencher::new(iterations, None);
        match subject {
            Subject::Plain(routine, _) => routine(&mut bencher),
            Subject::PerStep(routine) => routine(&mut bencher, size),
            Subject::TwoThreads(position) => {
                let (helper, routine) = (self.helper?, self.shared.get(*position)?);
                helper.begin(*position, iterations);
                bencher.meeting = Some(self.meeting);
                routine(&mut bencher);
                let (ours, theirs) = (bencher.slice, helper.slice()?);
                let spent = (ours.spent + theirs.spent) / 2;
                return Some((spent, ours.ran_beside(&theirs)));
            }
        }
        Some((bencher.slice.spent, true))
    }
}

impl std::fmt::Debug for Group<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.subjects.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

/// Runs a subject as often as it is told and takes the time.
#[derive(Debug)]
pub struct Bencher<'m> {
    iterations: u64,
    slice: Slice,
    meeting: Option<&'m Meeting>,
}

impl<'m> Bencher<'m> {
    pub(crate) fn new(iterations: u64, meeting: Option<&'m Meeting>) -> Self {
        let now = Instant::now();
        Self {
            iterations,
            slice: Slice {
                spent: Duration::ZERO,
                begun: now,
                ended: now,
            },
            meeting,
        }
    }

    pub(crate) fn slice(&self) -> Slice {
        self.slice
    }

    /// Measures `operation`, whose result is kept from being optimised away.
    #[expect(
        clippy::iter_not_returning_iterator,
        reason = "it is criterion's name for it"
    )]
    pub fn iter<R>(&mut self, mut operation: impl FnMut() -> R) {
        if let Some(meeting) = self.meeting {
            meeting.wait();
        }
        self.slice.begun = Instant::now();
        let before = thread_time();
        for _ in 0..self.iterations {
            black_box(operation());
        }
        self.slice.spent = thread_time().saturating_sub(before);
        self.slice.ended = Instant::now();
    }

    /// Measures `operation` alone, on an input that is made anew for each call.
    ///
    /// Reading the thread's time is a microsecond's work, so the operation must be a long one.
    pub fn iter_batched<I, R>(
        &mut self,
        mut input: impl FnMut() -> I,
        mut operation: impl FnMut(I) -> R,
    ) {
        for _ in 0..self.iterations {
            let input = input();
            let before = thread_time();
            black_box(operation(input));
            self.slice.spent += thread_time().saturating_sub(before);
        }
    }
}

const CLOCK_TWICE: &str = "clock twice";
const TWO_THREADS: &str = ", 2 threads";
const THREE_STEPS: &str = ", workflow of 3";
const ONE: usize = 1;
const MANY: usize = 11;
