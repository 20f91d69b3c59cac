//! Reading questions: what is used, what is skipped, and what is said about it.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::collections::HashSet;
use std::io::Write;

use assistant::lines::MAX_LINE_BYTES;
use assistant::questions::Questions;
use assistant::rejected::{InputError, MAX_KEPT, OnBadLine};
use flate2::Compression;
use flate2::write::GzEncoder;
use proptest::prelude::*;

const MIXED: &str = "{\"prompt\":\"first\"}\nnot json\n\n{\"id\":3}\n{\"prompt\":\"  \"}\n\
                     {\"id\":1,\"prompt\":\"l\\u00e4st\\n\\\"one\\\"\",\"extra\":[1]}";

#[test]
fn bad_lines_are_skipped_and_named_by_number() {
    let questions = read(MIXED.as_bytes(), OnBadLine::Skip).unwrap();

    assert_eq!(prompts(&questions), ["first", "läst\n\"one\""]);
    let rejected: Vec<String> = questions
        .rejected()
        .kept()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        rejected,
        [
            "line 2: expected ident (column 2)",
            "line 4: missing field `prompt` (column 8)",
            "line 5: the prompt is empty",
        ]
    );
}

#[test]
fn a_strict_reader_refuses_the_file_at_its_first_bad_line() {
    let error = read(MIXED.as_bytes(), OnBadLine::Refuse).unwrap_err();
    assert_eq!(
        error.to_string(),
        "use test.jsonl, line 2: expected ident (column 2)"
    );
}

#[test]
fn a_file_without_a_question_is_an_error_in_either_mode() {
    let empty = read(b"\n\n", OnBadLine::Skip).unwrap_err();
    assert_eq!(empty.to_string(), "use test.jsonl: it is empty");

    let useless = read(b"[]\n7\n", OnBadLine::Skip).unwrap_err();
    let InputError::NothingUsable { rejected, .. } = &useless else {
        panic!("{useless}")
    };
    assert_eq!(rejected.count(), 2);
    assert!(
        useless
            .to_string()
            .contains("none of its lines is usable (2 bad, the first at line 1")
    );
}

#[test]
fn a_missing_file_is_named() {
    let path = std::path::Path::new("no/such/file.jsonl");
    let error = Questions::open(path, OnBadLine::Skip).unwrap_err();
    assert_eq!(error.to_string(), "open no/such/file.jsonl");
}

#[test]
fn a_gzip_file_reads_as_the_plain_one() {
    let plain = read(MIXED.as_bytes(), OnBadLine::Skip).unwrap();
    let packed = read(&gzip(MIXED.as_bytes()), OnBadLine::Skip).unwrap();

    assert_eq!(prompts(&packed), prompts(&plain));
    assert_eq!(packed.rejected(), plain.rejected());
}

#[test]
fn joined_gzip_files_read_as_one() {
    let joined = [gzip(b"{\"prompt\":\"a\"}\n"), gzip(b"{\"prompt\":\"b\"}\n")].concat();
    assert_eq!(
        prompts(&read(&joined, OnBadLine::Refuse).unwrap()),
        ["a", "b"]
    );
}

#[test]
fn a_truncated_gzip_file_keeps_its_whole_lines_and_says_where_it_ends() {
    let line = |number| format!("{{\"prompt\":\"question {number}\"}}\n");
    let lines = (0..10_000).map(line).collect::<Vec<_>>().concat();
    let mut packed = gzip(lines.as_bytes());
    packed.truncate(packed.len() / 2);

    let questions = read(&packed, OnBadLine::Skip).unwrap();
    let last = &questions.rejected().kept()[0];
    assert_eq!(questions.rejected().count(), 1);
    assert_eq!(last.number, questions.as_slice().len() as u64 + 1);
    assert!(last.reason.starts_with("reading stopped here"), "{last}");
    assert!(read(&packed, OnBadLine::Refuse).is_err());
}

#[test]
fn a_line_of_the_longest_length_is_used_and_a_longer_one_is_not() {
    let line = |length: usize| format!("{{\"prompt\":\"{}\"}}\n", "x".repeat(length - 13));
    let file = [line(MAX_LINE_BYTES), line(MAX_LINE_BYTES + 1), line(20)].concat();

    let questions = read(file.as_bytes(), OnBadLine::Skip).unwrap();
    assert_eq!(questions.as_slice().len(), 2);
    assert_eq!(
        questions.rejected().kept()[0].to_string(),
        "line 2: longer than 1048576 bytes"
    );
}

#[test]
fn an_endless_line_is_given_up_in_bounded_memory() {
    let endless = std::io::Read::chain(&b"{\"prompt\":\"a\"}\n"[..], std::io::repeat(b'x'));
    let questions = Questions::read(endless, "test.jsonl", OnBadLine::Skip).unwrap();

    assert_eq!(prompts(&questions), ["a"]);
    assert!(
        questions.rejected().kept()[0]
            .reason
            .starts_with("the file is longer than")
    );
}

