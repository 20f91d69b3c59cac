//! TLS: who is spoken to, in which version, and what a change of the files does.

use std::fs;
use std::io::Write as _;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustls::ProtocolVersion;
use rustls::version::{TLS12, TLS13};
use tta_metrics_server::{MetricsServerError, ServerEvent, TlsFiles};

use crate::certificates::{Authority, Identity, LONG_AGO, NOW};
use crate::exposition::{BODY, plain, start};
use crate::scraper::{PATIENCE, connect, get, read_to_end, request, wait_for};
use crate::tls_client::{Client, certificate};

fn files(identity: &Identity) -> TlsFiles {
    TlsFiles::new(&identity.certificate, &identity.key)
}

#[test]
fn both_versions_of_tls_are_spoken_with_http_1_inside() {
    let authority = Authority::new();
    let server = start(plain().with_tls(files(&authority.identity("server", NOW))));
    for (offered, spoken) in [
        (&[&TLS12][..], ProtocolVersion::TLSv1_2),
        (&[&TLS13], ProtocolVersion::TLSv1_3),
        (&[&TLS12, &TLS13], ProtocolVersion::TLSv1_3),
    ] {
        let client = Client::speaking(&authority, None, offered);
        let answer = client
            .get(server.local_addr(), "/metrics", "")
            .expect("it is spoken");
        assert_eq!((answer.status, answer.body.as_str()), (200, BODY));
        assert_eq!(answer.version, spoken);
        assert_eq!(answer.protocol.as_deref(), Some(&b"http/1.1"[..]));
    }
}

#[test]
fn nothing_older_than_tls_1_2_is_spoken() {
    let authority = Authority::new();
    let server = start(plain().with_tls(files(&authority.identity("server", NOW))));
    let mut stream = connect(server.local_addr());
    stream
        .write_all(&client_hello_of_tls_1_1())
        .expect("it is open");
    let answer = read_to_end(&mut stream);
    // Type alert, and in it: fatal, `protocol_version`.
    assert_eq!(answer.first(), Some(&21), "{answer:?}");
    assert!(answer.ends_with(&[2, 70]), "{answer:?}");
    wait_for(&server, |stats| stats.handshakes_failed == 1);
}

/// As openssl 1.0 sends it.
fn client_hello_of_tls_1_1() -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7; 32]);
    // No session, three suites of its time, no compression.
    body.extend([0, 0, 6, 0xc0, 0x13, 0x00, 0x2f, 0x00, 0x35, 1, 0]);
    // A group and a signature, so that only the version is wrong.
    let extensions = [
        &[0, 10, 0, 4, 0, 2, 0, 23][..],
        &[0, 11, 0, 2, 1, 0],
        &[0, 13, 0, 6, 0, 4, 4, 3, 4, 1],
    ]
    .concat();
    body.extend([0, u8::try_from(extensions.len()).expect("it is short")]);
    body.extend(extensions);
    let length = |bytes: &[u8]| u8::try_from(bytes.len()).expect("it is short");
    let hello = [&[1, 0, 0, length(&body)][..], &body].concat();
    [&[22, 3, 1, 0, length(&hello)][..], &hello].concat()
}

#[test]
fn nothing_is_served_in_clear() {
    let authority = Authority::new();
    let server = start(plain().with_tls(files(&authority.identity("server", NOW))));
    let mut stream = connect(server.local_addr());
    stream
        .write_all(request("GET", "/metrics", "").as_bytes())
        .expect("it is open");
    let answer = read_to_end(&mut stream);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    assert_eq!(server.stats().requests_served, 0);
    wait_for(&server, |stats| stats.handshakes_failed == 1);
}

#[test]
fn without_a_certificate_that_is_believed_only_the_probes_answer() {
    let authority = Authority::new();
    let tls = files(&authority.identity("server", NOW)).with_client_ca(authority.file());
    let server = start(plain().with_tls(tls));
    let address = server.local_addr();

    let nobody = Client::new(&authority, None);
    for (path, status) in [
        ("/metrics", 403),
        ("/health", 403),
        ("/other", 403),
        ("/health/live", 200),
        ("/health/ready", 200),
    ] {
        let answer = nobody
            .get(address, path, "")
            .expect("the handshake goes well");
        assert_eq!(answer.status, status, "{path}");
    }
    assert_eq!(server.stats().requests_forbidden, 3);

    let known = Client::new(&authority, Some(&authority.identity("client", NOW)));
    for offered in [&TLS12, &TLS13] {
        let identity = authority.identity("client", NOW);
        let client = Client::speaking(&authority, Some(&identity), &[offered]);
        assert_eq!(
            client.get(address, "/health", "").expect("it is").status,
            200
        );
    }
    let answer = known.get(address, "/metrics", "").expect("it is believed");
    assert_eq!((answer.status, answer.body.as_str()), (200, BODY));

    let unknown = Authority::new();
    let stranger = unknown.identity("client", NOW);
    let expired = authority.identity("expired", LONG_AGO);
    for identity in [stranger, expired] {
        let client = Client::new(&authority, Some(&identity));
        for path in ["/metrics", "/health/live"] {
            assert!(client.get(address, path, "").is_err(), "{path}");
        }
    }
    wait_for(&server, |stats| stats.handshakes_failed == 4);
}

