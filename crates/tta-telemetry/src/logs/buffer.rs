//! Bytes that are written where there is room already.

/// Bytes behind which there is room, most of the time, for some more of known size: these are stored
/// without a call, and without a look whether there is room for each part of them.
#[derive(Default)]
pub(super) struct Buffer {
    /// What was written, and room.
    bytes: Vec<u8>,
    /// How much was written.
    length: usize,
}

impl Buffer {
    #[inline]
    pub(super) fn clear(&mut self) {
        self.length = 0;
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.length
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }

    /// The room, if there is enough of it.
    #[inline]
    pub(super) fn room(&mut self) -> Option<&mut [u8; ROOM]> {
        self.bytes.get_mut(self.length..)?.first_chunk_mut()
    }

    /// Counts as written what was stored at the beginning of the [room](Self::room).
    #[inline]
    pub(super) fn advance(&mut self, by: usize) {
        self.length += by;
    }

    /// Appends some bytes.
    #[inline]
    pub(super) fn push(&mut self, text: &[u8]) {
        let room = self.bytes.get_mut(self.length..);
        if let Some((room, _)) = room.and_then(|room| room.split_at_mut_checked(text.len())) {
            room.copy_from_slice(text);
            self.length += text.len();
        } else {
            self.append(|out| out.extend_from_slice(text));
        }
    }

    /// Lets somebody append what may need more room, and makes some for what comes then.
    #[inline(never)]
    pub(super) fn append<R>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> R) -> R {
        self.bytes.truncate(self.length);
        let result = write(&mut self.bytes);
        self.length = self.bytes.len();
        self.bytes.resize(self.length + SPARE, 0);
        result
    }
}

/// Enough for most fields with their names.
pub(super) const ROOM: usize = 64;

/// How much room is made at a time.
const SPARE: usize = 256;
