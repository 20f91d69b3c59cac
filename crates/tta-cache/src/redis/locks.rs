//! Giving back, or keeping, a lock that is still ours.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::{Cmd, Pipeline, Value, cmd};
use tokio::sync::Mutex;

use super::failure::Failure;
use super::link::Link;
use super::servers::Servers;

/// Does something to a key if it holds what it should.
#[derive(Debug, Default)]
pub(super) struct Locks {
    /// Whether this user may run no scripts, so that transactions must do.
    without_scripts: AtomicBool,
    /// A transaction ends everybody's watching on the same connection: one at a time.
    transaction: Mutex<()>,
}

/// What is done to a lock that is ours.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    GiveBack,
    Keep(Duration),
}

impl Locks {
    /// Whether the key held `token`, and it was done.
    pub(super) async fn change(
        &self,
        servers: &Servers,
        key: &str,
        token: &str,
        change: Change,
        budget: Duration,
    ) -> Result<bool, Failure> {
        if !self.without_scripts.load(Ordering::Relaxed) {
            let script = script(key, token, change);
            match servers.ask(key, script, budget).await {
                Ok(Value::Int(count)) => return Ok(count > 0),
                Ok(_) => return Err(Failure::Protocol),
                Err(Failure::NoPermission | Failure::Refused) => {
                    self.without_scripts.store(true, Ordering::Relaxed);
                }
                Err(failure) => return Err(failure),
            }
        }
        let endpoint = servers.of(key, budget).await?;
        let _alone = self.transaction.lock().await;
        endpoint
            .ask(budget, |link| in_transaction(link, key, token, change))
            .await
    }
}

fn script(key: &str, token: &str, change: Change) -> Cmd {
    let mut command = cmd("EVAL");
    match change {
        Change::GiveBack => command.arg(GIVE_BACK).arg(1).arg(key).arg(token),
        Change::Keep(hold) => {
            let hold = super::keys::milliseconds(hold);
            command.arg(KEEP).arg(1).arg(key).arg(token).arg(hold)
        }
    };
    command
}

/// The same where scripts are not allowed: nothing happens if the key changes in between.
///
/// A pool may use another connection for the second half, which then watches nothing; what could
/// pass unseen is a lock that ran out within this round trip.
async fn in_transaction(
    link: Link,
    key: &str,
    token: &str,
    change: Change,
) -> Result<bool, Failure> {
    let mut look = Pipeline::with_capacity(2);
    look.cmd("WATCH").arg(key).cmd("GET").arg(key);
    let seen = link.clone().ask_all(look).await?;
    match seen.as_slice() {
        [Value::Okay, Value::BulkString(held)] if held == token.as_bytes() => {}
        // Somebody else's, or nobody's; what was refused may not be done either.
        [Value::Okay, _] => {
            link.ask(cmd("UNWATCH")).await?;
            return Ok(false);
        }
        [Value::ServerError(error), _] => return Err(Failure::of_server(error)),
        _ => return Err(Failure::Protocol),
    }
    let mut act = Pipeline::with_capacity(1);
    act.atomic();
    match change {
        Change::GiveBack => act.cmd("DEL").arg(key),
        Change::Keep(hold) => {
            let hold = super::keys::milliseconds(hold);
            act.cmd("PEXPIRE").arg(key).arg(hold)
        }
    };
    match link.ask_all(act).await?.into_iter().next() {
        Some(Value::Array(done)) => Ok(matches!(done.as_slice(), [Value::Int(1..)])),
        Some(Value::Nil) => Ok(false),
        _ => Err(Failure::Protocol),
    }
}

const GIVE_BACK: &str =
    "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('DEL',KEYS[1]) end return 0";
const KEEP: &str = "if redis.call('GET',KEYS[1])==ARGV[1] then return redis.call('PEXPIRE',KEYS[1],ARGV[2]) end return 0";
