//! The password, in everything that anybody can see.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tta_cache::{CacheExt, RedisConfig, RedisState, RedisTier};
use tta_core::{install_recorder, uninstall_recorder};
use tta_testkit::faults::report;
use tta_testkit::recording::RecordingRecorder;
use tta_testkit::resp::{Reply, RespServer};

use crate::support::{Calls, config, model, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fault_47_a_password_that_the_server_repeats() {
    let _alone = crate::ALONE.lock().await;
    // As servers did that did not know `AUTH` with a user.
    let server = RespServer::start(|command| {
        Reply::error(&format!(
            "ERR unknown command, with args beginning with: {:?}",
            command.words()
        ))
    })
    .unwrap();
    let recorder = RecordingRecorder::new();
    install_recorder(Arc::clone(&recorder) as Arc<dyn tta_core::Recorder>);
    let url = server
        .url()
        .replace("redis://", &format!("redis://ada:{CANARY}@"));
    let redis = RedisConfig::new(&url).unwrap();
    let shown_config = format!("{redis:?} {redis:#?}");
    let tier = RedisTier::new(redis).unwrap();
    let calls = Calls::default();
    let cache = config(&tier);
    let shown_cache = format!("{cache:?}");
    let flow = model(&calls).cached(cache).unwrap();
    let ctx = recorder.context();
    flow.execute("q".to_owned(), &ctx).await.unwrap();
    until(&tier, RedisState::Down, Duration::from_secs(5)).await;
    flow.execute("q".to_owned(), &ctx).await.unwrap();
    // The connection's own thread writes the line, a moment after the state is seen.
    let deadline = Instant::now() + Duration::from_secs(30);
    let told = || {
        let lines = recorder.logs();
        lines.iter().any(|line| line.event == "cache_degraded")
    };
    while !told() {
        assert!(Instant::now() < deadline, "no line says that Redis is down");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    uninstall_recorder();
    assert!(
        server
            .commands()
            .iter()
            .any(|command| command.words().iter().any(|word| word == CANARY))
    );
    let panicked = std::panic::catch_unwind(AssertUnwindSafe(|| panic!("{tier:?}"))).unwrap_err();
    let panicked = panicked.downcast_ref::<String>().unwrap().clone();
    let refused = RedisConfig::new(format!("redis://ada:{CANARY}@host:port")).unwrap_err();
    let exposition = format!("{:?}", tta_core::registry().gather());
    let outputs = [
        ("configuration", shown_config),
        ("cache", shown_cache),
        ("tier", format!("{tier:?} {tier:#?}")),
        ("flow", format!("{flow:?}")),
        ("panic", panicked),
        ("error", format!("{refused} {refused:?}")),
        ("spans", format!("{:?}", recorder.traces())),
        ("logs", format!("{:?}", recorder.logs())),
        ("metrics", exposition),
    ];
    let leaks: Vec<_> = outputs
        .iter()
        .filter(|(_, text)| text.contains(CANARY))
        .map(|(name, _)| *name)
        .collect();
    report(
        47,
        "outputs with the password",
        "0",
        format!("{} {leaks:?}", leaks.len()),
        leaks.is_empty(),
    );
}

const CANARY: &str = "canary-7f3a9c";
