//! So many in a time.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tta_core::{Error, ErrorKind, Result, WorkflowContext};

use crate::bucket::Bucket;
use crate::catalog::WAIT_SPAN;
use crate::config::RateLimitConfig;
use crate::metrics::Metrics;
use crate::queue::{Queue, Rejection, sleep};

/// A limit to how many calls begin in a time: a handle to a bucket of tokens, which clones share.
///
/// Give clones of one limit to all primitives that draw on the same allowance, or ask it for
/// [tokens](Self::acquire) where no primitive stands.
///
/// # Examples
///
/// ```
/// use tta_core::step;
/// use tta_limit::{LimitExt, RateLimit, RateLimitConfig};
///
/// let allowance = RateLimit::new("allowance", RateLimitConfig::per_minute(500))?;
/// let chat = step("chat", async |question: String| Ok(question)).limit(allowance.clone())?;
/// let embed = step("embed", async |text: String| Ok(text.len())).limit(allowance.clone())?;
/// # Ok::<(), tta_core::Error>(())
/// ```
#[derive(Clone)]
pub struct RateLimit {
    inner: Arc<Inner>,
}

struct Inner {
    config: RateLimitConfig,
    bucket: Mutex<Bucket>,
    queue: Queue,
    /// Whoever waits first in the queue has it.
    turn: Semaphore,
    name: Mutex<String>,
    /// Resolved when the limit is first used, and has its name.
    metrics: OnceLock<Metrics>,
}

