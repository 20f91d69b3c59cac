//! Replies that would fill the memory.

use std::fs;
use std::time::Duration;

use tta_testkit::faults::report;
use tta_testkit::require;
use tta_testkit::resp::{Reply, RespServer};
use tta_testkit::servers::RedisServer;

use crate::support::{Calls, cached, tier, timed};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_44_a_value_of_512_mib_in_a_real_redis() {
    let redis = require!(RedisServer::start());
    let (tier, calls) = (tier(&redis.url()), Calls::default());
    let flow = cached(&tier, &calls);
    timed(&flow, "q").await;
    let key = "local k=redis.call('KEYS','tta:answers:v:*')[1] redis.call('SETRANGE',k,536870911,'x') return k";
    redis.command(&["EVAL", key, "0"]).unwrap();
    let grown = growth(async { timed(&flow, "q").await }).await;
    assert_eq!(calls.count(), 2, "it is a miss");
    timed(&flow, "q").await;
    assert_eq!(calls.count(), 2, "and was replaced");
    report(
        44,
        "a value of 512 MiB",
        "RSS + <= 2 MiB",
        format!("{grown} KiB"),
        grown <= 2048,
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_44_bombs() {
    for (name, bomb) in [
        ("array of 2147483647", Reply::bytes("*2147483647\r\n")),
        ("nested arrays", Reply::bytes("*100000\r\n".repeat(1000))),
        (
            "value announced as 512 MiB",
            Reply::Bulk {
                announced: 512 << 20,
                sent: 64 << 20,
            },
        ),
        ("value of 16 EiB", Reply::bytes("$18446744073709551615\r\n")),
        ("line without end", Reply::bytes("+".repeat(8 << 20))),
    ] {
        // The probe is answered, callers are not.
        let server = RespServer::start(move |command| {
            if command.argument(1).ends_with(":probe") {
                Reply::value("")
            } else {
                bomb.clone()
            }
        })
        .unwrap();
        let (tier, calls) = (tier(&server.url()), Calls::default());
        let flow = cached(&tier, &calls);
        let grown = growth(async {
            for question in 0..20 {
                timed(&flow, &question.to_string()).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        })
        .await;
        report(
            44,
            name,
            "RSS + <= 2 MiB",
            format!("{grown} KiB"),
            grown <= 2048,
        );
    }
}

/// By how many KiB the process's peak grew; the peak is set back to what is used now before.
async fn growth<T>(what: impl Future<Output = T>) -> u64 {
    fs::write("/proc/self/clear_refs", "5").unwrap();
    let before = status("VmRSS");
    what.await;
    status("VmHWM").saturating_sub(before)
}

fn status(field: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(field)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
