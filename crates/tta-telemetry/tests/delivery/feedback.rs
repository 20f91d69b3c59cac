//! The exporter's own HTTP client, with a subscriber that traces everything there is.

use std::time::{Duration, Instant};

use tracing_subscriber::layer::SubscriberExt;
use tta_telemetry::{Protocol, opentelemetry_layer};
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use crate::child::{child, output_of};
use crate::signals::{BOTH, PATIENCE, endpoint};
use crate::support::{run_workflow, traces_only};

/// The row's own time; where nothing is optimised a part of it is enough.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 2 } else { 60 });

#[test]
fn fault_16_what_the_exporter_does_is_not_traced() {
    // Each receiver is in this process: its own HTTP is traced by nobody.
    std::thread::scope(|scope| {
        for protocol in BOTH {
            scope.spawn(move || traces_the_application_alone(protocol));
        }
    });
}

fn traces_the_application_alone(protocol: Protocol) {
    let receiver = OtlpReceiver::start().unwrap();
    let mut child = child("child_that_traces_everything");
    child
        .env(ENDPOINT, endpoint(&receiver, protocol))
        .env(PROTOCOL, protocol.as_str());
    let output = output_of(&mut child);
    let made = output.lines().find_map(|line| line.split_once(MADE));
    let made: usize = made.unwrap().1.parse().unwrap();
    let spans = receiver.spans();
    let is_own = |name: &str| {
        ["double", "increment", "workflow", "of the application"]
            .iter()
            .any(|known| name.starts_with(known))
    };
    let foreign = spans.iter().filter(|it| !is_own(&it.span.name)).count();
    report(
        16,
        &format!(
            "everything traced for {} s, {}",
            TIME.as_secs(),
            protocol.as_str()
        ),
        "0 spans of the exporter",
        format!("{foreign} of {} spans", spans.len()),
        foreign == 0 && spans.len() == made && made > 0,
    );
}

pub(crate) fn child_that_traces_everything() {
    let everything = tracing_subscriber::registry().with(opentelemetry_layer());
    tracing::subscriber::set_global_default(everything).unwrap();
    let name = std::env::var(PROTOCOL).unwrap();
    let protocol = BOTH.into_iter().find(|it| it.as_str() == name).unwrap();
    let guard = traces_only()
        .with_otlp_endpoint(std::env::var(ENDPOINT).unwrap())
        .with_otlp_protocol(protocol)
        .init();
    let began = Instant::now();
    let mut made = 0;
    while began.elapsed() < TIME {
        run_workflow().unwrap();
        tracing::trace_span!("of the application").in_scope(|| ());
        made += 4;
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(guard.flush(PATIENCE), "{}", guard.status());
    assert_eq!(guard.ledger().traces.created, made);
    println!("\n{MADE}{made}");
}

const ENDPOINT: &str = "TTA_TEST_ENDPOINT";
const PROTOCOL: &str = "TTA_TEST_PROTOCOL";
const MADE: &str = "spans made: ";
