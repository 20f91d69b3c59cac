//! Keys of objects, which are texts.

use serde_core::ser::{Impossible, Serialize, Serializer};

use super::Unwritable;

/// Turns a key of a map into the text that it is in JSON; what has no such text makes no key.
pub(super) struct KeyText;

type Text = Result<String, Unwritable>;
type Never = Impossible<String, Unwritable>;

impl Serializer for KeyText {
    type Ok = String;
    type Error = Unwritable;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    fn serialize_bool(self, value: bool) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i8(self, value: i8) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i16(self, value: i16) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i32(self, value: i32) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i64(self, value: i64) -> Text {
        Ok(value.to_string())
    }

    fn serialize_i128(self, value: i128) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u8(self, value: u8) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u16(self, value: u16) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u32(self, value: u32) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u64(self, value: u64) -> Text {
        Ok(value.to_string())
    }

    fn serialize_u128(self, value: u128) -> Text {
        Ok(value.to_string())
    }

    fn serialize_f32(self, value: f32) -> Text {
        Ok(value.to_string())
    }

    fn serialize_f64(self, value: f64) -> Text {
        Ok(value.to_string())
    }

    fn serialize_char(self, value: char) -> Text {
        Ok(value.to_string())
    }

    fn serialize_str(self, value: &str) -> Text {
        Ok(value.to_owned())
    }

    fn serialize_bytes(self, _: &[u8]) -> Text {
        Err(Unwritable)
    }

    fn serialize_none(self) -> Text {
        Err(Unwritable)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Text {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Text {
        Err(Unwritable)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Text {
        Err(Unwritable)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Text {
        Ok(variant.to_owned())
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Text {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Text {
        Err(Unwritable)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple(self, _: usize) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Never, Unwritable> {
        Err(Unwritable)
    }
}
