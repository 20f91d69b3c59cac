//! `cargo xtask demo`: the assistant under load, seen from all sides.

use std::error::Error as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use assistant::activity::Activity;
use assistant::comparison::Comparison;
use assistant::inputs::Inputs;
use assistant::options::Options;
use assistant::replay::Replay;
use assistant::report::{CacheReport, LedgerReport, Report, this_run};
use assistant::scrape::Scrape;
use assistant::tally::Tally;
use assistant::world::{Truth, World};
use assistant::{flow, load, overhead, pace, probe, steps, verify};
use clap::Parser as _;
use indicatif::{ProgressBar, ProgressStyle};
use tta::prelude::*;
use tta::{Level, ObservabilityConfig, ObservabilityGuard, Status};

#[tokio::main]
async fn main() -> ExitCode {
    let options = Options::parse();
    if options.probe {
        let url = probe::url(options.metrics_port, |name| std::env::var(name).ok());
        return match tokio::task::block_in_place(|| probe::ask(&url)) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("assistant: {url}: {error}");
                ExitCode::FAILURE
            }
        };
    }
    let inputs = match Inputs::load(&options) {
        Ok(inputs) => inputs,
        Err(error) => {
            let cause = error
                .source()
                .map(|cause| format!(": {cause}"))
                .unwrap_or_default();
            eprintln!("assistant: failed to {error}{cause}");
            return ExitCode::from(2);
        }
    };
    let observability = observe(&options);
    for warning in observability.status().warnings {
        eprintln!("assistant: {warning}");
    }
    // An orchestrator says SIGTERM; the guard then delivers what waits, as at any other end.
    tokio::select! {
        code = work(&options, &inputs, &observability) => code,
        () = tta::shutdown_signal() => stopped(&options),
    }
}

