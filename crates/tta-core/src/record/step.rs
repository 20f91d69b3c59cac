//! What never changes about a step, and how its spans refer to it.

use std::collections::HashMap;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock, Mutex};

use crate::instruments::forked;

/// What never changes about a step: made once, when it is built.
#[derive(Debug)]
#[non_exhaustive]
pub struct StepIdentity {
    /// The primitive's or workflow's name, which each of its spans shows and shares.
    pub name: Arc<str>,
    /// The primitive's type.
    pub kind: &'static str,
    /// The name of its spans.
    pub span_name: Box<str>,
}

/// Refers to a step's identity, and reads like it.
///
/// The identities of the first steps of a process are kept for good, so that a span refers to one
/// without counting references: two threads that run the same step would both write that count. Past
/// a few thousand names, which are not made when a program is written, they are counted.
#[derive(Clone)]
pub struct StepRef(Inner);

#[derive(Clone)]
enum Inner {
    Kept(&'static StepIdentity),
    Counted(Arc<StepIdentity>),
}

impl StepIdentity {
    /// `pattern` is the name of the spans as the catalogue has it.
    fn new(name: &str, kind: &'static str, pattern: &str) -> Self {
        let rest = pattern.split_once('}').map_or(pattern, |(_, rest)| rest);
        let span_name = format!("{name}{rest}").into();
        Self {
            name: name.into(),
            kind,
            span_name,
        }
    }
}

impl StepRef {
    pub(crate) fn new(name: &str, kind: &'static str, pattern: &'static str) -> Self {
        // No code of the user runs under the lock, and each insertion is a single step. A child of a
        // process in which another thread had the lock does without.
        let Some(mut kept) = forked::lock(&KEPT) else {
            let identity = StepIdentity::new(name, kind, pattern);
            return Self(Inner::Counted(Arc::new(identity)));
        };
        let identities = kept.entry((kind, pattern)).or_default();
        if let Some(identity) = identities.get(name) {
            return Self(Inner::Kept(identity));
        }
        let identity = StepIdentity::new(name, kind, pattern);
        if identities.len() >= MOST_KEPT {
            return Self(Inner::Counted(Arc::new(identity)));
        }
        let identity: &'static StepIdentity = Box::leak(Box::new(identity));
        identities.insert(&identity.name, identity);
        Self(Inner::Kept(identity))
    }
}

impl StepRef {
    /// Refers to an identity that is kept for good.
    pub(crate) const fn kept(identity: &'static StepIdentity) -> Self {
        Self(Inner::Kept(identity))
    }

    /// The identity, if it is kept for good.
    #[inline]
    pub(crate) const fn as_kept(&self) -> Option<&'static StepIdentity> {
        match self.0 {
            Inner::Kept(identity) => Some(identity),
            Inner::Counted(_) => None,
        }
    }
}

impl Deref for StepRef {
    type Target = StepIdentity;

    #[inline]
    fn deref(&self) -> &StepIdentity {
        match &self.0 {
            Inner::Kept(identity) => identity,
            Inner::Counted(identity) => identity,
        }
    }
}

impl fmt::Debug for StepRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// By kind and pattern, of which there are as many as types of primitives, and then by name.
type Kept = HashMap<(&'static str, &'static str), HashMap<&'static str, &'static StepIdentity>>;

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// For each type of primitive; past it a program makes names up as it goes.
const MOST_KEPT: usize = 2_048;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_that_is_built_again_has_the_same_identity() {
        let one = StepRef::new("again", "TestOfStepRef", "{primitive}.execute");
        let two = StepRef::new("again", "TestOfStepRef", "{primitive}.execute");
        assert!(std::ptr::eq(&raw const *one, &raw const *two));
        let other = StepRef::new("again", "TestOfStepRef", "{workflow}.other");
        assert_eq!(&*other.span_name, "again.other");
    }

    #[test]
    fn names_without_end_are_not_kept() {
        for n in 0..MOST_KEPT {
            let name = format!("name {n}");
            StepRef::new(&name, "TestOfMany", "{primitive}.execute");
        }
        let identity = StepRef::new("one more", "TestOfMany", "{primitive}.execute");
        assert_eq!(&*identity.span_name, "one more.execute");
        let Inner::Counted(counted) = identity.0 else {
            panic!("kept for good");
        };
        assert_eq!(Arc::strong_count(&counted), 1);
    }
}
