//! Several at once, each of its own type.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use crate::catalog::PARALLEL_BRANCH_SPAN;
use crate::context::WorkflowContext;
use crate::error::{Error, Result};
use crate::observe::{Subject, observe};
use crate::operators::Operand;
use crate::primitive::Primitive;

/// Primitives that run at once on one task, given clones of one input; made by `a | b`.
///
/// Results come as a flat tuple in the order in which the branches were written. The first error is
/// returned and cancels the other branches.
#[derive(Debug)]
pub struct Parallel<T> {
    branches: T,
}

impl<T> Parallel<T> {
    pub(crate) const fn new(branches: T) -> Self {
        Self { branches }
    }
}

/// A branch that is running, or what it gave back.
enum Branch<T> {
    Running,
    Done(T),
}

impl<T> Branch<T> {
    /// Polls the branch if it is running and tells whether it is done.
    fn poll<F>(&mut self, future: Pin<&mut F>, cx: &mut Context<'_>) -> Result<bool>
    where
        F: Future<Output = Result<T>>,
    {
        if matches!(self, Self::Running) {
            match future.poll(cx) {
                Poll::Ready(result) => *self = Self::Done(result?),
                Poll::Pending => return Ok(false),
            }
        }
        Ok(true)
    }
}

macro_rules! parallel {
    ($(($($branch:ident $future:ident $index:tt),+))+) => {$(
        impl<First, $($branch),+> Primitive for Parallel<(First, $($branch),+)>
        where
            First: Primitive,
            First::Input: Clone,
            $($branch: Primitive<Input = First::Input>),+
        {
            type Input = First::Input;
            type Output = (First::Output, $($branch::Output),+);

            fn depth(&self) -> usize {
                let depth = self.branches.0.depth();
                $(let depth = depth.max(self.branches.$index.depth());)+
                depth + 1
            }

            fn is_idempotent(&self) -> bool {
                self.branches.0.is_idempotent() $(&& self.branches.$index.is_idempotent())+
            }

            async fn execute(&self, input: First::Input, ctx: &WorkflowContext) -> Result<Self::Output> {
                $(let $future = input.clone();)+
                $(
                    let part = Subject::NumberedPart(&PARALLEL_BRANCH_SPAN, $index);
                    let branch = &self.branches.$index;
                    let mut $future =
                        (pin!(observe(part, ctx, move || branch.execute($future, ctx))), Branch::Running);
                )+
                let part = Subject::NumberedPart(&PARALLEL_BRANCH_SPAN, 0);
                let branch = &self.branches.0;
                let mut first =
                    (pin!(observe(part, ctx, move || branch.execute(input, ctx))), Branch::Running);
                poll_fn(|cx| {
                    let mut done = first.1.poll(first.0.as_mut(), cx)?;
                    $(done &= $future.1.poll($future.0.as_mut(), cx)?;)+
                    if done { Poll::Ready(Ok::<(), Error>(())) } else { Poll::Pending }
                })
                .await?;
                match (first.1, $($future.1),+) {
                    (Branch::Done(first), $(Branch::Done($future)),+) => Ok((first, $($future),+)),
                    // `poll_fn` is ready only when every branch is done.
                    _ => unreachable!("a parallel that is ready has every branch done"),
                }
            }
        }
    )+};
}

parallel! {
    (B b 1)
    (B b 1, C c 2)
    (B b 1, C c 2, D d 3)
    (B b 1, C c 2, D d 3, E e 4)
    (B b 1, C c 2, D d 3, E e 4, F f 5)
    (B b 1, C c 2, D d 3, E e 4, F f 5, G g 6)
    (B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7)
}

macro_rules! longer {
    ($(($($branch:ident $index:tt),+))+) => {$(
        impl<First, $($branch),+> Operand for Parallel<(First, $($branch),+)>
        where
            Self: Primitive,
        {
            type Joined<N> = Parallel<(First, $($branch),+, N)>;

            fn joined<N>(self, other: N) -> Self::Joined<N> {
                Parallel::new((self.branches.0, $(self.branches.$index),+, other))
            }
        }
    )+};
}

longer! {
    (B 1)
    (B 1, C 2)
    (B 1, C 2, D 3)
    (B 1, C 2, D 3, E 4)
    (B 1, C 2, D 3, E 4, F 5)
    (B 1, C 2, D 3, E 4, F 5, G 6)
}
