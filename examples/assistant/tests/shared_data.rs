//! The readers on real files: one hour of a language model service, and public question sets.
//!
//! The files are no part of the repository. They are looked for beside it, and where there are
//! none these tests say so.

use std::path::PathBuf;
use std::time::Duration;

use assistant::arrivals::Trace;
use assistant::comparison::Comparison;
use assistant::inputs::Inputs;
use assistant::options::Options;
use assistant::pace::FRESHNESS;
use assistant::questions::Questions;
use assistant::rejected::OnBadLine;
use assistant::replay::Replay;
use assistant::workload::Workload;
use assistant::world::Truth;
use clap::Parser;

#[test]
fn the_conversation_trace_is_read_whole() {
    let Some(path) = shared("traces/azure_llm_conv_2023.csv.gz") else {
        return;
    };
    let trace = Trace::open(&path, OnBadLine::Refuse).unwrap();

    assert_eq!(trace.arrivals().len(), 19_366);
    assert_eq!(trace.out_of_order(), 0);
    let (first, last) = (trace.arrivals()[0], trace.arrivals()[19_365]);
    assert_eq!(
        (first.at, first.context_tokens, first.generated_tokens),
        (Duration::ZERO, Some(374), Some(44))
    );
    // From 18:15:46.6805900 to 19:14:08.4025270.
    assert_eq!(last.at, Duration::from_micros(3_501_721_937));
    assert_eq!(
        (last.context_tokens, last.generated_tokens),
        (Some(197), Some(183))
    );
}

#[test]
fn the_code_trace_is_read_whole() {
    let Some(path) = shared("traces/azure_llm_code_2023.csv.gz") else {
        return;
    };
    let trace = Trace::open(&path, OnBadLine::Refuse).unwrap();

    assert_eq!(trace.arrivals().len(), 8_819);
    // From 18:17:03.9799600 to 19:14:19.9280160.
    assert_eq!(
        trace.arrivals()[8_818].at,
        Duration::from_micros(3_435_948_056)
    );
}

#[test]
fn every_public_set_of_prompts_is_read_whole() {
    for (file, lines) in [
        ("public/llmrouter_9models.devtest.jsonl.gz", 1_201),
        ("public/llmrouter_9models.train.jsonl.gz", 3_266),
        ("public/mmlupro_29models.devtest.jsonl.gz", 2_404),
        ("public/mmlupro_29models.train.jsonl.gz", 6_561),
        ("public/routellm_gsm8k.devtest.jsonl.gz", 257),
        ("public/routellm_gsm8k.train.jsonl.gz", 727),
        ("public/routellm_mmlu.devtest.jsonl.gz", 2_765),
        ("public/routellm_mmlu.train.jsonl.gz", 7_670),
        ("public/routellm_mtbench80.jsonl.gz", 80),
    ] {
        let Some(path) = shared(file) else { return };
        let questions = Questions::open(&path, OnBadLine::Refuse).unwrap();
        assert_eq!(questions.as_slice().len(), lines, "{file}");
    }
}

#[test]
fn a_real_file_without_prompts_is_refused_and_says_why() {
    let Some(path) = shared("public/routerarena_809x2_numbers.jsonl.gz") else {
        return;
    };
    let error = Questions::open(&path, OnBadLine::Skip)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("(809 bad, the first at line 1: missing field `prompt`"),
        "{error}"
    );
}

#[test]
fn a_real_hour_of_real_questions_becomes_one_request_a_row() {
    let Some(trace) = shared("traces/azure_llm_conv_2023.csv.gz") else {
        return;
    };
    let Some(questions) = shared("public/routellm_gsm8k.train.jsonl.gz") else {
        return;
    };
    let trace = Trace::open(&trace, OnBadLine::Refuse).unwrap();
    let questions = Questions::open(&questions, OnBadLine::Refuse).unwrap();

    let arrivals = trace.arrivals().iter().copied();
    assert_eq!(Workload::new(&questions, arrivals, 42).count(), 19_366);
}

#[test]
fn savings_on_the_real_hour_stand_beside_their_price_in_quality() {
    let Some(trace) = shared("traces/azure_llm_conv_2023.csv.gz") else {
        return;
    };
    for (file, has_cascade, has_suspect) in [
        ("public/routellm_gsm8k.devtest.jsonl.gz", true, false),
        ("public/routellm_mmlu.devtest.jsonl.gz", false, true),
    ] {
        let Some(questions) = shared(file) else {
            return;
        };
        let options = Options::try_parse_from([
            "assistant".as_ref(),
            "--trace".as_ref(),
            trace.as_os_str(),
            "--questions".as_ref(),
            questions.as_os_str(),
        ]);
        let inputs = Inputs::load(&options.unwrap()).unwrap();
        let [cheap, premium] = inputs.models();
        let models = [&cheap, &premium];
        let replay = Replay::of(inputs.requests(), models, FRESHNESS, 42);
        let comparison = Comparison::of(&replay, models, inputs.truth()).unwrap();
        let row = |name: &str| comparison.policies.iter().find(|it| it.policy == name);

        assert_eq!(comparison.truth, Truth::Recorded, "{file}");
        let (dear, cheap) = (row("always premium").unwrap(), row("always cheap").unwrap());
        assert!(
            dear.quality > cheap.quality && dear.cost_usd > cheap.cost_usd,
            "{file}"
        );
        assert_eq!(
            dear.quality_without_suspect.is_some(),
            has_suspect,
            "{file}"
        );
        assert_eq!(row("cascade").is_some(), has_cascade, "{file}");
        assert!(
            comparison.policies.iter().all(|it| it.quality.is_some()),
            "{file}"
        );
        if let Some(cascade) = row("cascade") {
            // It pays for what it does not use, and whether the verifier is worth that is said,
            // whichever way it turns out.
            assert!(cascade.overhead_usd > 0.0 && cascade.quality > cheap.quality);
            let said = comparison
                .findings
                .iter()
                .find(|it| it.starts_with("cascade is"));
            assert!(
                said.is_some_and(|it| it.contains("random at the same share")),
                "{said:?}"
            );
        }
    }
}

fn shared(file: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data")
        .join(file);
    if path.exists() {
        return Some(path);
    }
    eprintln!("SKIPPED: {} is not there", path.display());
    None
}