#[test]
fn a_handshake_that_does_not_come_to_its_end_is_closed_and_takes_no_place_from_a_scrape() {
    let authority = Authority::new();
    let server = start(
        plain()
            .with_tls(files(&authority.identity("server", NOW)))
            .with_max_connections(4)
            .with_header_timeout(Duration::from_millis(500)),
    );
    let hello = client_hello_of_tls_1_1();
    let mut stuck: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = connect(server.local_addr());
            stream.write_all(&hello[..20]).expect("it is open");
            stream
        })
        .collect();
    let client = Client::new(&authority, None);
    let answer = client.get(server.local_addr(), "/metrics", "");
    assert_eq!(answer.expect("there is room").status, 200);
    assert!(server.stats().connections_peak <= 4);
    for stream in &mut stuck {
        assert!(read_to_end(stream).is_empty());
    }
    wait_for(&server, |stats| stats.connections_open == 0);
    let stats = server.stats();
    assert_eq!(stats.connections_evicted + stats.connections_timed_out, 8);
    assert!(stats.connections_timed_out > 0, "{stats:?}");
}

#[test]
fn a_renewed_certificate_is_in_use_without_a_restart_and_a_broken_one_is_not() {
    let authority = Authority::new();
    let identity = authority.identity("server", NOW);
    let events: Arc<Mutex<Vec<ServerEvent>>> = Arc::default();
    let told = Arc::clone(&events);
    let server = start(
        plain()
            .with_tls(files(&identity))
            .with_event_listener(move |event| told.lock().expect("whole").push(event.clone())),
    );
    let client = Client::new(&authority, None);
    let shown = || {
        let answer = client.get(server.local_addr(), "/health/live", "");
        answer.expect("it is believed").certificate
    };
    let first = shown();
    assert_eq!(first, certificate(&identity.certificate).to_vec());

    // Only the certificate: for a moment the two do not belong together.
    let other = authority.identity("other", NOW);
    fs::copy(&other.certificate, &identity.certificate).expect("it may be written");
    await_event(
        &events,
        shown,
        |event| matches!(event, ServerEvent::ReloadFailed { message, .. } if message.contains("server.key")),
    );
    assert_eq!(shown(), first, "what worked stays in use");
    fs::copy(&other.key, &identity.key).expect("it may be written");
    await_event(&events, shown, |event| {
        matches!(event, ServerEvent::Reloaded { .. })
    });
    assert_eq!(shown(), certificate(&other.certificate).to_vec());
    assert_eq!(events.lock().expect("whole").len(), 2, "each is told once");
}

/// Connects until the server has told of something.
fn await_event(
    events: &Mutex<Vec<ServerEvent>>,
    connect: impl Fn() -> Vec<u8>,
    is_it: impl Fn(&ServerEvent) -> bool,
) {
    let begun = Instant::now();
    while !events.lock().expect("whole").iter().any(&is_it) {
        assert!(begun.elapsed() < PATIENCE, "{events:?}");
        let _connected = connect();
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn files_that_make_no_identity_are_refused_by_name_and_nothing_listens() {
    let authority = Authority::new();
    let good = authority.identity("server", NOW);
    let other = authority.identity("other", NOW);
    let empty = authority.write("empty.pem", "");
    let absent = authority.folder().join("absent.pem");
    for (tls, named) in [
        (TlsFiles::new(&absent, &good.key), "absent.pem"),
        (TlsFiles::new(&good.certificate, &absent), "absent.pem"),
        (TlsFiles::new(&empty, &good.key), "empty.pem"),
        (TlsFiles::new(&good.certificate, &empty), "empty.pem"),
        (TlsFiles::new(&good.key, &good.certificate), "server.key"),
        (TlsFiles::new(&good.certificate, &other.key), "other.key"),
        (files(&good).with_client_ca(&empty), "empty.pem"),
        (files(&good).with_client_ca(&absent), "absent.pem"),
    ] {
        let error = plain().with_tls(tls).start().expect_err("no identity");
        assert!(matches!(error, MetricsServerError::Tls { .. }), "{error:?}");
        assert!(error.to_string().contains(named), "{error}");
        assert!(!error.to_string().contains("BEGIN"), "{error}");
    }
    assert_eq!(get(start(plain()).local_addr(), "/metrics", "").status, 200);
}

#[test]
fn both_a_certificate_and_a_password_may_be_asked_for() {
    let authority = Authority::new();
    let tls = files(&authority.identity("server", NOW)).with_client_ca(authority.file());
    let auth = tta_metrics_server::BasicAuth::new("prometheus", "secret").expect("fine");
    let server = start(plain().with_tls(tls).with_basic_auth(auth));
    let address = server.local_addr();
    let known = Client::new(&authority, Some(&authority.identity("client", NOW)));
    let nobody = Client::new(&authority, None);
    let password = "Authorization: Basic cHJvbWV0aGV1czpzZWNyZXQ=\r\n";
    for (client, headers, status) in [
        (&known, password, 200),
        (&known, "", 401),
        (&nobody, password, 403),
        (&nobody, "", 403),
    ] {
        let answer = client
            .get(address, "/metrics", headers)
            .expect("it is spoken");
        assert_eq!(answer.status, status);
    }
}
