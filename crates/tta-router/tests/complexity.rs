//! What the scorer makes of a text.

#![expect(
    clippy::float_cmp,
    reason = "these numbers come out exactly, or something is wrong"
)]

use proptest::prelude::*;
use tta_router::complexity;

#[test]
fn easy_questions_score_below_hard_ones() {
    let easy = [
        "What is the capital of Peru?",
        "Who wrote Emma?",
        "Translate cat to Spanish.",
        "What time is it in Tokyo?",
    ];
    let hard = [
        "Explain why the sky is blue and how that differs from sunsets, step by step.",
        "Write a Rust function that parses a CSV file, then debug it:\n```\nfn parse() {\n}\n```",
        "Compare these plans:\n1. rent for 5 years at 1200 a month\n2. buy for 250000 at 4.5 %\nand argue for one.",
        "Prove that sqrt(2) is irrational, and derive a continued fraction for it.",
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
fn each_sign_is_read_from_what_it_is_a_sign_of() {
    assert!(complexity(&"word ".repeat(200)).length >= 1.0);
    assert!(complexity("- one\n- two\n- three\n- four").structure > 0.5);
    assert!(complexity("```\nfn main() {}\n```").code >= 1.0);
    assert!(complexity("12345 + 67890 = 80235 * 1").digits >= 1.0);
    assert!(complexity("Why? Explain and compare.").reasoning >= 1.0);
    assert_eq!(complexity("").score(), 0.0);
}

#[test]
fn a_long_text_without_spaces_is_long() {
    assert!(complexity(&"漢".repeat(900)).length >= 1.0);
}

proptest! {
    #[test]
    fn any_text_has_a_score_between_zero_and_one(text in ".{0,400}") {
        let score = complexity(&text).score();
        prop_assert!((0.0..=1.0).contains(&score), "{}", score);
    }
}
