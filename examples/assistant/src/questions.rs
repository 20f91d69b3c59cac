//! The questions that are asked: built in, or from a file of JSON lines.
//!
//! ```
//! use assistant::questions::Questions;
//! use assistant::rejected::OnBadLine;
//!
//! let file = br#"{"prompt": "What is the capital of Peru?", "id": 7}"#;
//! let questions = Questions::read(&file[..], "questions.jsonl", OnBadLine::Refuse)?;
//! assert_eq!(&*questions.as_slice()[0].prompt, "What is the capital of Peru?");
//! # Ok::<(), assistant::rejected::InputError>(())
//! ```

use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use crate::question::Question;
use crate::records::{self, Records, Unusable};
use crate::rejected::{InputError, OnBadLine, Rejected};

/// A list of questions that is never empty.
#[derive(Clone, Debug)]
pub struct Questions {
    list: Vec<Arc<Question>>,
    rejected: Rejected,
}

impl Questions {
    /// The questions that come with the assistant.
    ///
    /// They go from a word to a page, and over facts, arithmetic, reasoning, code, instructions
    /// with many parts, and several languages, so that a router has something to decide.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "the file is compiled in, and a test reads it"
    )]
    pub fn built_in() -> Self {
        Self::read(BUILT_IN.as_bytes(), "questions.jsonl", OnBadLine::Refuse)
            .expect("the built-in questions are well formed")
    }

    /// Reads the questions of the file at `path`. See [`Questions::read`].
    pub fn open(path: &Path, on_bad_line: OnBadLine) -> Result<Self, InputError> {
        records::open(path, on_bad_line, question).map(Self::from_records)
    }

    /// Reads questions from JSON lines, plain or gzip; errors call the source `file`.
    ///
    /// Each line is an object with a string `prompt`. `cheap_ok` and `premium_ok` say how right each
    /// model was, from 0 to 1, and `suspect` that this is in doubt; `difficulty` goes from 1 to 5;
    /// `cheap_answer` is the cheap model's text, `premium_out_chars` the length of the premium
    /// one's. Other fields are ignored. Empty lines are no records and not wrong either.
    ///
    /// # Errors
    ///
    /// When a line is bad and bad lines are refused, and when there is not one question.
    pub fn read(source: impl Read, file: &str, on_bad_line: OnBadLine) -> Result<Self, InputError> {
        records::read(source, file, on_bad_line, question).map(Self::from_records)
    }

    /// The questions, in the order of the file; at least one.
    pub fn as_slice(&self) -> &[Arc<Question>] {
        &self.list
    }

    /// The lines of the file that were skipped.
    pub fn rejected(&self) -> &Rejected {
        &self.rejected
    }

    fn from_records(records: Records<Arc<Question>>) -> Self {
        Self {
            list: records.usable,
            rejected: records.rejected,
        }
    }
}

fn question(_number: u64, line: &str) -> Result<Option<Arc<Question>>, Unusable> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    Question::parse(line).map(|it| Some(Arc::new(it)))
}

const BUILT_IN: &str = include_str!("questions.jsonl");
