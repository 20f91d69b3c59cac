//! Reading, writing and removing one value, and taking its lock.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value, cmd};

use super::Tier;
use super::failure::Failure;
use super::keys::milliseconds;
use super::locks::Change;
use super::supervisor::read;
use crate::remote::{Fetched, Kept, Lock, LockToken, RemoteKey, Removed};

impl Tier {
    pub(super) async fn fetch_value(&self, key: &RemoteKey, limit: usize) -> Fetched {
        self.bounds.admit(limit);
        let key = self.keys.value(key);
        let command = read(&key, limit);
        match self.servers.ask(&key, command, self.budget).await {
            Ok(Value::BulkString(bytes)) if bytes.is_empty() => Fetched::Absent,
            Ok(Value::BulkString(bytes)) if bytes.len() > limit => Fetched::Corrupt,
            Ok(Value::BulkString(bytes)) => Fetched::Found(bytes),
            Ok(Value::Nil) => Fetched::Absent,
            Err(Failure::TooLarge | Failure::WrongType) => Fetched::Corrupt,
            Ok(_) | Err(_) => Fetched::Unavailable,
        }
    }

    pub(super) async fn store_value(
        &self,
        key: &RemoteKey,
        bytes: &[u8],
        keep: Option<Duration>,
        tags: &[Arc<str>],
    ) -> Kept {
        let stored = async {
            // Before and after the value, so that whoever removes a tag meanwhile removes the value
            // or leaves the tag.
            self.tag(key, keep, tags).await?;
            let name = self.keys.value(key);
            let mut command = cmd("SET");
            command.arg(&name).arg(bytes);
            if let Some(keep) = keep {
                command.arg("PX").arg(milliseconds(keep));
            }
            let answer = self.servers.ask(&name, command, self.budget).await?;
            self.tag(key, keep, tags).await?;
            Ok(answer)
        };
        match stored.await {
            Ok(Value::Okay) => Kept::Yes,
            Err(
                Failure::OutOfMemory | Failure::ReadOnly | Failure::NoPermission | Failure::Refused,
            ) => Kept::Refused,
            Ok(_) | Err(_) => Kept::Unavailable,
        }
    }

    pub(super) async fn remove_value(&self, key: &RemoteKey) -> Removed {
        let name = self.keys.value(key);
        match self.servers.ask(&name, unlink(&name), self.budget).await {
            Ok(Value::Int(count)) => Removed::Entries(u64::try_from(count).unwrap_or_default()),
            Ok(_) | Err(_) => Removed::Unavailable,
        }
    }

    pub(super) async fn take_lock(&self, key: &RemoteKey, hold: Duration) -> Lock {
        let (name, token) = (self.keys.lock(key), LockToken::random());
        let mut command = cmd("SET");
        command.arg(&name).arg(token.to_string()).arg("NX");
        command.arg("PX").arg(milliseconds(hold));
        match self.servers.ask(&name, command, self.budget).await {
            Ok(Value::Okay) => Lock::Held(token),
            Ok(Value::Nil) => Lock::Taken,
            Ok(_) | Err(_) => Lock::Unavailable,
        }
    }

    /// Gives back or keeps a lock that is still ours; whether it was.
    pub(super) async fn change_lock(
        &self,
        key: &RemoteKey,
        token: LockToken,
        change: Change,
    ) -> Result<bool, Failure> {
        let (name, token) = (self.keys.lock(key), token.to_string());
        let Self {
            locks,
            servers,
            budget,
            ..
        } = self;
        locks.change(servers, &name, &token, change, *budget).await
    }

    /// Notes that a value goes with its tags, for as long as any value of the tag is kept.
    async fn tag(
        &self,
        key: &RemoteKey,
        keep: Option<Duration>,
        tags: &[Arc<str>],
    ) -> Result<(), Failure> {
        for tag in tags {
            let name = self.keys.tag(key.namespace(), tag);
            let mut add = cmd("SADD");
            add.arg(&name).arg(key.key().to_string());
            self.servers.ask(&name, add, self.budget).await?;
            for lengthen in lengthen(&name, keep) {
                match self.servers.ask(&name, lengthen, self.budget).await {
                    // A server before version 7 cannot lengthen a life without risk of shortening
                    // it; there a tag stays until it is removed.
                    Ok(_) | Err(Failure::Refused) => {}
                    Err(failure) => return Err(failure),
                }
            }
        }
        Ok(())
    }
}

/// What gives a tag at least this long to live.
fn lengthen(name: &str, keep: Option<Duration>) -> Vec<Cmd> {
    let Some(keep) = keep else {
        let mut persist = cmd("PERSIST");
        persist.arg(name);
        return vec![persist];
    };
    let expire = |condition: &str| {
        let mut expire = cmd("PEXPIRE");
        expire.arg(name).arg(milliseconds(keep)).arg(condition);
        expire
    };
    vec![expire("NX"), expire("GT")]
}

/// The command that removes a key and leaves its memory to be freed in the background.
pub(super) fn unlink(name: &(impl redis::ToRedisArgs + ?Sized)) -> Cmd {
    let mut command = cmd("UNLINK");
    command.arg(name);
    command
}
