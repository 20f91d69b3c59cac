//! A plain or gzip file as lines, in bounded memory.
//!
//! ```
//! use assistant::lines::Lines;
//!
//! let mut lines = Lines::new(&b"one\ntwo\n"[..]);
//! let first = lines.next_line().unwrap();
//! assert_eq!((first.number, first.text), (1, Ok("one")));
//! ```

use std::fmt;
use std::io::{self, BufRead, BufReader, Cursor, Read};

use flate2::bufread::MultiGzDecoder;

/// Reads lines one by one and never fails as a whole: what cannot be read is an unusable line.
///
/// Any bytes are accepted. Lines end in `\n` or `\r\n`; a byte order mark before the first one is
/// dropped. Neither a line without an end nor a small archive that unpacks to a huge file can fill
/// the memory: see [`MAX_LINE_BYTES`] and [`MAX_FILE_BYTES`].
pub struct Lines<'r> {
    reader: Box<dyn BufRead + 'r>,
    line: Vec<u8>,
    number: u64,
    bytes_left: u64,
    ended: bool,
}

/// One line of a file.
#[derive(Debug)]
pub struct Line<'l> {
    /// Its number, counted from 1.
    pub number: u64,
    /// Its text without the line end, or the reason why it has none.
    pub text: Result<&'l str, String>,
}

impl<'r> Lines<'r> {
    /// Reads from `source`, unpacking it if its first two bytes are those of a gzip file.
    pub fn new(mut source: impl Read + 'r) -> Self {
        let mut start = Vec::new();
        // A source that fails here is asked again for the first line, which then tells of it.
        let _ = source
            .by_ref()
            .take(GZIP_MAGIC.len() as u64)
            .read_to_end(&mut start);
        let packed = start == GZIP_MAGIC;
        let whole = BufReader::new(Cursor::new(start).chain(source));
        let reader: Box<dyn BufRead + 'r> = if packed {
            Box::new(BufReader::new(MultiGzDecoder::new(whole)))
        } else {
            Box::new(whole)
        };
        Self {
            reader,
            line: Vec::new(),
            number: 0,
            bytes_left: MAX_FILE_BYTES,
            ended: false,
        }
    }

    /// The next line, or `None` after the last.
    ///
    /// After an error of the file itself, such as a truncated archive, one line tells of it and is
    /// the last.
    pub fn next_line(&mut self) -> Option<Line<'_>> {
        if self.ended {
            return None;
        }
        self.number += 1;
        self.line.clear();
        let text = match self.fill() {
            Ok(Filled::Nothing) => {
                self.ended = true;
                return None;
            }
            Ok(Filled::Line) => self.decode(),
            Ok(Filled::TooLong) => Err(format!("longer than {MAX_LINE_BYTES} bytes")),
            Ok(Filled::FileTooLong) => {
                self.ended = true;
                Err(format!(
                    "the file is longer than {MAX_FILE_BYTES} bytes; the rest is not read"
                ))
            }
            Err(error) => {
                self.ended = true;
                Err(format!(
                    "reading stopped here: {error}; the rest is not read"
                ))
            }
        };
        Some(Line {
            number: self.number,
            text,
        })
    }

    /// Reads up to the next line end, keeping no more than the longest line allowed.
    fn fill(&mut self) -> io::Result<Filled> {
        let mut any = false;
        let mut too_long = false;
        loop {
            let available = match self.reader.fill_buf() {
                Ok(available) => available,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if available.is_empty() {
                return Ok(match (any, too_long) {
                    (false, _) => Filled::Nothing,
                    (true, false) => Filled::Line,
                    (true, true) => Filled::TooLong,
                });
            }
            any = true;
            let (part, used, ends) = match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => (available.get(..end).unwrap_or_default(), end + 1, true),
                None => (available, available.len(), false),
            };
            too_long |= self.line.len() + part.len() > MAX_LINE_BYTES;
            if !too_long {
                self.line.extend_from_slice(part);
            }
            self.reader.consume(used);
            match self.bytes_left.checked_sub(used as u64) {
                Some(left) => self.bytes_left = left,
                None => return Ok(Filled::FileTooLong),
            }
            if ends {
                return Ok(if too_long {
                    Filled::TooLong
                } else {
                    Filled::Line
                });
            }
        }
    }

    fn decode(&self) -> Result<&str, String> {
        let text = str::from_utf8(&self.line)
            .map_err(|error| format!("not UTF-8 after byte {}", error.valid_up_to()))?;
        let text = text.strip_suffix('\r').unwrap_or(text);
        Ok(if self.number == 1 {
            text.strip_prefix('\u{feff}').unwrap_or(text)
        } else {
            text
        })
    }
}

impl fmt::Debug for Lines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines")
            .field("number", &self.number)
            .field("bytes_left", &self.bytes_left)
            .finish_non_exhaustive()
    }
}

/// The longest line that is used.
pub const MAX_LINE_BYTES: usize = 1024 * 1024;

/// How much of a file is read, counted after unpacking.
pub const MAX_FILE_BYTES: u64 = 256 * 1024 * 1024;

const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];

enum Filled {
    Nothing,
    Line,
    TooLong,
    FileTooLong,
}
