//! Values of every kind and length stand in the line as they are.

use tracing_subscriber::layer::SubscriberExt;
use tta_core::Level;
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{LogOptions, LogWriter, log_layer, log_layer_with_handle};

use crate::captured::{Destination, lines_of, objects_of};

/// What stands behind the ids of each line, without the end.
fn fields_of(run: impl FnOnce()) -> Vec<String> {
    let lines = lines_of(Level::Trace, LogFormat::Json, run);
    let fields = lines.lines().map(|line| {
        let (_, fields) = line.split_once("\"service\":\"shop\",").unwrap();
        fields.strip_suffix('}').unwrap().to_owned()
    });
    fields.collect()
}

#[test]
fn whole_numbers_of_every_length_read_as_rust_writes_them() {
    let mut numbers = vec![0, u64::MAX, i64::MAX as u64];
    for power in (0..20).map(|power| 10_u64.pow(power)) {
        numbers.extend([power - 1, power, power + 1, power.saturating_mul(7)]);
    }
    let signed: Vec<i64> = numbers.iter().map(|&number| number.cast_signed()).collect();
    let fields = fields_of(|| {
        for (&unsigned, &signed) in numbers.iter().zip(&signed) {
            let negative = signed.wrapping_neg();
            tracing::info!(unsigned, signed, negative);
        }
    });
    for ((unsigned, signed), fields) in numbers.iter().zip(&signed).zip(fields) {
        let negative = signed.wrapping_neg();
        assert_eq!(
            fields,
            format!("\"unsigned\":{unsigned},\"signed\":{signed},\"negative\":{negative}")
        );
    }
}

#[test]
fn decimals_and_truths_read_as_rust_writes_them() {
    let mut numbers = vec![
        0.0, 1.0, 0.1, 12.5, 0.001, 9_999.999, 1e4, 10_000.5, 1e-4, 1e-5,
    ];
    numbers.extend([
        999_999.25,
        1e6,
        1e16,
        1e300,
        0.1 + 0.2,
        1.0 / 3.0,
        0.123_456_789,
        1e-7,
    ]);
    numbers.extend((0..2_000).map(|n| f64::from(n) * 7.31 / 8.0));
    let negative: Vec<f64> = numbers.iter().map(|number| -number).collect();
    numbers.extend(negative);
    let fields = fields_of(|| {
        for &number in &numbers {
            tracing::info!(number, above = number > 1.0, behind = 1);
        }
    });
    for (number, fields) in numbers.iter().zip(fields) {
        let above = *number > 1.0;
        assert_eq!(
            fields,
            format!("\"number\":{number:?},\"above\":{above},\"behind\":1")
        );
    }
}

#[test]
fn a_harmful_character_is_escaped_wherever_it_stands_in_text_of_any_length() {
    let mut texts: Vec<String> = (0..40)
        .map(|length| "abcdefghijklmnopqrstuvwxyz ~!#[]0123456789"[..length].to_owned())
        .collect();
    let others = (0..=0xff_u8)
        .map(char::from)
        .chain(['\u{2028}', '€', '\u{1f600}', '\u{feff}']);
    let others: Vec<char> = others.collect();
    for length in [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31] {
        for at in 0..length {
            texts.extend(others.iter().map(|other| {
                let mut text = "x".repeat(at);
                text.push(*other);
                text.extend(std::iter::repeat_n('y', length - at - 1));
                text
            }));
        }
    }
    let lines = lines_of(Level::Trace, LogFormat::Json, || {
        for text in &texts {
            tracing::info!(text = text.as_str(), shown = %text, "{text}");
        }
    });
    let raw = lines
        .chars()
        .find(|&c| c != '\n' && (c.is_control() || c == '\u{2028}'));
    assert_eq!(raw, None);
    assert_eq!(lines.lines().count(), texts.len());
    for (text, line) in texts.iter().zip(lines.lines()) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        for name in ["text", "shown", "message"] {
            assert_eq!(line[name], text.as_str());
        }
    }
}

