//! So many at once.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use tokio::sync::{Semaphore, SemaphorePermit};
use tta_core::{Error, ErrorKind, Gauge, Result, WorkflowContext};

use crate::catalog::WAIT_SPAN;
use crate::config::BulkheadConfig;
use crate::metrics::Metrics;
use crate::queue::{Queue, Rejection};

/// A limit to how many executions are under way: a handle, which clones share.
///
/// Give clones of one bulkhead to all primitives that draw on the same pool, or ask it for
/// [permits](Self::acquire) where no primitive stands.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_limit::{Bulkhead, BulkheadConfig, LimitExt};
///
/// let provider = Bulkhead::new("provider", BulkheadConfig::llm())?;
/// let chat = step("chat", async |question: String| Ok(question)).limit(provider.clone())?;
/// let embed = step("embed", async |text: String| Ok(text.len())).limit(provider.clone())?;
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Bulkhead {
    inner: Arc<Inner>,
}

struct Inner {
    config: BulkheadConfig,
    places: Semaphore,
    queue: Queue,
    name: Mutex<String>,
    /// Resolved when the bulkhead is first used, and has its name.
    metrics: OnceLock<Kept>,
}

impl Bulkhead {
    /// A bulkhead of this name, which is the `primitive` label of its metrics.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a capacity of zero or beyond what can be counted, and for a
    /// queue in which nobody can wait.
    pub fn new(name: impl Into<String>, config: BulkheadConfig) -> Result<Self> {
        let config = config.validated()?;
        let inner = Inner {
            places: Semaphore::new(config.capacity),
            queue: Queue::new(config.queue),
            config,
            name: Mutex::new(name.into()),
            metrics: OnceLock::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The right to one execution, in the order in which callers asked.
    ///
    /// # Cancellation
    ///
    /// Who gives up waiting leaves the queue; a permit that is dropped is free for the next.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`] when the queue is full, or when the queue timeout or the context's
    /// deadline passes before it is the caller's turn.
    pub async fn acquire(&self, ctx: &WorkflowContext) -> Result<BulkheadPermit> {
        let budget = self.inner.queue.budget(ctx);
        if budget.time.is_some_and(|time| time.is_zero()) {
            return Err(self.rejected(Rejection::Deadline, ctx));
        }
        if let Ok(place) = self.inner.places.try_acquire() {
            return Ok(self.admitted(place, ctx));
        }
        let Some(mut place) = self.inner.queue.enter(&self.metrics().all, ctx) else {
            return Err(self.rejected(Rejection::QueueFull, ctx));
        };
        let waiting = async {
            // Nobody closes the semaphore, so that this is no error.
            let served = async { Ok(self.inner.places.acquire().await?) };
            match place.wait(budget, served).await? {
                Some(place) => Ok(self.admitted(place, ctx)),
                None => Err(self.rejected(budget.ends_by, ctx)),
            }
        };
        // Boxed, so that those who need not wait do not carry the room for it.
        Box::pin(ctx.in_span(&WAIT_SPAN, waiting)).await
    }

    /// How many executions it admits at once.
    pub fn capacity(&self) -> usize {
        self.inner.config.capacity
    }

    /// How many executions are under way.
    pub fn in_use(&self) -> usize {
        self.capacity() - self.inner.places.available_permits()
    }

    /// How many callers wait.
    pub fn queued(&self) -> usize {
        self.inner.queue.waiting()
    }

    /// The bulkhead under another name, if it has not been used under its own.
    pub(crate) fn rename(&self, name: &str) {
        name.clone_into(&mut *self.inner.name());
    }

    pub(crate) fn name(&self) -> String {
        self.inner.name().clone()
    }

    /// Whether nobody holds another handle.
    pub(crate) fn is_unshared(&self) -> bool {
        Arc::strong_count(&self.inner) == 1
    }

    fn admitted(&self, place: SemaphorePermit<'_>, ctx: &WorkflowContext) -> BulkheadPermit {
        let metrics = self.metrics();
        metrics.all.admitted.increment_in(ctx);
        metrics.in_use.add(1);
        // It goes back when the permit is dropped.
        place.forget();
        BulkheadPermit {
            bulkhead: self.clone(),
        }
    }

    #[cold]
    fn rejected(&self, reason: Rejection, ctx: &WorkflowContext) -> Error {
        let metrics = &self.metrics().all;
        metrics.rejected(reason).increment_in(ctx);
        let BulkheadConfig { capacity, queue } = self.inner.config;
        let name = &metrics.name;
        let message = match reason {
            Rejection::QueueFull if queue.places == 0 => {
                format!("`{name}` admits {capacity} at once, and as many are under way")
            }
            Rejection::QueueFull => format!(
                "`{name}` admits {capacity} at once, and the {} places of its queue are taken",
                queue.places
            ),
            Rejection::QueueTimeout => {
                let timeout = queue.timeout.unwrap_or_default();
                format!("`{name}` admits {capacity} at once, and had no place within {timeout:?}")
            }
            Rejection::Deadline => {
                format!("`{name}` admits {capacity} at once, and had no place before the deadline")
            }
        };
        Error::new(ErrorKind::Rejected, message)
    }

    fn metrics(&self) -> &Kept {
        self.inner.metrics.get_or_init(|| {
            let name = self.name();
            Kept {
                in_use: Metrics::in_use(&name),
                all: Metrics::of(name, self.capacity()),
            }
        })
    }
}

/// The right to one execution; dropping it gives it back.
#[must_use = "a permit that is dropped is given back"]
pub struct BulkheadPermit {
    bulkhead: Bulkhead,
}

impl Drop for BulkheadPermit {
    fn drop(&mut self) {
        self.bulkhead.metrics().in_use.subtract(1);
        self.bulkhead.inner.places.add_permits(1);
    }
}

impl Inner {
    fn name(&self) -> MutexGuard<'_, String> {
        // The name is replaced in a single step.
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A configuration stands for a bulkhead that nobody else has.
impl TryFrom<BulkheadConfig> for Bulkhead {
    type Error = Error;

    fn try_from(config: BulkheadConfig) -> Result<Self> {
        Self::new("BulkheadPrimitive", config)
    }
}

impl fmt::Debug for Bulkhead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulkhead")
            .field("name", &self.name())
            .field("in_use", &self.in_use())
            .field("capacity", &self.capacity())
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for BulkheadPermit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BulkheadPermit")
            .field("bulkhead", &self.bulkhead)
            .finish()
    }
}

/// What a bulkhead measures.
struct Kept {
    all: Metrics,
    in_use: Gauge,
}
