//! What becomes of lines when their destination is slow, broken or gone.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use tracing_subscriber::layer::SubscriberExt;
use tta_core::Level;
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{LogOptions, LogStats, LogWriter, log_layer};

use crate::captured::Destination;

/// A destination that writes when it is told to.
struct Gate {
    opened: Receiver<()>,
    writing: Sender<()>,
    to: Destination,
}

impl Write for Gate {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writing.send(()).unwrap();
        let _ = self.opened.recv();
        self.to.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_destination_that_hangs_costs_lines_and_never_time() {
    let (open, opened) = channel();
    let (writing, busy) = channel();
    let to = Destination::default();
    let gate = Gate {
        opened,
        writing,
        to: to.clone(),
    };
    let writer = LogWriter::with_capacity(gate, 4_096).unwrap();
    log_to(&writer, |log| {
        log(1);
        busy.recv().unwrap();
        log(1_000);
    });
    let stats = writer.stats();
    assert_eq!(stats.created, 1_001);
    assert_eq!(stats.written, 0);
    assert!(stats.lost > 900 && stats.queued > 10, "{stats:?}");
    assert_eq!(stats.lost + stats.queued, 1_001);

    let began = Instant::now();
    assert!(!writer.flush(Duration::from_millis(50)));
    assert!(began.elapsed() < Duration::from_secs(5));

    drop(open);
    assert!(writer.flush(Duration::from_secs(10)));
    let stats = writer.stats();
    assert_eq!((stats.written + stats.lost, stats.queued), (1_001, 0));
    assert_eq!(to.text().lines().count() as u64, stats.written);
}

#[test]
fn lines_that_the_destination_refuses_are_counted_and_the_next_are_tried() {
    struct Moody {
        refusals: u32,
        to: Destination,
    }
    impl Write for Moody {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.refusals += 1;
            match self.refusals {
                1 => Err(io::ErrorKind::BrokenPipe.into()),
                2 => panic!("a destination's bug"),
                _ => self.to.write(bytes),
            }
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let to = Destination::default();
    let writer = LogWriter::new(Moody {
        refusals: 0,
        to: to.clone(),
    })
    .unwrap();
    // One line at a time: how many lines one write takes is up to the writer's thread.
    for _ in 0..3 {
        log_to(&writer, |log| log(1));
        assert!(writer.flush(Duration::from_secs(10)));
    }
    let stats = writer.stats();
    assert_eq!((stats.created, stats.lost, stats.written), (3, 2, 1));
    assert_eq!(to.text().lines().count(), 1);
}

#[test]
fn a_closed_writer_has_written_all_and_takes_no_more() {
    let to = Destination::default();
    let writer = LogWriter::new(to.clone()).unwrap();
    log_to(&writer, |log| log(100));
    assert!(writer.close(Duration::from_secs(10)));
    assert_eq!(to.text().lines().count(), 100);
    log_to(&writer, |log| log(2));
    assert!(writer.close(Duration::from_secs(10)));
    let stats = writer.stats();
    assert_eq!(
        (stats.created, stats.written, stats.lost, stats.queued),
        (102, 100, 2, 0)
    );
}

#[test]
fn dropping_the_last_writer_writes_what_waits_and_lets_the_destination_go() {
    struct TellsDrop(Destination, Sender<()>);
    impl Write for TellsDrop {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.write(bytes)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Drop for TellsDrop {
        fn drop(&mut self) {
            self.1.send(()).unwrap();
        }
    }
    let (dropped, drops) = channel();
    let to = Destination::default();
    let writer = LogWriter::new(TellsDrop(to.clone(), dropped)).unwrap();
    log_to(&writer, |log| log(50));
    drop(writer);
    drops.recv_timeout(Duration::from_secs(10)).unwrap();
    assert_eq!(to.text().lines().count(), 50);
}

#[test]
fn lines_of_many_threads_are_whole_and_none_is_missing() {
    let to = Destination::default();
    let writer = LogWriter::new(to.clone()).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| log_to(&writer, |log| log(500)));
        }
    });
    assert!(writer.flush(Duration::from_secs(10)));
    let text = to.text();
    let whole = |line: &str| serde_json::from_str::<serde_json::Value>(line).is_ok();
    assert_eq!(text.lines().filter(|line| whole(line)).count(), 4_000);
    assert_eq!(text.lines().count(), 4_000);
    let LogStats {
        created, written, ..
    } = writer.stats();
    assert_eq!((created, written), (4_000, 4_000));
}

#[test]
fn futures_and_threads_can_share_a_writer() {
    fn shared<T: Send + Sync + Clone + 'static>() {}
    shared::<LogWriter>();
}

/// Gives `run` a function that logs so many lines to the writer.
fn log_to(writer: &LogWriter, run: impl FnOnce(&dyn Fn(u32))) {
    let layer = log_layer(LogOptions {
        service: "shop".to_owned(),
        filter: Level::Info.into(),
        format: LogFormat::Json,
        writer: writer.clone(),
    });
    let log = |count| {
        for number in 0..count {
            tracing::info!(number, "a line");
        }
    };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || run(&log));
}
