//! All series of one metric, up to a limit.

use std::collections::HashMap;
use std::sync::Arc;

use super::readers::FamilyReader;

/// Handles by their label values; past the limit all further sets share one handle.
#[derive(Debug)]
pub(crate) struct Family<H> {
    series: HashMap<Arc<[String]>, H>,
    overflow: Option<H>,
    overflowed: bool,
    /// How the series are read; none where nobody has asked since the last one was added.
    readers: Option<Vec<FamilyReader>>,
}

/// The handle for a label set, and whether this set was the first past the limit.
pub(crate) struct Resolved<H> {
    pub(crate) handle: H,
    pub(crate) first_overflow: bool,
}

/// What became of a handle that was to be put in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Put {
    Done,
    Taken,
    Full,
}

impl<H> Default for Family<H> {
    fn default() -> Self {
        Self {
            series: HashMap::new(),
            overflow: None,
            overflowed: false,
            readers: None,
        }
    }
}

impl<H: Clone> Family<H> {
    /// The handle of the label set, made if it is new and there is room.
    pub(crate) fn resolve(
        &mut self,
        labels: &[&str],
        limit: usize,
        make: impl FnOnce() -> H,
    ) -> Resolved<H> {
        let key: Arc<[String]> = labels.iter().map(|&value| value.to_owned()).collect();
        if let Some(handle) = self.series.get(&key) {
            return Resolved {
                handle: handle.clone(),
                first_overflow: false,
            };
        }
        // Text from outside may read like the overflow series; a second series of the same labels
        // would make the whole exposition invalid.
        let named = is_overflow(labels);
        if !named && self.series.len() < limit {
            let handle = make();
            self.readers = None;
            self.series.insert(key, handle.clone());
            return Resolved {
                handle,
                first_overflow: false,
            };
        }
        let first_overflow = !named && !std::mem::replace(&mut self.overflowed, true);
        if self.overflow.is_none() {
            self.readers = None;
        }
        let handle = self.overflow.get_or_insert_with(make).clone();
        Resolved {
            handle,
            first_overflow,
        }
    }

    /// Puts a handle in its place if the label set is free, or taken by one that may be replaced.
    pub(crate) fn put(
        &mut self,
        labels: &[&str],
        limit: usize,
        handle: H,
        replaceable: impl FnOnce(&H) -> bool,
    ) -> Put {
        let key: Arc<[String]> = labels.iter().map(|&value| value.to_owned()).collect();
        match self.series.get(&key) {
            Some(present) if !replaceable(present) => return Put::Taken,
            None if self.series.len() >= limit || is_overflow(labels) => return Put::Full,
            _ => {}
        }
        self.readers = None;
        self.series.insert(key, handle);
        Put::Done
    }

    /// Visits every series in a stable order, the overflow series last, under its label.
    pub(crate) fn each(&self, labels: usize, mut f: impl FnMut(&Arc<[String]>, &H)) {
        let mut all: Vec<_> = self.series.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        for (key, handle) in all {
            f(key, handle);
        }
        if let Some(handle) = &self.overflow {
            f(
                &vec![super::OVERFLOW_LABEL.to_owned(); labels].into(),
                handle,
            );
        }
    }

    /// How the series are read, as `list` says; the same again until one is added.
    pub(crate) fn readers(
        &mut self,
        list: impl FnOnce(&Self) -> Vec<FamilyReader>,
    ) -> &[FamilyReader] {
        if self.readers.is_none() {
            self.readers = Some(list(self));
        }
        self.readers.as_deref().unwrap_or_default()
    }
}

fn is_overflow(labels: &[&str]) -> bool {
    !labels.is_empty() && labels.iter().all(|&value| value == super::OVERFLOW_LABEL)
}