impl RateLimit {
    /// A limit of this name, which is the `primitive` label of its metrics, with a full bucket.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Configuration`] for a limit that lets no call begin, a period of no time, and a
    /// queue in which nobody can wait.
    pub fn new(name: impl Into<String>, config: RateLimitConfig) -> Result<Self> {
        let config = config.validated()?;
        let burst = config.burst.unwrap_or(config.calls);
        let bucket = Bucket::new(config.calls, config.period, burst, (config.clock)());
        let inner = Inner {
            bucket: Mutex::new(bucket),
            queue: Queue::new(config.queue),
            config,
            turn: Semaphore::new(1),
            name: Mutex::new(name.into()),
            metrics: OnceLock::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// The right to begin one call, in the order in which callers asked.
    ///
    /// A call for which there would be no token within the queue timeout, or before the context's
    /// deadline, is rejected at once.
    ///
    /// # Cancellation
    ///
    /// Who gives up waiting leaves the queue and takes no token.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Rejected`], with the time until there is a token as its `retry_after`.
    pub async fn acquire(&self, ctx: &WorkflowContext) -> Result<()> {
        let budget = self.inner.queue.budget(ctx);
        let now = ctx.now();
        if budget.time.is_some_and(|time| time.is_zero()) {
            return Err(self.rejected(Rejection::Deadline, self.wait(now), ctx));
        }
        let wait = {
            let mut bucket = self.inner.bucket();
            // Who comes now takes no token from those who wait.
            match self.inner.queue.waiting() {
                0 => bucket.take(now).err(),
                before => Some(bucket.wait(now, before)),
            }
        };
        let Some(wait) = wait else {
            self.metrics().admitted.increment_in(ctx);
            return Ok(());
        };
        if budget.time.is_some_and(|time| time < wait) {
            return Err(self.rejected(budget.ends_by, wait, ctx));
        }
        let Some(mut place) = self.inner.queue.enter(self.metrics(), ctx) else {
            return Err(self.rejected(Rejection::QueueFull, wait, ctx));
        };
        let waiting = async {
            match place.wait(budget, self.next_token(ctx)).await? {
                Some(()) => {
                    self.metrics().admitted.increment_in(ctx);
                    Ok(())
                }
                None => Err(self.rejected(budget.ends_by, self.wait(ctx.now()), ctx)),
            }
        };
        // Boxed, so that those who need not wait do not carry the room for it.
        Box::pin(ctx.in_span(&WAIT_SPAN, waiting)).await
    }

    /// The right to begin one call now, without waiting and outside any workflow.
    ///
    /// # Errors
    ///
    /// As for [`acquire`](Self::acquire).
    pub fn try_acquire(&self) -> Result<()> {
        let now = (self.inner.config.clock)();
        let taken = match self.inner.queue.waiting() {
            0 => self.inner.bucket().take(now),
            _ => Err(self.wait(now)),
        };
        match taken {
            Ok(()) => {
                self.metrics().admitted.increment();
                Ok(())
            }
            Err(wait) => {
                self.metrics().queue_full.increment();
                Err(self.rejection(Rejection::QueueFull, wait))
            }
        }
    }

    /// How many callers wait.
    pub fn queued(&self) -> usize {
        self.inner.queue.waiting()
    }

    /// The limit under another name, if it has not been used under its own.
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

    /// Waits for the turn, and for a token.
    async fn next_token(&self, ctx: &WorkflowContext) -> Result<()> {
        // Nobody closes the semaphore, so that this is no error.
        let _turn = self.inner.turn.acquire().await?;
        loop {
            let taken = self.inner.bucket().take(ctx.now());
            match taken {
                Ok(()) => return Ok(()),
                Err(wait) => sleep(wait)?.await,
            }
        }
    }

    /// How long somebody would wait who came now.
    fn wait(&self, now: Instant) -> Duration {
        let before = self.inner.queue.waiting();
        self.inner.bucket().wait(now, before)
    }

    #[cold]
    fn rejected(&self, reason: Rejection, wait: Duration, ctx: &WorkflowContext) -> Error {
        self.metrics().rejected(reason).increment_in(ctx);
        self.rejection(reason, wait)
    }

    fn rejection(&self, reason: Rejection, wait: Duration) -> Error {
        let name = &self.metrics().name;
        let RateLimitConfig {
            calls,
            period,
            queue,
            ..
        } = self.inner.config;
        let why = match reason {
            Rejection::QueueFull if queue.places == 0 => "has no token left".to_owned(),
            Rejection::QueueFull => format!("the {} places of its queue are taken", queue.places),
            Rejection::QueueTimeout => {
                let timeout = queue.timeout.unwrap_or_default();
                format!("has no token within {timeout:?}")
            }
            Rejection::Deadline => "has no token before the deadline".to_owned(),
        };
        let message = format!(
            "`{name}` lets {calls} calls begin in {period:?}, and {why}; the next comes in {wait:?}"
        );
        Error::new(ErrorKind::Rejected, message).with_retry_after(wait)
    }

    fn metrics(&self) -> &Metrics {
        self.inner.metrics.get_or_init(|| {
            let name = self.name();
            let inner = Arc::downgrade(&self.inner);
            Metrics::observe_in_use(&name, move || {
                let inner = inner.upgrade()?;
                let taken = inner.bucket().taken((inner.config.clock)());
                Some(taken)
            });
            let burst = self.inner.config.burst.unwrap_or(self.inner.config.calls);
            Metrics::of(name, burst as usize)
        })
    }
}

impl Inner {
    fn bucket(&self) -> MutexGuard<'_, Bucket> {
        // Only our own arithmetic runs under the lock.
        self.bucket.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn name(&self) -> MutexGuard<'_, String> {
        // The name is replaced in a single step.
        self.name.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A configuration stands for a limit that nobody else has.
impl TryFrom<RateLimitConfig> for RateLimit {
    type Error = Error;

    fn try_from(config: RateLimitConfig) -> Result<Self> {
        Self::new("RateLimitPrimitive", config)
    }
}

impl fmt::Debug for RateLimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("name", &self.name())
            .field("calls", &self.inner.config.calls)
            .field("period", &self.inner.config.period)
            .field("queued", &self.queued())
            .finish_non_exhaustive()
    }
}