#[test]
fn a_long_name_stands_as_it_is_before_each_kind_of_value() {
    let fields = fields_of(|| {
        for _ in 0..2 {
            tracing::info!(
                twenty_eight_characters_long = 1,
                twenty_nine_characters_longer = "text",
                a_name_that_is_longer_than_any_room_for_it.by_far = "a text that is long, too",
                a_name_that_is_longer_than_any_room_for_it.and_more = true,
                last = 2.5
            );
        }
    });
    let expected = "\"twenty_eight_characters_long\":1,\"twenty_nine_characters_longer\":\"text\",\
        \"a_name_that_is_longer_than_any_room_for_it.by_far\":\"a text that is long, too\",\
        \"a_name_that_is_longer_than_any_room_for_it.and_more\":true,\"last\":2.5";
    assert_eq!(fields, [expected, expected]);
}

#[test]
fn a_message_stands_first_wherever_the_event_has_it_and_the_last_one_counts() {
    let objects = objects_of(|| {
        tracing::info!(before = 1, message = "between", after = 2);
        tracing::info!(message = 7_u64);
        tracing::info!(message = "in text");
        tracing::info!(only = "fields");
        tracing::info!(message = "the last", "the first and longer");
        tracing::info!(message = ?7, "the first and longer");
    });
    let messages: Vec<_> = objects.iter().map(|line| &line["message"]).collect();
    assert_eq!(messages, ["between", "7", "in text", "", "the last", "7"]);
    assert_eq!(
        (&objects[0]["before"], &objects[0]["after"]),
        (&1.into(), &2.into())
    );
}

#[test]
fn a_short_field_is_left_out_where_there_is_no_room_for_a_long_one() {
    let full = "x".repeat(4_000);
    let thirds: Vec<String> = (2_850..2_990).map(|length| "y".repeat(length)).collect();
    let fields = fields_of(|| {
        for third in &thirds {
            tracing::info!(a = full, b = full, c = third.as_str(), n = 1, s = "short");
        }
    });
    let (mut whole, mut cut) = (0, 0);
    for fields in fields {
        let (texts, rest) = fields.split_once("y\"").unwrap();
        // With the comma before them and the quote behind them.
        if texts.len() + 3 <= ROOM_FOR_TEXTS {
            assert!(rest.starts_with(",\"n\":1"), "{} {rest}", texts.len());
            whole += 1;
        } else {
            assert_eq!(rest, ",\"truncated\":true", "{}", texts.len());
            cut += 1;
        }
    }
    assert!(whole > 10 && cut > 10, "{whole} {cut}");
}

/// 11 KiB but for a name and the smallest value.
const ROOM_FOR_TEXTS: usize = 11 * 1_024 - 256 - 64;

#[test]
fn two_layers_write_the_same_event_each_in_its_own_way() {
    let to = [Destination::default(), Destination::default()];
    let writers = to.clone().map(|to| LogWriter::new(to).unwrap());
    let options = |at: usize, service: &str, format| LogOptions {
        service: service.to_owned(),
        filter: Level::Info.into(),
        format,
        writer: writers[at].clone(),
    };
    let (second, handle) = log_layer_with_handle(options(1, "two", LogFormat::Text));
    let subscriber = tracing_subscriber::registry()
        .with(log_layer(options(0, "one", LogFormat::Json)))
        .with(second);
    tracing::subscriber::with_default(subscriber, || {
        for n in 0..3 {
            if n == 2 {
                handle.set_format(LogFormat::Json);
            }
            tracing::info!(target: "both", n, "said");
        }
    });
    for writer in &writers {
        assert!(writer.flush(std::time::Duration::from_secs(30)));
    }
    let [one, two] = to.map(|to| to.text());
    let json = |service: &str, n: u32| {
        format!("\"message\":\"said\",\"target\":\"both\",\"service\":\"{service}\",\"n\":{n}}}")
    };
    let one: Vec<_> = one.lines().collect();
    assert_eq!(one.len(), 3);
    for (n, line) in (0..).zip(one) {
        assert!(line.ends_with(&json("one", n)), "{line}");
    }
    let two: Vec<_> = two.lines().collect();
    assert!(two[0].ends_with("both: said n=0 service=two"), "{}", two[0]);
    assert!(two[1].ends_with("both: said n=1 service=two"), "{}", two[1]);
    assert!(two[2].ends_with(&json("two", 2)), "{}", two[2]);
}
