//! The dyn twin of every flow.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;

use crate::context::WorkflowContext;
use crate::error::{Error, ErrorKind, Result};
use crate::flow::Flow;
use crate::primitive::Primitive;

/// A flow with its type erased; made by [`Flow::boxed`].
pub type BoxFlow<I, O> = Flow<BoxPrimitive<I, O>>;

/// How deep primitives may lie inside one another.
///
/// Each level costs stack while it runs, and a stack that is too deep ends the process; so the
/// limit is checked when a flow is [boxed](Flow::boxed). A sequence is one level, however long.
pub const MAX_DEPTH: usize = 512;

/// A primitive with its type erased. Cloning shares it.
pub struct BoxPrimitive<I, O> {
    body: Body<I, O>,
    name: Arc<str>,
    depth: usize,
    idempotent: bool,
    opens_workflow: bool,
}

enum Body<I, O> {
    One(Arc<dyn DynPrimitive<I, O>>),
    /// Stages that run one after the other; values between them are boxed, their types checked
    /// when the sequence was composed.
    Stages(Stages, PhantomData<fn(I) -> O>),
}

impl<I: Send + 'static, O: Send + 'static> BoxPrimitive<I, O> {
    pub(crate) fn new<P>(primitive: P) -> Result<Self>
    where
        P: Primitive<Input = I, Output = O> + 'static,
    {
        let depth = primitive.depth();
        if depth > MAX_DEPTH {
            return Err(Error::new(
                ErrorKind::Configuration,
                format!(
                    "primitives lie {depth} deep inside one another and at most {MAX_DEPTH} are \
                     allowed; join them with `>>`, which stays flat"
                ),
            ));
        }
        let name = primitive.name().into();
        let idempotent = primitive.is_idempotent();
        let opens_workflow = primitive.opens_workflow();
        let body = if P::HAS_STAGES {
            let mut stages = Stages::default();
            primitive.into_stages(&mut stages);
            Body::Stages(stages, PhantomData)
        } else {
            Body::One(Arc::new(primitive))
        };
        Ok(Self {
            body,
            name,
            depth,
            idempotent,
            opens_workflow,
        })
    }
}

impl<I: Send + 'static, O: Send + 'static> Primitive for BoxPrimitive<I, O> {
    type Input = I;
    type Output = O;

    const HAS_STAGES: bool = true;

    fn name(&self) -> &str {
        &self.name
    }

    fn depth(&self) -> usize {
        self.depth
    }

    fn is_idempotent(&self) -> bool {
        self.idempotent
    }

    fn opens_workflow(&self) -> bool {
        self.opens_workflow
    }

    async fn execute(&self, input: I, ctx: &WorkflowContext) -> Result<O> {
        match &self.body {
            Body::One(primitive) => primitive.execute_boxed(input, ctx).await,
            Body::Stages(stages, _) => {
                let mut value: BoxValue = Box::new(input);
                for stage in &stages.list {
                    value = stage.execute_stage(value, ctx).await?;
                }
                value
                    .downcast()
                    .map(|output| *output)
                    .map_err(|_| mismatch())
            }
        }
    }

    fn into_stages(self, stages: &mut Stages) {
        match self.body {
            Body::One(primitive) => stages.list.push(Arc::new(Typed(primitive))),
            Body::Stages(more, _) if stages.list.is_empty() => *stages = more,
            Body::Stages(more, _) => stages.list.extend(more.list),
        }
    }
}

impl<I, O> Clone for BoxPrimitive<I, O> {
    fn clone(&self) -> Self {
        let body = match &self.body {
            Body::One(primitive) => Body::One(Arc::clone(primitive)),
            Body::Stages(stages, _) => Body::Stages(stages.clone(), PhantomData),
        };
        Self {
            body,
            name: Arc::clone(&self.name),
            depth: self.depth,
            idempotent: self.idempotent,
            opens_workflow: self.opens_workflow,
        }
    }
}

impl<I, O> fmt::Debug for BoxPrimitive<I, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BoxPrimitive")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T>> + Send + 'a>>;
type BoxValue = Box<dyn Any + Send>;

/// [`Primitive`] with its future boxed.
trait DynPrimitive<I, O>: Send + Sync {
    fn execute_boxed<'a>(&'a self, input: I, ctx: &'a WorkflowContext) -> BoxFuture<'a, O>;
}

impl<P: Primitive> DynPrimitive<P::Input, P::Output> for P {
    fn execute_boxed<'a>(
        &'a self,
        input: P::Input,
        ctx: &'a WorkflowContext,
    ) -> BoxFuture<'a, P::Output> {
        Box::pin(self.execute(input, ctx))
    }
}

/// Primitives that run one after the other, held side by side.
#[derive(Clone, Default)]
pub struct Stages {
    list: Vec<Arc<dyn Stage>>,
}

impl Stages {
    pub(crate) fn push<P>(&mut self, primitive: P)
    where
        P: Primitive + 'static,
        P::Input: 'static,
        P::Output: 'static,
    {
        self.list.push(Arc::new(Typed(
            Arc::new(primitive) as Arc<dyn DynPrimitive<_, _>>
        )));
    }
}

impl fmt::Debug for Stages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stages")
            .field("len", &self.list.len())
            .finish()
    }
}

/// A primitive with the types of its values erased too.
trait Stage: Send + Sync {
    fn execute_stage<'a>(
        &'a self,
        input: BoxValue,
        ctx: &'a WorkflowContext,
    ) -> BoxFuture<'a, BoxValue>;
}

struct Typed<I, O>(Arc<dyn DynPrimitive<I, O>>);

impl<I: Send + 'static, O: Send + 'static> Stage for Typed<I, O> {
    fn execute_stage<'a>(
        &'a self,
        input: BoxValue,
        ctx: &'a WorkflowContext,
    ) -> BoxFuture<'a, BoxValue> {
        Box::pin(async move {
            let input = input.downcast::<I>().map_err(|_| mismatch())?;
            let output = self.0.execute_boxed(*input, ctx).await?;
            Ok(Box::new(output) as BoxValue)
        })
    }
}

/// Stages come from a sequence that the compiler has checked, so this is a fault of this module.
fn mismatch() -> Error {
    Error::msg("a stage was given a value of another type than the stage before it returns")
}
