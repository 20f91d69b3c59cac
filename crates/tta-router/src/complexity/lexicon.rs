//! Which words are signs of what.

/// What a word is a sign of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// Reasons, comparisons or several steps are asked for.
    Reasoning,
    /// A fact or a name is asked for.
    Recall,
    /// It is about code.
    Code,
}

/// What the word is a sign of whose first eight letters these are, in lower case, the first in the
/// lowest byte; 0 is no word.
#[inline]
pub(super) fn sign_of(word: u64) -> Option<Sign> {
    let (known, sign) = TABLE.get(slot_of(word)).copied()?;
    if known == word { sign } else { None }
}

/// Words by their hash, so that one comparison tells whether a word is known. The text is scored
/// within a few hundred nanoseconds, and a map would take that for a few words.
type Table = [(u64, Option<Sign>); 1 << TABLE_BITS];

const TABLE: Table = {
    let mut table = [(0, None); 1 << TABLE_BITS];
    fill(&mut table, REASONING, Sign::Reasoning);
    fill(&mut table, RECALL, Sign::Recall);
    fill(&mut table, CODE, Sign::Code);
    table
};

#[expect(
    clippy::indexing_slicing,
    reason = "this runs in the compiler, which refuses to go beyond the end"
)]
const fn fill(table: &mut Table, words: &[&str], sign: Sign) {
    let mut i = 0;
    while i < words.len() {
        let word = packed(words[i]);
        let slot = &mut table[slot_of(word)];
        assert!(
            slot.0 == 0,
            "two words have one place in the table: change MULTIPLIER or leave one out"
        );
        *slot = (word, Some(sign));
        i += 1;
    }
}

#[expect(
    clippy::indexing_slicing,
    reason = "this runs in the compiler, which refuses to go beyond the end"
)]
const fn packed(word: &str) -> u64 {
    let bytes = word.as_bytes();
    let mut letters = 0;
    let mut i = 0;
    while i < bytes.len() && i < 8 {
        letters |= (bytes[i] as u64) << (8 * i);
        i += 1;
    }
    letters
}

/// No more than [`TABLE_BITS`] bits are left, so nothing is cut off.
const fn slot_of(word: u64) -> usize {
    (word.wrapping_mul(MULTIPLIER) >> (u64::BITS - TABLE_BITS)) as usize
}

const TABLE_BITS: u32 = 10;

/// An odd number under which no two of the words below share a place; found by trying.
const MULTIPLIER: u64 = 0x29e8_21a4_c748_03e3;

/// A word of more than eight letters stands for all that begin with its first eight.
const REASONING: &[&str] = &[
    "why",
    "how",
    "explain",
    "compare",
    "prove",
    "derive",
    "design",
    "analyze",
    "analyse",
    "evaluate",
    "reason",
    "reasons",
    "steps",
    "step",
    "difference",
    "summarize",
    "summarise",
    "rewrite",
    "plan",
    "debug",
    "optimize",
    "optimise",
    "argue",
    "calculate",
    "compute",
    "determine",
    "estimate",
    "justify",
    "critique",
    "contrast",
    "translate",
    "if",
    "then",
    "each",
    "per",
    "total",
    "half",
    "twice",
    "remaining",
    "rest",
    "many",
    "more",
    "less",
    "than",
    "statement",
    "assume",
    "suppose",
    "given",
    "not",
    "except",
    "implies",
    "proof",
    "pros",
    "cons",
    "tradeoff",
];

const RECALL: &[&str] = &[
    "refers",
    "known",
    "called",
    "term",
    "name",
    "named",
    "define",
    "definition",
    "describes",
    "capital",
    "meaning",
    "example",
    "associated",
];

const CODE: &[&str] = &[
    "fn",
    "def",
    "class",
    "impl",
    "struct",
    "return",
    "import",
    "select",
    "function",
    "async",
    "await",
    "regex",
    "sql",
    "algorithm",
    "compile",
    "rust",
    "python",
    "javascript",
];
