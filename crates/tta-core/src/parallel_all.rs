//! Several at once, made at run time.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};

use crate::boxed::{BoxFlow, BoxPrimitive};
use crate::catalog::PARALLEL_BRANCH_SPAN;
use crate::context::WorkflowContext;
use crate::error::{Error, ErrorKind, Result};
use crate::failure_policy::{FailurePolicy, Failures};
use crate::flow::Flow;
use crate::observe::{Subject, observe};
use crate::observed::Observed;
use crate::primitive::Primitive;

/// Any number of flows of one type that run at once; made by [`parallel_all`].
#[derive(Debug)]
pub struct ParallelAll<I, O> {
    branches: Vec<BoxPrimitive<I, O>>,
    policy: FailurePolicy,
}

/// Runs flows of one type, made at run time, at once on one task, given clones of one input.
///
/// Results come in the order of the flows. The first error is returned and cancels the others, unless
/// a [`FailurePolicy`] says otherwise.
///
/// # Errors
///
/// [`ErrorKind::Configuration`] if there are none.
pub fn parallel_all<I, O>(
    flows: impl IntoIterator<Item = BoxFlow<I, O>>,
) -> Result<Flow<Observed<ParallelAll<I, O>>>>
where
    I: Clone + Send + 'static,
    O: Send + 'static,
{
    let branches: Vec<_> = flows.into_iter().map(Flow::into_primitive).collect();
    if branches.is_empty() {
        return Err(Error::new(
            ErrorKind::Configuration,
            "a parallel needs at least one flow",
        ));
    }
    Ok(Flow::new(ParallelAll {
        branches,
        policy: FailurePolicy::default(),
    }))
}

impl<I, O> Flow<Observed<ParallelAll<I, O>>> {
    /// The same parallel, doing this with the other branches when one has failed.
    pub fn with_failure_policy(self, policy: FailurePolicy) -> Self {
        self.map(|parallel| parallel.map_primitive(|it| ParallelAll { policy, ..it }))
    }
}

impl<I, O> Primitive for ParallelAll<I, O>
where
    I: Clone + Send + 'static,
    O: Send + 'static,
{
    type Input = I;
    type Output = Vec<O>;

    fn depth(&self) -> usize {
        self.branches
            .iter()
            .map(Primitive::depth)
            .max()
            .unwrap_or_default()
            + 1
    }

    fn is_idempotent(&self) -> bool {
        self.branches.iter().all(Primitive::is_idempotent)
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<Vec<O>> {
        let mut branches: Vec<_> = self
            .branches
            .iter()
            .zip(0..)
            .map(|(branch, index)| {
                let (part, input) = (
                    Subject::NumberedPart(&PARALLEL_BRANCH_SPAN, index),
                    input.clone(),
                );
                let future = Box::pin(observe(part, ctx, move || branch.execute(input, ctx)));
                (Arc::new(Signal::new()), Some(future), None)
            })
            .collect();
        let mut running = branches.len();
        let mut failures = Failures::under(self.policy);
        poll_fn(|cx| {
            for (signal, future, output) in &mut branches {
                if !signal.take(cx.waker()) {
                    continue;
                }
                let waker = Waker::from(Arc::clone(signal));
                let polled = future
                    .as_mut()
                    .map(|it| it.as_mut().poll(&mut Context::from_waker(&waker)));
                if let Some(Poll::Ready(result)) = polled {
                    match result {
                        Ok(value) => *output = Some(value),
                        Err(error) => failures.note(error)?,
                    }
                    *future = None;
                    running -= 1;
                }
            }
            if running == 0 {
                Poll::Ready(Ok::<(), Error>(()))
            } else {
                Poll::Pending
            }
        })
        .await?;
        failures.into_result()?;
        Ok(branches
            .into_iter()
            .filter_map(|(_, _, output)| output)
            .collect())
    }
}

/// Tells which branch was woken, so that the others are not polled in vain.
struct Signal {
    woken: AtomicBool,
    task: Mutex<Option<Waker>>,
}

impl Signal {
    fn new() -> Self {
        Self {
            woken: AtomicBool::new(true),
            task: Mutex::new(None),
        }
    }

    /// Whether the branch was woken since the last call; remembers the task to wake next.
    fn take(&self, task: &Waker) -> bool {
        let mut slot = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.as_ref().is_none_or(|known| !known.will_wake(task)) {
            *slot = Some(task.clone());
        }
        self.woken.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.woken.store(true, Ordering::Release);
        let task = self
            .task
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(task) = task {
            task.wake();
        }
    }
}
