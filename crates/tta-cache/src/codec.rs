//! Values as bytes.

use std::fmt;

#[cfg(any(feature = "json", feature = "postcard"))]
use serde_core::{Serialize, de::DeserializeOwned};
use tta_core::Result;

/// Turns values into bytes for a tier outside the process, and back.
///
/// The bytes are kept with the name of the codec and the version of the values, and what does not
/// match both is not decoded.
///
/// # Examples
///
/// ```
/// use tta_cache::Codec;
/// use tta_core::{Error, Result};
///
/// #[derive(Debug)]
/// struct Text;
///
/// impl Codec<String> for Text {
///     fn name(&self) -> &'static str {
///         "text"
///     }
///
///     fn encode(&self, value: &String) -> Result<Vec<u8>> {
///         Ok(value.clone().into_bytes())
///     }
///
///     fn decode(&self, bytes: &[u8]) -> Result<String> {
///         Ok(String::from_utf8(bytes.to_vec())?)
///     }
/// }
/// ```
pub trait Codec<V>: fmt::Debug + Send + Sync + 'static {
    /// What tells its bytes from those of other codecs.
    fn name(&self) -> &'static str;

    /// The bytes of a value.
    ///
    /// # Errors
    ///
    /// Where the value has no bytes; it is then not kept outside.
    fn encode(&self, value: &V) -> Result<Vec<u8>>;

    /// The value of bytes, which may be anything.
    ///
    /// # Errors
    ///
    /// Where they are the bytes of no value; they are then removed, and the value is computed.
    fn decode(&self, bytes: &[u8]) -> Result<V>;
}

/// JSON: readable in the tier outside, and forgiving when a type changes.
#[cfg(feature = "json")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Json;

#[cfg(feature = "json")]
impl<V: Serialize + DeserializeOwned> Codec<V> for Json {
    fn name(&self) -> &'static str {
        "json"
    }

    fn encode(&self, value: &V) -> Result<Vec<u8>> {
        Ok(serde_json::to_vec(value)?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<V> {
        Ok(serde_json::from_slice(bytes)?)
    }
}

/// [Postcard](https://postcard.jamesmunns.com): compact, without the names of fields.
///
/// Bytes of one type may well be those of another: raise the
/// [version](crate::SharedConfig::with_version) with every change of the type.
#[cfg(feature = "postcard")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Postcard;

#[cfg(feature = "postcard")]
impl<V: Serialize + DeserializeOwned> Codec<V> for Postcard {
    fn name(&self) -> &'static str {
        "postcard"
    }

    fn encode(&self, value: &V) -> Result<Vec<u8>> {
        Ok(postcard::to_allocvec(value)?)
    }

    fn decode(&self, bytes: &[u8]) -> Result<V> {
        match postcard::take_from_bytes(bytes)? {
            (value, []) => Ok(value),
            _ => Err(tta_core::Error::msg("bytes were left over")),
        }
    }
}
