//! The hot paths, one at a time, for `cargo xtask instructions` to count their instructions.
//!
//! `instructions PATH ROUNDS OPERATIONS` does a path's work so many times over, each time in a
//! workflow of so many operations. Two runs that differ in nothing but the operations differ in
//! instructions by what the further operations cost: start-up and the workflow itself are in both.
//! `instructions` alone lists the paths.
//!
//! A new path is a function in the file of its subject and a line in [`PATHS`].

mod cache;
mod primitives;
mod router;
mod steps;
mod telemetry;
mod visible;
mod workflow;

use std::process::ExitCode;

/// A hot path: called with the number of rounds and of operations in each.
type Path = fn(usize, usize);

/// Every path with its name, as `benches/instructions.txt` has it.
const PATHS: &[(&str, Path)] = &[
    ("step, unsampled", steps::unsampled),
    ("step, sampled with 4 attributes", steps::sampled),
    ("step, unsampled and visible", visible::unsampled),
    (
        "step, sampled with 4 attributes and visible",
        visible::sampled,
    ),
    ("cache hit in memory", cache::hit),
    ("timeout around a ready step", primitives::timeout),
    ("step that passes on to a ready step", primitives::passed_on),
    ("retry around a success", primitives::retry),
    ("closed breaker around a success", primitives::breaker),
    ("bulkhead with room around a success", primitives::bulkhead),
    ("decision by rules", router::decision),
    ("score of a prompt of 322 characters", router::score),
    ("histogram of 12 bounds on a page", telemetry::series),
    (
        "exported span with 4 attributes, record to bytes",
        telemetry::span,
    ),
    ("log line as JSON", telemetry::line),
    ("log line as JSON in a step", telemetry::line_in_a_step),
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, rounds, operations] = args.as_slice() else {
        for (name, _) in PATHS {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let path = PATHS.iter().find(|(known, _)| known == name);
    let (Some((_, path)), Ok(rounds), Ok(operations)) = (path, rounds.parse(), operations.parse())
    else {
        eprintln!("usage: instructions [PATH ROUNDS OPERATIONS]");
        return ExitCode::FAILURE;
    };
    path(rounds, operations);
    ExitCode::SUCCESS
}
