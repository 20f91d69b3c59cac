//! Making values smaller.

use std::borrow::Cow;

/// How the bytes of a value are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Compression {
    None,
    Zstd,
}

/// The bytes to store, smaller if they are worth it and the build can.
pub(crate) fn compress(bytes: &[u8], above: Option<usize>) -> (Compression, Cow<'_, [u8]>) {
    #[cfg(feature = "zstd")]
    if above.is_some_and(|above| bytes.len() > above)
        && let Ok(smaller) = zstd::bulk::compress(bytes, LEVEL)
        && smaller.len() < bytes.len()
    {
        return (Compression::Zstd, Cow::Owned(smaller));
    }
    let _ = above;
    (Compression::None, Cow::Borrowed(bytes))
}

/// The bytes of a value, of which there are exactly `length`; none if there are not.
pub(crate) fn decompress(how: Compression, bytes: &[u8], length: usize) -> Option<Cow<'_, [u8]>> {
    match how {
        Compression::None => Some(Cow::Borrowed(bytes)),
        #[cfg(feature = "zstd")]
        Compression::Zstd => zstd::bulk::decompress(bytes, length).ok().map(Cow::Owned),
        #[cfg(not(feature = "zstd"))]
        Compression::Zstd => None,
    }
    .filter(|bytes| bytes.len() == length)
}

/// Whether this build reads what another has compressed.
pub(crate) const fn reads(how: Compression) -> bool {
    matches!(how, Compression::None) || cfg!(feature = "zstd")
}

/// The library's own default: a third of the size of text, at hundreds of megabytes a second.
#[cfg(feature = "zstd")]
const LEVEL: i32 = 3;
