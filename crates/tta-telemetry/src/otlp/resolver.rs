//! Names of hosts, resolved on threads that nothing waits for.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::sync::watch;
use tower_service::Service;

/// Resolves names as the system does, which takes as long as it takes.
///
/// Whoever asks for a name that is being resolved waits for the same answer. So a resolver that
/// hangs holds one thread for each name, however often it is asked anew.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resolver;

impl Resolver {
    /// The addresses of a host.
    pub(crate) async fn addresses(self, host: &str) -> io::Result<Vec<SocketAddr>> {
        if let Ok(address) = host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::from((address, 0))]);
        }
        let mut answer = asked(host)?;
        let answer = answer.wait_for(Option::is_some).await;
        let answer =
            answer.map_err(|_| io::Error::other("the resolver ended without an answer"))?;
        match answer.as_deref() {
            Some(Ok(addresses)) => Ok(addresses.clone()),
            Some(Err(why)) => Err(io::Error::new(why.kind(), why.to_string())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

impl Service<Name> for Resolver {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let own = *self;
        Box::pin(async move { Ok(own.addresses(name.as_str()).await?.into_iter()) })
    }
}

type Answer = Option<Arc<io::Result<Vec<SocketAddr>>>>;

/// What will be known of a host, from a thread that may be asking already.
fn asked(host: &str) -> io::Result<watch::Receiver<Answer>> {
    let mut asking = asking();
    if let Some(answer) = asking.get(host) {
        return Ok(answer.clone());
    }
    let (sender, receiver) = watch::channel(None);
    let name = host.to_owned();
    std::thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(move || {
            let found = (name.as_str(), 0).to_socket_addrs();
            let found = found.map(Iterator::collect);
            self::asking().remove(&name);
            // Nobody may be waiting any more.
            let _ = sender.send(Some(Arc::new(found)));
        })?;
    asking.insert(host.to_owned(), receiver.clone());
    Ok(receiver)
}

fn asking() -> MutexGuard<'static, HashMap<String, watch::Receiver<Answer>>> {
    ASKING.lock().unwrap_or_else(PoisonError::into_inner)
}

static ASKING: LazyLock<Mutex<HashMap<String, watch::Receiver<Answer>>>> =
    LazyLock::new(Mutex::default);

const THREAD_NAME: &str = "tta-resolver";
