//! How hard a prompt looks, from its text alone.

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
    /// How much it reckons: digits and operators.
    pub digits: f64,
    /// Whether it asks for reasons, comparisons or several steps rather than for a fact.
    pub reasoning: f64,
}

impl Complexity {
    /// The weighted sum, between 0 and 1.
    pub fn score(&self) -> f64 {
        let sum = 0.30 * self.length
            + 0.15 * self.structure
            + 0.20 * self.code
            + 0.15 * self.digits
            + 0.35 * self.reasoning;
        sum.min(1.0)
    }
}

/// Reads the signs of complexity from a prompt, in one pass and without a model.
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
    let mut words = 0_u32;
    let mut reasoning = 0_u32;
    let mut code = 0_u32;
    let mut reckoning = 0_u32;
    let mut items = 0_u32;
    let mut lines = 0_u32;
    let mut sentences = 0_u32;
    for line in prompt.lines() {
        lines += 1;
        let text = line.trim_start();
        items += u32::from(text.starts_with(['-', '*', '#']) || is_numbered(text));
        code += u32::from(text.starts_with("```")) * 2;
        for word in line.split_ascii_whitespace() {
            words += 1;
            let sign = sign_of(word.as_bytes());
            reasoning += u32::from(sign == Some(Sign::Reasoning));
            code += u32::from(sign == Some(Sign::Code) || looks_like_code(word.as_bytes()));
            reckoning += word.bytes().map(|b| u32::from(reckons(b))).sum::<u32>();
            sentences += u32::from(matches!(
                word.as_bytes().last(),
                Some(b'.' | b'?' | b'!' | b';')
            ));
        }
    }
    // Scripts without spaces between words have few words and say as much.
    let characters = u32::try_from(prompt.chars().count()).unwrap_or(u32::MAX);
    let share = |count: u32, enough: f64| (f64::from(count) / enough).min(1.0);
    Complexity {
        length: share(words.max(characters / 6), 120.0),
        structure: share(
            items * 2 + lines.saturating_sub(1) + sentences.saturating_sub(1),
            10.0,
        ),
        code: share(code, 3.0),
        digits: share(reckoning, 16.0),
        reasoning: share(reasoning, 3.0),
    }
}

/// What a word is a sign of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sign {
    Reasoning,
    Code,
}

/// Looks a word up without its punctuation and in lower case, in a buffer on the stack: the whole
/// text is scored within a microsecond or so, and a map would cost that for a few words.
fn sign_of(word: &[u8]) -> Option<Sign> {
    let begin = word.iter().position(|b| !b.is_ascii_punctuation())?;
    let end = word.iter().rposition(|b| !b.is_ascii_punctuation())?;
    let bare = word.get(begin..=end)?;
    let mut lower = [0; LONGEST_SIGN];
    let lower = lower.get_mut(..bare.len())?;
    lower.copy_from_slice(bare);
    lower.make_ascii_lowercase();
    Some(match &*lower {
        b"why" | b"how" | b"explain" | b"compare" | b"prove" | b"derive" | b"design"
        | b"analyze" | b"analyse" | b"evaluate" | b"reason" | b"steps" | b"step"
        | b"trade-offs" | b"tradeoffs" | b"pros" | b"cons" | b"difference" | b"summarize"
        | b"rewrite" | b"plan" | b"debug" | b"optimize" | b"argue" | b"if" => Sign::Reasoning,
        b"fn" | b"def" | b"class" | b"impl" | b"struct" | b"return" | b"import" | b"select"
        | b"function" | b"async" | b"await" | b"regex" | b"sql" | b"algorithm" | b"compile"
        | b"rust" | b"python" | b"javascript" => Sign::Code,
        _ => return None,
    })
}

fn reckons(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'=' | b'<' | b'>' | b'%' | b'^' | b'*')
}

fn is_numbered(line: &str) -> bool {
    let digits = line.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0
        && line
            .get(digits..)
            .is_some_and(|rest| rest.starts_with(['.', ')']))
}

fn looks_like_code(word: &[u8]) -> bool {
    word.ends_with(b"();")
        || word.ends_with(b"{")
        || word.ends_with(b"()")
        || word.windows(2).any(|pair| pair == b"::")
}

/// The length of the longest word that is a sign.
const LONGEST_SIGN: usize = 10;
