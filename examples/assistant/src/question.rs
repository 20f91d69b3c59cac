//! A question, and what is known of the answers to it.

use std::borrow::Cow;
use std::sync::Arc;

use serde::Deserialize;

use crate::records::Unusable;

/// A question, and what is known of the answers to it.
///
/// ```
/// use assistant::question::Question;
///
/// let question = Question::from("What is the capital of Peru?");
/// assert_eq!(&*question.prompt, "What is the capital of Peru?");
/// assert!(question.verdict.is_none());
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Question {
    /// What is asked.
    pub prompt: Arc<str>,
    /// How right each model was, where somebody has judged their answers.
    pub verdict: Option<Verdict>,
    /// How hard it is for people, from 1 to 5, where somebody has said so.
    pub difficulty: Option<u8>,
    /// What the cheap model answered, where that was recorded.
    pub cheap_answer: Option<Arc<str>>,
    /// How long the premium model's answer was, in characters, where that was recorded.
    pub premium_answer_chars: Option<u32>,
}

/// How right the recorded answers of the two models were: 1 is right, 0 is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Verdict {
    /// The cheap model's answer.
    pub cheap: f64,
    /// The premium model's answer.
    pub premium: f64,
    /// Whether those who prepared the data doubt the verdict.
    pub is_suspect: bool,
}

impl Question {
    /// Reads a question from a line of JSON.
    pub(crate) fn parse(line: &str) -> Result<Self, Unusable> {
        let record: Record<'_> =
            serde_json::from_str(line).map_err(|error| Unusable::Line(describe(&error)))?;
        let refuse = |why: &str| Err(Unusable::Line(why.to_owned()));
        if record.prompt.trim().is_empty() {
            return refuse("the prompt is empty");
        }
        let verdict = match (record.cheap_ok, record.premium_ok) {
            (Some(cheap), Some(premium)) => Some(Verdict {
                cheap,
                premium,
                is_suspect: record.suspect != 0.0,
            }),
            (None, None) => None,
            _ => return refuse("cheap_ok and premium_ok belong together"),
        };
        let is_share = |right: f64| (0.0..=1.0).contains(&right);
        if verdict.is_some_and(|it| !is_share(it.cheap) || !is_share(it.premium)) {
            return refuse("cheap_ok and premium_ok go from 0, wrong, to 1, right");
        }
        if record.difficulty.is_some_and(|it| !(1..=5).contains(&it)) {
            return refuse("the difficulty goes from 1 to 5");
        }
        Ok(Self {
            prompt: record.prompt.into(),
            verdict,
            difficulty: record.difficulty,
            cheap_answer: record.cheap_answer.map(Into::into),
            premium_answer_chars: record.premium_out_chars,
        })
    }
}

impl From<&str> for Question {
    fn from(prompt: &str) -> Self {
        Self {
            prompt: prompt.into(),
            verdict: None,
            difficulty: None,
            cheap_answer: None,
            premium_answer_chars: None,
        }
    }
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
struct Record<'q> {
    #[serde(borrow)]
    prompt: Cow<'q, str>,
    cheap_ok: Option<f64>,
    premium_ok: Option<f64>,
    #[serde(default)]
    suspect: f64,
    difficulty: Option<u8>,
    #[serde(borrow)]
    cheap_answer: Option<Cow<'q, str>>,
    premium_out_chars: Option<u32>,
}
