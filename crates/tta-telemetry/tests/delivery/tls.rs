//! TLS to the backend: custom authorities, client certificates, and peers that are not to be trusted.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use tta_telemetry::{ObservabilityConfig, Protocol, State};
use tta_testkit::certificates::{Authority, Identity};
use tta_testkit::faults::report;
use tta_testkit::otlp::OtlpReceiver;
use tta_testkit::proxy::FaultProxy;

use crate::child::lines_of;
use crate::signals::{
    BOTH, CANARY, SIGNALS, account, assert_all_balanced, await_that, endpoint, everything_to,
    make_records, occurrences,
};
use crate::support::alone;

const LOCAL: [&str; 2] = ["localhost", "127.0.0.1"];

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

fn trusting(config: ObservabilityConfig, authority: &Authority) -> ObservabilityConfig {
    config.with_otlp_certificate(text(&authority.certificate_file()))
}

fn known_as(config: ObservabilityConfig, identity: &Identity) -> ObservabilityConfig {
    config
        .with_otlp_client_certificate(text(identity.certificate_file()), text(identity.key_file()))
}

/// A proxy before what this receiver serves by that protocol, which keeps what clients send.
fn watched(receiver: &OtlpReceiver, protocol: Protocol) -> FaultProxy {
    let proxy = FaultProxy::start(match protocol {
        Protocol::Grpc => receiver.grpc_address(),
        _ => receiver.http_address(),
    });
    let proxy = proxy.unwrap();
    proxy.capture();
    proxy
}

fn https(address: SocketAddr) -> String {
    format!("https://localhost:{}", address.port())
}

/// Whether these bytes are records of TLS and nothing else; the last may be cut off.
fn is_tls_alone(mut bytes: &[u8]) -> bool {
    while let [kind, 3, _, high, low, rest @ ..] = bytes {
        if !(0x14..=0x17).contains(kind) {
            return false;
        }
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        bytes = rest.get(length..).unwrap_or_default();
    }
    bytes.is_empty()
}

/// All signals over https to a server that this authority vouches for, with what the client shows.
fn arrives(
    clients: Option<&Authority>,
    client: impl Fn(ObservabilityConfig) -> ObservabilityConfig,
) {
    let authority = Authority::new().unwrap();
    let server = authority.issue(&LOCAL).unwrap();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start_with_tls(&server, clients).unwrap();
        let proxy = watched(&receiver, protocol);
        let config = everything_to(https(proxy.address()), protocol);
        let guard = client(trusting(config, &authority)).init();
        make_records();
        let flushed = guard.flush(Duration::from_secs(30));
        assert!(flushed, "{protocol:?}: {}", guard.status());
        let ledger = guard.ledger();
        for signal in SIGNALS {
            let account = account(&ledger, signal);
            assert!(
                account.delivered > 0,
                "{protocol:?} {signal:?}: {account:?}"
            );
            assert_eq!(account.dropped(), 0, "{protocol:?} {signal:?}");
        }
        assert_eq!(receiver.spans().len() as u64, ledger.traces.delivered);
        assert!(!receiver.logs().is_empty() && !receiver.metrics().is_empty());
        let sent = proxy.captured_from_clients();
        assert!(sent.len() > 1_000, "the proxy saw {} bytes", sent.len());
        assert_eq!(occurrences(&sent, CANARY), 0);
    }
}

#[test]
fn all_signals_arrive_over_tls_at_a_server_of_the_authority_that_is_set() {
    let _alone = alone();
    arrives(None, |config| config);
}

#[test]
fn all_signals_arrive_at_a_server_that_asks_for_a_client_certificate() {
    let _alone = alone();
    let authority = Authority::new().unwrap();
    let client = authority.issue(&["a client"]).unwrap();
    arrives(Some(&authority), |config| known_as(config, &client));
}

#[test]
fn in_clear_the_canary_is_seen() {
    let _alone = alone();
    for protocol in BOTH {
        let receiver = OtlpReceiver::start().unwrap();
        let proxy = watched(&receiver, protocol);
        let guard = everything_to(format!("http://{}", proxy.address()), protocol).init();
        make_records();
        assert!(guard.flush(Duration::from_secs(30)));
        let sent = proxy.captured_from_clients();
        assert!(occurrences(&sent, CANARY) > 3, "{protocol:?}");
        assert!(!is_tls_alone(&sent), "{protocol:?}");
    }
}

/// A peer that is not to be trusted, and what the reason says.
struct Peer {
    what: &'static str,
    receiver: OtlpReceiver,
    says: &'static [&'static str],
}

