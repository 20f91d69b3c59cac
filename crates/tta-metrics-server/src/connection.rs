//! Serves one connection from its first byte to its end.

use std::convert::Infallible;
use std::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioTimer;
use tokio::net::TcpStream;
use tokio::sync::watch;

use crate::access::Access;
use crate::admission::{Activity, Admitted};
use crate::body::Body;
use crate::event::Listener;
use crate::handshake::{Ready, make_ready};
use crate::observer::Rejection;
use crate::render::Renderer;
use crate::respond::{close_after, has_body, respond};
use crate::stats::Counters;
#[cfg(feature = "tls")]
use crate::tls::Tls;
use crate::transport::Transport;

/// What all connections share.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) renderer: Arc<Renderer>,
    pub(crate) counters: Arc<Counters>,
    pub(crate) access: Arc<Access>,
    #[cfg(feature = "tls")]
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) listener: Listener,
    pub(crate) header_timeout: Duration,
    pub(crate) connection_timeout: Duration,
    /// When the server is to have stopped; none while it runs.
    pub(crate) stop: watch::Receiver<Option<Instant>>,
}

/// Serves requests until the client ends, misbehaves, has had its time or must give way.
pub(crate) async fn serve(stream: TcpStream, mut admitted: Admitted, shared: Shared) {
    let activity = Arc::clone(admitted.activity());
    let counters = Arc::clone(&shared.counters);
    let Some(Ready {
        stream,
        is_identified,
    }) = make_ready(stream, &mut admitted, &shared).await
    else {
        return;
    };
    let deadline = activity.opened() + shared.connection_timeout;
    let mut connection = http1::Builder::new()
        // Without a timer hyper's own deadline would never act.
        .timer(TokioTimer::new())
        .header_read_timeout(shared.header_timeout)
        .max_buf_size(MAX_HEADER_BYTES)
        .serve_connection(
            Transport::new(stream, Arc::clone(&activity)),
            service_fn(|request| {
                let (shared, activity) = (shared.clone(), Arc::clone(&activity));
                async move {
                    let has_body = has_body(&request);
                    activity.request_began(has_body);
                    let mut answer = respond(&request, is_identified, &shared).await;
                    if has_body || is_nearly_over(&activity, &shared) {
                        close_after(&mut answer);
                    }
                    match answer.body_mut() {
                        Body::Growing(growing) => growing.accompany(&activity),
                        Body::Whole(_) => activity.answered(),
                    }
                    Ok::<_, Infallible>(answer)
                }
            }),
        );
    let mut stop = shared.stop.clone();
    let mut stopping = false;
    loop {
        tokio::select! {
            biased;
            () = admitted.evicted() => {
                connection.into_parts().io.abandon();
                return;
            }
            ended = &mut connection => {
                if let Err(error) = ended {
                    count_error(&error, &counters);
                }
                return;
            }
            () = tokio::time::sleep_until(deadline.into()) => {
                counters.rejected(Rejection::TimedOut);
                return;
            }
            // The sender is gone only when the server is.
            _stop = stop.wait_for(Option::is_some), if !stopping => {
                if !activity.is_busy() {
                    return;
                }
                stopping = true;
                pin::Pin::new(&mut connection).graceful_shutdown();
            }
        }
    }
}

/// Whether a further request on this connection might be cut off by its deadline. A client that
/// knows can open a new one instead.
fn is_nearly_over(activity: &Activity, shared: &Shared) -> bool {
    activity.opened().elapsed() > shared.connection_timeout / 2
}

fn count_error(error: &hyper::Error, counters: &Counters) {
    if error.is_timeout() {
        counters.rejected(Rejection::TimedOut);
    } else if error.is_parse() {
        counters.rejected(Rejection::Malformed);
    }
    // The rest is a client that went away, which is its right.
}

/// Longest request head; a scraper's has a few hundred bytes.
const MAX_HEADER_BYTES: usize = 16 * 1024;
