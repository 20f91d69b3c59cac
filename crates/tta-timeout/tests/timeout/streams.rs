//! Streams that are too slow end with an error that says by which limit.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::support::{MS, context, counted};
use futures_core::Stream;
use futures_core::stream::FusedStream;
use tokio::time::{Sleep, sleep};
use tta_core::{Error, ErrorKind, Result};
use tta_testkit::measured::measured;
use tta_timeout::{StreamLimits, StreamTimeout, TimedOut, TimeoutCause, TimeoutStreamExt};

type Item = Result<u64>;

/// Gives each item after so many milliseconds from when it is asked for, and ends after the last.
struct Scripted {
    script: VecDeque<(u64, Item)>,
    waits: Option<Pin<Box<Sleep>>>,
    alive: Arc<()>,
}

impl Stream for Scripted {
    type Item = Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Item>> {
        let Some((ms, _)) = self.script.front() else {
            return Poll::Ready(None);
        };
        let ms = *ms;
        if ms > 0 {
            let waits = self
                .waits
                .get_or_insert_with(|| Box::pin(sleep(Duration::from_millis(ms))));
            std::task::ready!(waits.as_mut().poll(cx));
        }
        self.waits = None;
        Poll::Ready(self.script.pop_front().map(|(_, item)| item))
    }
}

fn scripted(delays: &[u64]) -> Scripted {
    Scripted {
        script: delays.iter().map(|ms| (*ms, Ok(*ms))).collect(),
        waits: None,
        alive: Arc::default(),
    }
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

/// How many items came, and what ended the stream.
async fn drain<S: Stream<Item = Item> + Unpin>(stream: &mut S) -> (usize, Option<TimeoutCause>) {
    let mut items = 0;
    while let Some(item) = next(stream).await {
        match item {
            Ok(_) => items += 1,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Timeout);
                let cause = error.downcast_ref::<TimedOut>().unwrap().cause();
                assert!(
                    next(stream).await.is_none(),
                    "nothing comes after the error"
                );
                return (items, Some(cause));
            }
        }
    }
    (items, None)
}

fn limits() -> StreamLimits {
    StreamLimits::new()
        .with_first_item(20 * MS)
        .with_idle(10 * MS)
        .with_total(100 * MS)
}

