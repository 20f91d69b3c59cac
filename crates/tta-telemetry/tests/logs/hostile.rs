//! Whatever a record holds, it is one line that any reader of JSON reads.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tta_core::Level;
use tta_telemetry::LogFormat;
use tta_testkit::judges::JsonLines;
use tta_testkit::require;

use crate::captured::{lines_of, objects_of};

#[test]
fn two_parsers_read_every_hostile_record_and_read_the_same() {
    let parser = require!(JsonLines::find());
    let records = hostile_texts(6_000);
    let lines = lines_of(Level::Trace, LogFormat::Json, || {
        for [message, text, shown] in &records {
            tracing::info!(text = text.as_str(), shown = %shown, debugged = ?text, n = 1_u64, "{message}");
        }
    });
    assert_eq!(lines.matches('\n').count(), records.len());
    assert!(lines.split('\n').all(|line| line.len() < 16 << 10));
    let raw = lines.chars().find(|&c| c != '\n' && is_harmful(c));
    assert_eq!(raw, None);

    let python = parser.parse(&lines).unwrap();
    let ours: Vec<Value> = lines
        .split_terminator('\n')
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(ours.len(), records.len());
    for ((line, by_python), [message, text, shown]) in ours.iter().zip(&python).zip(&records) {
        assert_eq!(line, by_python);
        if line.get("truncated").is_none() {
            assert_eq!(&line["message"], message);
            assert_eq!(&line["text"], text);
            assert_eq!(&line["shown"], shown);
        }
    }
    let whole = ours
        .iter()
        .filter(|line| line.get("truncated").is_none())
        .count();
    assert!(whole > records.len() / 2, "{whole}");
}

#[test]
fn a_hostile_text_line_stays_one_line() {
    let records = hostile_texts(1_000);
    let lines = lines_of(Level::Trace, LogFormat::Text, || {
        for [message, text, shown] in &records {
            tracing::info!(text = text.as_str(), %shown, "{message}");
        }
    });
    assert_eq!(lines.matches('\n').count(), records.len());
    assert_eq!(lines.chars().find(|&c| c != '\n' && is_harmful(c)), None);
}

#[test]
fn ten_megabytes_become_one_marked_line_below_sixteen_kibibytes() {
    let (ascii, wide) = ("x".repeat(10 << 20), "\u{1F600}\n".repeat(1 << 20));
    let lines = lines_of(Level::Trace, LogFormat::Json, || {
        tracing::info!(
            a = ascii,
            b = wide,
            c = ascii,
            d = wide,
            e = ascii,
            f = 1,
            "{ascii}"
        );
        tracing::info!(a = wide, b = ascii, "{wide}");
    });
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        assert!(line.len() < 16 << 10, "{}", line.len());
        let line: Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["truncated"], true);
        for value in [&line["message"], &line["a"], &line["b"]] {
            let text = value.as_str().unwrap();
            assert!(text.ends_with('…') && text.len() > 2_000, "{}", text.len());
        }
    }
}

#[test]
fn a_field_that_fits_to_the_byte_is_not_marked() {
    let objects = objects_of(|| {
        tracing::info!(text = "é".repeat(1_000), "{}", "m".repeat(4_000));
    });
    assert_eq!(objects[0].get("truncated"), None);
    assert_eq!(objects[0]["text"], "é".repeat(1_000));
}

/// Texts made of what breaks lines, terminals, parsers and readers, some of them long.
fn hostile_texts(count: usize) -> Vec<[String; 3]> {
    let pieces = prop_oneof![
        Just("\r\n".to_owned()),
        Just("\u{1b}[31mred\u{1b}[0m".to_owned()),
        Just("\0".to_owned()),
        Just("\u{2028}\u{2029}\u{85}".to_owned()),
        Just("\u{202e}gpj\u{2066}\u{feff}\u{200b}".to_owned()),
        Just("\",\"level\":\"fatal".to_owned()),
        Just("\\u0000\\\\\"".to_owned()),
        Just("\u{9b}31m\u{7f}".to_owned()),
        Just("\u{10ffff}\u{fffe}\u{d7ff}\u{e000}".to_owned()),
        Just("}\n{".to_owned()),
        any::<char>().prop_map(String::from),
        ".{0,20}",
        (0_usize..3_000).prop_map(|n| "\u{7}é".repeat(n / 8)),
    ];
    let text = prop::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat());
    let texts = [text.clone(), text.clone(), text];
    let mut runner = TestRunner::default();
    (0..count)
        .map(|_| texts.new_tree(&mut runner).unwrap().current())
        .collect()
}

fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}' | '\u{61c}')
}
