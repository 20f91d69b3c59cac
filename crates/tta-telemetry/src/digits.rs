//! Whole numbers as text, without the machinery of formatting.

/// Up to 16 characters in a register, so that they are stored at once and nothing has to wait for them
/// when they are copied.
#[derive(Clone, Copy)]
pub(crate) struct Short {
    /// The first character is the lowest byte, and behind the last one is nothing of meaning.
    pub(crate) bits: u128,
    pub(crate) length: usize,
}

impl Short {
    #[cfg(feature = "logs")]
    pub(crate) const TRUE: Self = Self {
        bits: u32::from_le_bytes(*b"true") as u128,
        length: 4,
    };

    #[cfg(feature = "logs")]
    pub(crate) const FALSE: Self = Self {
        bits: u64::from_le_bytes(*b"false\0\0\0") as u128,
        length: 5,
    };

    /// A number of up to eight digits.
    #[inline]
    pub(crate) fn unsigned(value: u64) -> Option<Self> {
        if value < 10 {
            let bits = u128::from(value) | u128::from(b'0');
            return Some(Self { bits, length: 1 });
        }
        (value < EIGHT_DIGITS).then(|| {
            let (digits, length) = without_zeros_before(value);
            let bits = digits.into();
            Self { bits, length }
        })
    }

    #[inline]
    pub(crate) fn push_to(self, out: &mut Vec<u8>) {
        let end = out.len() + self.length;
        out.extend_from_slice(&self.bits.to_le_bytes());
        out.truncate(end);
    }
}

/// Appends a number.
#[inline]
pub(crate) fn push_unsigned(out: &mut Vec<u8>, value: u64) {
    match Short::unsigned(value) {
        Some(short) => short.push_to(out),
        None => push_long(out, value),
    }
}

/// A number of up to eight digits without zeros before it, and how many digits these are.
#[inline]
fn without_zeros_before(value: u64) -> (u64, usize) {
    let digits = eight_digits(value);
    // The first digit is the lowest byte, and a zero is one digit.
    let leading = (digits | 1 << 56).trailing_zeros() & !7;
    ((digits | ZEROS) >> leading, 8 - leading as usize / 8)
}

fn push_long(out: &mut Vec<u8>, value: u64) {
    push_unsigned(out, value / EIGHT_DIGITS);
    let digits = eight_digits(value % EIGHT_DIGITS) | ZEROS;
    out.extend_from_slice(&digits.to_le_bytes());
}

/// The digits of a number of up to eight, the first one in the lowest byte: halves, quarters and
/// digits are parted side by side in one word, and no product reaches its neighbour.
#[inline]
fn eight_digits(value: u64) -> u64 {
    let first = value / 10_000;
    let halves = first | (value - first * 10_000) << 32;
    // By 10,486 / 2^20, which is a hundredth rounded down for all of four digits.
    let firsts = ((halves * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let quarters = firsts | (halves - firsts * 100) << 16;
    // By 103 / 2^10, which is a tenth rounded down for all of two digits.
    let firsts = ((quarters * 103) >> 10) & 0x000f_000f_000f_000f;
    firsts | (quarters - firsts * 10) << 8
}

/// Appends what [`billionths`] makes of a number; false, and nothing is written, if that is nothing.
pub(crate) fn push_billionths(out: &mut Vec<u8>, value: f64) -> bool {
    let short = billionths(value);
    if let Some(short) = short {
        short.push_to(out);
    }
    short.is_some()
}

/// A number that is not negative by its billionths, with one decimal at least; none where these are
/// not all of it or another way of writing might be shorter.
///
/// A decimal of at most 15 digits is the only one of so few that means its number, so that this is
/// what a search for the fewest digits finds.
#[inline]
pub(crate) fn billionths(value: f64) -> Option<Short> {
    thousandths(value).or_else(|| all_billionths(value))
}

#[inline(never)]
fn all_billionths(value: f64) -> Option<Short> {
    if !(SMALLEST_SHORT..LARGEST_SHORT).contains(&value) {
        return None;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "below 10^15 and not negative"
    )]
    let billionths = (value * BILLION + 0.5) as u64;
    #[expect(clippy::float_cmp, reason = "the very number is meant")]
    let is_all = billionths as f64 / BILLION == value;
    if !is_all {
        return None;
    }
    // A million at most, so that it has the point behind it in one word.
    let (whole, length) = without_zeros_before(billionths / 1_000_000_000);
    let whole = whole | u64::from(b'.') << (8 * length);
    let fraction = billionths % 1_000_000_000;
    let (first, last) = (fraction / 10, fraction % 10);
    let digits = eight_digits(first);
    let (decimals, shown) = if last == 0 {
        // Without the zeros at the end, which are the highest bytes, but with one decimal at least.
        let shown = 8 - (digits | 1).leading_zeros() as usize / 8;
        (u128::from(digits | ZEROS), shown)
    } else {
        let last = u128::from(last + u64::from(b'0'));
        (u128::from(digits | ZEROS) | last << 64, 9)
    };
    Some(Short {
        bits: u128::from(whole) | decimals << (8 * (length + 1)),
        length: length + 1 + shown,
    })
}

/// The same for zero and numbers below ten thousand of three decimals at most, as many are: these are
/// eight characters, one word.
#[inline]
fn thousandths(value: f64) -> Option<Short> {
    if value >= 1e4 {
        return None;
    }
    // A number below zero, and none at all, become zero here and are not equal to it.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "at most 10^7 and not negative"
    )]
    let thousandths = (value * 1e3 + 0.5) as u32;
    #[expect(clippy::float_cmp, reason = "the very number is meant")]
    let is_all = f64::from(thousandths) / 1e3 == value;
    if !is_all {
        return None;
    }
    // Five digits of the whole, the first of which is a zero since the value is below ten thousand.
    let digits = eight_digits(thousandths.into());
    let whole = digits & 0xff_ffff_ffff;
    let leading = (whole | 1 << 32).trailing_zeros() & !7;
    let whole = (whole | ZEROS & 0xff_ffff_ffff) >> leading;
    let length = 5 - leading as usize / 8;
    let decimals = digits >> 40;
    let shown = 3 - ((decimals | 1) << 40).leading_zeros() as usize / 8;
    let behind = u64::from(b'.') | (decimals | ZEROS >> 40) << 8;
    Some(Short {
        bits: (whole | behind << (8 * length)).into(),
        length: length + 1 + shown,
    })
}

