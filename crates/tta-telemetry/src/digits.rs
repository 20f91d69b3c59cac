//! Whole numbers as text, without the machinery of formatting.

/// Appends a number.
#[inline]
pub(crate) fn push_unsigned(out: &mut Vec<u8>, value: u64) {
    match value {
        0..10 => out.push(b'0' + (value % 10) as u8),
        10..100 => {
            let [tens, ones] = [(value / 10 % 10) as u8, (value % 10) as u8];
            out.extend_from_slice(&[b'0' + tens, b'0' + ones]);
        }
        _ => push_digits(out, value),
    }
}

fn push_digits(out: &mut Vec<u8>, mut value: u64) {
    let mut digits = [0; 20];
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        let last = (value % 10) as u8;
        *digit = b'0' + last;
        used += 1;
        value /= 10;
        if value == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(digits.len() - used..).unwrap_or_default());
}

/// Appends a number that is not negative by its billionths, with one decimal at least; false, and
/// nothing is written, where these are not all of it or another way of writing might be shorter.
///
/// A decimal of at most 15 digits is the only one of so few that means its number, so that this is
/// what a search for the fewest digits finds.
pub(crate) fn push_billionths(out: &mut Vec<u8>, value: f64) -> bool {
    if !(value == 0.0 || (SMALLEST_SHORT..LARGEST_SHORT).contains(&value)) {
        return false;
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
        return false;
    }
    push_unsigned(out, billionths / 1_000_000_000);
    out.push(b'.');
    let fraction = billionths % 1_000_000_000;
    // Most have a digit or two, and no need of nine.
    if fraction.is_multiple_of(100_000_000) {
        push_fraction::<1>(out, fraction / 100_000_000);
    } else if fraction.is_multiple_of(1_000_000) {
        push_fraction::<3>(out, fraction / 1_000_000);
    } else {
        push_fraction::<9>(out, fraction);
    }
    true
}

/// Appends the first `N` decimals without the zeros at their end, but one of them at least.
fn push_fraction<const N: usize>(out: &mut Vec<u8>, mut fraction: u64) {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (fraction % 10) as u8;
        fraction /= 10;
    }
    let last = digits.iter().rposition(|&digit| digit != b'0');
    let shown = digits.get(..=last.unwrap_or(0));
    out.extend_from_slice(shown.unwrap_or_default());
}

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
        fn a_float_of_few_digits_reads_as_the_standard_library_writes_it(
            any in any::<f64>(),
            billionths in 0..2_000_000_000_000_000_u64,
            thousandths in 0..2_000_000_000_u64,
        ) {
            for value in [any.abs(), billionths as f64 / 1e9, thousandths as f64 / 1e3] {
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
        for value in [0, 1, 9, 10, 99, 100, 12_345, u64::MAX] {
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
