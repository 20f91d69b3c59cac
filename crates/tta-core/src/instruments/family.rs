//! All series of one metric, up to a limit.

use std::collections::HashMap;

/// Handles by their label values; past the limit all further sets share one handle.
#[derive(Debug)]
pub(crate) struct Family<H> {
    series: HashMap<Box<[String]>, H>,
    overflow: Option<H>,
}

/// The handle for a label set, and whether this set was the first past the limit.
pub(crate) struct Resolved<H> {
    pub(crate) handle: H,
    pub(crate) first_overflow: bool,
}

impl<H> Default for Family<H> {
    fn default() -> Self {
        Self {
            series: HashMap::new(),
            overflow: None,
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
        let key: Box<[String]> = labels.iter().map(|&value| value.to_owned()).collect();
        if let Some(handle) = self.series.get(&key) {
            return Resolved {
                handle: handle.clone(),
                first_overflow: false,
            };
        }
        if self.series.len() < limit {
            let handle = make();
            self.series.insert(key, handle.clone());
            return Resolved {
                handle,
                first_overflow: false,
            };
        }
        let first_overflow = self.overflow.is_none();
        let handle = self.overflow.get_or_insert_with(make).clone();
        Resolved {
            handle,
            first_overflow,
        }
    }

    /// Replaces the handle of a label set if the set is there or there is room for it.
    pub(crate) fn replace(&mut self, labels: &[&str], limit: usize, handle: H) -> bool {
        let key: Box<[String]> = labels.iter().map(|&value| value.to_owned()).collect();
        let fits = self.series.len() < limit || self.series.contains_key(&key);
        if fits {
            self.series.insert(key, handle);
        }
        fits
    }

    /// Visits every series in a stable order, the overflow series last, under its label.
    pub(crate) fn each(&self, labels: usize, mut f: impl FnMut(&[String], &H)) {
        let mut all: Vec<_> = self.series.iter().collect();
        all.sort_unstable_by_key(|(key, _)| *key);
        for (key, handle) in all {
            f(key, handle);
        }
        if let Some(handle) = &self.overflow {
            f(&vec![super::OVERFLOW_LABEL.to_owned(); labels], handle);
        }
    }
}
