//! Panics of the user's code, made into errors.

use std::any::Any;
use std::mem::forget;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::error::{Error, ErrorKind, Result};

/// Calls the user's code and makes an error of a panic.
///
/// What the code has left half done is not looked at again: a future that panicked is dropped, and a
/// recorder or callback that panicked has to know for itself what state it is in.
pub(crate) fn catch<R>(work: impl FnOnce() -> R) -> Result<R> {
    catch_unwind(AssertUnwindSafe(work)).map_err(error_of)
}

/// The error that stands for a panic.
pub(crate) fn error_of(payload: Box<dyn Any + Send>) -> Error {
    let error = error_about(&*payload);
    // What was panicked with has a destructor too, and that may panic with something that has one.
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        forget(again);
    }
    error
}

/// The error that stands for a panic which goes on.
pub(crate) fn error_about(payload: &(dyn Any + Send)) -> Error {
    let message = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a value that is no text".to_owned());
    Error::new(ErrorKind::Panic, format!("step panicked: {message}"))
}

/// A future of the user's that lets no panic out, neither when it is polled nor when it is dropped.
pub(crate) struct Contained<'f, F> {
    slot: Pin<&'f mut Option<F>>,
}

impl<'f, F, T, E> Contained<'f, F>
where
    F: Future<Output = Result<T, E>>,
    E: Into<Error>,
{
    pub(crate) fn new(slot: Pin<&'f mut Option<F>>) -> Self {
        Self { slot }
    }

    /// Polls the future, which `start` makes if there is none yet.
    ///
    /// The answer is written where it stays: moved right after it was written in words, it would have
    /// to be waited for.
    #[inline]
    pub(crate) fn poll<S>(
        &mut self,
        start: &mut Option<S>,
        cx: &mut Context<'_>,
        polled: &mut Poll<Result<T>>,
    ) where
        S: FnOnce() -> F,
    {
        let caught = catch(|| {
            if let Some(start) = start.take() {
                self.slot.set(Some(start()));
            }
            // There is a future: `start` has been called above, at this or at an earlier poll.
            if let Some(future) = self.slot.as_mut().as_pin_mut() {
                *polled = future.poll(cx).map_err(Into::into);
            }
        });
        if let Err(panic) = caught {
            *polled = Poll::Ready(Err(panic));
        }
    }
}

impl<F> Contained<'_, F> {
    /// Drops the future; its destructors may be the user's code.
    #[inline]
    pub(crate) fn release(&mut self) -> Result<()> {
        if self.slot.is_none() {
            return Ok(());
        }
        catch(|| self.slot.set(None))
    }
}

impl<F> Drop for Contained<'_, F> {
    #[inline]
    fn drop(&mut self) {
        // Whoever wants to know has released it before. A panic let out here, while siblings are
        // being dropped for the same reason, would end the process.
        let _ = self.release();
    }
}
