//! What to do with a line that cannot be used, and the record of those that could not.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::Path;

/// What a reader does with a line that it cannot use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnBadLine {
    /// Notes it and goes on with the next.
    Skip,
    /// Refuses the whole file.
    Refuse,
}

/// A line that cannot be used. Displayed as "line 7: the prompt is empty".
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, counted from 1.
    pub number: u64,
    /// Why it cannot be used: one short line of printable characters.
    pub reason: String,
}

impl BadLine {
    /// Describes a line; what is long or unprintable in `reason` is cut or escaped.
    ///
    /// Reasons quote the file, and a file may hold anything.
    pub fn new(number: u64, reason: &str) -> Self {
        // Quotes and backslashes are escaped too, but harm no terminal: theirs is left out.
        let mut printable = reason.chars().flat_map(|it| {
            it.escape_debug()
                .skip(usize::from(matches!(it, '\'' | '"' | '\\')))
        });
        let mut shown: String = printable.by_ref().take(MAX_REASON_CHARS).collect();
        if printable.next().is_some() {
            shown.push('…');
        }
        Self {
            number,
            reason: shown,
        }
    }
}

impl fmt::Display for BadLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.number, self.reason)
    }
}

/// The lines of one file that were skipped: all counted, the first few kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rejected {
    count: u64,
    kept: Vec<BadLine>,
}

impl Rejected {
    /// How many lines were skipped.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The first of them, [`MAX_KEPT`] at most.
    pub fn kept(&self) -> &[BadLine] {
        &self.kept
    }

    /// Notes a line that is skipped.
    pub fn push(&mut self, line: BadLine) {
        self.count += 1;
        if self.kept.len() < MAX_KEPT {
            self.kept.push(line);
        }
    }
}

/// Why a file cannot be used at all. Displayed as the end of the sentence "failed to …".
#[derive(Debug)]
#[non_exhaustive]
pub enum InputError {
    /// The file could not be opened.
    Open {
        /// The file's name.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// A line cannot be used, and the file was to be refused then.
    BadLine {
        /// The file's name.
        file: String,
        /// The line.
        line: BadLine,
    },
    /// The file holds questions whose cheap answers nobody could judge, and that was asked for.
    NothingToVerify {
        /// The file's name.
        file: String,
    },
    /// Not one line of the file could be used.
    NothingUsable {
        /// The file's name.
        file: String,
        /// The lines that were skipped.
        rejected: Rejected,
    },
}

impl InputError {
    /// Wraps what the system said when `path` was opened.
    pub fn open(path: &Path, source: io::Error) -> Self {
        Self::Open {
            file: path.display().to_string(),
            source,
        }
    }
}

impl fmt::Display for InputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open { file, .. } => write!(f, "open {file}"),
            Self::BadLine { file, line } => write!(f, "use {file}, {line}"),
            Self::NothingToVerify { file } => write!(
                f,
                "use {file} with a cascade: it has questions without the text of the cheap answer \
                 (cheap_answer); give another file or --router complexity"
            ),
            Self::NothingUsable { file, rejected } => match rejected.kept.first() {
                Some(first) => write!(
                    f,
                    "use {file}: none of its lines is usable ({} bad, the first at {first})",
                    rejected.count
                ),
                None => write!(f, "use {file}: it is empty"),
            },
        }
    }
}

impl Error for InputError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Open { source, .. } => Some(source),
            Self::BadLine { .. } | Self::NothingToVerify { .. } | Self::NothingUsable { .. } => {
                None
            }
        }
    }
}

/// How many skipped lines of a file are kept with their reasons.
pub const MAX_KEPT: usize = 20;

const MAX_REASON_CHARS: usize = 160;
