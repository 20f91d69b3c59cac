//! Showing batches to people, beside their export or instead of it.

use std::sync::Arc;
use std::time::Duration;

use super::outcome::Exported;
use super::signal::{Sending, Sink};
use super::worker::{Delivery, MakeSink};

/// Shows a batch; false where there was no room for it. It never waits.
pub(crate) type Show<R> = Arc<dyn Fn(&[R]) -> bool + Send + Sync>;

/// A delivery to people alone.
pub(crate) fn shown<R: Send + Sync + 'static>(show: &Show<R>, timeout: Duration) -> Delivery<R> {
    let show = Arc::clone(show);
    let make_sink: MakeSink<R> = Box::new(move || Ok(Box::new(ShowSink(Arc::clone(&show)))));
    Delivery {
        make_sink,
        protocol: CONSOLE,
        probe: None,
        timeout,
        watch: None,
    }
}

struct ShowSink<R>(Show<R>);

impl<R: Send + Sync> Sink<R> for ShowSink<R> {
    fn send<'a>(&'a self, batch: &'a [R]) -> Sending<'a> {
        let rejected = if (self.0)(batch) {
            0
        } else {
            batch.len() as u64
        };
        let message = if rejected > 0 {
            "the console is slow"
        } else {
            ""
        };
        let exported = Exported {
            rejected,
            message: message.to_owned(),
        };
        Box::pin(std::future::ready(Ok(exported)))
    }
}

/// The value of the label `protocol`.
const CONSOLE: &str = "console";
