//! What the scorer makes of a text.

#![expect(
    clippy::float_cmp,
    reason = "these numbers come out exactly, or something is wrong"
)]

use proptest::prelude::*;
use tta_router::{Complexity, complexity};

fn of(length: f64, structure: f64, code: f64, digits: f64, reasoning: f64) -> f64 {
    let mut signs = Complexity::default();
    signs.length = length;
    signs.structure = structure;
    signs.code = code;
    signs.digits = digits;
    signs.reasoning = reasoning;
    signs.score()
}

#[test]
fn easy_questions_score_below_hard_ones() {
    let easy = [
        "What is the capital of Peru?",
        "Who wrote Emma?",
        "Translate cat to Spanish.",
        "What time is it in Tokyo?",
        "Which term refers to a word with the opposite meaning?",
    ];
    let hard = [
        "Explain why the sky is blue and how that differs from sunsets, step by step.",
        "Write a Rust function that parses a CSV file, then debug it:\n```\nfn parse() {\n}\n```",
        "Compare these plans:\n1. rent for 5 years at 1200 a month\n2. buy for 250000 at 4.5 %\nand argue for one.",
        "Prove that sqrt(2) is irrational, and derive a continued fraction for it.",
        "Each of 12 boxes holds 8 pens. If half are sold at 2 dollars each, how many are remaining?",
    ];
    let scores = |prompts: &[&str]| {
        prompts
            .iter()
            .map(|it| complexity(it).score())
            .collect::<Vec<_>>()
    };
    let hardest_easy = scores(&easy).into_iter().fold(0.0, f64::max);
    let easiest_hard = scores(&hard).into_iter().fold(1.0, f64::min);
    assert!(
        hardest_easy < 0.25 && easiest_hard >= 0.25,
        "{hardest_easy} {easiest_hard}"
    );
}

#[test]
fn the_score_is_the_weighted_sum_of_the_signs_and_at_most_one() {
    assert_eq!(of(1.0, 0.0, 0.0, 0.0, 0.0), 0.30);
    assert_eq!(of(0.0, 1.0, 0.0, 0.0, 0.0), 0.15);
    assert_eq!(of(0.0, 0.0, 1.0, 0.0, 0.0), 0.20);
    assert_eq!(of(0.0, 0.0, 0.0, 1.0, 0.0), 0.15);
    assert_eq!(of(0.0, 0.0, 0.0, 0.0, 1.0), 0.35);
    assert_eq!(of(0.5, 0.0, 0.0, 0.0, 0.0), 0.15);
    assert_eq!(of(1.0, 1.0, 1.0, 1.0, 1.0), 1.0);
}

#[test]
fn nothing_has_no_signs() {
    for text in ["", " ", "\n", "  \t\r\n"] {
        assert_eq!(complexity(text), Complexity::default(), "{text:?}");
    }
}

#[test]
fn length_is_counted_in_words() {
    for (text, words) in [
        ("one", 1.0),
        ("one two", 2.0),
        ("  one\ttwo\r\nthree\x0cfour ", 4.0),
        ("1 2", 2.0),
        ("it's twenty-two", 2.0),
        (". ?", 2.0),
    ] {
        assert_eq!(complexity(text).length, words / 120.0, "{text:?}");
    }
    assert_eq!(complexity(&"word ".repeat(119)).length, 119.0 / 120.0);
    assert_eq!(complexity(&"word ".repeat(120)).length, 1.0);
    assert_eq!(complexity(&"word ".repeat(200)).length, 1.0);
}

#[test]
fn a_text_without_spaces_is_as_long_as_its_characters() {
    assert_eq!(complexity(&"漢".repeat(360)).length, 0.5);
    assert_eq!(complexity(&"漢".repeat(900)).length, 1.0);
}

#[test]
fn structure_is_lines_items_and_sentences() {
    for (text, tenths) in [
        ("one line", 0.0),
        ("one line\n", 0.0),
        ("two\nlines", 1.0),
        ("a\n\nb", 2.0),
        ("One. Two. Three.", 2.0),
        ("One? Two! Three; four", 2.0),
        ("One sentence.", 0.0),
        ("3.14 and e.g this", 0.0),
        ("- one", 2.0),
        ("# one", 2.0),
        ("* one", 2.0),
        ("12) one", 2.0),
        ("1. one", 2.0),
        ("1.5 is no item", 0.0),
        ("2)", 0.0),
        ("-5 degrees", 0.0),
        ("**bold**", 0.0),
        ("1- one", 0.0),
        ("1# one", 0.0),
        ("1 one", 0.0),
        (") one", 0.0),
        (". one", 0.0),
        ("1- one", 0.0),
        ("  - indented", 2.0),
        ("not - one", 0.0),
        ("a\n- one\n- two", 6.0),
    ] {
        assert_eq!(complexity(text).structure, tenths / 10.0, "{text:?}");
    }
    assert_eq!(complexity("- one\n- two\n- three\n- four").structure, 1.0);
}

#[test]
fn code_is_known_by_its_words_and_brackets() {
    for (text, thirds) in [
        ("write a Python script", 1.0),
        ("PYTHON", 1.0),
        ("a javascript regex", 2.0),
        ("main()", 1.0),
        ("main(x)", 0.0),
        ("a::b", 1.0),
        ("note: this", 0.0),
        ("loop {", 1.0),
        ("loop {\n", 1.0),
        ("{braces}", 0.0),
        ("``` text", 2.0),
        ("`text`", 0.0),
        ("the definition", 0.0),
    ] {
        assert_eq!(complexity(text).code, thirds / 3.0, "{text:?}");
    }
    assert_eq!(complexity("```\nfn main() {}\n```").code, 1.0);
}

#[test]
fn numbers_count_once_and_operators_each() {
    for (text, eighths) in [
        ("12345", 1.0),
        ("1 2 3", 3.0),
        ("1,000", 2.0),
        ("a + b = c", 2.0),
        ("x^2 < 10 %", 5.0),
        ("2 * 3 > 5", 5.0),
        ("no numbers at all", 0.0),
        ("x2y3", 2.0),
    ] {
        assert_eq!(complexity(text).digits, eighths / 8.0, "{text:?}");
    }
    assert_eq!(complexity("12345 + 67890 = 80235 * 1 / 1").digits, 1.0);
}

#[test]
fn the_kind_of_question_is_reasons_and_steps_less_facts_and_names() {
    for (text, thirds) in [
        ("Why?", 1.0),
        ("WHY, and how?", 2.0),
        ("Why? Explain and compare.", 3.0),
        ("explaining", 0.0),
        ("the differences", 1.0),
        ("one by one", 0.0),
        ("What is it called?", 0.0),
        ("Why is it called so?", 0.0),
        ("Explain how the term is known.", 0.0),
        ("why why why called", 2.0),
        ("whyever", 0.0),
        ("(why)", 1.0),
        ("trade-offs", 0.0),
    ] {
        assert_eq!(complexity(text).reasoning, thirds / 3.0, "{text:?}");
    }
}

proptest! {
    #[test]
    fn any_text_has_a_score_between_zero_and_one(text in ".{0,400}") {
        let score = complexity(&text).score();
        prop_assert!((0.0..=1.0).contains(&score), "{}", score);
    }

    #[test]
    fn more_text_is_never_shorter(text in "[a-z .\\n]{0,200}", more in "[a-z .\\n]{0,50}") {
        let longer = format!("{text}{more}");
        prop_assert!(complexity(&longer).length >= complexity(&text).length);
    }
}
