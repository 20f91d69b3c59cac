//! Whatever a record holds, it is one line that any reader of JSON reads.

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::Value;
use tta_core::{Error, Level, LogField, LogRecord, LogSpec, WorkflowContext};
use tta_telemetry::LogFormat;
use tta_telemetry::logs::emit;
use tta_testkit::faults::report;
use tta_testkit::judges::JsonLines;
use tta_testkit::require;

use crate::captured::{block_on, lines_of, objects_of};

#[test]
fn fault_59_two_parsers_read_every_hostile_record_and_read_the_same() {
    let parser = require!(JsonLines::find());
    let pool = hostile_texts(3_000);
    let names: Vec<&'static str> = pool.iter().take(50).map(leaked).collect();
    let contexts: Vec<_> = pool
        .iter()
        .take(200)
        .map(|[id, session, _]| {
            let builder = WorkflowContext::builder().correlation_id(id.clone());
            builder.session_id(session.clone()).build()
        })
        .collect();
    let huge = "\u{1b}[31m\0\u{2028}\n".repeat(1 << 20);
    let mut records = 0_usize;
    let mut whole = 0_usize;
    while records < RECORDS {
        // Each record has other texts: two of the pool never meet a third twice.
        let batch: Vec<[&str; 3]> = (records..records + BATCH)
            .map(|n| {
                let of = |step: usize, which: usize| {
                    let [a, b, c] = &pool[(n * step + n / pool.len()) % pool.len()];
                    [a, b, c][which].as_str()
                };
                [of(1, 0), of(7, 1), of(13, 2)]
            })
            .collect();
        let lines = lines_of(Level::Trace, LogFormat::Json, || {
            for (n, [message, text, shown]) in batch.iter().enumerate() {
                match n % 10 {
                    // In a workflow whose ids come from outside, with fields named from outside.
                    0 => within(&contexts[n % contexts.len()], || {
                        let name = names[n % names.len()];
                        emit(&LogRecord::new(
                            &HOSTILE,
                            Level::Info,
                            &[LogField::new(name, *text), LogField::new("error", *shown)],
                        ));
                    }),
                    1 if n == 1 => tracing::info!(text = huge, shown = %huge, "{huge}"),
                    _ => {
                        tracing::info!(text, shown = %shown, debugged = ?text, n = 1_u64, "{message}");
                    }
                }
            }
        });
        records += batch.len();
        assert_eq!(lines.matches('\n').count(), batch.len());
        assert!(lines.split('\n').all(|line| line.len() < 16 << 10));
        let raw = lines.chars().find(|&c| c != '\n' && is_harmful(c));
        assert_eq!(raw, None);

        let read: Result<Vec<Value>, _> = lines
            .split_terminator('\n')
            .map(serde_json::from_str)
            .collect();
        let ours = read.unwrap();
        assert_eq!(ours.len(), batch.len());
        // What they read is compared for some, and that they read them for all.
        if records > COMPARED {
            assert_eq!(parser.count(&lines).unwrap(), batch.len() as u64);
            continue;
        }
        let python = parser.parse(&lines).unwrap();
        assert_eq!(python.len(), batch.len());
        for (n, (line, by_python)) in ours.iter().zip(&python).enumerate() {
            assert_eq!(line, by_python);
            let [message, text, shown] = batch[n];
            if line.get("truncated").is_none() && n % 10 > 1 {
                assert_eq!(&line["message"], message);
                assert_eq!(&line["text"], text);
                assert_eq!(&line["shown"], shown);
                whole += 1;
            }
        }
    }
    assert!(whole > COMPARED / 2, "{whole}");
    report(
        59,
        "log records",
        "two parsers read 100 %, lines = records",
        format!("100 % of {records} by serde_json and Python, as many lines"),
        records >= RECORDS,
    );
}

/// The row's own figure, how many of them are logged at a time, and how many are compared.
const RECORDS: usize = 100_000;
const BATCH: usize = 5_000;
const COMPARED: usize = 5_000;

static HOSTILE: LogSpec = LogSpec {
    name: "hostile\n\u{202e}event",
    help: "What no application would declare.",
    fields: &[],
};

/// Runs code in a step of this workflow.
fn within(ctx: &WorkflowContext, run: impl Fn() + Send + Sync) {
    let inside = ctx.observe("inside", async {
        run();
        Ok::<(), Error>(())
    });
    block_on(inside).unwrap();
}

/// Names of fields last as long as the program.
fn leaked([name, _, _]: &[String; 3]) -> &'static str {
    Box::leak(name.clone().into_boxed_str())
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
        (0_usize..600).prop_map(|n| "\u{7}é".repeat(n / 8)),
    ];
    let text = prop::collection::vec(pieces, 0..5).prop_map(|pieces| pieces.concat());
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
