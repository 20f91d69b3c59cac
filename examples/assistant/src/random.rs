//! One reproducible stream of chance for each purpose.
//!
//! A run draws for many things: when requests come, what they ask, how a model behaves. Were all
//! draws taken from one generator, the order in which tasks happen to be scheduled would decide
//! who gets which number. So each purpose, and each request within it, has a stream of its own,
//! found from the seed alone.
//!
//! ```
//! use assistant::random::stream;
//! use rand::Rng;
//!
//! let first = stream(42, "arrivals", 0).next_u64();
//! assert_eq!(stream(42, "arrivals", 0).next_u64(), first);
//! assert_ne!(stream(42, "popularity", 0).next_u64(), first);
//! ```

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;

/// The generator for the `index`-th thing of a purpose.
///
/// `ChaCha8` is chosen by name: its output is specified, so it is the same on every machine and in
/// every release, which `rand`'s default generator does not promise. Streams of one key are
/// independent by construction, however close their numbers are.
pub fn stream(seed: u64, purpose: &str, index: u64) -> ChaCha8Rng {
    let mut key = [0; 32];
    key[..8].copy_from_slice(&seed.to_le_bytes());
    key[8..16].copy_from_slice(&stable_hash(purpose).to_le_bytes());
    let mut generator = ChaCha8Rng::from_seed(key);
    generator.set_stream(index);
    generator
}

/// A hash that is the same in every release and on every machine.
///
/// The standard library's hasher promises neither.
///
/// # Source
///
/// FNV-1a, 64 bits (Fowler, Noll and Vo).
pub fn stable_hash(text: &str) -> u64 {
    text.bytes().fold(FNV_OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    })
}

const FNV_OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0000_0100_0000_01b3;
