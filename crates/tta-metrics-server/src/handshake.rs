//! From a TCP connection to one that HTTP can be spoken over.

#[cfg(feature = "tls")]
use std::io;

use tokio::net::TcpStream;

use crate::admission::Admitted;
use crate::connection::Shared;
#[cfg(feature = "tls")]
use crate::observer::Rejection;
use crate::stream::Stream;

/// A connection that is ready for HTTP.
pub(crate) struct Ready {
    pub(crate) stream: Stream,
    /// Whether the client has shown a certificate that is believed.
    pub(crate) is_identified: bool,
}

/// Shakes hands if there is TLS; none where that fails, takes longer than a request head may, the
/// place is needed for someone else or the server stops.
#[cfg(feature = "tls")]
pub(crate) async fn make_ready(
    stream: TcpStream,
    admitted: &mut Admitted,
    shared: &Shared,
) -> Option<Ready> {
    if let Some(tls) = &shared.tls {
        let config = tls.config(&shared.listener);
        // The handshake is small packets that wait for each other. Where the option is refused it
        // is only slower.
        let _slower = stream.set_nodelay(true);
        let shaking = tokio_rustls::TlsAcceptor::from(config).accept(stream);
        return shake_hands(shaking, admitted, shared).await;
    }
    Some(Ready {
        stream: Stream::Plain(stream),
        is_identified: false,
    })
}

/// A connection in clear is ready as it is.
#[cfg(not(feature = "tls"))]
#[allow(
    clippy::unused_async,
    reason = "it has the shape of the one that shakes hands"
)]
pub(crate) async fn make_ready(
    stream: TcpStream,
    _admitted: &mut Admitted,
    _shared: &Shared,
) -> Option<Ready> {
    Some(Ready {
        stream: Stream::Plain(stream),
        is_identified: false,
    })
}

#[cfg(feature = "tls")]
async fn shake_hands(
    mut shaking: tokio_rustls::Accept<TcpStream>,
    admitted: &mut Admitted,
    shared: &Shared,
) -> Option<Ready> {
    let mut stop = shared.stop.clone();
    let shaken = tokio::select! {
        biased;
        () = admitted.evicted() => {
            if let Some(stream) = shaking.get_ref() {
                // As in `Transport::abandon`.
                let _slower = stream.set_zero_linger();
            }
            return None;
        }
        _stop = stop.wait_for(Option::is_some) => return None,
        shaken = tokio::time::timeout(shared.header_timeout, &mut shaking) => shaken,
    };
    match shaken {
        Ok(Ok(stream)) => Some(Ready {
            is_identified: stream.get_ref().1.peer_certificates().is_some(),
            stream: Stream::Tls(Box::new(stream)),
        }),
        Ok(Err(error)) => {
            if is_of_tls(&error) {
                shared.counters.rejected(Rejection::Handshake);
            }
            None
        }
        Err(_elapsed) => {
            shared.counters.rejected(Rejection::TimedOut);
            None
        }
    }
}

/// Whether the client spoke wrongly, as opposed to having gone away, which is its right.
#[cfg(feature = "tls")]
fn is_of_tls(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::InvalidData
}
