//! What may happen to one direction of a connection.

use std::time::Duration;

/// What happens to the bytes of one direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Fault {
    /// They pass.
    #[default]
    None,
    /// They arrive that much later, as many at once as were sent at once.
    Delay(Duration),
    /// They arrive in order, each read of them after a time between nothing and this.
    Jitter(Duration),
    /// They arrive in pieces of at most so many bytes, with this long between two.
    Pieces {
        /// The size of a piece; at least 1.
        bytes: usize,
        /// How long until the next.
        pause: Duration,
    },
    /// They arrive one by one, with this long between two.
    ByteAtATime(Duration),
    /// They are read and thrown away.
    Drop,
    /// They are not even read: the sender's buffers fill.
    BlackHole,
    /// Every so many bytes one is inverted.
    Corrupt {
        /// Of how many bytes one is; at least 1.
        every: usize,
    },
    /// This direction is closed in an orderly way, the other goes on.
    HalfClose,
    /// The connection is reset, and so is every new one.
    Reset,
}
