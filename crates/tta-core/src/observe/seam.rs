//! A place in a flow where executions are observed.

use std::sync::{Arc, OnceLock};

use crate::catalog::{PRIMITIVE_SPAN, WORKFLOW_SPAN};
use crate::instruments::{SeamInstruments, registry};
use crate::record::StepRef;

/// A place in a flow where executions are observed: what it is called and where it is measured.
#[derive(Debug)]
pub(crate) struct Seam {
    name: Box<str>,
    kind: &'static str,
    pub(super) scope: Scope,
    bounds: Option<Box<[f64]>>,
    pub(super) measures_busy: bool,
    /// Resolved at the first execution, when all options have been given.
    resolved: OnceLock<Resolved>,
}

#[derive(Debug)]
struct Resolved {
    identity: StepRef,
    instruments: Arc<SeamInstruments>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    Step,
    Workflow,
}

impl Seam {
    pub(crate) fn step(name: &str, kind: &'static str) -> Self {
        Self::new(name, kind, Scope::Step)
    }

    pub(crate) fn workflow(name: &str) -> Self {
        Self::new(name, "Workflow", Scope::Workflow)
    }

    fn new(name: &str, kind: &'static str, scope: Scope) -> Self {
        // An empty name would be an empty label, which Prometheus takes for no label at all.
        let name = if name.is_empty() { kind } else { name };
        Self {
            name: name.into(),
            kind,
            scope,
            bounds: None,
            measures_busy: false,
            resolved: OnceLock::new(),
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// The same seam under another name.
    pub(crate) fn renamed(self, name: &str) -> Self {
        let new = Self::new(name, self.kind, self.scope);
        Self {
            bounds: self.bounds,
            measures_busy: self.measures_busy,
            ..new
        }
    }

    pub(crate) fn with_bounds(mut self, bounds: &[f64]) -> Self {
        self.bounds = Some(bounds.into());
        self.resolved = OnceLock::new();
        self
    }

    pub(crate) fn measuring_busy(mut self) -> Self {
        self.measures_busy = true;
        self
    }

    #[inline]
    pub(crate) fn instruments(&self) -> &Arc<SeamInstruments> {
        &self.resolved().instruments
    }

    /// What its spans refer to it by.
    #[inline]
    pub(super) fn identity(&self) -> &StepRef {
        &self.resolved().identity
    }

    #[inline]
    fn resolved(&self) -> &Resolved {
        self.resolved.get_or_init(|| {
            let (name, kind, bounds) = (self.name(), self.kind, self.bounds.as_deref());
            let (pattern, instruments) = match self.scope {
                Scope::Step => (
                    PRIMITIVE_SPAN.name,
                    registry().primitive(name, kind, bounds),
                ),
                Scope::Workflow => (WORKFLOW_SPAN.name, registry().workflow(name, bounds)),
            };
            Resolved {
                identity: StepRef::new(name, kind, pattern),
                instruments,
            }
        })
    }
}
