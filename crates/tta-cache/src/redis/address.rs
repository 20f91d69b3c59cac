//! Where a Redis is, as an address says it.

use std::fmt;

use redis::IntoConnectionInfo;
use tta_core::{Error, ErrorKind, Result, Secret};

/// What a URL says.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) kind: Kind,
    pub(super) nodes: Vec<Node>,
    pub(super) tls: bool,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret>,
    pub(super) database: i64,
}

/// What the nodes of an address are to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// There is one.
    Single,
    /// They are some of a cluster's.
    Cluster,
    /// They are Sentinels, which know the master of this service.
    Sentinel(String),
}

/// One server.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    pub(super) host: String,
    pub(super) port: u16,
}

impl Address {
    /// Reads `redis://`, `rediss://`, and either of them with `+cluster` or `+sentinel`.
    pub(super) fn parse(url: &str) -> Result<Self> {
        let (scheme, rest) = url.split_once("://").ok_or_else(no_scheme)?;
        let (tls, kind) = match scheme {
            "redis" => (false, Kind::Single),
            "rediss" => (true, Kind::Single),
            "redis+cluster" => (false, Kind::Cluster),
            "rediss+cluster" => (true, Kind::Cluster),
            "redis+sentinel" => (false, Kind::Sentinel(String::new())),
            "rediss+sentinel" => (true, Kind::Sentinel(String::new())),
            _ => return Err(no_scheme()),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user_info, hosts) = match authority.rsplit_once('@') {
            Some((user_info, hosts)) => (format!("{user_info}@"), hosts),
            None => (String::new(), authority),
        };
        let (kind, database) = match kind {
            Kind::Sentinel(_) => {
                let (service, database) = path.split_once('/').unwrap_or((path, ""));
                if service.is_empty() {
                    return Err(wrong("name the service after the hosts: `…/mymaster`"));
                }
                (Kind::Sentinel(service.to_owned()), database)
            }
            kind => (kind, path),
        };
        let mut address: Option<Self> = None;
        for host in hosts.split(',') {
            let one = Self::of_one(&user_info, host, database)?;
            match &mut address {
                None => {
                    address = Some(Self {
                        tls,
                        kind: kind.clone(),
                        ..one
                    });
                }
                Some(_) if kind == Kind::Single => {
                    return Err(wrong("several hosts are a cluster: `redis+cluster://`"));
                }
                Some(all) => all.nodes.extend(one.nodes),
            }
        }
        let address = address.ok_or_else(|| wrong("name a host"))?;
        if address.kind == Kind::Cluster && address.database != 0 {
            return Err(wrong("a cluster has database 0 only"));
        }
        Ok(address)
    }

    /// The client's own reading of a plain URL: percent signs, brackets, defaults.
    fn of_one(user_info: &str, host: &str, database: &str) -> Result<Self> {
        // The client's error may repeat what it read, and so the password.
        let unreadable = || wrong("write it as `redis://user:password@host:port/0`");
        let info = format!("redis://{user_info}{host}/{database}")
            .into_connection_info()
            .map_err(|_| unreadable())?;
        let redis::ConnectionAddr::Tcp(host, port) = info.addr() else {
            return Err(unreadable());
        };
        let settings = info.redis_settings();
        Ok(Self {
            kind: Kind::Single,
            nodes: vec![Node {
                host: host.clone(),
                port: *port,
            }],
            tls: false,
            user: settings.username().map(str::to_owned),
            password: settings.password().map(Secret::new),
            database: settings.db(),
        })
    }
}

impl Node {
    /// `host:port`, where a host of version 6 may have colons.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let port = port.parse().ok()?;
        (!host.is_empty()).then(|| Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

fn no_scheme() -> Error {
    wrong("begin it with `redis://`, `rediss://`, `redis+cluster://` or `redis+sentinel://`")
}

fn wrong(what_to_do: &'static str) -> Error {
    let message = format!("the address of Redis cannot be read; {what_to_do}");
    Error::new(ErrorKind::Configuration, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes(address: &Address) -> Vec<String> {
        address.nodes.iter().map(Node::to_string).collect()
    }

    #[test]
    fn every_form_is_read() {
        let single = Address::parse("redis://ada:p%40ss@redis.example:6380/3").unwrap();
        assert_eq!(nodes(&single), ["redis.example:6380"]);
        assert_eq!((single.tls, single.database), (false, 3));
        assert_eq!(single.user.as_deref(), Some("ada"));
        assert_eq!(single.password.unwrap().expose(), "p@ss");
        let tls = Address::parse("rediss://:secret@[::1]").unwrap();
        assert_eq!(
            (nodes(&tls), tls.tls),
            (vec!["[::1]:6379".to_owned()], true)
        );
        let cluster = Address::parse("redis+cluster://a:7000,b:7001,c").unwrap();
        assert_eq!(cluster.kind, Kind::Cluster);
        assert_eq!(nodes(&cluster), ["a:7000", "b:7001", "c:6379"]);
        let cluster = Address::parse("rediss+cluster://a").unwrap();
        assert_eq!((cluster.tls, cluster.kind), (true, Kind::Cluster));
        let sentinel = Address::parse("rediss+sentinel://u:p@a:26379,b:26379/mymaster/2").unwrap();
        assert_eq!(sentinel.kind, Kind::Sentinel("mymaster".into()));
        assert_eq!((sentinel.tls, sentinel.database), (true, 2));
        assert_eq!(nodes(&sentinel), ["a:26379", "b:26379"]);
    }

    #[test]
    fn what_cannot_be_read_is_refused_without_repeating_it() {
        for url in [
            "canary",
            "http://u:canary@host",
            "redis://u:canary@host:notaport",
            "redis://u:canary@a,b",
            "redis://u:canary@host/canary",
            "redis+cluster://u:canary@host/1",
            "redis+sentinel://u:canary@host",
            "redis://u:canary@",
        ] {
            let error = Address::parse(url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Configuration, "{url}");
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("canary"), "{url}: {shown}");
        }
    }

    #[test]
    fn a_password_is_not_shown() {
        let address = Address::parse("redis://ada:canary@host").unwrap();
        assert!(!format!("{address:?}").contains("canary"));
    }
}
