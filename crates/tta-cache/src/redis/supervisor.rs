//! Keeps a server's connection up, in the background.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use redis::{Cmd, Value, cmd};
use tokio::time::{MissedTickBehavior, interval, sleep, timeout};

use super::breaker::RedisState;
use super::dial::{Dialed, Driver};
use super::endpoint::Shared;
use super::failure::Failure;
use super::link::Link;

/// Connects, watches, and connects again, until it is aborted.
pub(super) async fn supervise(shared: Arc<Shared>) {
    // Since when it has been down, as far as anybody was told.
    let mut down_since: Option<Instant> = None;
    let mut tries = 0_u32;
    // A connection that was replaced at once must prove itself before the next one is.
    let mut on_trial = false;
    loop {
        let failure = match connect(&shared).await {
            Ok((link, driver)) => {
                let state = if down_since.is_some() || on_trial {
                    RedisState::Recovering
                } else {
                    RedisState::Up
                };
                shared.connected(link, state);
                match watch(&shared, driver, state, &mut down_since, &mut tries).await {
                    End::Lost if shared.breaker.state() == RedisState::Up => {
                        on_trial = true;
                        shared.disconnected(RedisState::Connecting);
                        continue;
                    }
                    End::Lost => Failure::Connection,
                    End::Condemned => shared.why(),
                }
            }
            Err(failure) => failure,
        };
        shared.disconnected(RedisState::Down);
        shared.remember(&failure);
        if down_since.is_none() {
            down_since = Some(Instant::now());
            shared.report.down(&failure);
        }
        sleep(pause(&failure, tries)).await;
        tries = tries.saturating_add(1);
    }
}

/// A connection that has answered, when callers may wait for it again.
async fn connect(shared: &Shared) -> Result<(Link, Driver), Failure> {
    let Dialed { connection, driver } = shared.dialer.dial(&shared.destination).await?;
    #[cfg(feature = "redis-pool")]
    let link = match (shared.pool, &shared.destination) {
        (Some(size), super::dial::Destination::Node(node)) => {
            Link::Pool(shared.dialer.pool(node, size, connection)?)
        }
        _ => Link::Shared(connection),
    };
    #[cfg(not(feature = "redis-pool"))]
    let link = Link::Shared(connection);
    probe(shared, &link).await?;
    while !shared.breaker.has_patience(Instant::now()) {
        sleep(LOOK_AGAIN).await;
    }
    Ok((link, driver))
}

/// Asks what callers ask, in the time that they have.
async fn probe(shared: &Shared, link: &Link) -> Result<(), Failure> {
    let answer = timeout(shared.budget, link.clone().ask(read(&shared.probe_key, 0)));
    match answer.await.unwrap_or(Err(Failure::Timeout)) {
        // An error of the key's own is an answer; what other keys get is for callers to find out.
        Ok(Value::BulkString(_))
        | Err(Failure::NoPermission | Failure::Moved { .. } | Failure::WrongType) => Ok(()),
        Ok(_) => Err(Failure::Protocol),
        Err(failure) => Err(failure),
    }
}

/// The command that reads a value up to one byte more than `limit`; nothing is read as no bytes.
pub(super) fn read(key: &str, limit: usize) -> Cmd {
    let mut command = cmd("GETRANGE");
    command.arg(key).arg(0).arg(limit);
    command
}

enum End {
    /// The connection was closed from the other side, or by the network.
    Lost,
    /// Callers gave it up.
    Condemned,
}

/// Until the connection is of no use.
async fn watch(
    shared: &Shared,
    mut driver: Driver,
    state: RedisState,
    down_since: &mut Option<Instant>,
    tries: &mut u32,
) -> End {
    let mut beat = interval(HEARTBEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    beat.reset();
    let mut recovering = state == RedisState::Recovering;
    let healthy = sleep(STABLE);
    tokio::pin!(healthy);
    loop {
        tokio::select! {
            biased;
            () = shared.condemned.notified() => {
                // A word about the connection before this one.
                if shared.breaker.state() == RedisState::Down {
                    return End::Condemned;
                }
            }
            () = driver.ended() => return End::Lost,
            () = &mut healthy, if recovering => {
                recovering = false;
                *tries = 0;
                shared.enter(RedisState::Up);
                if let Some(since) = down_since.take() {
                    shared.report.up(since.elapsed());
                }
            }
            _ = beat.tick() => {
                // Where no caller looks, the network may have forgotten the connection.
                if let Some((generation, link)) = shared.link()
                    && let Err(failure) = probe(shared, &link).await
                {
                    shared.failed(&failure, Some(generation), Instant::now());
                }
            }
        }
    }
}

/// Longer each time, up to a second: who comes back is found within two.
fn pause(failure: &Failure, tries: u32) -> Duration {
    if *failure == Failure::Authentication || *failure == Failure::Tls {
        return AFTER_REFUSAL;
    }
    let pause = FIRST_PAUSE
        .saturating_mul(1 << tries.min(10))
        .min(LONGEST_PAUSE);
    // Up to a fifth less, so that many processes do not come back at once.
    let share = (RandomState::new().hash_one(0_u8) % 200) as f64 / 1000.0;
    pause.mul_f64(1.0 - share)
}

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A password does not become right by being tried again, and servers count the tries.
const AFTER_REFUSAL: Duration = Duration::from_secs(30);
/// With no more than one change back and forth in so long, the state does not swing.
const STABLE: Duration = Duration::from_secs(10);
const HEARTBEAT: Duration = Duration::from_secs(5);
const LOOK_AGAIN: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_second_and_are_up_to_a_fifth_less() {
        for (tries, most) in [
            (0, 100),
            (1, 200),
            (2, 400),
            (3, 800),
            (4, 1000),
            (99, 1000),
        ] {
            let most = Duration::from_millis(most);
            let pauses: Vec<_> = (0..1000)
                .map(|_| pause(&Failure::Connection, tries))
                .collect();
            for pause in &pauses {
                assert!(
                    *pause <= most && *pause >= most.mul_f64(0.8),
                    "{tries}: {pause:?}"
                );
            }
            // They are spread over all of that fifth.
            assert!(pauses.iter().any(|pause| *pause < most.mul_f64(0.84)));
            assert!(pauses.iter().any(|pause| *pause > most.mul_f64(0.96)));
        }
    }

    #[test]
    fn who_is_refused_comes_back_after_half_a_minute() {
        for failure in [Failure::Authentication, Failure::Tls] {
            assert_eq!(pause(&failure, 0), AFTER_REFUSAL);
        }
    }
}
