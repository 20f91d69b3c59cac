//! `a >> b` and `a | b`.

use std::ops::{BitOr, Shr};

use crate::boxed::BoxPrimitive;
use crate::flow::{Flow, IntoFlow};
use crate::named::Named;
use crate::non_idempotent::NonIdempotent;
use crate::observed::Observed;
use crate::parallel::Parallel;
use crate::primitive::Primitive;
use crate::sequence::Sequence;

impl<P, N> Shr<N> for Flow<P>
where
    P: Primitive,
    N: IntoFlow<Input = P::Output>,
{
    type Output = Flow<Sequence<P, N::Primitive>>;

    fn shr(self, next: N) -> Self::Output {
        self.then(next)
    }
}

impl<P, N> BitOr<N> for Flow<P>
where
    P: Operand,
    N: IntoFlow<Input = P::Input>,
{
    type Output = Flow<P::Joined<N::Primitive>>;

    fn bitor(self, other: N) -> Self::Output {
        self.join(other)
    }
}

impl<P: Operand> Flow<P> {
    /// Runs both flows at once, on the caller's task; the same as `self | other`.
    ///
    /// Joining a third keeps the tuple flat. Results come in the order in which the branches were
    /// written; the first error cancels the others.
    pub fn join<N>(self, other: N) -> Flow<P::Joined<N::Primitive>>
    where
        N: IntoFlow<Input = P::Input>,
    {
        let other = other.into_flow().into_primitive();
        Flow::from_primitive(self.into_primitive().joined(other))
    }
}

/// What can be the left side of `|`: it knows how to keep the tuple of branches flat.
pub trait Operand: Primitive {
    /// The parallel of this and one more branch.
    type Joined<N>;

    #[doc(hidden)]
    fn joined<N>(self, other: N) -> Self::Joined<N>;
}

/// Starts a parallel of two.
macro_rules! single_operand {
    ($($type:ident<$($parameter:ident),*> where [$($bound:tt)*]);* $(;)?) => {$(
        impl<$($parameter),*> Operand for $type<$($parameter),*>
        where
            $($bound)*
        {
            type Joined<N> = Parallel<(Self, N)>;

            fn joined<N>(self, other: N) -> Self::Joined<N> {
                Parallel::new((self, other))
            }
        }
    )*};
}

single_operand! {
    Observed<P> where [P: Primitive];
    Named<P> where [P: Primitive];
    NonIdempotent<P> where [P: Primitive];
    Sequence<A, B> where [A: Primitive, B: Primitive<Input = A::Output>];
    BoxPrimitive<I, O> where [I: Send + 'static, O: Send + 'static];
}
