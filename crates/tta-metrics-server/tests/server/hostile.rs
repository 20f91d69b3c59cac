use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

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
    prop_oneof![1 => vec(any::<u8>(), 0..2_000), 4 => damaged]
}

#[test]
fn fault_32_no_bytes_whatever_stop_the_server_or_get_metrics_from_another_path() {
    // Short, for most of these bytes never make a whole head.
    let server = start(plain().with_header_timeout(Duration::from_millis(20)));
    let mut runner = TestRunner::new(Config::with_cases(CASES));
    let told_some = AtomicBool::new(false);
    let run = runner.run(&bytes(), |bytes| {
        let mut stream = connect(server.local_addr());
        // The server may have seen enough before the last byte.
        let _refused = stream.write_all(&bytes);
        let answer = read_to_end(&mut stream);
        let first_line = bytes
            .split(|byte| *byte == b'\n')
            .next()
            .unwrap_or_default();
        let asked = first_line.windows(8).any(|window| window == b"/metrics");
        let told = answer.windows(13).any(|window| window == b"answers_total");
        told_some.fetch_or(told, Ordering::Relaxed);
        prop_assert!(asked || !told, "{}", String::from_utf8_lossy(&bytes));
        Ok(())
    });
    run.expect("the server holds");
    assert!(
        told_some.into_inner(),
        "no request was whole enough to be answered"
    );
    assert_eq!(get(server.local_addr(), "/metrics", "").status, 200);
    let panics = server.stats().render_panics;
    let goal = "0 panics, the page on /metrics alone";
    let measured = format!("{panics} panics in {CASES} requests");
    tta_testkit::faults::report(
        32,
        "damaged requests and random bytes",
        goal,
        measured,
        panics == 0,
    );
}

const CASES: u32 = 300;
