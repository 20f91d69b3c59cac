//! One of many, by key.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::fmt;
use std::marker::PhantomData;

use crate::boxed::BoxPrimitive;
use crate::context::WorkflowContext;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::{Flow, IntoFlow};
use crate::observed::Observed;
use crate::primitive::Primitive;

/// Runs the flow whose key a selector names; made by [`switch`].
pub struct SwitchPrimitive<S, K, I, O> {
    selector: S,
    cases: BTreeMap<String, BoxPrimitive<I, O>>,
    default: Option<BoxPrimitive<I, O>>,
    key: PhantomData<fn() -> K>,
}

/// Puts a [`SwitchPrimitive`] together.
#[must_use]
pub struct SwitchBuilder<S, K, I, O> {
    switch: SwitchPrimitive<S, K, I, O>,
    error: Option<Error>,
}

/// Runs the flow whose key `selector` returns for the input.
///
/// An error of the selector is the error of the step. A key without a case runs the default, or is
/// an error that lists the cases.
///
/// # Examples
///
/// ```
/// use tta_core::{step, switch};
///
/// let flow = switch(|question: &String, _| Ok(if question.contains('=') { "math" } else { "prose" }))
///     .case("math", step("calculate", async |q: String| Ok(q.len())))
///     .default(step("write", async |q: String| Ok(q.len() * 2)))
///     .build()?;
/// # Ok::<(), tta_core::Error>(())
/// ```
pub fn switch<S, K, I, O>(selector: S) -> SwitchBuilder<S, K, I, O>
where
    S: Fn(&I, &WorkflowContext) -> Result<K> + Send + Sync,
    K: AsRef<str> + Send,
{
    let switch = SwitchPrimitive {
        selector,
        cases: BTreeMap::new(),
        default: None,
        key: PhantomData,
    };
    SwitchBuilder {
        switch,
        error: None,
    }
}

impl<S, K, I, O> SwitchBuilder<S, K, I, O>
where
    S: Fn(&I, &WorkflowContext) -> Result<K> + Send + Sync,
    K: AsRef<str> + Send,
    I: Send + Sync + 'static,
    O: Send + 'static,
{
    /// Runs `flow` for this key.
    pub fn case<F>(mut self, key: impl Into<String>, flow: F) -> Self
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        let key = key.into();
        if let Some(flow) = self.boxed(flow) {
            match self.switch.cases.entry(key) {
                Entry::Vacant(entry) => {
                    entry.insert(flow);
                }
                Entry::Occupied(entry) => {
                    let message = format!("switch has two cases `{}`; remove one", entry.key());
                    self.error
                        .get_or_insert(Error::new(ErrorKind::Configuration, message));
                }
            }
        }
        self
    }

    /// Runs `flow` for every other key.
    pub fn default<F>(mut self, flow: F) -> Self
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        self.switch.default = self.boxed(flow);
        self
    }

    /// The flow.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] if there is no case at all or two of one key, or if a case lies
    /// too deep; see [`Flow::boxed`].
    pub fn build(self) -> Result<Flow<Observed<SwitchPrimitive<S, K, I, O>>>> {
        if let Some(error) = self.error {
            return Err(error);
        }
        if self.switch.cases.is_empty() {
            return Err(Error::new(
                ErrorKind::Configuration,
                "a switch needs at least one case",
            ));
        }
        Ok(Flow::new(self.switch))
    }

    fn boxed<F>(&mut self, flow: F) -> Option<BoxPrimitive<I, O>>
    where
        F: IntoFlow<Input = I, Output = O>,
        F::Primitive: 'static,
    {
        match flow.into_flow().boxed() {
            Ok(flow) => Some(flow.into_primitive()),
            Err(error) => {
                self.error.get_or_insert(error);
                None
            }
        }
    }
}

impl<S, K, I, O> Primitive for SwitchPrimitive<S, K, I, O>
where
    S: Fn(&I, &WorkflowContext) -> Result<K> + Send + Sync,
    K: AsRef<str> + Send,
    I: Send + Sync + 'static,
    O: Send + 'static,
{
    type Input = I;
    type Output = O;

    fn depth(&self) -> usize {
        let cases = self.cases.values().chain(&self.default);
        cases.map(Primitive::depth).max().unwrap_or_default() + 1
    }

    fn is_idempotent(&self) -> bool {
        let mut cases = self.cases.values().chain(&self.default);
        cases.all(Primitive::is_idempotent)
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<O> {
        let case = {
            let key = (self.selector)(&input, ctx)?;
            let key = key.as_ref();
            if ctx.is_sampled() {
                ctx.set_attribute("case", key.to_owned());
            }
            self.cases
                .get(key)
                .or(self.default.as_ref())
                .ok_or_else(|| self.no_case(key))?
        };
        case.execute(input, ctx).await
    }
}

impl<S, K, I, O> SwitchPrimitive<S, K, I, O> {
    fn no_case(&self, key: &str) -> Error {
        let cases: Vec<_> = self.cases.keys().map(String::as_str).collect();
        let message = format!(
            "switch has no case `{key}` and no default; its cases are {}",
            cases.join(", ")
        );
        Error::new(ErrorKind::NotFound, message)
    }
}

impl<S, K, I, O> fmt::Debug for SwitchPrimitive<S, K, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchPrimitive")
            .field("cases", &self.cases.keys())
            .field("default", &self.default)
            .finish_non_exhaustive()
    }
}

impl<S, K, I, O> fmt::Debug for SwitchBuilder<S, K, I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SwitchBuilder")
            .field("switch", &self.switch)
            .finish_non_exhaustive()
    }
}
