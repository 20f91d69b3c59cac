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
    /// The value, and behind it what is said of it, as W3C Baggage writes properties. Few entries
    /// have any, and strangers decide how many entries there are.
    text: String,
    value_length: u32,
    /// Whether it goes on to other services.
    pub(super) travels: bool,
}

impl BaggageEntry {
    pub(super) fn new(value: String, travels: bool) -> Self {
        Self {
            value_length: u32::try_from(value.len()).unwrap_or(u32::MAX),
            text: value,
            travels,
        }
    }

    pub(super) fn value(&self) -> &str {
        self.parts().0
    }

    pub(super) fn properties(&self) -> &str {
        self.parts().1
    }

    pub(super) fn set_properties(&mut self, properties: &str) {
        self.text.truncate(self.value().len());
        self.text.push_str(properties);
    }

    fn parts(&self) -> (&str, &str) {
        let parts = self.text.split_at_checked(self.value_length as usize);
        parts.unwrap_or((&self.text, ""))
    }
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
