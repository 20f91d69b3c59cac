use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use tta_metrics_server::{Exposition, HealthReport, MetricsServer, ServerEvent};

use crate::exposition::{BODY, Gate, Rendering, start};
use crate::scraper::{Answer, get, wait_for};

#[test]
fn a_panicking_rendering_costs_one_scrape_and_is_reported() {
    let broken = Arc::new(AtomicBool::new(true));
    let events = Arc::new(Mutex::new(Vec::new()));
    let (switch, log) = (Arc::clone(&broken), Arc::clone(&events));
    let exposition = Rendering(move || {
        assert!(!switch.load(Ordering::Relaxed), "no metrics today");
        BODY.as_bytes().to_vec()
    });
    let server = start(
        MetricsServer::new(exposition)
            .with_port(0)
            .with_event_listener(move |event| log.lock().expect("no panic").push(event.clone())),
    );
    let answer = get(server.local_addr(), "/metrics", "");
    assert_eq!(answer.status, 500);
    assert!(
        !answer.text().contains("no metrics today"),
        "a panic may say something secret"
    );
    broken.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        assert_eq!(get(server.local_addr(), "/metrics", "").text(), BODY);
    }
    let stats = server.stats();
    assert_eq!(
        (
            stats.render_panics,
            stats.requests_failed,
            stats.requests_served
        ),
        (1, 1, 3)
    );
    let message = "no metrics today".to_owned();
    let expected = [ServerEvent::RenderPanicked { message }];
    assert_eq!(*events.lock().expect("no panic"), expected);
}

#[test]
fn a_panic_anywhere_in_the_exposition_or_its_listener_is_survived() {
    struct Hostile(AtomicUsize);

    impl Exposition for Hostile {
        fn content_type(&self, _accept: Option<&str>) -> &'static str {
            match self.0.fetch_add(1, Ordering::Relaxed) {
                0 => panic!("in content_type"),
                1 => "not a\nheader",
                2 => std::panic::panic_any(PanicsInDrop),
                _ => "text/plain",
            }
        }

        fn metrics(&self, _content_type: &'static str) -> Vec<u8> {
            BODY.as_bytes().to_vec()
        }

        fn health(&self) -> HealthReport {
            panic!("in health")
        }
    }

    struct PanicsInDrop;

    impl Drop for PanicsInDrop {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }

    let server = start(
        MetricsServer::new(Hostile(AtomicUsize::new(0)))
            .with_port(0)
            .with_event_listener(|_| panic!("in the listener")),
    );
    for _ in 0..3 {
        assert_eq!(get(server.local_addr(), "/metrics", "").status, 500);
        assert_eq!(get(server.local_addr(), "/health", "").status, 500);
    }
    assert_eq!(get(server.local_addr(), "/metrics", "").text(), BODY);
    assert_eq!(server.stats().render_panics, 6);
}

#[test]
fn requests_that_wait_at_the_same_time_share_one_fresh_rendering() {
    let gate = Arc::new(Gate::default());
    let (door, renderings) = (Arc::clone(&gate), AtomicUsize::new(0));
    let exposition = Rendering(move || {
        let number = renderings.fetch_add(1, Ordering::Relaxed);
        door.pass();
        format!("rendering {number}").into_bytes()
    });
    let server = start(MetricsServer::new(exposition).with_port(0));
    let scrape = |address: SocketAddr| thread::spawn(move || get(address, "/metrics", ""));

    let first = scrape(server.local_addr());
    gate.arrived(1);
    let later: Vec<_> = (0..10).map(|_| scrape(server.local_addr())).collect();
    wait_for(&server, |stats| stats.requests_in_flight == 11);
    gate.open();

    let answered = |scrape: thread::JoinHandle<Answer>| {
        scrape.join().expect("it was answered").text().to_owned()
    };
    assert_eq!(answered(first), "rendering 0");
    for scrape in later {
        assert_ne!(
            answered(scrape),
            "rendering 0",
            "an answer is never older than its question"
        );
    }
    assert_eq!(server.stats().renderings, 2);
}
