//! Points in time as RFC 3339 has them, in UTC and with milliseconds.

use std::time::{SystemTime, UNIX_EPOCH};

/// Appends `2026-01-31T23:59:59.999Z`. What lies before 1970 or after 9999 is shown as that end.
#[cfg(any(test, feature = "otlp"))]
pub(crate) fn push(out: &mut Vec<u8>, at: SystemTime) {
    let (second, millis) = parts(at);
    out.extend_from_slice(&date_and_time(second));
    out.extend_from_slice(&behind(millis));
}

/// Begins lines with a timestamp, most of which share their second with the one before: up to its
/// milliseconds they stay as they are.
#[derive(Default)]
pub(super) struct Beginning {
    second: Option<u64>,
}

impl Beginning {
    /// Makes `line`, in which nobody else begins one, the beginning of the next.
    #[inline]
    pub(super) fn begin(&mut self, line: &mut Vec<u8>, at: SystemTime) {
        let (second, millis) = parts(at);
        if self.second == Some(second) {
            line.truncate(BEFORE.len() + 20);
        } else {
            self.turn(line, second);
        }
        line.extend_from_slice(&behind(millis));
    }

    #[cold]
    #[inline(never)]
    fn turn(&mut self, line: &mut Vec<u8>, second: u64) {
        self.second = Some(second);
        line.clear();
        line.extend_from_slice(BEFORE);
        line.extend_from_slice(&date_and_time(second));
    }
}

#[inline]
fn parts(at: SystemTime) -> (u64, u32) {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs().min(LAST_SECOND), since.subsec_millis())
}

/// What stands behind the seconds and their point.
#[inline]
fn behind(millis: u32) -> [u8; 4] {
    [digit(millis / 100), digit(millis / 10), digit(millis), b'Z']
}

/// # Source
///
/// Howard Hinnant's [`civil_from_days`](https://howardhinnant.github.io/date_algorithms.html).
fn date_and_time(seconds: u64) -> [u8; 20] {
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Years begin in March here, so that the leap day is the last of its year.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + u64::from(month <= 2);

    let two = |number: u64| {
        #[expect(clippy::cast_possible_truncation, reason = "every part is below 100")]
        let number = number as u32;
        [digit(number / 10), digit(number)]
    };
    let ([y0, y1], [y2, y3]) = (two(year / 100), two(year % 100));
    let ([m0, m1], [d0, d1]) = (two(month), two(day));
    let [h0, h1] = two(second / 3_600);
    let ([n0, n1], [s0, s1]) = (two(second / 60 % 60), two(second % 60));
    [
        y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1, b'T', h0, h1, b':', n0, n1, b':', s0, s1, b'.',
    ]
}

/// The last digit of a number.
fn digit(number: u32) -> u8 {
    b'0' + (number % 10) as u8
}

/// How a line begins.
const BEFORE: &[u8] = b"{\"timestamp\":\"";

/// 9999-12-31T23:59:59Z.
const LAST_SECOND: u64 = 253_402_300_799;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn known_moments_read_as_the_calendar_has_them() {
        for (seconds, expected) in [
            (0, "1970-01-01T00:00:00.007Z"),
            (951_782_399, "2000-02-28T23:59:59.007Z"),
            (951_782_400, "2000-02-29T00:00:00.007Z"),
            (951_868_800, "2000-03-01T00:00:00.007Z"),
            (1_709_164_800, "2024-02-29T00:00:00.007Z"),
            (1_798_761_599, "2026-12-31T23:59:59.007Z"),
            (4_107_542_400, "2100-03-01T00:00:00.007Z"),
            (253_402_300_799, "9999-12-31T23:59:59.007Z"),
            (253_402_300_800, "9999-12-31T23:59:59.007Z"),
        ] {
            let mut out = Vec::new();
            push(
                &mut out,
                UNIX_EPOCH + Duration::from_millis(seconds * 1_000 + 7),
            );
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn every_day_of_four_centuries_follows_the_one_before() {
        let mut last = Vec::new();
        for day in 0..146_097 {
            let mut out = Vec::new();
            push(&mut out, UNIX_EPOCH + Duration::from_hours(day * 24));
            assert!(last < out, "{day}");
            last = out;
        }
        assert_eq!(last, b"2369-12-31T00:00:00.000Z");
    }

    #[test]
    fn a_line_begins_with_its_own_moment_whichever_came_before() {
        let (mut beginning, mut line) = (Beginning::default(), Vec::new());
        for millis in [
            0,
            7,
            999,
            1_000,
            1_998,
            60_000,
            59_999,
            0,
            951_868_799_999,
            12,
            12,
        ] {
            let at = UNIX_EPOCH + Duration::from_millis(millis);
            beginning.begin(&mut line, at);
            let mut expected = b"{\"timestamp\":\"".to_vec();
            push(&mut expected, at);
            assert_eq!(line, expected);
            line.extend_from_slice(b"\",\"level\":\"info\"");
        }
    }

    #[test]
    fn a_clock_before_the_epoch_reads_as_the_epoch() {
        let mut out = Vec::new();
        push(&mut out, UNIX_EPOCH - Duration::from_secs(1));
        assert_eq!(out, b"1970-01-01T00:00:00.000Z");
    }
}