#[tokio::test(start_paused = true)]
async fn a_stream_within_its_limits_passes_unchanged_and_counts_once() -> Result<()> {
    let timeout = StreamTimeout::new("within", limits())?;
    let mut stream = scripted(&[20, 10, 0, 10, 9]).timed(&timeout, &context());
    assert_eq!(drain(&mut stream).await, (5, None));
    assert!(next(&mut stream).await.is_none());
    assert_eq!(counted("within"), [1, 0, 0, 0]);
    assert!((measured("timeout_execution_duration_seconds", &["within"]) - 1.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_limit_ends_the_stream_at_its_time_and_is_named() -> Result<()> {
    let cases = [
        (
            vec![21],
            TimeoutCause::FirstItem,
            0,
            20,
            "no first item within 20ms",
        ),
        (
            vec![15, 11],
            TimeoutCause::Idle,
            1,
            25,
            "no next item within 10ms",
        ),
        (
            vec![9; 20],
            TimeoutCause::Total,
            11,
            100,
            "did not end within 100ms",
        ),
    ];
    for (delays, cause, items, elapsed, says) in cases {
        let timeout = StreamTimeout::new("each_limit", limits())?;
        let ctx = context();
        let mut stream = scripted(&delays).timed(&timeout, &ctx);
        let mut seen = 0;
        let error = loop {
            match next(&mut stream).await.unwrap() {
                Ok(_) => seen += 1,
                Err(error) => break error,
            }
        };
        assert_eq!(seen, items, "{cause:?}");
        assert_eq!(error.downcast_ref::<TimedOut>().unwrap().cause(), cause);
        assert!(error.to_string().contains(says), "{error}");
        assert!(error.to_string().contains("`each_limit`"), "{error}");
        assert_eq!(ctx.elapsed(), elapsed * MS, "{cause:?}");
    }
    assert_eq!(counted("each_limit"), [0, 0, 3, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_limit_works_alone() -> Result<()> {
    let none = StreamLimits::new();
    let cases = [
        (none.with_first_item(20 * MS), vec![5, 500], None, 505),
        (
            none.with_idle(10 * MS),
            vec![500, 5, 11],
            Some(TimeoutCause::Idle),
            515,
        ),
        (
            none.with_total(10 * MS),
            vec![6, 6],
            Some(TimeoutCause::Total),
            10,
        ),
    ];
    for (limits, delays, cause, elapsed) in cases {
        let timeout = StreamTimeout::new("alone", limits)?;
        let ctx = context();
        let mut stream = scripted(&delays).timed(&timeout, &ctx);
        assert_eq!(drain(&mut stream).await.1, cause);
        assert_eq!(ctx.elapsed(), elapsed * MS);
    }
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_deadline_of_the_context_ends_a_stream_and_is_counted_as_one() -> Result<()> {
    let timeout = StreamTimeout::new("stream_deadline", limits())?;
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 12 * MS);
    let mut stream = scripted(&[9, 9]).timed(&timeout, &hurried);
    assert_eq!(drain(&mut stream).await, (1, Some(TimeoutCause::Deadline)));
    assert_eq!(ctx.elapsed(), 12 * MS);
    assert_eq!(counted("stream_deadline"), [0, 0, 0, 1]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_streams_own_limit_is_named_where_it_equals_the_total_or_the_deadline() -> Result<()> {
    let same = StreamLimits::new()
        .with_first_item(20 * MS)
        .with_total(20 * MS);
    let timeout = StreamTimeout::new("same", same)?;
    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 20 * MS);
    let mut stream = scripted(&[50]).timed(&timeout, &hurried);
    assert_eq!(drain(&mut stream).await.1, Some(TimeoutCause::FirstItem));

    let ctx = context();
    let hurried = ctx.with_deadline(ctx.now() + 100 * MS);
    let timeout = StreamTimeout::new("same", limits())?;
    let mut stream = scripted(&[9; 20]).timed(&timeout, &hurried);
    assert_eq!(drain(&mut stream).await.1, Some(TimeoutCause::Total));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_time_that_the_consumer_takes_is_not_the_streams_idle_time() -> Result<()> {
    let timeout = StreamTimeout::new("slow_consumer", limits())?;
    let mut stream = scripted(&[1, 9, 9]).timed(&timeout, &context());
    for _ in 0..3 {
        assert!(next(&mut stream).await.unwrap().is_ok());
        sleep(15 * MS).await;
    }
    assert!(next(&mut stream).await.is_none());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_always_has_something_is_held_to_its_total_all_the_same() -> Result<()> {
    let timeout = StreamTimeout::new("always_ready", limits())?;
    let ctx = context();
    let mut stream = scripted(&[0; 5]).timed(&timeout, &ctx);
    for _ in 0..2 {
        assert!(next(&mut stream).await.unwrap().is_ok());
        tokio::time::advance(50 * MS).await;
    }
    assert!(
        next(&mut stream).await.unwrap().is_ok(),
        "at its total, not past it"
    );
    tokio::time::advance(MS).await;
    assert_eq!(drain(&mut stream).await, (0, Some(TimeoutCause::Total)));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_streams_own_passes_unchanged_and_ends_nothing() -> Result<()> {
    let timeout = StreamTimeout::new("own_error", limits())?;
    let mut inner = scripted(&[1, 1]);
    inner.script.insert(
        1,
        (1, Err(Error::new(ErrorKind::InvalidInput, "half a token"))),
    );
    let mut stream = inner.timed(&timeout, &context());
    assert!(next(&mut stream).await.unwrap().is_ok());
    let error = next(&mut stream).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(drain(&mut stream).await, (1, None));
    assert_eq!(counted("own_error"), [1, 0, 0, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_stream_inside_is_dropped_with_the_error_or_with_the_end_or_with_the_whole()
-> Result<()> {
    let timeout = StreamTimeout::new("dropped_stream", limits())?;
    for (delays, polled) in [(vec![50], true), (vec![1], true), (vec![1], false)] {
        let inner = scripted(&delays);
        let alive = Arc::downgrade(&inner.alive);
        let mut stream = inner.timed(&timeout, &context());
        assert!(!stream.is_terminated());
        if polled {
            let _ = drain(&mut stream).await;
            assert!(stream.is_terminated());
        } else {
            drop(stream);
        }
        assert_eq!(alive.strong_count(), 0);
    }
    // The one that was dropped is neither.
    assert_eq!(counted("dropped_stream"), [1, 0, 1, 0]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn limits_that_the_clock_cannot_express_are_none() -> Result<()> {
    let limits = StreamLimits::new()
        .with_first_item(Duration::MAX)
        .with_idle(Duration::MAX)
        .with_total(Duration::MAX);
    let timeout = StreamTimeout::new("forever", limits)?;
    let mut stream = scripted(&[50_000, 50_000]).timed(&timeout, &context());
    assert_eq!(drain(&mut stream).await, (2, None));
    Ok(())
}

#[test]
fn a_stream_timeout_without_limits_or_with_one_of_zero_is_refused() {
    let refused = [
        (StreamLimits::new(), "at least one limit"),
        (limits().with_first_item(Duration::ZERO), "above zero"),
        (limits().with_idle(Duration::ZERO), "above zero"),
        (limits().with_total(Duration::ZERO), "above zero"),
    ];
    for (limits, says) in refused {
        let error = StreamTimeout::new("refused", limits).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration);
        assert!(error.to_string().contains(says), "{error}");
    }
    for preset in [StreamLimits::standard(), StreamLimits::llm()] {
        assert!(StreamTimeout::new("preset", preset).is_ok());
    }
}

#[test]
fn a_stream_that_waits_without_a_timer_is_an_error_that_says_what_is_missing() -> Result<()> {
    struct Never;
    impl Stream for Never {
        type Item = Item;
        fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Item>> {
            Poll::Pending
        }
    }
    let timeout = StreamTimeout::new("no_timer", limits())?;
    let mut stream = Never.timed(&timeout, &tta_core::WorkflowContext::new());
    let mut cx = Context::from_waker(std::task::Waker::noop());
    let Poll::Ready(Some(Err(error))) = Pin::new(&mut stream).poll_next(&mut cx) else {
        panic!("must fail at once")
    };
    assert_eq!(error.kind(), ErrorKind::Configuration);
    assert!(stream.is_terminated());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn foreign_errors_become_ours() -> Result<()> {
    struct Once(Option<std::io::Error>);
    impl Stream for Once {
        type Item = std::io::Result<u64>;
        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            Poll::Ready(self.0.take().map(Err))
        }
    }
    let timeout = StreamTimeout::new("foreign", limits())?;
    let inner = Once(Some(std::io::ErrorKind::ConnectionReset.into()));
    let mut stream = inner.timed(&timeout, &context());
    let error = next(&mut stream).await.unwrap().unwrap_err();
    assert!(error.downcast_ref::<std::io::Error>().is_some());
    Ok(())
}