/// A run that was to end by itself is not done; what stays up has no other end.
fn stopped(options: &Options) -> ExitCode {
    if options.once {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

async fn work(options: &Options, inputs: &Inputs, observability: &ObservabilityGuard) -> ExitCode {
    match run(options, inputs, observability).await {
        Ok(report) => conclude(options, &report, observability).await,
        Err(error) => {
            eprintln!("assistant: {error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Initialises telemetry; takes a free port for the metrics where the usual one is taken and no
/// other was asked for.
fn observe(options: &Options) -> ObservabilityGuard {
    let config = |port: Option<u16>| {
        let mut config = ObservabilityConfig::from_env("assistant");
        if let Some(port) = port {
            config = config.with_prometheus_port(port);
        }
        let asked = ["LOG_LEVEL", "RUST_LOG", "OTEL_LOG_LEVEL"];
        if asked.iter().all(|name| std::env::var_os(name).is_none()) {
            // A line for each request would bury the table.
            config = config.with_log_level(Level::Error);
        }
        config
    };
    let observability = config(options.metrics_port).init();
    if tta::is_prometheus_enabled() || options.metrics_port.is_some() {
        return observability;
    }
    if let Some(why) = observability
        .status()
        .part("metrics")
        .and_then(|it| it.reason.clone())
    {
        eprintln!("assistant: {why}; taking a free port");
    }
    observability.shutdown();
    config(Some(0)).init()
}

async fn run(
    options: &Options,
    inputs: &Inputs,
    observability: &ObservabilityGuard,
) -> Result<Report> {
    let tally = Arc::new(Tally::default());
    let assistant = flow::assistant(options, &inputs.models(), &tally)?;
    let trace = Arc::new(OnceLock::new());
    let world = World::new(options.seed);
    let is_judged = inputs.truth() != Truth::Unknown;
    let bar = progress(inputs.total());
    let begun = Instant::now();
    load::run(options, inputs.requests(), |request| {
        let (assistant, tally) = (assistant.clone(), Arc::clone(&tally));
        let (trace, bar) = (Arc::clone(&trace), bar.clone());
        async move {
            let ctx = WorkflowContext::new();
            ctx.put(steps::Attempts::default());
            trace.get_or_init(|| ctx.trace_id().to_string());
            let question = Arc::clone(&request.question);
            let rightness = |tier| world.rightness(&question, tier);
            let asked = SystemTime::now();
            let answer = assistant.execute(request, &ctx).await;
            if let Ok(answer) = &answer {
                tally.got(answer, asked);
            }
            let rightness = match &answer {
                Ok(answer) => answer.tier.map_or(Some(0.0), rightness),
                Err(_) => Some(0.0),
            };
            let is_suspect = question.verdict.is_some_and(|it| it.is_suspect);
            tally.judged(rightness.filter(|_| is_judged), is_suspect);
            match answer {
                Ok(_) => tally.answered(),
                Err(error) => tally.failed(error.kind().as_str()),
            }
            bar.inc(1);
        }
    })
    .await;
    bar.finish_and_clear();

    let counts = tally.read();
    let mut report = Report::begin(&counts, begun.elapsed());
    report.trace_id = trace.get().cloned();
    reject(&mut report, inputs);
    compare(
        &mut report,
        &counts,
        observability.status().metrics_url.as_deref(),
    )
    .await;
    report.overhead_nanos_per_step = overhead::nanos_per_step().await?;
    report.comparison = Some(policies(options, inputs, &counts, &report)?);
    observability.flush(FLUSH);
    let spans = observability.ledger().traces;
    report.ledger = LedgerReport::new(
        spans.created,
        spans.delivered,
        spans.dropped(),
        spans.queued + spans.in_flight,
    );
    Ok(report)
}

/// The router beside what anybody could do without one, and beside what really happened.
fn policies(
    options: &Options,
    inputs: &Inputs,
    counts: &assistant::tally::Counts,
    report: &Report,
) -> Result<Comparison> {
    let [cheap, premium] = inputs.models();
    let models = [&cheap, &premium];
    let replay = Replay::of(inputs.requests(), models, pace::FRESHNESS, options.seed);
    let mut comparison = Comparison::of(&replay, models, inputs.truth())?;
    let steps: u64 = report.steps.iter().map(|step| step.executions).sum();
    let observing = report.overhead_nanos_per_step * steps as f64;
    let observing = Duration::from_secs_f64(observing.max(0.0) / 1e9);
    let row = this_run(counts, report.cache.hit_rate, observing);
    comparison.policies.push(row);
    Ok(comparison)
}

/// Fetches the program's own metrics, takes what only they know from them, and holds the rest
/// against what the program counted.
async fn compare(report: &mut Report, counts: &assistant::tally::Counts, url: Option<&str>) {
    let Some(url) = url.map(str::to_owned) else {
        report
            .disagreements
            .push("no /metrics to compare with: it is not served".to_owned());
        return;
    };
    let scrape = tokio::task::spawn_blocking(move || Scrape::fetch(&url)).await;
    let scrape = match scrape {
        Ok(Ok(scrape)) => scrape,
        Ok(Err(error)) => {
            report
                .disagreements
                .push(format!("/metrics could not be fetched: {error}"));
            return;
        }
        Err(error) => {
            report
                .disagreements
                .push(format!("/metrics could not be read: {error}"));
            return;
        }
    };
    report.primitives = Activity::of(&scrape);
    for route in &mut report.routes {
        route.executions = scrape.sum("router_decisions_total", &[("route", &route.route)]);
    }
    report.cache = CacheReport::of(&scrape);
    report.cost.take_savings(&scrape);
    report.disagreements = verify::disagreements(&scrape, counts);
}

/// Lists the lines of the input files that could not be used.
fn reject(report: &mut Report, inputs: &Inputs) {
    let trace = inputs.trace().map(assistant::arrivals::Trace::rejected);
    for rejected in [Some(inputs.questions().rejected()), trace]
        .into_iter()
        .flatten()
    {
        report.rejected_line_count += rejected.count();
        report
            .rejected_lines
            .extend(rejected.kept().iter().map(ToString::to_string));
    }
}

async fn conclude(
    options: &Options,
    report: &Report,
    observability: &ObservabilityGuard,
) -> ExitCode {
    let status = observability.status();
    say(&format!(
        "{report}\n{:<10} {}\n{:<10} {}\n{:<10} {}",
        "metrics",
        status.metrics_url.as_deref().unwrap_or("not served"),
        "otlp",
        otlp(&status),
        "trace",
        report.trace_id.as_deref().unwrap_or("none")
    ));
    if let Some(path) = &options.json {
        let written = serde_json::to_string_pretty(report)
            .map_err(std::io::Error::from)
            .and_then(|json| std::fs::write(path, json + "\n"));
        if let Err(error) = written {
            eprintln!("assistant: failed to write {}: {error}", path.display());
            return ExitCode::FAILURE;
        }
    }
    if !report.disagreements.is_empty() {
        eprintln!("assistant: /metrics and the program's own count disagree:");
        for disagreement in &report.disagreements {
            eprintln!("  {disagreement}");
        }
        return ExitCode::FAILURE;
    }
    say(&format!(
        "{:<10} every total at /metrics equals the program's own count",
        "checked"
    ));
    if !options.once {
        say("\nthe metrics page stays up; end with Ctrl-C");
        std::future::pending::<()>().await;
    }
    ExitCode::SUCCESS
}

/// Prints a line; a reader that has gone, as `head` does, is no reason to fail.
fn say(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn otlp(status: &Status) -> String {
    match (&status.otlp_endpoint, &status.last_export_error) {
        (None, _) => {
            "off: nothing leaves the process until OTEL_EXPORTER_OTLP_ENDPOINT is set".to_owned()
        }
        (Some(endpoint), None) => {
            format!(
                "{endpoint} ({})",
                status.otlp_protocol.unwrap_or("unknown protocol")
            )
        }
        (Some(endpoint), Some(error)) => format!("{endpoint}: the latest failure was {error}"),
    }
}

fn progress(total: u64) -> ProgressBar {
    let bar = ProgressBar::new(total);
    let template = "{bar:40} {pos}/{len} requests  {per_sec}  {elapsed} of about {duration}";
    // The default style where the template should be wrong: a bar is no reason not to run.
    let style = ProgressStyle::with_template(template);
    bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}

/// How long the backend may take for what is left at the end.
const FLUSH: Duration = Duration::from_secs(2);
