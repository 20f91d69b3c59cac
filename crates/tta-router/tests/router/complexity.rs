//! The score of a prompt.

use tta_router::complexity;

#[test]
fn nothing_asks_for_nothing() {
    assert_eq!(complexity(""), tta_router::Complexity::default());
}

#[test]
fn each_part_rises_with_what_it_stands_for_and_with_nothing_else() {
    let plain = complexity("tell me about the sea and the ships on it");
    let longer = complexity(&"tell me about the sea and the ships on it ".repeat(10));
    assert!(longer.length > plain.length);
    assert_eq!(longer.structure.to_bits(), plain.structure.to_bits());

    let listed = complexity("tell me\nabout the sea\nand the ships\non it");
    assert!(listed.structure > plain.structure && listed.code.to_bits() == plain.code.to_bits());

    let code = complexity("tell me about ```the sea``` and the ships on it");
    assert!(code.code > plain.code);
    let symbols = complexity("for (i = 0; i < n; ++i) { a[i] = b[i] * c[i]; }");
    assert!(symbols.code > 0.1, "{symbols:?}");

    let counted = complexity("tell me about the 7 seas and the 12 ships of 1805 on it");
    assert!(
        (counted.digits - 0.1 * 3.0 / 8.0).abs() < 1e-9,
        "{counted:?}"
    );

    let asking = complexity("Explain WHY the sea is blue, and compare the ships on it");
    assert!(
        (asking.question - 0.2 * 3.0 / 4.0).abs() < 1e-9,
        "{asking:?}"
    );
}

#[test]
fn a_decimal_number_is_one_number_and_no_end_of_a_sentence() {
    let decimal = complexity("add 3.14 and 2,718");
    assert!(
        (decimal.digits - 0.1 * 2.0 / 8.0).abs() < 1e-9,
        "{decimal:?}"
    );
    assert!(decimal.structure.abs() < 1e-9, "{decimal:?}");
}

#[test]
fn tasks_score_above_lookups() {
    let lookups = [
        "What is the capital of France?",
        "Who wrote Faust?",
        "When was the moon landing?",
        "hi",
    ];
    let tasks = [
        "Explain step by step why the sum of two odd numbers is even, and prove it.",
        "Refactor this function:\n```rust\nfn f(x: i32) -> i32 { if x > 0 { x } else { -x } }\n```",
        "A train leaves at 9:40 at 80 km/h; another leaves at 10:15 at 120 km/h. They are 300 km \
         apart. When do they meet? Show each step and check the result.",
        "Compare these three designs, weigh the trade-offs, and plan a migration:\n1. one\n2. two\n3. three",
    ];
    let highest = lookups
        .map(|q| complexity(q).score)
        .into_iter()
        .fold(0.0, f64::max);
    for task in tasks {
        assert!(
            complexity(task).score > highest + 0.1,
            "{task}: {:?}",
            complexity(task)
        );
    }
}

proptest::proptest! {
    #[test]
    fn every_text_has_a_score_between_0_and_1_that_is_the_sum_of_its_parts(prompt in ".{0,400}") {
        let it = complexity(&prompt);
        assert!((0.0..=1.0).contains(&it.score), "{it:?}");
        let sum = it.length + it.structure + it.code + it.digits + it.question;
        assert!((it.score - sum).abs() < 1e-9, "{it:?}");
    }
}

#[test]
fn a_very_long_prompt_is_cut_between_bytes_without_harm() {
    let long = "é".repeat(20_000);
    assert!(complexity(&long).score <= 1.0);
    let words = "word ".repeat(20_000);
    assert!((complexity(&words).length - 0.3).abs() < 1e-9);
}
