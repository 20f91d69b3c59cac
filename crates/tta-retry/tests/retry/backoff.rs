//! How long is waited.

use std::time::Duration;

use tta_core::{Error, ErrorKind};
use tta_retry::{Backoff, RetryConfig, RetryExt};

use crate::support::{MS, SECOND, down, failing, waits};

fn config(backoff: Backoff) -> RetryConfig {
    RetryConfig::new(8)
        .with_backoff(backoff)
        .without_budget()
        .with_seed(1)
}

#[tokio::test(start_paused = true)]
async fn a_constant_backoff_waits_the_same_every_time() {
    assert_eq!(
        waits(config(Backoff::constant(30 * MS)), down).await,
        [30 * MS; 8]
    );
    assert_eq!(
        waits(config(Backoff::constant(Duration::ZERO)), down).await,
        [Duration::ZERO; 8]
    );
}

#[tokio::test(start_paused = true)]
async fn an_exponential_backoff_begins_with_the_base_and_doubles_up_to_the_cap() {
    let backoff = Backoff::exponential(10 * MS, 500 * MS);
    let expected = [10, 20, 40, 80, 160, 320, 500, 500].map(Duration::from_millis);
    assert_eq!(waits(config(backoff), down).await, expected);
}

#[tokio::test(start_paused = true)]
async fn the_factor_says_how_fast_waits_grow() {
    let backoff = Backoff::exponential(10 * MS, 500 * MS).with_factor(3.0);
    let expected = [10, 30, 90, 270, 500, 500, 500, 500].map(Duration::from_millis);
    assert_eq!(waits(config(backoff), down).await, expected);
    let level = Backoff::exponential(10 * MS, 500 * MS).with_factor(1.0);
    assert_eq!(waits(config(level), down).await, [10 * MS; 8]);
}

