//! Observing plain futures, and parts of a step.

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex};

use crate::catalog::SpanSpec;
use crate::context::WorkflowContext;
use crate::error::{Error, Result};
use crate::instruments::forked;
use crate::observe::{Seam, Subject, caught, observe, observe_now};

impl WorkflowContext {
    /// Observes a plain future as a step of this name: the same span, metrics and log as a step of
    /// a flow has, without any combinator.
    ///
    /// The name is the step's label, so it is one of few and known when the program is written.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::{Result, WorkflowContext};
    ///
    /// async fn answer(question: &str, ctx: &WorkflowContext) -> Result<String> {
    ///     let found = ctx.observe("search", search(question)).await?;
    ///     Ok(ctx.observe("write", write(&found)).await?)
    /// }
    /// # async fn search(q: &str) -> std::io::Result<String> { Ok(q.to_owned()) }
    /// # async fn write(q: &str) -> Result<String> { Ok(q.to_owned()) }
    /// ```
    ///
    /// # Cancellation
    ///
    /// Dropping the future drops the inner one; its span says `cancelled`.
    pub fn observe<T, E>(
        &self,
        name: &'static str,
        future: impl Future<Output = Result<T, E>> + Send,
    ) -> impl Future<Output = Result<T>> + Send
    where
        E: Into<Error>,
    {
        // Not an `async fn`, which would hold the future in room of its own.
        observe(Subject::Seam(known(Kind::Step, name)), self, move || future)
    }

    /// Observes a plain future as a workflow of this name: a root span, and the `workflow_*`
    /// metrics. Inside another workflow it is a workflow too, with a span below that one's.
    ///
    /// # Cancellation
    ///
    /// As for [`observe`](Self::observe).
    pub fn workflow<T, E>(
        &self,
        name: &'static str,
        future: impl Future<Output = Result<T, E>> + Send,
    ) -> impl Future<Output = Result<T>> + Send
    where
        E: Into<Error>,
    {
        observe(
            Subject::Seam(known(Kind::Workflow, name)),
            self,
            move || future,
        )
    }

    /// Gives a part of a primitive a span of its own; for those who write primitives. Costs next to
    /// nothing when the trace is not sampled; a panic is an error either way.
    ///
    /// # Cancellation
    ///
    /// As for [`observe`](Self::observe).
    pub async fn in_span<T: Send>(
        &self,
        spec: &'static SpanSpec,
        future: impl Future<Output = Result<T>> + Send,
    ) -> Result<T> {
        if self.is_sampled() {
            observe(Subject::Part(spec), self, move || future).await
        } else {
            caught(move || future).await
        }
    }

    /// The same as [`in_span`](Self::in_span) for a part that is made when it begins. The future
    /// holds the part once and not several times, which counts where parts lie inside one another.
    ///
    /// # Cancellation
    ///
    /// As for [`observe`](Self::observe).
    pub async fn in_span_with<T: Send, F>(
        &self,
        spec: &'static SpanSpec,
        start: impl FnOnce() -> F + Send,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
    {
        if self.is_sampled() {
            observe(Subject::Part(spec), self, start).await
        } else {
            caught(start).await
        }
    }

    /// Gives a part of a primitive that does not wait a span of its own. Costs nothing when the
    /// trace is not sampled.
    pub fn in_span_now<R>(&self, spec: &'static SpanSpec, work: impl FnOnce() -> R) -> R {
        observe_now(spec, self, work)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Step,
    Workflow,
}

/// The seam of a name in the program's text, found by its address in what this thread has met.
fn known(kind: Kind, name: &'static str) -> &'static Seam {
    let key = (kind, name.as_ptr().addr(), name.len());
    let found = KNOWN.try_with(|known| {
        let mut known = known.try_borrow_mut().ok()?;
        Some(*known.entry(key).or_insert_with(|| kept(kind, name)))
    });
    let found = found.ok().flatten();
    found.unwrap_or_else(|| kept(kind, name))
}

/// The seam of a name, made once and kept for good, as what is measured of it is.
fn kept(kind: Kind, name: &'static str) -> &'static Seam {
    let make = || {
        let seam = match kind {
            Kind::Step => Seam::step(name, "Future"),
            Kind::Workflow => Seam::workflow(name),
        };
        &*Box::leak(Box::new(seam))
    };
    // A child of a process in which another thread had the lock does without.
    match forked::lock(&KEPT) {
        Some(mut kept) => kept.entry((kind, name)).or_insert_with(make),
        None => make(),
    }
}

type Known = HashMap<(Kind, usize, usize), &'static Seam>;
type Kept = HashMap<(Kind, &'static str), &'static Seam>;

thread_local! {
    static KNOWN: RefCell<Known> = RefCell::default();
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);
