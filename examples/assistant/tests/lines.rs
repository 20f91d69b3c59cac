//! Files as lines, whatever wrote them.

use std::io::{self, Read};

use assistant::lines::Lines;

#[test]
fn a_byte_order_mark_and_line_ends_are_no_part_of_the_text() {
    let file = "\u{feff}one\r\n\ntwo\u{feff}\r\nthree\r";
    assert_eq!(
        texts(file.as_bytes()),
        ["1 one", "2 ", "3 two\u{feff}", "4 three"]
    );
}

#[test]
fn a_last_line_end_starts_no_further_line_and_an_empty_file_has_none() {
    assert_eq!(texts(b"one\n"), ["1 one"]);
    assert_eq!(texts(b""), [""; 0]);
}

#[test]
fn files_of_one_or_two_bytes_are_not_taken_for_gzip() {
    assert_eq!(texts(b"a"), ["1 a"]);
    assert_eq!(texts(b"ab"), ["1 ab"]);
    assert_eq!(texts(&[0x1f]), ["1 \u{1f}"]);
}

#[test]
fn text_that_is_not_utf_8_is_refused_line_by_line() {
    assert_eq!(
        texts(b"ok\nab\xff\nok"),
        ["1 ok", "2 not UTF-8 after byte 2", "3 ok"]
    );
}

#[test]
fn an_error_of_the_file_is_told_once_at_the_line_where_it_happened() {
    for readable in [&b""[..], b"x", b"one\ntwo\nthr"] {
        let whole_lines = readable.split(|byte| *byte == b'\n').count() - 1;
        let mut lines = Lines::new(readable.chain(Broken));
        for _ in 0..whole_lines {
            assert!(lines.next_line().is_some_and(|line| line.text.is_ok()));
        }
        let last = lines.next_line().expect("the error is told");
        assert_eq!(last.number, whole_lines as u64 + 1);
        assert_eq!(
            last.text,
            Err("reading stopped here: the disk is gone; the rest is not read".to_owned())
        );
        assert!(lines.next_line().is_none());
    }
}

/// Each line as "number text", or "number reason" where it has no text.
fn texts(file: &[u8]) -> Vec<String> {
    let mut lines = Lines::new(file);
    let mut texts = Vec::new();
    while let Some(line) = lines.next_line() {
        let text = line.text.map_or_else(|reason| reason, str::to_owned);
        texts.push(format!("{} {text}", line.number));
    }
    texts
}

/// A file whose disk is gone.
struct Broken;

impl Read for Broken {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::other("the disk is gone"))
    }
}
