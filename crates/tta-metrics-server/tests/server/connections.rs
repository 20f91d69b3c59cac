use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use tta_metrics_server::MetricsServer;

use crate::exposition::{BODY, Gate, Rendering, plain, start};
use crate::scraper::{connect, get, read_answer, read_to_end, request, wait_for};

#[test]
fn the_longest_idle_connection_makes_room_for_a_new_one() {
    let server = start(plain().with_max_connections(3));
    let mut idle: Vec<TcpStream> = (1..=3)
        .map(|count| {
            let stream = connect(server.local_addr());
            wait_for(&server, |stats| stats.connections_open == count);
            stream
        })
        .collect();
    assert_eq!(get(server.local_addr(), "/metrics", "").text(), BODY);
    assert!(
        read_to_end(&mut idle[0]).is_empty(),
        "the oldest was closed"
    );
    let mut rest = idle.split_off(1);
    for stream in &mut rest {
        stream
            .write_all(request("GET", "/metrics", "").as_bytes())
            .expect("it is open");
        assert_eq!(read_answer(stream).text(), BODY);
    }
    let stats = server.stats();
    assert_eq!((stats.connections_evicted, stats.connections_peak), (1, 3));
}

#[test]
fn a_request_that_is_being_answered_never_makes_room() {
    let gate = Arc::new(Gate::default());
    let door = Arc::clone(&gate);
    let exposition = Rendering(move || {
        door.pass();
        BODY.as_bytes().to_vec()
    });
    let server = start(
        MetricsServer::new(exposition)
            .with_port(0)
            .with_max_connections(2),
    );
    let scrape = || {
        let address = server.local_addr();
        thread::spawn(move || get(address, "/metrics", ""))
    };
    let first_two = [scrape(), scrape()];
    wait_for(&server, |stats| stats.requests_in_flight == 2);
    let newcomer = scrape();
    wait_for(&server, |stats| stats.connections_accepted == 3);
    gate.open();
    for scrape in first_two.into_iter().chain([newcomer]) {
        assert_eq!(scrape.join().expect("it was answered").text(), BODY);
    }
    let stats = server.stats();
    assert_eq!((stats.requests_served, stats.connections_peak), (3, 2));
    assert_eq!(
        (stats.connections_evicted, stats.requests_in_flight),
        (0, 0)
    );
}

#[test]
fn clients_that_stop_reading_make_room() {
    let body = vec![b'x'; 32 << 20];
    let exposition = Rendering(move || body.clone());
    let server = start(
        MetricsServer::new(exposition)
            .with_port(0)
            .with_max_connections(2),
    );
    let stalled: Vec<TcpStream> = (0..2)
        .map(|_| {
            let mut stream = connect(server.local_addr());
            stream
                .write_all(request("GET", "/metrics", "").as_bytes())
                .expect("it is open");
            stream
        })
        .collect();
    wait_for(&server, |stats| stats.requests_served == 2);
    assert_eq!(get(server.local_addr(), "/health", "").status, 200);
    assert_eq!(server.stats().connections_evicted, 1);
    drop(stalled);
}

#[test]
fn a_client_that_goes_away_leaves_nothing_behind() {
    let gate = Arc::new(Gate::default());
    let door = Arc::clone(&gate);
    let exposition = Rendering(move || {
        door.pass();
        vec![b'x'; 8 << 20]
    });
    let server = start(MetricsServer::new(exposition).with_port(0));
    let scrape = request("GET", "/metrics", "");

    let mut while_rendering = connect(server.local_addr());
    while_rendering
        .write_all(scrape.as_bytes())
        .expect("it is open");
    gate.arrived(1);
    drop(while_rendering);
    wait_for(&server, |stats| {
        stats.connections_open == 0 && stats.requests_abandoned == 1
    });

    gate.open();
    let mut while_writing = connect(server.local_addr());
    while_writing
        .write_all(scrape.as_bytes())
        .expect("it is open");
    wait_for(&server, |stats| stats.requests_served == 1);
    drop(while_writing);
    wait_for(&server, |stats| stats.connections_open == 0);

    assert_eq!(get(server.local_addr(), "/metrics", "").body.len(), 8 << 20);
    wait_for(&server, |stats| stats.connections_open == 0);
    assert_eq!(server.stats().render_panics, 0);
}
