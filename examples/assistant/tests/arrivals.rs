//! Reading traces, and arrivals at random.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::Write;
use std::time::Duration;

use assistant::arrivals::{Arrival, Poisson, Trace};
use assistant::positive::Positive;
use assistant::rejected::{InputError, OnBadLine};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

const HEADER: &str = "TIMESTAMP,ContextTokens,GeneratedTokens\r\n";

#[test]
fn offsets_count_from_the_first_arrival_to_the_last_digit() {
    let trace = strict("2023-11-16 23:59:59.9999999,374,44\r\n2023-11-17 00:00:01,396,109\r\n");
    let expected = [
        Arrival {
            at: Duration::ZERO,
            context_tokens: Some(374),
            generated_tokens: Some(44),
        },
        Arrival {
            at: Duration::from_nanos(1_000_000_100),
            context_tokens: Some(396),
            generated_tokens: Some(109),
        },
    ];
    assert_eq!(trace.arrivals(), expected);
}

#[test]
fn every_usual_way_to_write_a_timestamp_means_the_same_instant() {
    for same in [
        "2024-02-29 12:00:00.5",
        "2024-02-29T12:00:00.5",
        "2024-02-29T12:00:00.500000Z",
        "2024-02-29 12:00:00.500000+00:00",
        "2024-02-29 14:00:00.500000000+02:00",
    ] {
        let trace = strict(&format!("2024-02-29 11:59:59.5,1,1\n{same},1,1\n"));
        assert_eq!(trace.arrivals()[1].at, Duration::from_secs(1), "{same}");
    }
}

#[test]
fn bad_rows_are_skipped_and_named_by_number() {
    let rows = "2023-11-16 18:15:46,374,44\n\
                2023-11-16 18:15,1\n\
                yesterday,1,1\n\
                2023-02-29 00:00:00,1,1\n\
                2023-11-16 18:15:47,-1,1\n\
                2023-11-16 18:15:47,1,1.5\n\
                2023-11-16 18:15:47,10000001,1\n\
                \n\
                2023-11-16 18:15:48,10000000,0\n";
    let trace = read(&format!("{HEADER}{rows}"), OnBadLine::Skip).unwrap();

    assert_eq!(trace.arrivals().len(), 2);
    let rejected: Vec<String> = trace
        .rejected()
        .kept()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        rejected,
        [
            "line 3: 2 fields instead of 3",
            "line 4: 'yesterday' is no timestamp like 2023-11-16 18:15:46.6805900",
            "line 5: '2023-02-29 00:00:00' is no timestamp like 2023-11-16 18:15:46.6805900",
            "line 6: ContextTokens must be a whole number up to 10000000, not '-1'",
            "line 7: GeneratedTokens must be a whole number up to 10000000, not '1.5'",
            "line 8: ContextTokens must be a whole number up to 10000000, not '10000001'",
        ]
    );
}

#[test]
fn a_strict_reader_refuses_the_file_at_its_first_bad_row() {
    let error = read(
        &format!("{HEADER}2023-11-16 18:15:46,1\n"),
        OnBadLine::Refuse,
    )
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "use trace.csv, line 2: 2 fields instead of 3"
    );
}

#[test]
fn another_header_is_refused_in_either_mode_because_columns_could_be_swapped() {
    let file = "TIMESTAMP,GeneratedTokens,ContextTokens\n2023-11-16 18:15:46,44,374\n";
    let error = read(file, OnBadLine::Skip).unwrap_err();
    assert_eq!(
        error.to_string(),
        "use trace.csv, line 1: the header must be TIMESTAMP,ContextTokens,GeneratedTokens"
    );
}

#[test]
fn a_trace_without_a_row_is_an_error() {
    assert_eq!(
        read(HEADER, OnBadLine::Skip).unwrap_err().to_string(),
        "use trace.csv: it is empty"
    );
}

#[test]
fn a_reason_shows_nothing_unprintable_of_the_row_it_quotes() {
    let rows = "\u{1b}[2J\u{202e}'\u{0},1,1\n2023-11-16 18:15:46,1,1\n";
    let trace = read(&format!("{HEADER}{rows}"), OnBadLine::Skip).unwrap();
    assert_eq!(
        trace.rejected().kept()[0].reason,
        r"'\u{1b}[2J\u{202e}'\0' is no timestamp like 2023-11-16 18:15:46.6805900"
    );
}

