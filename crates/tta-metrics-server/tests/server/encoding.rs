use std::io::Read as _;

use flate2::read::GzDecoder;
use tta_metrics_server::MetricsServer;

use crate::exposition::{BODY, Rendering, plain, start};
use crate::scraper::get;

#[test]
fn gzip_carries_the_same_bytes_and_fewer_of_them() {
    let large = BODY.repeat(10_000);
    let rendered = large.clone();
    let exposition = Rendering(move || rendered.clone().into_bytes());
    let server = start(MetricsServer::new(exposition).with_port(0));
    let answer = get(server.local_addr(), "/metrics", "Accept-Encoding: gzip\r\n");
    assert_eq!(answer.header("content-encoding"), Some("gzip"));
    assert!(
        answer.body.len() < large.len() / 10,
        "{} bytes",
        answer.body.len()
    );
    let mut decoded = String::new();
    GzDecoder::new(answer.body.as_slice())
        .read_to_string(&mut decoded)
        .expect("valid gzip");
    assert!(decoded == large);
}

#[test]
fn the_client_s_preference_decides_about_gzip() {
    let server = start(plain());
    for (accept_encoding, gzip) in [
        ("", false),
        ("Accept-Encoding: gzip\r\n", true),
        ("Accept-Encoding: GZIP\r\n", true),
        ("Accept-Encoding: x-gzip\r\n", true),
        ("Accept-Encoding: gzip, deflate, br\r\n", true),
        ("Accept-Encoding: br\r\nAccept-Encoding: gzip\r\n", true),
        ("Accept-Encoding: *\r\n", true),
        ("Accept-Encoding: br;q=1, gzip;q=0.5\r\n", true),
        ("Accept-Encoding: gzip ; q=0.001\r\n", true),
        ("Accept-Encoding: identity;q=0.5, gzip\r\n", true),
        ("Accept-Encoding: identity, gzip\r\n", true),
        ("Accept-Encoding:\r\n", false),
        ("Accept-Encoding: br\r\n", false),
        ("Accept-Encoding: notgzip\r\n", false),
        ("Accept-Encoding: gzip;q=0\r\n", false),
        ("Accept-Encoding: gzip;q=0.000, *\r\n", false),
        ("Accept-Encoding: *;q=0\r\n", false),
        ("Accept-Encoding: gzip;q=0.5, identity\r\n", false),
        ("Accept-Encoding: gzip;q=nan\r\n", false),
        ("Accept-Encoding: gzip;q=2\r\n", false),
        ("Accept-Encoding: gzip;q=\r\n", false),
        ("Accept-Encoding: identity;q=0\r\n", false),
    ] {
        let answer = get(server.local_addr(), "/metrics", accept_encoding);
        assert_eq!(answer.status, 200);
        let coding = answer.header("content-encoding");
        assert_eq!(coding, gzip.then_some("gzip"), "{accept_encoding:?}");
    }
}
