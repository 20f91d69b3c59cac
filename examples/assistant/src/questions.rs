//! The questions that are asked: built in, or from a file of JSON lines.
//!
//! ```
//! use assistant::questions::Questions;
//! use assistant::rejected::OnBadLine;
//!
//! let file = br#"{"prompt": "What is the capital of Peru?", "id": 7}"#;
//! let questions = Questions::read(&file[..], "questions.jsonl", OnBadLine::Refuse)?;
//! assert_eq!(&*questions.prompts()[0], "What is the capital of Peru?");
//! # Ok::<(), assistant::rejected::InputError>(())
//! ```

use std::borrow::Cow;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use crate::records::{self, Records, Unusable};
use crate::rejected::{InputError, OnBadLine, Rejected};

/// A list of questions that is never empty.
#[derive(Clone, Debug)]
pub struct Questions {
    prompts: Vec<Arc<str>>,
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
        records::open(path, on_bad_line, prompt).map(Self::from_records)
    }

    /// Reads questions from JSON lines, plain or gzip; errors call the source `file`.
    ///
    /// Each line is an object with a string `prompt`; its other fields are ignored. Empty lines
    /// are no records and not wrong either.
    ///
    /// # Errors
    ///
    /// When a line is bad and bad lines are refused, and when there is not one question.
    pub fn read(source: impl Read, file: &str, on_bad_line: OnBadLine) -> Result<Self, InputError> {
        records::read(source, file, on_bad_line, prompt).map(Self::from_records)
    }

    /// The questions, in the order of the file; at least one.
    pub fn prompts(&self) -> &[Arc<str>] {
        &self.prompts
    }

    /// The lines of the file that were skipped.
    pub fn rejected(&self) -> &Rejected {
        &self.rejected
    }

    fn from_records(records: Records<Arc<str>>) -> Self {
        Self {
            prompts: records.usable,
            rejected: records.rejected,
        }
    }
}

fn prompt(_number: u64, line: &str) -> Result<Option<Arc<str>>, Unusable> {
    if line.trim().is_empty() {
        return Ok(None);
    }
    let question: Question<'_> =
        serde_json::from_str(line).map_err(|error| Unusable::Line(describe(&error)))?;
    if question.prompt.trim().is_empty() {
        return Err(Unusable::Line("the prompt is empty".to_owned()));
    }
    Ok(Some(question.prompt.into()))
}

/// The parser's message without its own "at line 1", which would contradict the file's numbering.
fn describe(error: &serde_json::Error) -> String {
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    match message.strip_suffix(&position) {
        Some(what) => format!("{what} (column {})", error.column()),
        None => message,
    }
}

#[derive(Deserialize)]
struct Question<'q> {
    #[serde(borrow)]
    prompt: Cow<'q, str>,
}

const BUILT_IN: &str = include_str!("questions.jsonl");
