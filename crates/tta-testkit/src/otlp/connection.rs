//! Connections: reads whole requests, asks the script, and does as it says.

use std::convert::Infallible;
use std::future;
use std::sync::Arc;
use std::time::Instant;

use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use super::log::Log;
use super::protocol::{self, ReplyBody};
use super::received::{Protocol, ReceivedRequest};
use super::reply::Reply;

/// Serves every connection of a listener until the runtime is dropped, inside TLS where asked.
pub(super) async fn accept_all(
    listener: TcpListener,
    tls: Option<Arc<ServerConfig>>,
    protocol: Protocol,
    log: Arc<Log>,
) {
    loop {
        // A client that gave up between its packet and our accept is no reason to stop.
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        log.update(|state| state.connections += 1);
        let log = Arc::clone(&log);
        match tls.clone().map(TlsAcceptor::from) {
            None => {
                tokio::spawn(serve(stream, protocol, log));
            }
            Some(acceptor) => {
                tokio::spawn(async move {
                    // A client that refuses us, or that we refuse, sees why.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        serve(stream, protocol, log).await;
                    }
                });
            }
        }
    }
}

async fn serve<S>(stream: S, protocol: Protocol, log: Arc<Log>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let close = Arc::new(Notify::new());
    let closing = Arc::clone(&close);
    let service = service_fn(move |request| {
        answer(request, protocol, Arc::clone(&log), Arc::clone(&closing))
    });
    let stream = TokioIo::new(stream);
    let serving = async {
        // How a connection ended is the client's to judge: that is what the tests look at.
        let _ = match protocol {
            Protocol::Grpc => {
                http2::Builder::new(TokioExecutor::new())
                    .serve_connection(stream, service)
                    .await
            }
            Protocol::Http => {
                http1::Builder::new()
                    .serve_connection(stream, service)
                    .await
            }
        };
    };
    tokio::select! {
        () = serving => {}
        () = close.notified() => {}
    }
}

async fn answer(
    request: Request<Incoming>,
    protocol: Protocol,
    log: Arc<Log>,
    close: Arc<Notify>,
) -> Result<Response<ReplyBody>, Infallible> {
    let (head, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The client went away in the middle of its request.
        return future::pending().await;
    };
    let body = body.to_bytes();
    let Some((message, payload)) = protocol::decode(protocol, &head, &body) else {
        log.update(|state| state.undecodable += 1);
        return Ok(protocol::undecodable(protocol));
    };
    let signal = payload.signal();
    let headers = head.headers.iter().map(|(name, value)| {
        (
            name.as_str().to_owned(),
            String::from_utf8_lossy(value.as_bytes()).into_owned(),
        )
    });
    let make = |reply| ReceivedRequest {
        protocol,
        headers: headers.collect(),
        body_bytes: body.len(),
        arrived: Instant::now(),
        message,
        payload,
        reply,
        accepted: false,
    };
    let (ticket, reply) = log.arrive(make, signal);
    let rejected = match reply {
        Reply::Ok => 0,
        Reply::PartialSuccess { rejected } => rejected,
        Reply::Delay(wait) => {
            tokio::time::sleep(wait).await;
            0
        }
        Reply::Status(status) => return Ok(protocol::status(protocol, status)),
        Reply::Garbage(bytes) => return Ok(protocol::garbage(protocol, bytes)),
        Reply::Raw(raw) => return Ok(raw.response()),
        Reply::Hang => return future::pending().await,
        Reply::CloseConnection => {
            close.notify_one();
            return future::pending().await;
        }
    };
    log.accept(ticket);
    Ok(protocol::success(protocol, signal, rejected))
}
