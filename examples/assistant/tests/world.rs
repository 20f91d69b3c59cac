//! The synthetic world, and the verifier of cheap answers.

use std::sync::Arc;

use assistant::profile::Tier;
use assistant::question::Question;
use assistant::questions::Questions;
use assistant::verifier::is_sound;
use assistant::world::{Truth, World};

#[test]
fn the_built_in_questions_are_judged_by_the_synthetic_world_and_it_is_called_so() {
    let questions = Questions::built_in();
    assert_eq!(World::truth(questions.as_slice()), Truth::Synthetic);
    assert_eq!(
        World::truth(&[Arc::new(Question::from("p"))]),
        Truth::Unknown
    );
}

#[test]
fn harder_questions_are_answered_right_less_often_and_by_the_cheap_model_least() {
    let share = |difficulty, tier| {
        let right = (0..4_000).filter(|number| {
            let question = Question {
                difficulty: Some(difficulty),
                ..Question::from(format!("question {number}").as_str())
            };
            World::new(1).rightness(&question, tier).unwrap() > 0.5
        });
        right.count() as f64 / 4_000.0
    };
    for (difficulty, cheap, premium) in [(1, 0.97, 0.99), (3, 0.80, 0.93), (5, 0.40, 0.75)] {
        assert!((share(difficulty, Tier::Cheap) - cheap).abs() < 0.03);
        assert!((share(difficulty, Tier::Premium) - premium).abs() < 0.03);
    }
}

#[test]
fn the_same_seed_makes_the_same_world() {
    let questions = Questions::built_in();
    let right = |seed| -> Vec<_> {
        let all = questions.as_slice().iter();
        all.map(|it| World::new(seed).rightness(it, Tier::Cheap))
            .collect()
    };
    assert_eq!(right(1), right(1));
    assert_ne!(right(1), right(2));
}

#[test]
fn an_answer_without_a_final_number_or_with_a_wrong_calculation_is_not_sound() {
    for (text, sound) in [
        ("3 * 4 = <<3*4=12>>12\n#### 12", true),
        ("<<1/3=0.33>> and <<0.5*8=4>>\n#### 4", true),
        ("<<1,000*2=2,000>>\n#### $2,000.", true),
        ("<<3*4=12>>12", false),
        ("<<3*4=13>>13\n#### 13", false),
        ("<<3*4=12>>12\n#### 14", false),
        ("<<3-4=-1>>\n#### -1", false),
        ("<<3/2=1.5>>\n#### 1.5", false),
        ("twelve, I think\n#### 12", false),
        ("<<3*4=12\n#### 12", false),
        ("", false),
    ] {
        assert_eq!(is_sound(text), sound, "{text}");
    }
}

#[test]
fn a_hostile_answer_is_judged_without_overflowing_the_stack() {
    let deep = format!("<<{}1=1>>\n#### 1", "(".repeat(1_000_000));
    assert!(!is_sound(&deep));
}
