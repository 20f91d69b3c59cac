//! A secret in every place that has one, looked for wherever something arrives.

use tta_core::{
    Attribute, Error, ErrorKind, Level, LogField, LogSpec, MetricSpec, Result, Unit,
    WorkflowContext, registry, step,
};
use tta_telemetry::initialize_observability;
use tta_telemetry::opentelemetry::trace::{Span, Tracer};
use tta_telemetry::opentelemetry::{KeyValue, global};
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use crate::child::{child, leave, reported};
use crate::support::block_on;

const CANARY: &str = "Canary7Secret";

/// What arrived of a run of everything, by where.
struct Arrived {
    spans: String,
    metrics: String,
    logs: String,
    stdout: String,
    pages: String,
}

/// Runs everything in a child that sends to a collector here.
fn run_child(capture: Option<&str>, format: &str) -> Arrived {
    let receiver = OtlpReceiver::start().unwrap();
    let mut command = child("canary");
    command
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", receiver.http_endpoint())
        .env("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf")
        .env(
            "OTEL_EXPORTER_OTLP_HEADERS",
            format!("authorization=Bearer%20{CANARY},x-tenant={CANARY}"),
        )
        .env(
            "OTEL_RESOURCE_ATTRIBUTES",
            format!("db.password={CANARY},db.url=redis%3A%2F%2F%3A{CANARY}%40cache"),
        )
        .env("OTEL_METRICS_EXPORTER", "prometheus,otlp")
        .env("OTEL_EXPORTER_PROMETHEUS_PORT", "0")
        .env("LOG_LEVEL", "trace")
        .env("LOG_FORMAT", format)
        .env("TTA_SHUTDOWN_TIMEOUT", "20000");
    if let Some(capture) = capture {
        command.env(
            "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT",
            capture,
        );
    }
    let output = command.output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{stdout}");
    Arrived {
        spans: format!("{:?}", receiver.spans()),
        metrics: format!("{:?}", receiver.metrics()),
        logs: format!("{:?}", receiver.logs()),
        stdout,
        pages: reported("canary"),
    }
}

#[test]
fn fault_60_a_canary_in_every_secret_place_arrives_nowhere() {
    for format in ["json", "text"] {
        let arrived = run_child(None, format);
        // That it was all sent, but for the secret.
        assert!(arrived.spans.contains("foreign") && arrived.spans.contains("ask.execute"));
        assert!(arrived.metrics.contains("canary_calls_total"));
        assert!(arrived.logs.contains("said it all") && arrived.stdout.contains("said it all"));
        assert!(
            arrived
                .pages
                .contains("canary_calls_total{api_key=\"***\"} 2\n")
        );
        for (part, text) in [
            ("spans", &arrived.spans),
            ("metrics over OTLP", &arrived.metrics),
            ("log records", &arrived.logs),
            ("lines", &arrived.stdout),
            ("/metrics, /health, status", &arrived.pages),
        ] {
            let hits = text.matches(CANARY).count();
            let around = text.find(CANARY).map(|at| {
                let from = text.floor_char_boundary(at.saturating_sub(200));
                text[from..].chars().take(260).collect::<String>()
            });
            report(
                60,
                &format!("{part}, {format} lines"),
                "0 hits",
                format!("{hits} hits {}", around.unwrap_or_default()).trim_end(),
                hits == 0,
            );
        }
    }
}

#[test]
fn what_was_opted_in_arrives_and_no_secret_with_it() {
    let arrived = run_child(Some("SPAN_AND_EVENT"), "json");
    for text in [&arrived.spans, &arrived.logs, &arrived.stdout] {
        assert!(text.contains(&format!("tell me {CANARY}")));
        assert!(!text.contains(&format!("Bearer {CANARY}")));
    }
    assert!(!arrived.metrics.contains(CANARY) && !arrived.pages.contains(CANARY));
}

static CALLS: MetricSpec =
    MetricSpec::counter("canary_calls_total", Unit::One, "Calls by key.").labels(&["api_key"]);

static ASKED: LogSpec = LogSpec {
    name: "asked",
    help: "A model was asked.",
    fields: &["gen_ai.input.messages", "client_secret"],
};

/// In the child.
pub(crate) fn run() {
    let guard = initialize_observability("canary");
    let asked = step(
        "ask",
        async |prompt: String, ctx: &WorkflowContext| -> Result<String> {
            speak(&prompt, ctx);
            let message = format!("redis://:{CANARY}@cache: auth failed, password={CANARY}");
            Err(Error::new(ErrorKind::Unavailable, message))
        },
    );
    let prompt = format!("tell me {CANARY}");
    block_on(asked.execute(prompt, &WorkflowContext::new())).unwrap_err();
    for key in [CANARY.to_owned(), format!("{CANARY}2")] {
        registry().counter(&CALLS, &[&key]).unwrap().increment();
    }
    assert!(guard.flush(std::time::Duration::from_secs(30)));
    let status = guard.status();
    let address = status.metrics_url.clone().unwrap();
    let address = address.trim_start_matches("http://");
    let address = address.trim_end_matches("/metrics").parse().unwrap();
    let page = |path| tta_testkit::http::get(address, path).unwrap().text();
    let pages = [
        page("/metrics"),
        page("/health"),
        status.to_string(),
        format!("{status:?} {guard:?}"),
    ];
    let report = guard.shutdown();
    assert!(report.result().is_ok(), "{report}");
    leave(&pages.concat());
}

/// Says the secret in every way that a program says one.
fn speak(prompt: &str, ctx: &WorkflowContext) {
    for key in [
        "gen_ai.input.messages",
        "gen_ai.output.messages",
        "http.request.header.authorization",
        "http.request.header.cookie",
        "db.password",
        "apiKey",
        "access_token",
    ] {
        let value = if key.starts_with("gen_ai") {
            prompt
        } else {
            CANARY
        };
        ctx.set_attribute(key, value.to_owned());
        ctx.event("said", vec![Attribute::new(key, value.to_owned())]);
    }
    let texts = [
        format!("https://ada:{CANARY}@example.org/path"),
        format!("https://example.org/path?api_key={CANARY}&page=1"),
        format!("curl -H 'Authorization: Bearer {CANARY}'"),
        format!("{{\"password\": \"{CANARY}\", \"n\": 1}}"),
        format!("Config {{ secret: Some(\"{CANARY}\") }}"),
        format!("sk-{CANARY}{CANARY}"),
    ];
    let mut foreign = global::tracer("theirs").start("foreign");
    for (n, text) in texts.iter().enumerate() {
        ctx.set_attribute(format!("text.{n}"), text.clone());
        foreign.set_attribute(KeyValue::new(format!("text.{n}"), text.clone()));
        foreign.add_event(text.clone(), vec![KeyValue::new("text", text.clone())]);
        tracing::info!(text, "said {text}");
    }
    foreign.set_attribute(KeyValue::new("gen_ai.prompt", prompt.to_owned()));
    foreign.set_attribute(KeyValue::new("refresh_token", CANARY));
    foreign.end();
    let span = tracing::info_span!("theirs", password = CANARY, prompt);
    span.in_scope(|| {
        tracing::warn!(
            authorization = CANARY,
            prompt,
            error = format!("bearer {CANARY}"),
            "said it all"
        );
    });
    ctx.log(
        &ASKED,
        Level::Info,
        &[
            LogField::new("gen_ai.input.messages", prompt),
            LogField::new("client_secret", CANARY),
        ],
    );
}
