//! How much extra load retries may make.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use tta_core::{Error, ErrorKind, Result};

/// How many attempts beyond the first all callers together may make: a share of their traffic over
/// the last ten seconds, and so many per second besides.
///
/// Retries help while few calls fail. When all fail they multiply the load on whatever is down; the
/// budget keeps that to a tenth. A clone is a handle to the same budget: give one to every primitive
/// that calls the same service, hedges included.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_retry::{RetryBudget, RetryConfig, RetryExt};
///
/// let provider = RetryBudget::new(0.1, 5)?;
/// let chat = step("chat", async |question: String| Ok(question))
///     .retry(RetryConfig::llm().with_budget(&provider))?;
/// let embed = step("embed", async |text: String| Ok(text.len()))
///     .retry(RetryConfig::llm().with_budget(&provider))?;
/// # Ok::<(), tta_core::Error>(())
/// ```
///
/// # Source
///
/// The retry budgets of Finagle and of [tower](https://docs.rs/tower/latest/tower/retry/budget/),
/// which keep a window of ten seconds too.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    share: f64,
    floor: u32,
    /// The first moment anybody asked: the clock is that of the contexts, which a test may own.
    begun: OnceLock<Instant>,
    seconds: [Second; WINDOW],
}

/// What happened in one second.
#[derive(Debug, Default)]
struct Second {
    first_attempts: Count,
    extra_attempts: Count,
}

/// A count that belongs to one second and starts afresh in another.
#[derive(Debug, Default)]
struct Count {
    /// Which second it is in the upper half, how many in the lower.
    packed: AtomicU64,
}

impl RetryBudget {
    /// Extra attempts up to this share of the first ones, and `floor` per second besides, so that a
    /// service with little traffic can retry at all.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a share that is not between 0 and 1.
    pub fn new(share: f64, floor: u32) -> Result<Self> {
        if !(0.0..=1.0).contains(&share) {
            let message = format!(
                "a retry budget of {share} times the traffic is no share of it; give a number \
                 between 0 and 1, such as 0.1 for a tenth"
            );
            return Err(Error::new(ErrorKind::Configuration, message));
        }
        Ok(Self::of(share, floor))
    }

    /// The share of the traffic that may be tried again.
    pub fn share(&self) -> f64 {
        self.shared.share
    }

    /// How many may be tried again in each second besides.
    pub fn floor(&self) -> u32 {
        self.shared.floor
    }

    /// A tenth of the traffic and one per second besides: a hedge that is not made costs nothing but
    /// time.
    pub(crate) fn for_hedges() -> Self {
        Self::of(DEFAULT_SHARE, 1)
    }

    /// Notes a first attempt.
    pub(crate) fn deposit(&self, now: Instant) {
        let second = self.second(now);
        if let Some(slot) = self.slot(second) {
            slot.first_attempts.add(second);
        }
    }

    /// Takes leave for one more attempt, if there is any.
    pub(crate) fn withdraw(&self, now: Instant) -> bool {
        let second = self.second(now);
        let Some(slot) = self.slot(second) else {
            return false;
        };
        // Counted before it is compared: callers at the same moment may all see too many and none
        // too few.
        slot.extra_attempts.add(second);
        let granted = self.is_kept(second);
        if !granted {
            slot.extra_attempts.take_back(second);
        }
        granted
    }

    fn of(share: f64, floor: u32) -> Self {
        Self {
            shared: Arc::new(Shared {
                share,
                floor,
                begun: OnceLock::new(),
                seconds: Default::default(),
            }),
        }
    }

    /// Whether what was counted is within the budget.
    fn is_kept(&self, now: u32) -> bool {
        let floor = u64::from(self.shared.floor);
        let (mut first, mut charged) = (0, 0);
        for slot in &self.shared.seconds {
            first += slot.first_attempts.read(now);
            charged += slot.extra_attempts.read(now).saturating_sub(floor);
        }
        // Rounded up by less than a millionth of an attempt, since a share such as 0.1 is no sum of
        // powers of two.
        charged as f64 <= first as f64 * self.shared.share + 1e-6
    }

    fn second(&self, now: Instant) -> u32 {
        let begun = self.shared.begun.get_or_init(|| now);
        let second = now.saturating_duration_since(*begun).as_secs();
        // From one, so that a slot that was never used belongs to no second.
        u32::try_from(second.saturating_add(1)).unwrap_or(u32::MAX)
    }

    fn slot(&self, second: u32) -> Option<&Second> {
        self.shared.seconds.get(second as usize % WINDOW)
    }
}

impl Default for RetryBudget {
    /// A tenth of the traffic, and ten per second besides.
    fn default() -> Self {
        Self::of(DEFAULT_SHARE, DEFAULT_FLOOR)
    }
}

impl Count {
    fn add(&self, second: u32) {
        let added = |packed| match unpack(packed) {
            // A caller whose clock was read before that of others counts where they do.
            (at, count) if at >= second => pack(at, count.saturating_add(1)),
            _ => pack(second, 1),
        };
        self.update(|packed| Some(added(packed)));
    }

    fn take_back(&self, second: u32) {
        self.update(|packed| {
            let (at, count) = unpack(packed);
            // In a later second what was counted is forgotten already.
            (at <= second).then(|| pack(at, count.saturating_sub(1)))
        });
    }

    fn read(&self, now: u32) -> u64 {
        let (at, count) = unpack(self.packed.load(Ordering::Relaxed));
        let is_recent = (now.saturating_sub(at) as usize) < WINDOW;
        if is_recent { u64::from(count) } else { 0 }
    }

    fn update(&self, change: impl Fn(u64) -> Option<u64>) {
        // An error says that there was nothing to change.
        let _ = self
            .packed
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, change);
    }
}

const fn pack(second: u32, count: u32) -> u64 {
    (second as u64) << 32 | count as u64
}

#[expect(clippy::cast_possible_truncation, reason = "each half is 32 bits")]
const fn unpack(packed: u64) -> (u32, u32) {
    ((packed >> 32) as u32, packed as u32)
}

/// For how many seconds traffic earns retries.
const WINDOW: usize = 10;

const DEFAULT_SHARE: f64 = 0.1;
const DEFAULT_FLOOR: u32 = 10;
