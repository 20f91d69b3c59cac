//! Who may see what is served.

use std::fs;
use std::net::SocketAddr;

use rcgen::{CertifiedKey, generate_simple_self_signed};
use tta_testkit::http;

use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let names = vec!["localhost".to_owned()];
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(names).unwrap();
    fs::write(path("password"), "secret\n").unwrap();
    fs::write(path("server.crt"), cert.pem()).unwrap();
    fs::write(path("server.key"), signing_key.serialize_pem()).unwrap();
    let (certificate, key) = (path("server.crt"), path("server.key"));
    let tls = [
        ("TTA_METRICS_CERTIFICATE", certificate.as_str()),
        ("TTA_METRICS_KEY", key.as_str()),
    ];
    let and_clients = [tls[0], tls[1], ("TTA_METRICS_CLIENT_CA", &certificate)];
    let rows = vec![
        asks_for_a_password(("TTA_METRICS_PASSWORD", "secret")),
        asks_for_a_password(("TTA_METRICS_PASSWORD_FILE", &path("password"))),
        Row::new(&tls).until(speaks_tls_alone),
        Row::new(&and_clients).until(speaks_tls_alone),
        stays_shut(&[("TTA_METRICS_USERNAME", "name")]),
        stays_shut(&[("TTA_METRICS_PASSWORD", "secret")]),
        stays_shut(&tls[..1]),
        stays_shut(&and_clients[2..]),
    ];
    // The programs read the files when the rows are checked.
    let _kept = folder.keep();
    rows
}

fn asks_for_a_password(password: (&str, &str)) -> Row {
    Row::new(&[("TTA_METRICS_USERNAME", "name"), password])
        .until(|seen| {
            // `name:secret`.
            let known = [("Authorization", "Basic bmFtZTpzZWNyZXQ=")];
            let answer = http::request(address(seen), "GET", "/metrics", &known, &[]);
            answer.unwrap().status() == 200
        })
        .sees(|seen| {
            assert!(
                seen.text_page.contains("say who you are"),
                "{}",
                seen.text_page
            );
            assert!(seen.health.contains("say who you are"), "{}", seen.health);
            assert!(!seen.output().contains("secret"), "{}", seen.output());
        })
}

fn speaks_tls_alone(seen: &Seen) -> bool {
    let is_told = seen.url.as_deref().unwrap().starts_with("https://");
    is_told && http::get(address(seen), "/health/live").is_err()
}

fn stays_shut(variables: &[(&str, &str)]) -> Row {
    Row::new(variables).sees(|seen| {
        assert_eq!(seen.url, None);
        assert_eq!(seen.count("telemetry_degraded"), 1, "{}", seen.output());
    })
}

fn address(seen: &Seen) -> SocketAddr {
    let url = seen.url.as_deref().unwrap();
    let (_, rest) = url.split_once("://").unwrap();
    rest.strip_suffix("/metrics").unwrap().parse().unwrap()
}
