use std::io::Write as _;
use std::net::Shutdown;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::exposition::{plain, start};
use crate::scraper::{connect, get, read_to_end, request};

/// Any bytes, and requests with some of their bytes replaced: the latter get further.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let places = vec((any::<prop::sample::Index>(), any::<u8>()), 0..6);
    let damaged = (
        "(GET|HEAD|POST|PRI)",
        "(/metrics|/health|/[ -~]{0,8})",
        places,
    )
        .prop_map(|(method, path, places)| {
            let mut bytes = request(&method, &path, "Accept: text/plain\r\n").into_bytes();
            for (place, byte) in places {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            bytes
        });
    prop_oneof![vec(any::<u8>(), 0..2_000), damaged]
}

#[test]
fn no_bytes_whatever_stop_the_server_or_get_metrics_from_another_path() {
    let server = start(plain());
    let mut runner = TestRunner::new(Config::with_cases(400));
    let run = runner.run(&bytes(), |bytes| {
        let mut stream = connect(server.local_addr());
        // The server may have seen enough before the last byte.
        let _refused = stream
            .write_all(&bytes)
            .and_then(|()| stream.shutdown(Shutdown::Write));
        let answer = read_to_end(&mut stream);
        let first_line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let asked = first_line.windows(8).any(|window| window == b"/metrics");
        let told = answer.windows(13).any(|window| window == b"answers_total");
        prop_assert!(asked || !told, "{}", String::from_utf8_lossy(&bytes));
        Ok(())
    });
    run.expect("the server holds");
    assert_eq!(get(server.local_addr(), "/metrics", "").status, 200);
    assert_eq!(server.stats().render_panics, 0);
}
