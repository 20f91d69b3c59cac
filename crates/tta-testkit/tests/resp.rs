//! A server that speaks Redis's protocol and says whatever it is told to.

#![expect(
    clippy::unwrap_used,
    reason = "the helpers of a test fail by panicking, as it does"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use tta_testkit::resp::{Reply, RespServer};

#[test]
fn it_answers_each_command_as_the_script_says() {
    let server = RespServer::start(|command| match command.name() {
        "GET" => Reply::value(command.argument(1)),
        "SET" => Reply::error("READONLY no"),
        _ => Reply::nil(),
    })
    .unwrap();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let said = say(
        &mut stream,
        b"*2\r\n$3\r\nget\r\n$2\r\nab\r\n*1\r\n$3\r\nSET\r\n*1\r\n$4\r\nPING\r\n",
        27,
    );
    assert_eq!(said, "$2\r\nab\r\n-READONLY no\r\n$-1\r\n");
    let names: Vec<_> = server
        .commands()
        .iter()
        .map(|c| c.name().to_owned())
        .collect();
    assert_eq!(names, ["GET", "SET", "PING"]);
    assert_eq!(server.connections(), 1);
}

#[test]
fn it_lies_about_lengths_says_nothing_or_late_and_hangs_up() {
    let server = RespServer::start(|command| match command.name() {
        "LIE" => Reply::Bulk {
            announced: 512 << 20,
            sent: 3,
        },
        "LATE" => Reply::Later(Duration::from_millis(30), Box::new(Reply::ok())),
        "NOTHING" => Reply::Nothing,
        _ => Reply::Close,
    })
    .unwrap();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    let lie = say(&mut stream, b"*1\r\n$3\r\nLIE\r\n", 17);
    assert_eq!(lie, "$536870912\r\nxxx\r\n");
    let begun = Instant::now();
    let late = b"*1\r\n$7\r\nNOTHING\r\n*1\r\n$4\r\nLATE\r\n";
    assert_eq!(say(&mut stream, late, 5), "+OK\r\n");
    assert!(begun.elapsed() >= Duration::from_millis(30));
    stream.write_all(b"*1\r\n$3\r\nEND\r\n").unwrap();
    assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn it_counts_the_connections_that_its_clients_have_not_closed() {
    let server = RespServer::start(|_| Reply::ok()).unwrap();
    let mut streams = [(); 2].map(|()| TcpStream::connect(server.address()).unwrap());
    for stream in &mut streams {
        say(stream, b"*1\r\n$4\r\nPING\r\n", 5);
    }
    assert_eq!((server.connections(), server.open_connections()), (2, 2));
    let [kept, closed] = streams;
    drop(closed);
    let begun = Instant::now();
    while server.open_connections() != 1 {
        assert!(begun.elapsed() < Duration::from_secs(30), "it is not seen");
        std::thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(server.connections(), 2);
    drop(kept);
}

fn say(stream: &mut TcpStream, command: &[u8], answer: usize) -> String {
    stream
        .set_read_timeout(Some(Duration::from_secs(5)))
        .unwrap();
    stream.write_all(command).unwrap();
    let mut bytes = vec![0; answer];
    stream.read_exact(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}
