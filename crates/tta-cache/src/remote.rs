//! A tier outside the process.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use crate::key::CacheKey;

/// Where values are kept outside the process, such as Redis: bytes by key, tags, and locks.
///
/// It never fails a caller. What goes wrong is an answer like any other, and an implementation
/// bounds the time of each operation itself and stops asking a server that does not answer. It knows
/// nothing of what the bytes mean: they carry their key and their version, which the cache verifies,
/// so that an answer to another question can only miss.
///
/// # Cancellation
///
/// Each future may be dropped between the command and the reply; the reply must then reach nobody.
pub trait Remote: fmt::Debug + Send + Sync + 'static {
    /// What the `tier` label of the metrics says, such as `redis`.
    fn tier(&self) -> &'static str;

    /// What is kept under a key. A value of more than `limit` bytes is not read to its end and is
    /// [`Fetched::Corrupt`].
    fn fetch<'a>(&'a self, key: &'a RemoteKey, limit: usize) -> RemoteFuture<'a, Fetched>;

    /// Keeps bytes under a key, for this long or until they are evicted, and remembers that they go
    /// with each of the tags.
    fn store<'a>(
        &'a self,
        key: &'a RemoteKey,
        bytes: &'a [u8],
        keep: Option<Duration>,
        tags: &'a [Arc<str>],
    ) -> RemoteFuture<'a, Kept>;

    /// Removes what is kept under a key.
    fn remove<'a>(&'a self, key: &'a RemoteKey) -> RemoteFuture<'a, Removed>;

    /// Removes all values of a namespace that go with a tag.
    fn remove_tag<'a>(&'a self, namespace: &'a str, tag: &'a str) -> RemoteFuture<'a, Removed>;

    /// Removes all values of a namespace.
    fn clear<'a>(&'a self, namespace: &'a str) -> RemoteFuture<'a, Removed>;

    /// Takes the right to compute a key's value, which passes by itself after `hold`.
    fn lock<'a>(&'a self, key: &'a RemoteKey, hold: Duration) -> RemoteFuture<'a, Lock>;

    /// Keeps a right that is still ours for another `hold`; a computation may take longer than one,
    /// and a process that was killed must not be waited for longer than that.
    fn renew<'a>(
        &'a self,
        key: &'a RemoteKey,
        token: LockToken,
        hold: Duration,
    ) -> RemoteFuture<'a, Lock>;

    /// Gives the right back, unless it has passed to somebody else.
    fn unlock<'a>(&'a self, key: &'a RemoteKey, token: LockToken) -> RemoteFuture<'a, ()>;
}

/// What an operation of a [`Remote`] gives back.
pub type RemoteFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A key in the tier outside: its namespace, and its hash, which is the same in all processes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemoteKey {
    namespace: Arc<str>,
    key: CacheKey,
}

impl RemoteKey {
    pub(crate) fn new(namespace: &Arc<str>, key: CacheKey) -> Self {
        Self {
            namespace: Arc::clone(namespace),
            key,
        }
    }

    /// The cache that the key belongs to: 1 to 64 of `A-Z`, `a-z`, `0-9`, `.`, `_` and `-`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The hash of the call; its `Display` is 32 hexadecimal digits.
    pub fn key(&self) -> CacheKey {
        self.key
    }
}

impl fmt::Display for RemoteKey {
    /// `namespace:hash`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.namespace, self.key)
    }
}

/// What a tier outside holds under a key.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fetched {
    /// These bytes, whatever they are.
    Found(Vec<u8>),
    /// Nothing.
    Absent,
    /// Something that is no value of a cache: of another type, or too large.
    Corrupt,
    /// It did not say: it is down, slow, or not asked because it was.
    Unavailable,
}

impl fmt::Debug for Fetched {
    /// What was found is the user's data and is not shown.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Found(bytes) => write!(f, "Found({} bytes)", bytes.len()),
            Self::Absent => f.write_str("Absent"),
            Self::Corrupt => f.write_str("Corrupt"),
            Self::Unavailable => f.write_str("Unavailable"),
        }
    }
}

/// What came of keeping a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kept {
    /// It is kept.
    Yes,
    /// It was refused: no memory, read-only, no permission.
    Refused,
    /// It is not known to be kept.
    Unavailable,
}

/// What came of removing values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Removed {
    /// So many are gone.
    Entries(u64),
    /// It is not known that they are gone.
    Unavailable,
}

/// What came of asking for the right to compute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lock {
    /// It is ours, under this token.
    Held(LockToken),
    /// Somebody else has it.
    Taken,
    /// There is nobody to ask. The value is computed, and nothing is kept.
    Unavailable,
}

/// Tells one holder of a lock from the next.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct LockToken(u128);

impl LockToken {
    /// A token that nobody else has.
    pub fn random() -> Self {
        // The standard library's random keys, which it does not give away but through their hashes.
        let half = || u128::from(RandomState::new().hash_one(0_u8));
        Self((half() << 64) | half())
    }
}

impl fmt::Display for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl fmt::Debug for LockToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LockToken({self})")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_token_is_another_and_both_halves_are_random() {
        let tokens: Vec<u128> = (0..100).map(|_| LockToken::random().0).collect();
        let halves = tokens
            .iter()
            .flat_map(|token| [token >> 64, token & u128::from(u64::MAX)]);
        assert_eq!(halves.collect::<HashSet<_>>().len(), 200);
        let token = LockToken(0xab);
        assert_eq!(token.to_string(), format!("{:032x}", 0xab));
    }
}
