#![doc = include_str!("../README.md")]

mod bench;
mod book;
mod command;
mod commands;
mod deploy;
mod faults;
mod features;
mod fuzz;
mod instructions;
mod machine;
mod mutants;
mod ops;
mod setup;
mod steps;
mod tests_run;
mod text_files;
mod tidy;
mod workspace;

use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use crate::workspace::Workspace;

/// Every developer command of the tta workspace.
#[derive(Debug, Parser)]
#[command(
    name = "cargo xtask",
    bin_name = "cargo xtask",
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install what the tests need: redis-server, prometheus, an OTLP collector.
    ///
    /// As root on Debian it installs the packages (without starting their services); otherwise
    /// it prints the command to type. The collector and the Python judges go into a virtual
    /// environment under target/tta-venv, or where `TTA_VENV` says. Done at once when all is there.
    Setup(SetupArgs),
    /// Run the assistant example in release: `cargo xtask demo --once --requests 2000`.
    Demo(Passed),
    /// Set up, then run every test and doctest with all features.
    ///
    /// A test whose server is missing prints SKIPPED and passes; with `TTA_REQUIRE_SERVICES=1`
    /// it fails. Arguments go to cargo: `cargo xtask test -p tta-core -- --nocapture`.
    Test(Passed),
    /// Check format, clippy, docs and the tidy rules.
    Lint(LintArgs),
    /// Write the reference, the dashboards and the rules from the declared catalogue.
    Generate(GenerateArgs),
    /// Build the pages of docs/ as a site in target/book, and check its links.
    ///
    /// Builds mdBook first, once, where it is not installed: under a minute.
    Docs,
    /// Check what is in deploy/: schemas, settings, ports, and that each part finds the others.
    VerifyDeploy,
    /// Run the demonstration through an incident under a real Prometheus and Alertmanager, and check
    /// every panel, rule and alert.
    ///
    /// Takes two minutes. Every query of every panel and rule is executed, the values of panels are
    /// held against what the demonstration counted, and each alert must fire, but not before the
    /// incident.
    VerifyOps,
    /// Run exactly what CI runs after the tests.
    Ci,
    /// Measure what things cost beside their floor and their peers, and write docs/benchmarks.md.
    ///
    /// A claim is a ratio in one run: absolute figures move from machine to machine. With `--check`
    /// it exits with 1 when a ratio is above its budget in benches/budgets.json. Needs a quiet
    /// machine.
    Bench(bench::Choice),
    /// Count the instructions of the hot paths with callgrind, beside benches/instructions.txt.
    ///
    /// Counts do not move with the machine's load. Needs valgrind.
    Instructions(InstructionsArgs),
    /// Inject every fault of the table, in release, and write docs/faults.md.
    ///
    /// Runs the tests whose names begin with `fault_` and a row, one after the other. Exits with 1
    /// when a goal is missed, a test fails, or a test reports no figure.
    Faults(FaultsArgs),
    /// Change the code of the primitive crates in one place at a time, and see whether a test notices.
    ///
    /// Takes minutes per crate, and longer for the cache; installs cargo-mutants if it is missing,
    /// and writes docs/mutants.md. Exits with 1 for a crate below 80 % whose survivors have no
    /// reason.
    Mutants(MutantsArgs),
    /// Fuzz what reads the input of strangers, ten minutes each, with cargo-fuzz.
    ///
    /// Installs cargo-fuzz if it is missing; needs a C++ compiler. Exits with 1 for a finding, which
    /// is then below the target directory, in tta-fuzz/findings.
    Fuzz(FuzzArgs),
}

#[derive(Debug, Args)]
struct SetupArgs {
    /// Only say what is missing; exit with 1 when something is.
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
struct LintArgs {
    /// Instead: check that the facade builds with no feature, with each alone, and with all.
    #[arg(long, conflicts_with = "tidy")]
    features: bool,
    /// Only the tidy rules, which take no compiler.
    #[arg(long)]
    tidy: bool,
}

#[derive(Debug, Args)]
struct InstructionsArgs {
    /// Fail for a path that is off by more than 5 % in either direction.
    #[arg(long, conflicts_with = "write")]
    check: bool,
    /// Write the counts down.
    #[arg(long)]
    write: bool,
}

impl InstructionsArgs {
    fn action(&self) -> instructions::Action {
        match self {
            Self { write: true, .. } => instructions::Action::Write,
            Self { check: true, .. } => instructions::Action::Check,
            _ => instructions::Action::Show,
        }
    }
}

#[derive(Debug, Args)]
struct FaultsArgs {
    /// Only this part of the table: export, lifecycle, metrics (or all three as telemetry), cache,
    /// workflow, input.
    #[arg(long)]
    section: Option<String>,
    /// Only this row.
    #[arg(long)]
    row: Option<u8>,
}

#[derive(Debug, Args)]
struct MutantsArgs {
    /// Only this crate.
    #[arg(long = "crate", value_name = "CRATE")]
    package: Option<String>,
    /// Only those that survived last time for no reason, or that an interrupted run did not reach.
    #[arg(long)]
    rest: bool,
    /// How many to run at a time; tests that measure may fail where there are too many.
    #[arg(long, default_value_t = 1)]
    jobs: usize,
    /// Begin no further mutant of a crate after so many minutes; `--rest` goes on from there.
    #[arg(long)]
    minutes: Option<u32>,
}

#[derive(Debug, Args)]
struct FuzzArgs {
    /// Only this target, as its folder in fuzz/corpus is named.
    #[arg(long)]
    target: Option<String>,
    /// How long each target is fuzzed.
    #[arg(long, default_value_t = 10)]
    minutes: u64,
}

#[derive(Debug, Args)]
struct GenerateArgs {
    /// Write nothing; fail when what is written is stale.
    #[arg(long)]
    check: bool,
}

#[derive(Debug, Args)]
struct Passed {
    /// Passed on as they are.
    #[arg(
        trailing_var_arg = true,
        allow_hyphen_values = true,
        value_name = "ARGS"
    )]
    args: Vec<String>,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let done = Workspace::load().and_then(|workspace| match cli.command {
        Command::Setup(SetupArgs { check }) => commands::setup(&workspace, check),
        Command::Demo(Passed { args }) => commands::demo(&workspace, &args),
        Command::Test(Passed { args }) => commands::test(&workspace, &args),
        Command::Lint(LintArgs { features: true, .. }) => commands::features(&workspace),
        Command::Lint(LintArgs { tidy: true, .. }) => commands::tidy(&workspace),
        Command::Lint(_) => commands::lint(&workspace),
        Command::Generate(GenerateArgs { check }) => commands::generate(&workspace, check),
        Command::Docs => book::run(&workspace),
        Command::VerifyDeploy => deploy::run(&workspace),
        Command::VerifyOps => ops::run(&workspace),
        Command::Ci => commands::ci(&workspace),
        Command::Bench(choice) => bench::run(&workspace, &choice),
        Command::Instructions(args) => instructions::run(&workspace, args.action()),
        Command::Mutants(MutantsArgs {
            package,
            rest,
            jobs,
            minutes,
        }) => mutants::run(
            &workspace,
            &mutants::Choice {
                package,
                rest,
                jobs,
                minutes,
            },
        ),
        Command::Fuzz(FuzzArgs { target, minutes }) => {
            fuzz::run(&workspace, &fuzz::Choice { target, minutes })
        }
        Command::Faults(FaultsArgs { section, row }) => {
            commands::faults(&workspace, &faults::Choice { section, row })
        }
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            ExitCode::from(failure.code())
        }
    }
}
