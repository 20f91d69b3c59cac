//! Steps that count their calls.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tta_cache::{CacheConfig, Scope};
use tta_core::{Error, ErrorKind, Flow, Primitive, step_with};

/// How often a step ran.
#[derive(Clone, Debug, Default)]
pub(crate) struct Calls(Arc<AtomicUsize>);

impl Calls {
    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }

    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Answers how often it has run.
pub(crate) fn counting(
    calls: &Calls,
) -> Flow<impl Primitive<Input = String, Output = usize> + std::fmt::Debug + use<>> {
    step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        Ok(calls.count())
    })
}

/// Answers its first call with 1, and fails from the second one on.
pub(crate) fn failing_later(
    calls: &Calls,
) -> Flow<impl Primitive<Input = String, Output = usize> + 'static + use<>> {
    step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        match calls.count() {
            1 => Ok(1),
            _ => Err(Error::new(ErrorKind::Unavailable, "down")),
        }
    })
}

/// A cache of texts for everybody.
pub(crate) fn by_text<V>() -> CacheConfig<String, V> {
    CacheConfig::new(Scope::Global, |question: &String, _, key| {
        key.text(question);
    })
}

/// An owned question.
pub(crate) fn ask(question: &str) -> String {
    question.to_owned()
}
