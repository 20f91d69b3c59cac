//! The demonstration as an orchestrator runs it: asked whether it is ready, and told to end.

#![expect(clippy::unwrap_used, reason = "what fails here fails the test")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[test]
fn it_says_that_it_is_ready_and_ends_well_when_it_is_told_to() {
    let mut assistant = Command::new(env!("CARGO_BIN_EXE_assistant"))
        .args(["--requests", "20", "--speed", "1000", "--no-failures"])
        .args(["--metrics-port", "0"])
        .env_remove("OTEL_EXPORTER_OTLP_ENDPOINT")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(assistant.stdout.take().unwrap()).lines();
    let mut port = None;
    // The end of the output is the end of the program, which must not come before it is asked for.
    loop {
        let line = lines.next().unwrap().unwrap();
        if let Some(url) = line.strip_prefix("metrics ") {
            let address = url.trim().strip_suffix("/metrics").unwrap();
            port = address.rsplit_once(':').map(|(_, port)| port.to_owned());
        }
        if line.starts_with("the metrics page stays up") {
            break;
        }
    }
    let port = port.unwrap();

    assert!(probe(&port).success());

    let pid = assistant.id().to_string();
    let mut kill = Command::new("sh");
    kill.args(["-c", &format!("kill -TERM {pid}")]);
    assert!(kill.status().unwrap().success());
    assert_eq!(ended(&mut assistant).code(), Some(0));
    assert!(!probe(&port).success());
}

fn ended(assistant: &mut Child) -> ExitStatus {
    let deadline = Instant::now() + Duration::from_secs(30);
    loop {
        if let Some(status) = assistant.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            assistant.kill().unwrap();
            panic!("it did not end within 30 s");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn probe(port: &str) -> ExitStatus {
    Command::new(env!("CARGO_BIN_EXE_assistant"))
        .args(["--probe", "--metrics-port", port])
        .stderr(Stdio::null())
        .status()
        .unwrap()
}
