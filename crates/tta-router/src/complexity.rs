//! How hard a prompt looks, from its text alone.

mod lexicon;

use self::lexicon::{Sign, sign_of};

/// How hard a prompt looks: five signs between 0 and 1, and their weighted sum.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Complexity {
    /// How long it is: 1 from 120 words on.
    pub length: f64,
    /// How much structure it has: lines, list items, separate sentences.
    pub structure: f64,
    /// Whether it looks like code.
    pub code: f64,
    /// How much it reckons: numbers and operators.
    pub digits: f64,
    /// What kind of question it is: 1 for one that asks for reasons, comparisons or several steps, 0
    /// for one that asks for a fact or a name.
    pub reasoning: f64,
}

impl Complexity {
    /// The weighted sum, between 0 and 1.
    pub fn score(&self) -> f64 {
        let sum = LENGTH * self.length
            + STRUCTURE * self.structure
            + CODE * self.code
            + DIGITS * self.digits
            + REASONING * self.reasoning;
        sum.min(1.0)
    }
}

/// Reads the signs of complexity from a prompt, in one pass, without a model and without allocating.
///
/// The signs are those that people use at a glance; what they are worth is best seen on one's own
/// traffic. The weights are fixed, so a score means the same tomorrow.
///
/// # Examples
///
/// ```
/// use tta_router::complexity;
///
/// let fact = complexity("What is the capital of Peru?");
/// let proof = complexity("Prove step by step why x^2 + y^2 = 3 z^2 has no solution, and compare two proofs.");
/// assert!(fact.score() < 0.2 && proof.score() > 0.4);
/// ```
pub fn complexity(prompt: &str) -> Complexity {
    let counts = Counts::of(prompt.as_bytes());
    // Scripts without spaces between words have few words and say as much.
    let characters = u32::try_from(prompt.chars().count()).unwrap_or(u32::MAX);
    let share = |count: u32, enough: f64| (f64::from(count) / enough).min(1.0);
    let structure = counts.items * 2 + counts.line_breaks + counts.sentences.saturating_sub(1);
    Complexity {
        length: share(counts.words.max(characters / 6), 120.0),
        structure: share(structure, 10.0),
        code: share(counts.code, 3.0),
        digits: share(counts.reckoning, 8.0),
        reasoning: share(counts.reasoning.saturating_sub(counts.recall), 3.0),
    }
}

/// What is counted in one pass.
#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    words: u32,
    line_breaks: u32,
    sentences: u32,
    /// Lines that begin as items of a list or as headings.
    items: u32,
    code: u32,
    /// Numbers and operators.
    reckoning: u32,
    /// Words that ask for reasons or for several steps.
    reasoning: u32,
    /// Words that ask for a fact or a name.
    recall: u32,
}

impl Counts {
    fn of(text: &[u8]) -> Self {
        let mut counts = Self::default();
        counts.items += u32::from(begins_item(text));
        let mut word = Word::default();
        let mut before = Class::Space;
        for (place, &byte) in text.iter().enumerate() {
            let class = class_of(byte);
            counts.words += u32::from(before == Class::Space && class != Class::Space);
            if class == Class::Letter {
                word.push(byte);
                before = class;
                continue;
            }
            counts.end_word(&mut word);
            match class {
                Class::Space => counts.sentences += u32::from(before == Class::Stop),
                Class::Digit => counts.reckoning += u32::from(before != Class::Digit),
                Class::Operator => counts.reckoning += 1,
                Class::Bracket => counts.code += code_at(text.get(place..).unwrap_or_default()),
                Class::Letter | Class::Stop | Class::Other => {}
            }
            if byte == b'\n' {
                let line = text.get(place + 1..).unwrap_or_default();
                counts.line_breaks += u32::from(!line.is_empty());
                counts.items += u32::from(begins_item(line));
            }
            before = class;
        }
        counts.end_word(&mut word);
        counts.sentences += u32::from(before == Class::Stop);
        counts
    }

    fn end_word(&mut self, word: &mut Word) {
        match sign_of(word.take()) {
            Some(Sign::Reasoning) => self.reasoning += 1,
            Some(Sign::Recall) => self.recall += 1,
            Some(Sign::Code) => self.code += 1,
            None => {}
        }
    }
}

/// The first eight letters of a word, in lower case, the first in the lowest byte.
#[derive(Default)]
struct Word {
    letters: u64,
    bits: u32,
}

impl Word {
    fn push(&mut self, letter: u8) {
        if self.bits < u64::BITS {
            self.letters |= u64::from(letter | LOWER_CASE) << self.bits;
            self.bits += u8::BITS;
        }
    }

    /// The word, 0 if there is none, and begins the next one.
    fn take(&mut self) -> u64 {
        self.bits = 0;
        std::mem::take(&mut self.letters)
    }
}

/// What a byte may be a part of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Space,
    Digit,
    /// Ends a sentence, if white space follows.
    Stop,
    Operator,
    /// May begin a sign of code.
    Bracket,
    Other,
}

fn class_of(byte: u8) -> Class {
    const CLASSES: [Class; 256] = {
        let mut classes = [Class::Other; 256];
        let mut byte = 0_u8;
        loop {
            #[expect(
                clippy::indexing_slicing,
                reason = "a byte is below 256, and `get_mut` is not const"
            )]
            let class = &mut classes[byte as usize];
            *class = match byte {
                b'a'..=b'z' | b'A'..=b'Z' => Class::Letter,
                b' ' | b'\t' | b'\n' | b'\r' | 0x0c => Class::Space,
                b'0'..=b'9' => Class::Digit,
                b'.' | b'?' | b'!' | b';' => Class::Stop,
                b'+' | b'=' | b'<' | b'>' | b'%' | b'^' | b'*' => Class::Operator,
                b'(' | b'{' | b':' | b'`' => Class::Bracket,
                _ => Class::Other,
            };
            if byte == u8::MAX {
                break classes;
            }
            byte += 1;
        }
    };
    CLASSES
        .get(usize::from(byte))
        .copied()
        .unwrap_or(Class::Other)
}

/// How strongly what begins here says that it is code.
fn code_at(text: &[u8]) -> u32 {
    match text {
        [b'`', b'`', b'`', ..] => 2,
        [b'(', b')', ..] | [b':', b':', ..] | [b'{'] => 1,
        [b'{', next, ..] => u32::from(next.is_ascii_whitespace()),
        _ => 0,
    }
}

/// Whether a line begins as a heading or as an item of a list.
fn begins_item(line: &[u8]) -> bool {
    let line = line.trim_ascii_start();
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match line.get(digits..) {
        Some([b'#', ..] | [b'-' | b'*', b' ', ..]) => digits == 0,
        Some([b'.' | b')', b' ', ..]) => digits > 0,
        _ => false,
    }
}

/// The bit by which a lower-case letter differs from its capital.
const LOWER_CASE: u8 = 0x20;

const LENGTH: f64 = 0.30;
const STRUCTURE: f64 = 0.15;
const CODE: f64 = 0.20;
const DIGITS: f64 = 0.15;
const REASONING: f64 = 0.35;
