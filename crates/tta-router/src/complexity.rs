//! How much a prompt asks for, judged by its looks.

/// How much a prompt asks for, with the parts that the score is the sum of.
///
/// Each part is between 0 and its weight:
///
/// | part | weight | full at |
/// |---|---|---|
/// | `length` | 0.30 | 300 words |
/// | `structure` | 0.20 | 8 sentences, lines, list items or clauses |
/// | `code` | 0.20 | a code fence, or one in six characters being code's punctuation |
/// | `digits` | 0.10 | 8 numbers |
/// | `question` | 0.20 | four words that ask for reasoning, such as `why`, `compare`, `prove` or `step` |
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Complexity {
    /// The sum of the parts, between 0 and 1.
    pub score: f64,
    /// For its words.
    pub length: f64,
    /// For its sentences, lines, list items and clauses.
    pub structure: f64,
    /// For code in it.
    pub code: f64,
    /// For its numbers.
    pub digits: f64,
    /// For words that ask for reasoning.
    pub question: f64,
}

/// Scores how much a prompt asks for, between 0 and 1, without any model.
///
/// It reads the first 16 KiB: longer prompts have the full score for length anyway.
///
/// # Examples
///
/// ```
/// use tta_router::complexity;
///
/// let lookup = complexity("What is the capital of France?");
/// let task = complexity("Compare both plans step by step, explain the trade-offs, and prove that 3 of 5 fit.");
/// assert!(lookup.score < 0.1 && task.score > 2.0 * lookup.score);
/// ```
pub fn complexity(prompt: &str) -> Complexity {
    let mut counts = Counts::default();
    let bytes = prompt.as_bytes();
    let mut word_begun = None;
    let mut number = false;
    let read = bytes.get(..LONGEST).unwrap_or(bytes);
    for (at, &byte) in read.iter().enumerate() {
        let in_word = byte.is_ascii_alphanumeric() || byte >= 0x80 || byte == b'\'';
        match (word_begun, in_word) {
            (None, true) => word_begun = Some(at),
            (Some(begun), false) => {
                counts.word(read.get(begun..at).unwrap_or_default());
                word_begun = None;
            }
            _ => {}
        }
        counts.numbers += usize::from(byte.is_ascii_digit() && !number);
        number = byte.is_ascii_digit() || (number && matches!(byte, b'.' | b','));
        match byte {
            b'\n' | b';' | b':' | b'?' | b'!' => counts.marks += 1,
            b'.' if read.get(at + 1).is_none_or(u8::is_ascii_whitespace) => counts.marks += 1,
            _ => {}
        }
        counts.symbols += usize::from(b"{}[]()<>=_\\|&+*/;#$@^~".contains(&byte));
        counts.fence |= byte == b'`' && read.get(at..at + 3) == Some(b"```");
    }
    if let Some(begun) = word_begun {
        counts.word(read.get(begun..).unwrap_or_default());
    }
    counts.score(read.len())
}

#[derive(Default)]
struct Counts {
    words: usize,
    marks: usize,
    symbols: usize,
    numbers: usize,
    reasoning: usize,
    fence: bool,
}

impl Counts {
    fn word(&mut self, word: &[u8]) {
        self.words += 1;
        // The shortest and longest of them; most words need no comparison.
        if (3..=12).contains(&word.len()) {
            let asks = |known: &&[u8]| known.eq_ignore_ascii_case(word);
            self.reasoning += usize::from(REASONING.iter().any(|known| asks(&known.as_bytes())));
        }
    }

    fn score(&self, length: usize) -> Complexity {
        let part = |weight: f64, amount: usize, full: f64| weight * (amount as f64 / full).min(1.0);
        // The first mark ends the first sentence, which every prompt has.
        let marks = self.marks.saturating_sub(1);
        let code = if self.fence {
            1.0
        } else {
            // A pair of brackets or two is prose.
            let symbols = self.symbols.saturating_sub(4);
            (6.0 * symbols as f64 / length.max(1) as f64).min(1.0)
        };
        let mut parts = Complexity {
            score: 0.0,
            length: part(0.3, self.words, 300.0),
            structure: part(0.2, marks, 8.0),
            code: 0.2 * code,
            digits: part(0.1, self.numbers, 8.0),
            question: part(0.2, self.reasoning, 4.0),
        };
        let Complexity {
            length,
            structure,
            code,
            digits,
            question,
            ..
        } = parts;
        parts.score = (length + structure + code + digits + question).clamp(0.0, 1.0);
        parts
    }
}

/// Words that ask for more than a lookup.
const REASONING: [&str; 34] = [
    "why",
    "how",
    "prove",
    "proof",
    "derive",
    "compare",
    "contrast",
    "explain",
    "analyze",
    "analyse",
    "evaluate",
    "design",
    "implement",
    "refactor",
    "optimize",
    "optimise",
    "debug",
    "step",
    "steps",
    "reason",
    "justify",
    "critique",
    "synthesize",
    "plan",
    "trade",
    "tradeoffs",
    "strategy",
    "algorithm",
    "calculate",
    "solve",
    "estimate",
    "predict",
    "summarize",
    "translate",
];

const LONGEST: usize = 16 << 10;
