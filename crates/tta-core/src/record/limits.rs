//! How much of what is said of a span is kept.

use std::sync::atomic::{AtomicUsize, Ordering};

/// How much of what is said of a span is kept, in the whole process.
///
/// It bounds what a workflow holds in memory. Whoever exports may keep less.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DetailLimits {
    /// The longest text of an attribute, in bytes; longer text is cut at a character's boundary.
    pub text_bytes: usize,
    /// How many attributes an event has; further ones are left out and counted.
    pub event_attributes: usize,
}

impl Default for DetailLimits {
    /// 2,048 bytes and 128 attributes.
    fn default() -> Self {
        Self {
            text_bytes: 2_048,
            event_attributes: 128,
        }
    }
}

impl DetailLimits {
    /// Makes it hold for everything that is said from now on.
    ///
    /// # Examples
    ///
    /// ```
    /// use tta_core::DetailLimits;
    ///
    /// let mut limits = DetailLimits::default();
    /// limits.text_bytes = 8_192;
    /// limits.set();
    /// assert_eq!(DetailLimits::present(), limits);
    /// ```
    pub fn set(self) {
        TEXT_BYTES.store(self.text_bytes, Ordering::Relaxed);
        EVENT_ATTRIBUTES.store(self.event_attributes, Ordering::Relaxed);
    }

    /// What holds now.
    #[inline]
    pub fn present() -> Self {
        Self {
            text_bytes: TEXT_BYTES.load(Ordering::Relaxed),
            event_attributes: EVENT_ATTRIBUTES.load(Ordering::Relaxed),
        }
    }
}

static TEXT_BYTES: AtomicUsize = AtomicUsize::new(2_048);
static EVENT_ATTRIBUTES: AtomicUsize = AtomicUsize::new(128);
