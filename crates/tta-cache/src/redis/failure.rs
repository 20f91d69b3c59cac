//! Why an operation did not do what it was asked to.

use redis::{ErrorKind, RedisError, ServerError, ServerErrorKind};

use super::address::Node;

/// Why an operation did not do what it was asked to.
///
/// What a server says in words is not kept: old servers repeat the arguments of a command that they
/// do not know, and `AUTH` has the password for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// It was not asked, because it does not answer.
    NotAsked,
    /// No answer within the budget.
    Timeout,
    /// No connection, or one that ended.
    Connection,
    /// The certificate is not to be trusted, or the other side speaks no TLS.
    Tls,
    /// The answer is none to the question.
    Protocol,
    /// The value is larger than the limit.
    TooLarge,
    /// The server does not know the user, or wants one.
    Authentication,
    /// The server is reading its data, or is busy with a script.
    Loading,
    /// The cluster or its part does not serve.
    ClusterDown,
    /// The key is served by another node, once or from now on.
    Moved { node: Option<Node>, for_good: bool },
    /// The user may not do this.
    NoPermission,
    /// It is a replica.
    ReadOnly,
    /// It is full.
    OutOfMemory,
    /// The key holds something else.
    WrongType,
    /// Another error that it gives to this command.
    Refused,
}

/// What a failure says of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It answers: the failure is the command's.
    Answers,
    /// It may stop being asked.
    Fails,
    /// Its connection cannot be trusted any more.
    Untrusted,
}

impl Failure {
    /// Its name in logs and in the status.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::NotAsked => "not_asked",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Tls => "tls",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Authentication => "authentication",
            Self::Loading => "loading",
            Self::ClusterDown => "cluster_down",
            Self::Moved { .. } => "moved",
            Self::NoPermission => "no_permission",
            Self::ReadOnly => "read_only",
            Self::OutOfMemory => "out_of_memory",
            Self::WrongType => "wrong_type",
            Self::Refused => "refused",
        }
    }

    pub(super) fn meaning(&self) -> Meaning {
        match self {
            Self::Timeout | Self::Connection | Self::Loading | Self::ClusterDown => Meaning::Fails,
            // A user that was removed, or whose password changed, keeps no connection.
            Self::Protocol | Self::Tls | Self::Authentication => Meaning::Untrusted,
            Self::NotAsked
            | Self::TooLarge
            | Self::Moved { .. }
            | Self::NoPermission
            | Self::ReadOnly
            | Self::OutOfMemory
            | Self::WrongType
            | Self::Refused => Meaning::Answers,
        }
    }

    pub(super) fn is_redirect(&self) -> bool {
        matches!(self, Self::Moved { .. })
    }

    /// What an error that a server gave to one command stands for.
    pub(super) fn of_server(error: &ServerError) -> Self {
        Self::of_code(
            error.kind(),
            error.code(),
            error.details().unwrap_or_default(),
        )
    }

    fn of_code(kind: Option<ServerErrorKind>, code: &str, details: &str) -> Self {
        match (kind, code) {
            (Some(ServerErrorKind::Moved), _) => Self::moved(details, true),
            (Some(ServerErrorKind::Ask), _) => Self::moved(details, false),
            (Some(ServerErrorKind::BusyLoading), _) | (_, "BUSY") => Self::Loading,
            (
                Some(
                    ServerErrorKind::ClusterDown
                    | ServerErrorKind::MasterDown
                    | ServerErrorKind::TryAgain,
                ),
                _,
            ) => Self::ClusterDown,
            (Some(ServerErrorKind::ReadOnly), _) => Self::ReadOnly,
            (Some(ServerErrorKind::NoPerm), _) => Self::NoPermission,
            (_, "NOAUTH" | "WRONGPASS" | "DENIED") => Self::Authentication,
            (_, "OOM") => Self::OutOfMemory,
            (_, "WRONGTYPE") => Self::WrongType,
            (_, super::guard::TOO_LARGE) => Self::TooLarge,
            _ => Self::Refused,
        }
    }

    fn moved(details: &str, for_good: bool) -> Self {
        // `12182 127.0.0.1:7001`; a host of its own that is empty stands for the one asked.
        let node = details.split(' ').nth(1).and_then(Node::parse);
        Self::Moved { node, for_good }
    }
}

impl From<RedisError> for Failure {
    fn from(error: RedisError) -> Self {
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Authentication,
            ErrorKind::Server(kind) => Self::of_code(
                Some(kind),
                error.code().unwrap_or_default(),
                error.detail().unwrap_or_default(),
            ),
            ErrorKind::Extension => Self::of_code(
                None,
                error.code().unwrap_or_default(),
                error.detail().unwrap_or_default(),
            ),
            ErrorKind::Io if error.is_timeout() => Self::Timeout,
            // What the guard refuses comes as an error of the connection.
            ErrorKind::Io if error.is_connection_dropped() => Self::Connection,
            _ => Self::Protocol,
        }
    }
}
