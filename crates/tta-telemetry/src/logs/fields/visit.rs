//! The values of an event as `tracing` hands them over, one after the other.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};

use super::{Fields, MESSAGE_LIMIT, OwnName, write_caught};
use crate::digits::{Short, billionths, push_signed, push_unsigned};
use crate::logs::escape::quoted_if_clean;

impl Visit for Fields<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        match quoted_if_clean(value.as_bytes()) {
            Some(short) if self.put_own(field.index(), true, short) => {}
            _ => self.text_anyhow(field, value),
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        let word = if value { Short::TRUE } else { Short::FALSE };
        if !self.put_own(field.index(), false, word) {
            self.bool_anyhow(field, value);
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        match u64::try_from(value).ok().and_then(Short::unsigned) {
            Some(short) if self.put_own(field.index(), false, short) => {}
            _ => self.signed_anyhow(field, value),
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        match Short::unsigned(value) {
            Some(short) if self.put_own(field.index(), false, short) => {}
            _ => self.unsigned_anyhow(field, value),
        }
    }

    fn record_i128(&mut self, field: &Field, value: i128) {
        // Beyond what readers of JSON take for a number.
        self.string(field, |out| write!(out, "{value}"));
    }

    fn record_u128(&mut self, field: &Field, value: u128) {
        self.string(field, |out| write!(out, "{value}"));
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        let short = Some(value).filter(|value| value.is_sign_positive());
        match short.and_then(billionths) {
            Some(short) if self.put_own(field.index(), false, short) => {}
            _ => self.float_anyhow(field, value),
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn std::error::Error + 'static)) {
        self.string(field, |out| write!(out, "{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if let Some(OwnName::Message) = self.names.get(field.index()) {
            self.head.truncate(self.message);
            let whole = write_caught(self.head, MESSAGE_LIMIT, |out| write!(out, "{value:?}"));
            self.truncated |= !whole;
            return;
        }
        self.string(field, |out| write!(out, "{value:?}"));
    }
}

/// What [`put_own`](Fields::put_own) leaves. These are calls of their own, so that it needs none.
impl Fields<'_> {
    #[inline(never)]
    fn text_anyhow(&mut self, field: &Field, value: &str) {
        self.put_text(field.into(), value);
    }

    #[inline(never)]
    fn bool_anyhow(&mut self, field: &Field, value: bool) {
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.bare(field.into(), |out| out.extend_from_slice(word));
    }

    #[inline(never)]
    fn signed_anyhow(&mut self, field: &Field, value: i64) {
        self.bare(field.into(), |out| push_signed(out, value));
    }

    #[inline(never)]
    fn unsigned_anyhow(&mut self, field: &Field, value: u64) {
        self.bare(field.into(), |out| push_unsigned(out, value));
    }

    #[inline(never)]
    fn float_anyhow(&mut self, field: &Field, value: f64) {
        self.put_float(field.into(), value);
    }
}
