//! Removing all values of a tag or of a namespace, in steps.

use std::sync::Arc;
use std::time::Duration;

use redis::{Cmd, Value, cmd};

use super::Tier;
use super::endpoint::Endpoint;
use super::failure::Failure;
use super::values::unlink;

impl Tier {
    /// Removes the values that go with a tag; how many there were.
    pub(super) async fn remove_tagged(&self, namespace: &str, tag: &str) -> Result<u64, Failure> {
        let tag = self.keys.tag(namespace, tag);
        let mut removed = 0;
        let mut cursor = START.to_vec();
        loop {
            let mut step = cmd("SSCAN");
            step.arg(&tag).arg(&cursor).arg("COUNT").arg(STEP);
            let (next, hashes) = page(self.servers.ask(&tag, step, PATIENT).await?)?;
            for hash in &hashes {
                let key = self.keys.value_of(namespace, hash);
                if let Value::Int(1..) = self.servers.ask(&key, unlink(&key), PATIENT).await? {
                    removed += 1;
                }
            }
            if !hashes.is_empty() {
                let mut forget = cmd("SREM");
                forget.arg(&tag).arg(&hashes);
                self.servers.ask(&tag, forget, PATIENT).await?;
            }
            if next == START {
                return Ok(removed);
            }
            cursor = next;
        }
    }

    /// Removes all values and tags of a namespace; how many values there were.
    pub(super) async fn remove_all(&self, namespace: &str) -> Result<u64, Failure> {
        let mut removed = 0;
        for server in self.servers.all(PATIENT).await? {
            removed += self.remove_all_of(&server, namespace).await?;
        }
        Ok(removed)
    }

    async fn remove_all_of(&self, server: &Arc<Endpoint>, namespace: &str) -> Result<u64, Failure> {
        let ask = async |command: Cmd| server.ask(PATIENT, |link| link.ask(command)).await;
        let pattern = self.keys.pattern(namespace);
        let mut removed = 0;
        let mut cursor = START.to_vec();
        loop {
            let mut step = cmd("SCAN");
            step.arg(&cursor)
                .arg("MATCH")
                .arg(&pattern)
                .arg("COUNT")
                .arg(STEP);
            let (next, names) = page(ask(step).await?)?;
            for name in names {
                // One by one: in a cluster they are of different slots.
                if let Value::Int(1..) = ask(unlink(&name)).await?
                    && self.keys.is_value(namespace, &name)
                {
                    removed += 1;
                }
            }
            if next == START {
                return Ok(removed);
            }
            cursor = next;
        }
    }
}

/// One step of a scan: where the next begins, and what was found.
fn page(answer: Value) -> Result<(Vec<u8>, Vec<Vec<u8>>), Failure> {
    let Value::Array(parts) = answer else {
        return Err(Failure::Protocol);
    };
    let Ok([Value::BulkString(next), Value::Array(found)]) = <[Value; 2]>::try_from(parts) else {
        return Err(Failure::Protocol);
    };
    let bytes = |value| match value {
        Value::BulkString(bytes) => Ok(bytes),
        _ => Err(Failure::Protocol),
    };
    Ok((
        next,
        found.into_iter().map(bytes).collect::<Result<_, _>>()?,
    ))
}

const START: &[u8] = b"0";
const STEP: u32 = 1000;
/// Who removes many values waits for them; a step is a thousand keys.
const PATIENT: Duration = Duration::from_secs(1);