#[test]
fn rows_out_of_order_are_counted_and_sorted() {
    let trace = strict(
        "2023-11-16 18:00:05,5,0\n2023-11-16 18:00:01,1,0\n2023-11-16 18:00:09,9,0\n\
         2023-11-16 18:00:08,8,0\n2023-11-16 18:00:08,7,0\n",
    );
    let order: Vec<_> = trace
        .arrivals()
        .iter()
        .map(|row| row.context_tokens.unwrap())
        .collect();

    assert_eq!(trace.out_of_order(), 2);
    assert_eq!(order, [1, 5, 8, 7, 9]);
    assert_eq!(trace.arrivals()[4].at, Duration::from_secs(8));
}

#[test]
fn a_gzip_trace_reads_as_the_plain_one() {
    let plain = format!("{HEADER}2023-11-16 18:15:46.6805900,374,44\nbad\n");
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(plain.as_bytes()).unwrap();
    let packed = encoder.finish().unwrap();

    let plain = read(&plain, OnBadLine::Skip).unwrap();
    let packed = Trace::read(&packed[..], "trace.csv", OnBadLine::Skip).unwrap();
    assert_eq!(packed.arrivals(), plain.arrivals());
    assert_eq!(packed.rejected(), plain.rejected());
}

#[test]
fn random_arrivals_are_those_of_a_poisson_process() {
    let gaps = gaps(25.0, 42, 20_000);
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;

    // Five standard errors of the mean of an exponential distribution; its deviation is its mean.
    assert!(
        (mean * 25.0 - 1.0).abs() < 5.0 / (gaps.len() as f64).sqrt(),
        "mean {mean}"
    );
    assert!(
        (variance.sqrt() / mean - 1.0).abs() < 0.05,
        "deviation {}",
        variance.sqrt()
    );
}

#[test]
fn random_arrivals_start_at_zero_and_depend_on_the_seed_alone() {
    let rate = Positive::new(5.0).unwrap();
    let some = |seed| Poisson::new(rate, seed).take(100).collect::<Vec<_>>();

    assert_eq!(some(1)[0].at, Duration::ZERO);
    assert_eq!(some(1), some(1));
    assert_ne!(some(1), some(2));
}

#[test]
fn extreme_rates_neither_panic_nor_go_back_in_time() {
    for rate in [f64::MIN_POSITIVE, 1e-300, 1e300, f64::MAX] {
        let arrivals: Vec<_> = Poisson::new(Positive::new(rate).unwrap(), 1)
            .take(50)
            .collect();
        assert!(arrivals.is_sorted_by_key(|arrival| arrival.at), "{rate}");
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _ = Trace::read(&bytes[..], "trace.csv", OnBadLine::Skip);
        let with_header = [HEADER.as_bytes(), &bytes[..]].concat();
        let _ = Trace::read(&with_header[..], "trace.csv", OnBadLine::Skip);
    }

    #[test]
    fn any_rows_are_each_used_or_rejected_and_come_out_in_order(
        rows in prop::collection::vec(
            "-?[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{0,11})?Z?,[0-9]{1,9},[0-9]{1,3}",
            1..40,
        ),
    ) {
        let file = format!("{HEADER}{}", rows.join("\n"));
        let (used, rejected) = match read(&file, OnBadLine::Skip) {
            Ok(trace) => {
                prop_assert!(trace.arrivals().is_sorted_by_key(|row| row.at));
                prop_assert_eq!(trace.arrivals()[0].at, Duration::ZERO);
                (trace.arrivals().len(), trace.rejected().count())
            }
            Err(InputError::NothingUsable { rejected, .. }) => (0, rejected.count()),
            Err(error) => panic!("{error}"),
        };
        prop_assert_eq!(used as u64 + rejected, rows.len() as u64);
    }
}

fn strict(rows: &str) -> Trace {
    read(&format!("{HEADER}{rows}"), OnBadLine::Refuse).unwrap()
}

fn read(file: &str, on_bad_line: OnBadLine) -> Result<Trace, InputError> {
    Trace::read(file.as_bytes(), "trace.csv", on_bad_line)
}

fn gaps(rate: f64, seed: u64, count: usize) -> Vec<f64> {
    let arrivals: Vec<_> = Poisson::new(Positive::new(rate).unwrap(), seed)
        .take(count + 1)
        .collect();
    let later = arrivals.iter().skip(1);
    arrivals
        .iter()
        .zip(later)
        .map(|(one, next)| next.at.abs_diff(one.at).as_secs_f64())
        .collect()
}