#[test]
fn every_bad_line_is_counted_but_only_the_first_are_kept() {
    let file = format!("{}{{\"prompt\":\"a\"}}", "oops\n".repeat(5_000));
    let questions = read(file.as_bytes(), OnBadLine::Skip).unwrap();

    assert_eq!(questions.rejected().count(), 5_000);
    assert_eq!(questions.rejected().kept().len(), MAX_KEPT);
}

#[test]
fn a_reason_never_repeats_a_long_or_unprintable_line() {
    let file = format!(
        "\"\u{1b}[31m{}\"\n{{\"prompt\":\"a\"}}\n",
        "x".repeat(100_000)
    );
    let raw_quote = format!("\"{}\"\n{{\"prompt\":\"a\"}}\n", "\u{202e}x".repeat(1_000));
    for file in [file, raw_quote] {
        let questions = read(file.as_bytes(), OnBadLine::Skip).unwrap();
        let reason = &questions.rejected().kept()[0].reason;
        assert!(reason.chars().count() < 200, "{reason}");
        assert!(!reason.contains(['\u{1b}', '\u{202e}', '\n']), "{reason}");
    }
}

#[test]
fn the_built_in_questions_are_many_distinct_and_of_all_lengths() {
    let questions = Questions::built_in();
    let distinct: HashSet<_> = questions.as_slice().iter().map(|it| &it.prompt).collect();

    assert_eq!(distinct.len(), questions.as_slice().len());
    assert!(questions.as_slice().len() >= 200);
    assert_eq!(questions.rejected().count(), 0);
    assert!(questions.as_slice().iter().any(|it| it.prompt.len() < 10));
    assert!(
        questions
            .as_slice()
            .iter()
            .filter(|it| it.prompt.len() > 400)
            .count()
            >= 10
    );
    assert!(
        questions
            .as_slice()
            .iter()
            .filter(|it| !it.prompt.is_ascii())
            .count()
            >= 20
    );
}

#[test]
fn what_is_known_of_the_answers_is_read_with_the_question() {
    let line = br#"{"prompt":"p","cheap_ok":0.5,"premium_ok":1,"suspect":1,"cheap_answer":"a\n","premium_out_chars":9}"#;
    let questions = read(line, OnBadLine::Refuse).unwrap();
    let question = &questions.as_slice()[0];

    let verdict = question.verdict.unwrap();
    assert_eq!((verdict.cheap, verdict.premium), (0.5, 1.0));
    assert!(verdict.is_suspect);
    assert_eq!(question.cheap_answer.as_deref(), Some("a\n"));
    assert_eq!(question.premium_answer_chars, Some(9));
}

#[test]
fn verdicts_and_difficulties_that_make_no_sense_are_refused() {
    for (line, because) in [
        (r#"{"prompt":"p","cheap_ok":1}"#, "belong together"),
        (
            r#"{"prompt":"p","cheap_ok":1,"premium_ok":2}"#,
            "go from 0, wrong, to 1, right",
        ),
        (
            r#"{"prompt":"p","cheap_ok":-1,"premium_ok":0}"#,
            "go from 0, wrong, to 1, right",
        ),
        (r#"{"prompt":"p","difficulty":6}"#, "goes from 1 to 5"),
    ] {
        let error = read(line.as_bytes(), OnBadLine::Refuse).unwrap_err();
        assert!(error.to_string().contains(because), "{error}");
    }
}

#[test]
fn every_built_in_question_has_a_difficulty_and_none_a_verdict() {
    let questions = Questions::built_in();
    let all = questions.as_slice();
    assert!(
        all.iter()
            .all(|it| it.difficulty.is_some() && it.verdict.is_none())
    );
}

proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        accounts_for_every_line(&bytes);
    }

    #[test]
    fn any_bytes_that_begin_as_gzip_are_read_without_a_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..500),
    ) {
        let _ = read(&[&[0x1f, 0x8b, 8], &bytes[..]].concat(), OnBadLine::Skip);
    }

    #[test]
    fn any_lines_like_json_are_each_used_or_rejected(
        lines in prop::collection::vec(r#"(\{"prompt":"[a-z \\"]{0,8}"\}?|[\[\]{}":,0-9a-z]{1,12})"#, 0..30),
    ) {
        accounts_for_every_line(lines.join("\n").as_bytes());
    }
}

/// A line is used, rejected, or blank; none is lost and none counts twice.
fn accounts_for_every_line(bytes: &[u8]) {
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return;
    }
    let blank = |line: &&[u8]| {
        str::from_utf8(line).is_ok_and(|text| text.trim_start_matches('\u{feff}').trim().is_empty())
    };
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !blank(line))
        .count() as u64;
    let (used, rejected) = match read(bytes, OnBadLine::Skip) {
        Ok(questions) => (
            questions.as_slice().len() as u64,
            questions.rejected().count(),
        ),
        Err(InputError::NothingUsable { rejected, .. }) => (0, rejected.count()),
        Err(error) => panic!("{error}"),
    };
    assert_eq!(used + rejected, lines);
}

fn read(bytes: &[u8], on_bad_line: OnBadLine) -> Result<Questions, InputError> {
    Questions::read(bytes, "test.jsonl", on_bad_line)
}

fn prompts(questions: &Questions) -> Vec<&str> {
    questions.as_slice().iter().map(|it| &*it.prompt).collect()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
