//! Names that do not resolve, and resolvers that take their time.

use std::net::UdpSocket;
use std::process::Command;
use std::time::Duration;

use tta_telemetry::{ObservabilityConfig, Protocol, State};
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;

use crate::child::{as_child, output_of};
use crate::signals::{
    BOTH, PATIENCE, assert_all_balanced, await_that, everything_to, make_records,
};
use crate::support::{alone, timed};

const DEADLINE: Duration = Duration::from_millis(500);
/// How much longer than its goal anything may take: where nothing is optimised, figures are not kept
/// and the machine is busy with other tests.
const MARGIN: Duration = Duration::from_millis(if cfg!(debug_assertions) { 1_000 } else { 0 });

/// Starts, makes records and stops, with a name that does not become an address.
fn runs_and_stops(part: &str, config: ObservabilityConfig, says: &str) {
    let (guard, init) = timed(|| config.with_shutdown_timeout(DEADLINE).init());
    make_records();
    guard.flush(Duration::from_millis(10));
    await_that("it is noticed", || {
        guard.status().part("traces").unwrap().state == State::Degraded
    });
    let reason = guard.status().part("traces").unwrap().reason.clone();
    let reason = reason.unwrap();
    assert!(reason.contains(says), "{reason}");
    assert_all_balanced(&guard);
    let (stopped, shutdown) = timed(|| guard.shutdown());
    assert_eq!(stopped.ledger.traces.delivered, 0);
    assert!(stopped.left > 0);
    report(
        13,
        &format!("init, {part}"),
        "<= 50 ms, ledger exact",
        format!("{init:.1?}"),
        init <= Duration::from_millis(50) + MARGIN,
    );
    report(
        13,
        &format!("shutdown, {part}"),
        "<= 0.6 s of a deadline of 0.5 s",
        format!("{shutdown:.1?}"),
        shutdown <= DEADLINE + Duration::from_millis(100) + MARGIN,
    );
}

#[test]
fn fault_13_a_name_that_is_none_holds_up_neither_start_nor_shutdown() {
    let _alone = alone();
    for protocol in BOTH {
        let part = format!("a name that is none, {}", protocol.as_str());
        let config = everything_to("http://collector.invalid:4317", protocol);
        runs_and_stops(&part, config, "failed to");
    }
}

/// Has the scenario asked for by the child see a resolver of its own, which never answers: in a
/// namespace with its own loopback and its own `/etc/resolv.conf`.
#[test]
fn fault_13_a_resolver_that_never_answers_holds_up_neither_start_nor_shutdown() {
    let allowed = Command::new("unshare")
        .args(["--user", "--map-root-user", "--mount", "--net"])
        .args(["sh", "-c", "mount --bind /etc/hosts /etc/resolv.conf"])
        .output();
    if !allowed.is_ok_and(|output| output.status.success()) {
        println!("SKIPPED: no namespace of a user's own on this machine");
        return;
    }
    let folder = std::env::temp_dir().join(format!("tta-resolver-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let conf = folder.join("resolv.conf");
    std::fs::write(
        &conf,
        "nameserver 127.0.0.1\noptions timeout:30 attempts:1\n",
    )
    .unwrap();
    let nsswitch = folder.join("nsswitch.conf");
    std::fs::write(&nsswitch, "hosts: files dns\n").unwrap();
    let script = format!(
        "mount --bind {} /etc/resolv.conf && mount --bind {} /etc/nsswitch.conf \
         && ip link set lo up && exec \"$0\" \"$@\"",
        conf.display(),
        nsswitch.display()
    );
    let mut around = Command::new("unshare");
    around.args(["--user", "--map-root-user", "--mount", "--net"]);
    around.args(["sh", "-c", &script]);
    around.arg(std::env::current_exe().unwrap());
    output_of(&mut as_child(
        &mut around,
        "child_with_a_resolver_that_hangs",
    ));
    std::fs::remove_dir_all(folder).unwrap();
}

pub(crate) fn child_with_a_resolver_that_hangs() {
    // Queries arrive here and are not answered.
    let resolver = UdpSocket::bind("127.0.0.1:53").unwrap();
    resolver.set_read_timeout(Some(PATIENCE)).unwrap();
    for protocol in BOTH {
        let part = format!("a resolver that never answers, {}", protocol.as_str());
        let config = everything_to("http://collector.example:4317", protocol)
            .with_otlp_timeout(Duration::from_millis(200));
        runs_and_stops(&part, config, "no answer within 200 ms");
    }
    let mut query = [0; 512];
    assert!(resolver.recv(&mut query).unwrap() > 12, "it was asked");

    // One backend whose name hangs is no reason that another gets nothing.
    let receiver = OtlpReceiver::start().unwrap();
    let guard = everything_to("http://collector.example:4318", Protocol::HttpProtobuf)
        .with_otlp_timeout(Duration::from_millis(200))
        .with_otlp_metrics_endpoint(format!("{}/v1/metrics", receiver.http_endpoint()))
        .with_metric_interval(Duration::from_millis(50))
        .with_shutdown_timeout(Duration::ZERO)
        .init();
    make_records();
    receiver.wait_for_requests(3, PATIENCE).unwrap();
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let names = threads.map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")));
    let resolving = names.filter(|name| name.as_ref().is_ok_and(|name| name.contains("resolver")));
    let resolving = resolving.count();
    report(
        13,
        "a resolver that never answers, threads that wait for it",
        "<= 1 a name",
        resolving,
        resolving <= 1,
    );
    drop(guard);
}
