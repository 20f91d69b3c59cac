//! When to try again.

use std::time::{Duration, Instant};

use tta_core::TraceId;

use super::outcome::ExportError;

/// The waits between attempts to export one batch.
///
/// A backend that does not answer is tried often at first, so that a short outage ends before the
/// queue is full, then less often, and for as long as it takes: the batch stays in hand. One that
/// asks to try later is asked four times at most.
///
/// # Source
///
/// The OTLP specification: exponential backoff with jitter, and the server's advice before ours.
#[derive(Debug)]
pub(crate) struct Backoff {
    began: Instant,
    unanswered: u32,
    answered: u32,
}

impl Backoff {
    pub(crate) fn new(began: Instant) -> Self {
        Self {
            began,
            unanswered: 0,
            answered: 0,
        }
    }

    /// How long to wait after this error; none if the batch is to be given up.
    pub(crate) fn after(&mut self, error: &ExportError, now: Instant) -> Option<Duration> {
        match error {
            ExportError::Unreachable { .. } => {
                let most = if now.saturating_duration_since(self.began) < PATIENT_AFTER {
                    MOST_AT_FIRST
                } else {
                    MOST_LATER
                };
                let delay = doubled(FIRST_UNANSWERED, self.unanswered).min(most);
                self.unanswered += 1;
                // Between half of it and all of it.
                Some(delay.mul_f64(0.5 + 0.5 * random_share()))
            }
            ExportError::TryLater { after, .. } => {
                self.answered += 1;
                if self.answered >= MOST_ATTEMPTS {
                    return None;
                }
                let own = doubled(FIRST_ANSWERED, self.answered - 1);
                let asked = after.unwrap_or_default().min(MOST_ASKED);
                // Never less than what was asked for.
                Some(own.max(asked).mul_f64(1.0 + 0.25 * random_share()))
            }
            ExportError::Rejected { .. } => None,
        }
    }
}

fn doubled(first: Duration, times: u32) -> Duration {
    first.saturating_mul(2_u32.saturating_pow(times.min(16)))
}

/// From 0 to 1; identifiers are random in all their bits.
fn random_share() -> f64 {
    #[expect(clippy::cast_possible_truncation, reason = "the low bits are enough")]
    let bits = TraceId::random().to_u128() as u32;
    f64::from(bits) / f64::from(u32::MAX)
}

const FIRST_UNANSWERED: Duration = Duration::from_millis(50);
const MOST_AT_FIRST: Duration = Duration::from_millis(200);
const PATIENT_AFTER: Duration = Duration::from_secs(10);
const MOST_LATER: Duration = Duration::from_secs(4);

const FIRST_ANSWERED: Duration = Duration::from_millis(500);
const MOST_ATTEMPTS: u32 = 4;
const MOST_ASKED: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backend_that_asks_for_time_is_given_it_and_asked_four_times_in_all() {
        let error = ExportError::TryLater {
            message: String::new(),
            after: Some(Duration::from_secs(3)),
        };
        let now = Instant::now();
        let mut backoff = Backoff::new(now);
        let waits: Vec<_> = (0..4).map(|_| backoff.after(&error, now)).collect();
        assert!(
            waits[..3]
                .iter()
                .all(|wait| wait.is_some_and(|wait| wait >= Duration::from_secs(3)))
        );
        assert_eq!(waits[3], None);
    }

    #[test]
    fn a_short_outage_is_noticed_to_be_over_within_a_fifth_of_a_second() {
        let error = ExportError::Unreachable {
            message: String::new(),
        };
        let began = Instant::now();
        let mut backoff = Backoff::new(began);
        for _ in 0..100 {
            let wait = backoff.after(&error, began + Duration::from_secs(9));
            assert!(wait.is_some_and(|wait| wait <= Duration::from_millis(200)));
        }
        let wait = backoff.after(&error, began + Duration::from_mins(1));
        assert!(wait.is_some_and(|wait| wait >= Duration::from_secs(2)));
    }
}
