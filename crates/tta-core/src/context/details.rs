//! What steps write into a context.

use std::any::{Any, TypeId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

/// A point that a workflow reached.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Checkpoint {
    /// What was reached.
    pub name: String,
    /// How long after the context was made.
    pub elapsed: Duration,
}

/// A baggage entry.
#[derive(Clone)]
pub(super) struct BaggageEntry {
    pub(super) value: String,
    /// Whether it goes on to other services.
    pub(super) travels: bool,
}

type Shared = Arc<dyn Any + Send + Sync>;

#[derive(Default)]
pub(super) struct Details {
    pub(super) metadata: BTreeMap<String, String>,
    pub(super) tags: BTreeSet<String>,
    pub(super) baggage: BTreeMap<String, BaggageEntry>,
    pub(super) checkpoints: Vec<Checkpoint>,
    /// Made when first needed: most workflows share nothing.
    state: Option<HashMap<TypeId, Shared>>,
}

impl Details {
    /// Shares a value and returns the one of the same type that it replaces.
    pub(super) fn put<T: Any + Send + Sync>(&mut self, value: Arc<T>) -> Option<Shared> {
        self.state
            .get_or_insert_default()
            .insert(TypeId::of::<T>(), value)
    }

    pub(super) fn state<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        let value = self.state.as_ref()?.get(&TypeId::of::<T>())?;
        Arc::clone(value).downcast().ok()
    }
}