fn peers(authority: &Authority) -> Vec<Peer> {
    let of = |identity: &Identity| OtlpReceiver::start_with_tls(identity, None).unwrap();
    let stranger = Authority::new().unwrap();
    let ours = authority.issue(&LOCAL).unwrap();
    vec![
        Peer {
            what: "a certificate of another authority",
            receiver: of(&stranger.issue(&LOCAL).unwrap()),
            says: &["invalid peer certificate"],
        },
        Peer {
            what: "an expired certificate",
            receiver: of(&authority.issue_expired(&LOCAL).unwrap()),
            says: &["invalid peer certificate", "expired"],
        },
        Peer {
            what: "a certificate of another host",
            receiver: of(&authority.issue(&["elsewhere.test"]).unwrap()),
            says: &["invalid peer certificate", "localhost", "elsewhere.test"],
        },
        Peer {
            what: "a server that wants a client certificate",
            receiver: OtlpReceiver::start_with_tls(&ours, Some(&stranger)).unwrap(),
            says: &["asked for a client certificate, and none is set"],
        },
        Peer {
            what: "a server without TLS",
            receiver: OtlpReceiver::start().unwrap(),
            says: &["does not speak TLS"],
        },
    ]
}

#[test]
fn fault_14_what_is_not_to_be_trusted_gets_no_telemetry_in_clear() {
    let _alone = alone();
    let authority = Authority::new().unwrap();
    for peer in peers(&authority) {
        for protocol in BOTH {
            refuses(&peer, protocol, &authority);
        }
    }
}

fn refuses(peer: &Peer, protocol: Protocol, authority: &Authority) {
    let what = peer.what;
    let proxy = watched(&peer.receiver, protocol);
    let config = everything_to(https(proxy.address()), protocol);
    let guard = trusting(config, authority)
        .with_shutdown_timeout(Duration::from_millis(100))
        .init();
    make_records();
    let made = guard.ledger().traces.created;
    guard.flush(Duration::from_millis(300));
    await_that("it is refused", || {
        guard.status().part("traces").unwrap().state == State::Degraded
    });
    let status = guard.status();
    let reason = status.part("traces").unwrap().reason.clone().unwrap();
    for word in peer.says {
        assert!(reason.contains(word), "{what}, {protocol:?}: {reason}");
    }
    assert_all_balanced(&guard);
    let ledger = guard.shutdown().ledger;
    assert_eq!(ledger.traces.delivered, 0, "{what}, {protocol:?}");
    assert_eq!(ledger.traces.dropped(), made, "{what}, {protocol:?}");
    assert_eq!(peer.receiver.request_count(), 0, "{what}, {protocol:?}");
    let sent = proxy.captured_from_clients();
    assert!(
        sent.len() > 100,
        "{what}: the proxy saw {} bytes",
        sent.len()
    );
    let in_clear = if is_tls_alone(&sent) {
        occurrences(&sent, CANARY) * CANARY.len()
    } else {
        sent.len()
    };
    report(
        14,
        &format!("{what}, {}", protocol.as_str()),
        "0 bytes of telemetry in clear, the reason in the status",
        format!("{in_clear} bytes in clear"),
        in_clear == 0,
    );
}

#[test]
fn a_peer_that_is_refused_is_one_log_line() {
    let lines = lines_of("child_with_a_stranger");
    let degraded: Vec<_> = lines
        .iter()
        .filter(|line| line["message"] == "telemetry_degraded")
        .collect();
    // The second says at the end what was lost.
    assert_eq!(degraded.len(), 2, "{degraded:?}");
    let reason = degraded[0]["reason"].as_str().unwrap();
    assert!(reason.contains("invalid peer certificate"), "{reason}");
    assert!(degraded[1]["reason"].as_str().unwrap().contains("records"));
}

pub(crate) fn child_with_a_stranger() {
    let stranger = Authority::new().unwrap();
    let identity = stranger.issue(&LOCAL).unwrap();
    let receiver = OtlpReceiver::start_with_tls(&identity, None).unwrap();
    let authority = Authority::new().unwrap();
    let config = everything_to(endpoint(&receiver, Protocol::Grpc), Protocol::Grpc);
    let guard = trusting(config, &authority)
        .with_shutdown_timeout(Duration::from_millis(100))
        .init();
    for _ in 0..5 {
        make_records();
        guard.flush(Duration::from_millis(100));
    }
    await_that("it is refused", || {
        guard.status().part("traces").unwrap().state == State::Degraded
    });
    drop(guard);
}

#[test]
fn files_that_hold_no_certificate_switch_the_signal_off_and_say_so() {
    let _alone = alone();
    let folder = tempfile_of("no certificate in here");
    let receiver = OtlpReceiver::start().unwrap();
    for protocol in BOTH {
        let endpoint = endpoint(&receiver, protocol).replace("http:", "https:");
        let guard = everything_to(endpoint, protocol)
            .with_otlp_certificate(folder.clone())
            .init();
        make_records();
        let status = guard.status();
        let part = status.part("traces").unwrap();
        assert_eq!(part.state, State::Degraded, "{status}");
        let reason = part.reason.as_deref().unwrap();
        assert!(reason.contains("no certificate in PEM"), "{reason}");
        assert!(reason.contains(&folder), "{reason}");
        drop(guard);
    }
    assert_eq!(receiver.connection_count(), 0);
    std::fs::remove_file(folder).unwrap();
}

/// A file with this text, whose path it answers.
fn tempfile_of(text: &str) -> String {
    let name = format!("tta-delivery-{}.pem", std::process::id());
    let path = std::env::temp_dir().join(name);
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}