#[tokio::test(start_paused = true)]
async fn full_jitter_is_spread_between_the_base_and_what_has_grown() {
    let (base, cap) = (100 * MS, 2 * SECOND);
    let mut by_retry = vec![Vec::new(); 8];
    for seed in 0..200 {
        let config = config(Backoff::full_jitter(base, cap)).with_seed(seed);
        for (retry, wait) in waits(config, down).await.into_iter().enumerate() {
            by_retry[retry].push(wait);
        }
    }
    for (retry, waits) in by_retry.iter().enumerate() {
        let most = (base * 2_u32.pow(u32::try_from(retry).unwrap() + 1)).min(cap);
        let (shortest, longest) = (*waits.iter().min().unwrap(), *waits.iter().max().unwrap());
        assert!(
            shortest >= base && longest <= most,
            "retry {retry}: {shortest:?} {longest:?}"
        );
        let range = most.saturating_sub(base);
        assert!(shortest < base + range / 10, "retry {retry}: {shortest:?}");
        assert!(
            longest > base + range * 9 / 10,
            "retry {retry}: {longest:?}"
        );
        let mean = waits.iter().sum::<Duration>() / 200;
        assert!(
            mean > base + range * 2 / 5 && mean < base + range * 3 / 5,
            "{mean:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn decorrelated_jitter_grows_from_the_last_wait() {
    let (base, cap) = (100 * MS, 2 * SECOND);
    let (mut longest, mut above_double) = (Duration::ZERO, 0);
    for seed in 0..200 {
        let config = config(Backoff::decorrelated_jitter(base, cap)).with_seed(seed);
        let mut last = base;
        for wait in waits(config, down).await {
            assert!(
                wait >= base && wait <= cap.min(last * 3),
                "{wait:?} after {last:?}"
            );
            above_double += u32::from(wait > last * 2);
            longest = longest.max(wait);
            last = wait;
        }
    }
    assert_eq!(longest, cap);
    assert!(above_double > 100, "{above_double}");
}

#[tokio::test(start_paused = true)]
async fn the_first_wait_comes_from_the_base_and_is_no_fixed_second() {
    for base in [MS, 50 * MS] {
        let backoff = Backoff::full_jitter(base, SECOND);
        let first = waits(config(backoff), down).await[0];
        assert!(first >= base && first <= base * 2, "{first:?}");
    }
}

#[test]
fn no_attempt_is_so_late_that_its_wait_overflows() {
    for retry in [63, 64, 65, 1_000, u32::MAX] {
        for cap in [SECOND, Duration::MAX] {
            assert_eq!(*Backoff::full_jitter(MS, cap).range(retry).start(), MS);
            let ends = [
                *Backoff::full_jitter(MS, SECOND).range(retry).end(),
                *Backoff::decorrelated_jitter(MS, SECOND).range(retry).end(),
                *Backoff::exponential(MS, SECOND).range(retry).end(),
            ];
            assert_eq!(ends, [SECOND; 3]);
        }
    }
    let endless = Backoff::exponential(MS, Duration::MAX);
    assert_eq!(endless.range(u32::MAX), Duration::MAX..=Duration::MAX);
    assert_eq!(endless.range(0), MS..=MS);
}

#[test]
fn the_range_says_what_is_waited() {
    assert_eq!(Backoff::constant(MS).range(9), MS..=MS);
    assert_eq!(Backoff::exponential(MS, SECOND).range(4), 8 * MS..=8 * MS);
    assert_eq!(Backoff::full_jitter(MS, SECOND).range(4), MS..=16 * MS);
    assert_eq!(
        Backoff::decorrelated_jitter(MS, SECOND).range(3),
        MS..=27 * MS
    );
}

#[tokio::test(start_paused = true)]
async fn a_seed_repeats_the_waits_and_another_one_does_not() {
    let waits = async |seed| {
        waits(
            config(Backoff::full_jitter(MS, SECOND)).with_seed(seed),
            down,
        )
        .await
    };
    assert_eq!(waits(5).await, waits(5).await);
    assert_ne!(waits(5).await, waits(6).await);
}

#[tokio::test(start_paused = true)]
async fn without_a_seed_no_two_primitives_wait_alike() {
    let config = RetryConfig::new(8).with_backoff(Backoff::full_jitter(MS, SECOND));
    assert_ne!(waits(config.clone(), down).await, waits(config, down).await);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_the_other_side_asks_for_is_honoured_exactly_without_jitter() {
    let asks = || down().with_retry_after(700 * MS);
    let backoff = Backoff::exponential(10 * MS, 20 * SECOND);
    assert_eq!(waits(config(backoff), asks).await, [700 * MS; 8]);
}

#[tokio::test(start_paused = true)]
async fn those_who_are_asked_to_wait_alike_are_spread_by_the_base() {
    let asks = || down().with_retry_after(700 * MS);
    let waits = waits(config(Backoff::full_jitter(100 * MS, 20 * SECOND)), asks).await;
    assert!(
        waits.iter().all(|it| *it >= 700 * MS && *it <= 800 * MS),
        "{waits:?}"
    );
    assert!(waits.iter().any(|it| *it != waits[0]), "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_wait_shorter_than_the_base_that_the_other_side_asks_for_is_the_base() {
    let asks = || down().with_retry_after(Duration::ZERO);
    let backoff = Backoff::exponential(10 * MS, SECOND);
    assert_eq!(waits(config(backoff), asks).await, [10 * MS; 8]);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_is_asked_for_up_to_the_limit_is_waited_and_beyond_it_ends_the_retries() {
    let asks = || down().with_retry_after(5 * SECOND);
    let config = || config(Backoff::constant(MS)).with_max_retries(2);
    let most = |most| config().with_max_retry_after(most);
    assert_eq!(waits(most(5 * SECOND), asks).await, [5 * SECOND; 2]);
    assert!(waits(most(4_999 * MS), asks).await.is_empty());
    let minute = || down().with_retry_after(60 * SECOND);
    assert_eq!(waits(config(), minute).await, [60 * SECOND; 2]);
    let longer = || down().with_retry_after(60 * SECOND + MS);
    assert!(waits(config(), longer).await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_presets_wait_as_they_say() {
    let standard = waits(RetryConfig::standard(), down).await;
    assert!(
        standard[0] >= 100 * MS && standard[0] <= 200 * MS,
        "{standard:?}"
    );
    let llm = waits(RetryConfig::llm(), down).await;
    assert!(llm[0] >= SECOND && llm[0] <= 2 * SECOND, "{llm:?}");
}

#[test]
fn a_backoff_that_cannot_be_is_refused_with_a_word_on_what_to_do() {
    let refused = |backoff: Backoff| -> String {
        let config = RetryConfig::new(1).with_backoff(backoff);
        let error: Error = tta_core::Flow::new(failing(0)).retry(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        error.to_string()
    };
    assert!(refused(Backoff::exponential(Duration::ZERO, SECOND)).contains("base above zero"));
    assert!(refused(Backoff::full_jitter(Duration::ZERO, SECOND)).contains("base above zero"));
    assert!(refused(Backoff::full_jitter(SECOND, MS)).contains("no shorter"));
    for factor in [0.0, 0.99, -2.0, f64::NAN, f64::INFINITY] {
        let backoff = Backoff::full_jitter(MS, SECOND).with_factor(factor);
        assert!(refused(backoff).contains("factor of 1 or more"));
    }
    let equal = Backoff::full_jitter(SECOND, SECOND).with_factor(1.0);
    let config = RetryConfig::new(1).with_backoff(equal);
    assert!(tta_core::Flow::new(failing(0)).retry(config).is_ok());
}

proptest::proptest! {
    #[test]
    fn every_range_lies_between_the_base_and_the_cap(
        base in 1..u64::MAX, more in 0..u64::MAX, factor in 1.0..1e6_f64, retry: u32,
    ) {
        let base = Duration::from_nanos(base);
        let cap = base + Duration::from_nanos(more);
        for backoff in [
            Backoff::exponential(base, cap),
            Backoff::full_jitter(base, cap),
            Backoff::decorrelated_jitter(base, cap),
        ] {
            let range = backoff.with_factor(factor).range(retry);
            assert!(base <= *range.start() && range.start() <= range.end() && *range.end() <= cap);
        }
    }
}
