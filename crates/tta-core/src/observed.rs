//! A primitive that is observed.

use crate::context::WorkflowContext;
use crate::error::Result;
use crate::metrics::PrimitiveMetrics;
use crate::observe::{Seam, Subject, observe};
use crate::primitive::Primitive;

/// A primitive every execution of which is measured, traced and logged.
///
/// [`Flow`](crate::Flow)'s constructors and operators wrap their operands in it, so that it is
/// rarely named.
#[derive(Debug)]
pub struct Observed<P> {
    primitive: P,
    seam: Seam,
}

impl<P: Primitive> Observed<P> {
    pub(crate) fn new(primitive: P) -> Self {
        let seam = Seam::step(primitive.name(), primitive.primitive_type());
        Self { primitive, seam }
    }
}

impl<P> Observed<P> {
    /// The primitive inside.
    pub fn primitive(&self) -> &P {
        &self.primitive
    }

    /// What has been measured of it.
    pub fn metrics(&self) -> PrimitiveMetrics {
        PrimitiveMetrics::of(self.seam.name(), self.seam.instruments().clone())
    }

    pub(crate) fn renamed(mut self, name: &str) -> Self
    where
        P: Primitive,
    {
        self.primitive.rename(name);
        self.map_seam(|seam| seam.renamed(name))
    }

    pub(crate) fn map_primitive(self, change: impl FnOnce(P) -> P) -> Self {
        Self {
            primitive: change(self.primitive),
            seam: self.seam,
        }
    }

    pub(crate) fn map_seam(self, change: impl FnOnce(Seam) -> Seam) -> Self {
        Self {
            primitive: self.primitive,
            seam: change(self.seam),
        }
    }
}

impl<P: Primitive> Primitive for Observed<P> {
    type Input = P::Input;
    type Output = P::Output;

    const IS_OBSERVED: bool = true;

    fn name(&self) -> &str {
        self.seam.name()
    }

    fn primitive_type(&self) -> &'static str {
        self.primitive.primitive_type()
    }

    fn depth(&self) -> usize {
        self.primitive.depth()
    }

    fn is_idempotent(&self) -> bool {
        self.primitive.is_idempotent()
    }

    fn execute(
        &self,
        input: P::Input,
        ctx: &WorkflowContext,
    ) -> impl Future<Output = Result<P::Output>> + Send {
        observe(Subject::Seam(&self.seam), ctx, move || {
            self.primitive.execute(input, ctx)
        })
    }
}
