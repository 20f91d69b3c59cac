//! The records of a file: each of its lines, parsed.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::lines::Lines;
use crate::rejected::{BadLine, InputError, OnBadLine, Rejected};

/// What could be used of a file.
#[derive(Debug)]
pub struct Records<T> {
    /// The records in the order of their lines; at least one.
    pub usable: Vec<T>,
    /// The lines that were skipped.
    pub rejected: Rejected,
}

/// Why a line gives no record.
#[derive(Debug)]
pub enum Unusable {
    /// This line is wrong; the others may be right.
    Line(String),
    /// This line shows that the file is not what it should be.
    File(String),
}

/// Reads the records of the file at `path`. See [`read`].
pub fn open<T>(
    path: &Path,
    on_bad_line: OnBadLine,
    parse: impl FnMut(u64, &str) -> Result<Option<T>, Unusable>,
) -> Result<Records<T>, InputError> {
    let file = File::open(path).map_err(|source| InputError::open(path, source))?;
    read(file, &path.display().to_string(), on_bad_line, parse)
}

/// Reads the records of `source`, which errors call `file`.
///
/// `parse` gets a line's number and text, and answers `None` for a line that holds no record and
/// is not wrong either, such as a header.
///
/// # Errors
///
/// When a line is bad and bad lines are refused, when `parse` finds the file to be another one,
/// and when no line was usable.
pub fn read<T>(
    source: impl Read,
    file: &str,
    on_bad_line: OnBadLine,
    mut parse: impl FnMut(u64, &str) -> Result<Option<T>, Unusable>,
) -> Result<Records<T>, InputError> {
    let mut records = Records {
        usable: Vec::new(),
        rejected: Rejected::default(),
    };
    let mut lines = Lines::new(source);
    while let Some(line) = lines.next_line() {
        let parsed = line
            .text
            .map_err(Unusable::Line)
            .and_then(|text| parse(line.number, text));
        let (reason, refuse) = match parsed {
            Ok(record) => {
                records.usable.extend(record);
                continue;
            }
            Err(Unusable::Line(reason)) => (reason, on_bad_line == OnBadLine::Refuse),
            Err(Unusable::File(reason)) => (reason, true),
        };
        let line = BadLine::new(line.number, &reason);
        if refuse {
            return Err(InputError::BadLine {
                file: file.to_owned(),
                line,
            });
        }
        records.rejected.push(line);
    }
    if records.usable.is_empty() {
        return Err(InputError::NothingUsable {
            file: file.to_owned(),
            rejected: records.rejected,
        });
    }
    Ok(records)
}