const EIGHT_DIGITS: u64 = 100_000_000;
/// Eight digits of zero.
const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);
const BILLION: f64 = 1e9;
/// Smaller ones have an exponent.
const SMALLEST_SHORT: f64 = 1e-4;
/// The billionths of larger ones have more than 15 digits.
const LARGEST_SHORT: f64 = 1e6;

/// Appends a number with its sign, if it is negative.
#[cfg(feature = "logs")]
pub(crate) fn push_signed(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    push_unsigned(out, value.unsigned_abs());
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::with_cases(2_000)
        })]

        #[test]
        fn any_number_reads_as_the_standard_library_writes_it(any in any::<u64>(), bits in 0..64_u32) {
            let value = any >> bits;
            let mut out = b"before".to_vec();
            push_unsigned(&mut out, value);
            prop_assert_eq!(out, format!("before{value}").into_bytes());
        }

        #[test]
        fn a_float_of_few_digits_reads_as_the_standard_library_writes_it(
            any in any::<f64>(),
            billionths in 0..2_000_000_000_000_000_u64,
            thousandths in 0..2_000_000_000_u64,
        ) {
            let few = (thousandths % 10_000_000) as f64 / 1e3;
            for value in [any.abs(), billionths as f64 / 1e9, thousandths as f64 / 1e3, few] {
                let mut out = Vec::new();
                if push_billionths(&mut out, value) {
                    prop_assert_eq!(out, format!("{value:?}").into_bytes());
                } else {
                    prop_assert!(out.is_empty());
                }
            }
        }
    }

    #[test]
    fn most_floats_are_of_few_digits() {
        for value in [0.0, 1e-4, 0.1, 0.125, 7.473, 3.0, 999_999.999_999_999] {
            assert!(push_billionths(&mut Vec::new(), value), "{value}");
        }
        for value in [1e-5, 1.0 / 3.0, 1e6, -1.0, f64::NAN, f64::INFINITY] {
            assert!(!push_billionths(&mut Vec::new(), value), "{value}");
        }
    }

    #[test]
    fn numbers_read_as_the_standard_library_writes_them() {
        let around_powers = (0..20).flat_map(|power| {
            let power = 10_u64.pow(power);
            [power - 1, power, power + 1, power.saturating_mul(2)]
        });
        for value in around_powers.chain(0..100_000).chain([u64::MAX]) {
            let mut out = Vec::new();
            push_unsigned(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
        #[cfg(feature = "logs")]
        for value in [0, -1, 7, -10, i64::MAX, i64::MIN] {
            let mut out = Vec::new();
            push_signed(&mut out, value);
            assert_eq!(out, value.to_string().into_bytes());
        }
    }
}
