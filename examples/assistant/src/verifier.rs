//! Whether a cheap answer looks good enough to be given, judged by the answer alone.
//!
//! What the data says of the answer is not looked at: in life nobody could.

use crate::answer::Answer;
use crate::arithmetic::evaluate;
use crate::question::Question;

/// Whether there will be something to judge in the cheap model's answer to a question.
pub fn can_judge(question: &Question) -> bool {
    question.cheap_answer.is_some() || question.verdict.is_none() && question.difficulty.is_some()
}

/// Whether a cheap answer may be given.
///
/// A worked answer must show that it is sound; see [`is_sound`]. An answer that says how sure the
/// model is must be sure enough.
pub fn accepts(answer: &Answer) -> bool {
    match answer.certainty {
        Some(certainty) => certainty >= SURE_ENOUGH,
        None => is_sound(&answer.text),
    }
}

/// Whether a worked answer to a word problem holds together.
///
/// It must end in `#### ` and a whole number that is not negative; each calculation that it
/// annotates as `<<8*5=40>>` must be right; and the last of them must give the answer.
///
/// ```
/// use assistant::verifier::is_sound;
///
/// assert!(is_sound("8 glasses at $5 are 8 * 5 = <<8*5=40>>40.\n#### 40"));
/// assert!(!is_sound("8 glasses at $5 are 8 * 5 = <<8*5=45>>45.\n#### 45"));
/// assert!(!is_sound("8 glasses at $5 are 8 * 5 = <<8*5=40>>40."));
/// ```
///
/// # Source
///
/// The annotations are those of the GSM8K data set (Cobbe et al., 2021), in whose style models
/// answer that were shown its examples.
pub fn is_sound(text: &str) -> bool {
    let Some(answer) = final_answer(text) else {
        return false;
    };
    if answer < 0.0 || answer.fract() != 0.0 {
        return false;
    }
    let mut last = None;
    for annotation in text.split("<<").skip(1) {
        let Some((calculation, _)) = annotation.split_once(">>") else {
            return false;
        };
        let Some((left, right)) = calculation.rsplit_once('=') else {
            continue;
        };
        // What cannot be evaluated, such as words, is not held against the answer.
        let (Some(left), Some(right)) = (evaluate(left), evaluate(right)) else {
            continue;
        };
        if (left - right).abs() > ROUNDING {
            return false;
        }
        last = Some(right);
    }
    last.is_some_and(|last: f64| (last - answer).abs() < ROUNDING)
}

/// The number after `####`.
fn final_answer(text: &str) -> Option<f64> {
    let (_, after) = text.split_once("####")?;
    let number: String = after
        .trim_start()
        .trim_start_matches('$')
        .chars()
        .take_while(|it| it.is_ascii_digit() || matches!(it, '-' | '.' | ','))
        .filter(|it| *it != ',')
        .collect();
    number.trim_end_matches('.').parse().ok()
}

/// Writers round to cents.
const ROUNDING: f64 = 0.011;

/// From which certainty on an answer may be given.
const SURE_ENOUGH: f64 = 0.6;
