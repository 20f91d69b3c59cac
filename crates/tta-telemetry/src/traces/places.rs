//! Which details of a trace belong to which of its spans.

use std::collections::HashMap;

use tta_core::SpanId;

/// Which span is where. A search through a few beats a table, and most traces have a few.
#[derive(Default)]
pub(crate) struct Places {
    few: Vec<SpanId>,
    many: HashMap<SpanId, usize>,
    /// What was found last: details of one span come together.
    latest: Option<(SpanId, usize)>,
}

impl Places {
    pub(crate) fn of(spans: impl Iterator<Item = SpanId>) -> Self {
        let mut places = Self::default();
        for (index, id) in spans.enumerate() {
            places.note(id, index);
        }
        places
    }

    pub(super) fn note(&mut self, id: SpanId, index: usize) {
        if index < FEW {
            self.few.push(id);
        } else {
            self.many.insert(id, index);
        }
    }

    pub(super) fn find(&mut self, id: SpanId) -> Option<usize> {
        if let Some((latest, index)) = self.latest
            && latest == id
        {
            return Some(index);
        }
        let among_few = self.few.iter().position(|other| *other == id);
        let index = among_few.or_else(|| self.many.get(&id).copied())?;
        self.latest = Some((id, index));
        Some(index)
    }
}

/// Details of a trace by the spans that they belong to, each span's in their order.
pub(crate) struct Chains {
    /// The first and the last detail of each span.
    ends: Vec<Option<(usize, usize)>>,
    /// What follows each detail.
    next: Vec<Option<usize>>,
}

impl Chains {
    /// Of details of these spans; those of spans that are not in their places belong to none.
    pub(crate) fn of(
        places: &mut Places,
        spans: usize,
        owners: impl ExactSizeIterator<Item = SpanId>,
    ) -> Self {
        let mut chains = Self {
            ends: Vec::new(),
            next: Vec::new(),
        };
        if owners.len() == 0 {
            return chains;
        }
        chains.ends.resize(spans, None);
        chains.next.resize(owners.len(), None);
        for (detail, owner) in owners.enumerate() {
            let place = places.find(owner);
            let Some(ends) = place.and_then(|place| chains.ends.get_mut(place)) else {
                continue;
            };
            *ends = match *ends {
                None => Some((detail, detail)),
                Some((first, last)) => {
                    if let Some(next) = chains.next.get_mut(last) {
                        *next = Some(detail);
                    }
                    Some((first, detail))
                }
            };
        }
        chains
    }

    /// The details of a span, out of all.
    pub(crate) fn of_span<'d, T>(
        &self,
        span: usize,
        details: &'d [T],
    ) -> impl Iterator<Item = &'d T> {
        let mut next = self
            .ends
            .get(span)
            .copied()
            .flatten()
            .map(|(first, _)| first);
        std::iter::from_fn(move || {
            let at = next?;
            next = self.next.get(at).copied().flatten();
            details.get(at)
        })
    }
}

const FEW: usize = 16;
