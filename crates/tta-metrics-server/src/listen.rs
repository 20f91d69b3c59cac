//! Finds the addresses of a host and listens on all of them at one port.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};

use crate::MetricsServerError;

/// Listens at `host` and `port`; port 0 takes one that is free on every address of the host.
///
/// An address family that this machine lacks is left out as long as another one works. A port
/// that is taken on *any* of the addresses is an error, though: half of the clients would find
/// the other program there.
pub(crate) fn listen(host: &str, port: u16) -> Result<Vec<TcpListener>, MetricsServerError> {
    let addresses = addresses(host)?;
    let mut attempts = if port == 0 { FREE_PORT_ATTEMPTS } else { 1 };
    loop {
        attempts -= 1;
        match listen_on_all(&addresses, port) {
            // The free port of the first address may belong to someone on the second.
            Err(MetricsServerError::AddressInUse { .. }) if attempts > 0 => {}
            outcome => return outcome,
        }
    }
}

fn listen_on_all(
    addresses: &[IpAddr],
    mut port: u16,
) -> Result<Vec<TcpListener>, MetricsServerError> {
    let mut listeners = Vec::with_capacity(addresses.len());
    let mut refusal = None;
    for &ip in addresses {
        let address = SocketAddr::new(ip, port);
        match listen_on(address) {
            Ok((listener, bound)) => {
                port = bound.port();
                listeners.push(listener);
            }
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                return Err(MetricsServerError::AddressInUse { address });
            }
            Err(source) => {
                refusal.get_or_insert(MetricsServerError::Bind { address, source });
            }
        }
    }
    match refusal {
        Some(error) if listeners.is_empty() => Err(error),
        _ => Ok(listeners),
    }
}

fn listen_on(address: SocketAddr) -> io::Result<(TcpListener, SocketAddr)> {
    let listener = TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let bound = listener.local_addr()?;
    Ok((listener, bound))
}

fn addresses(host: &str) -> Result<Vec<IpAddr>, MetricsServerError> {
    // RFC 6761: the name means loopback, and no resolver needs to be asked, which could be slow
    // or know only one of the two families.
    if host.eq_ignore_ascii_case("localhost") {
        return Ok(vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]);
    }
    let bare = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    if let Ok(ip) = bare.parse() {
        return Ok(vec![ip]);
    }
    let unknown = |source| MetricsServerError::UnknownHost {
        host: host.to_owned(),
        source,
    };
    let mut addresses = Vec::new();
    for address in (host, 0).to_socket_addrs().map_err(unknown)? {
        if !addresses.contains(&address.ip()) {
            addresses.push(address.ip());
        }
    }
    if addresses.is_empty() {
        return Err(unknown(io::ErrorKind::NotFound.into()));
    }
    Ok(addresses)
}

/// How often a free port is looked for that is free on every address.
const FREE_PORT_ATTEMPTS: u32 = 16;
