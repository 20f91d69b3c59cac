//! Which bucket a value falls into.
//!
//! Two sets of buckets at once: the fine ones, sixteen to every doubling, for percentiles; and the
//! ones that are exported, whose bounds the user chooses. A fine bucket knows the first exported
//! bucket it can belong to, so that finding both costs one shift and one comparison.

/// Fine buckets per doubling of the value: a bucket is at most 1/16 wide, so its middle is within
/// 3.2 % of every value in it.
pub(crate) const FINE_PER_OCTAVE: usize = 16;

/// Chunks of fine buckets: values below 16 one each, then one chunk for each doubling up to 2^64.
pub(crate) const FINE_CHUNKS: usize = 61;

use std::sync::{Arc, Mutex, Weak};

use super::forked;

/// Upper bounds of exported buckets in stored units, with the way to find them from a fine bucket.
#[derive(Debug)]
pub(crate) struct Bounds {
    scale: f64,
    upper: Box<[u64]>,
    /// In the metric's unit, as given.
    shown: Box<[f64]>,
    /// For each fine bucket the first exported bucket that its smallest value belongs to.
    first: Box<[u16]>,
}

/// Where a value is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    pub(crate) chunk: usize,
    pub(crate) offset: usize,
    pub(crate) exported: usize,
}

impl Bounds {
    /// Bounds given in the metric's unit; the same for all who give the same, so that what is read at
    /// each measurement and at each scrape is there once, and near.
    pub(crate) fn shared(bounds: &[f64], scale: f64) -> Arc<Self> {
        // A child that was forked meanwhile makes its own.
        let Some(mut known) = forked::lock(&KNOWN) else {
            return Arc::new(Self::new(bounds, scale));
        };
        let same =
            |one: &Arc<Self>| one.scale.to_bits() == scale.to_bits() && *one.shown == *bounds;
        if let Some(one) = known.iter().filter_map(Weak::upgrade).find(same) {
            return one;
        }
        let new = Arc::new(Self::new(bounds, scale));
        known.retain(|one| one.strong_count() > 0);
        known.push(Arc::downgrade(&new));
        new
    }

    /// Bounds given in the metric's unit; those that are no number or out of order are left out.
    pub(crate) fn new(bounds: &[f64], scale: f64) -> Self {
        let mut upper = Vec::with_capacity(bounds.len());
        let mut shown = Vec::with_capacity(bounds.len());
        for &bound in bounds.iter().take(MOST_BOUNDS) {
            let units = (bound * scale).round();
            if !units.is_finite() || units < 0.0 {
                continue;
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "finite and not negative; a bound beyond u64 saturates, as it should"
            )]
            let units = units as u64;
            if upper.last().is_none_or(|&last| last < units) {
                upper.push(units);
                shown.push(bound);
            }
        }
        let first = (0..FINE_CHUNKS * FINE_PER_OCTAVE)
            .map(|fine| {
                let least = fine_lower(fine / FINE_PER_OCTAVE, fine % FINE_PER_OCTAVE);
                #[expect(clippy::cast_possible_truncation, reason = "at most MOST_BOUNDS")]
                let first = upper.partition_point(|&bound| bound < least) as u16;
                first
            })
            .collect();
        Self {
            scale,
            upper: upper.into(),
            shown: shown.into(),
            first,
        }
    }

    /// How many exported buckets there are, the one without an upper bound included.
    pub(crate) fn exported(&self) -> usize {
        self.upper.len() + 1
    }

    /// The upper bounds in the metric's unit.
    pub(crate) fn shown(&self) -> &[f64] {
        &self.shown
    }

    #[inline]
    pub(crate) fn position(&self, value: u64) -> Position {
        let (chunk, offset) = fine_position(value);
        let fine = chunk * FINE_PER_OCTAVE + offset;
        let mut exported = self.first.get(fine).copied().unwrap_or_default() as usize;
        while self.upper.get(exported).is_some_and(|&bound| bound < value) {
            exported += 1;
        }
        Position {
            chunk,
            offset,
            exported,
        }
    }
}

/// The fine bucket of a value: below 16 the value itself, above the four bits after the first.
#[inline]
fn fine_position(value: u64) -> (usize, usize) {
    let octave = (value | 15).ilog2() as usize;
    let chunk = octave - 3;
    let shift = chunk.saturating_sub(1);
    let offset = ((value >> shift) & 15) as usize;
    (chunk, offset)
}

/// The smallest value of a fine bucket.
fn fine_lower(chunk: usize, offset: usize) -> u64 {
    match chunk {
        0 => offset as u64,
        _ => (16 + offset as u64) << (chunk - 1),
    }
}

/// The value that stands for a fine bucket: its middle.
pub(crate) fn fine_middle(chunk: usize, offset: usize) -> f64 {
    let width = match chunk {
        0 => 0.0,
        _ => (1_u64 << (chunk - 1)) as f64 - 1.0,
    };
    fine_lower(chunk, offset) as f64 + width / 2.0
}

/// Those that are in use.
static KNOWN: Mutex<Vec<Weak<Bounds>>> = Mutex::new(Vec::new());

/// More exported buckets than this are a mistake, and each costs eight bytes a thread and series.
const MOST_BOUNDS: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_lies_in_its_fine_bucket_and_near_its_middle() {
        let mut value = 0_u64;
        loop {
            let (chunk, offset) = fine_position(value);
            assert!(chunk < FINE_CHUNKS && offset < FINE_PER_OCTAVE, "{value}");
            assert!(fine_lower(chunk, offset) <= value, "{value}");
            let error = (fine_middle(chunk, offset) - value as f64).abs();
            assert!(
                error <= value as f64 * 0.032 + f64::EPSILON,
                "{value}: off by {error}"
            );
            let Some(next) = value.checked_add(1 + value / 97) else {
                break;
            };
            value = next;
        }
        assert_eq!(fine_position(u64::MAX), (60, 15));
    }

    #[test]
    fn an_exported_bucket_holds_its_upper_bound_and_not_the_next_value() {
        let bounds = Bounds::new(&[0.001, 0.25, 1.0, 30.0], 1e9);
        for (i, &upper) in [1_000_000, 250_000_000, 1_000_000_000, 30_000_000_000]
            .iter()
            .enumerate()
        {
            assert_eq!(bounds.position(upper).exported, i);
            assert_eq!(bounds.position(upper + 1).exported, i + 1);
        }
        assert_eq!(bounds.position(0).exported, 0);
        assert_eq!(bounds.position(u64::MAX).exported, 4);
    }

    #[test]
    fn the_same_bounds_are_there_once_as_long_as_they_are_in_use() {
        let bounds = [0.125, 0.375];
        let (one, same) = (Bounds::shared(&bounds, 1e9), Bounds::shared(&bounds, 1e9));
        assert!(Arc::ptr_eq(&one, &same));
        for (bounds, scale) in [(&bounds[..1], 1e9), (&bounds[..], 1.0)] {
            assert!(!Arc::ptr_eq(&one, &Bounds::shared(bounds, scale)));
        }
        let gone = Arc::downgrade(&one);
        drop((one, same));
        assert_eq!(gone.strong_count(), 0);
        assert_eq!(Bounds::shared(&bounds, 1e9).shown(), bounds);
    }

    #[test]
    fn bounds_that_are_no_bounds_are_left_out() {
        let bounds = Bounds::new(&[1.0, f64::NAN, 0.5, f64::INFINITY, -3.0, 2.0], 1.0);
        assert_eq!(bounds.shown(), [1.0, 2.0]);
    }
}
