//! Being told to end.

use std::future::pending;

use tokio::sync::oneshot;

use crate::guard::{ObservabilityGuard, ShutdownReport};
use crate::report;

/// Waits until the process is told to end: by SIGTERM or SIGINT, and where there are no such
/// signals by Ctrl-C.
///
/// The signals are taken from this call on, not from the first poll, and their usual effect is gone
/// for the rest of the process's life. It needs no runtime: a thread of its own waits. Where the
/// system gives none, the signals keep their effect, one log line says so, and this never ends.
///
/// # Examples
///
/// A server ends what it has begun first, and telemetry goes last:
///
/// ```no_run
/// # async fn serve(until: impl Future<Output = ()>) {}
/// # async fn main_() {
/// let telemetry = tta_telemetry::initialize_observability("my-app");
/// // with axum: axum::serve(listener, app).with_graceful_shutdown(tta_telemetry::shutdown_signal())
/// serve(tta_telemetry::shutdown_signal()).await;
/// println!("{}", telemetry.shutdown());
/// # }
/// ```
///
/// # Cancellation
///
/// Dropping the future ends the waiting; the signals stay without effect.
pub fn shutdown_signal() -> impl Future<Output = ()> + Send + 'static {
    let listening = listen();
    async move {
        let was_told = match listening {
            Some(told) => told.await.is_ok(),
            None => false,
        };
        if !was_told {
            pending::<()>().await;
        }
    }
}

impl ObservabilityGuard {
    /// Waits like [`shutdown_signal`], and then exports what waits and stops telemetry, on a thread
    /// of its own so that the caller's runtime goes on meanwhile.
    ///
    /// It is for programs that have nothing to end themselves. A server uses [`shutdown_signal`]
    /// for itself and shuts telemetry down when it has ended: records made after the shutdown are
    /// lost.
    ///
    /// # Cancellation
    ///
    /// Dropped while it waits, the guard is dropped too and stops telemetry there and then.
    pub async fn shutdown_on_signal(self) -> ShutdownReport {
        shutdown_signal().await;
        let (sender, done) = oneshot::channel();
        let stop = move || {
            // Nobody wants to know any more where this fails.
            let _ = sender.send(self.shutdown());
        };
        let spawned = std::thread::Builder::new()
            .name(THREAD_NAME.to_owned())
            .spawn(stop);
        match spawned {
            Ok(_detached) => done.await.unwrap_or_default(),
            // The guard went with the closure, and stopped telemetry when it was dropped.
            Err(_) => crate::shutdown_observability(),
        }
    }

    /// The same for programs without async code.
    pub fn shutdown_on_signal_blocking(self) -> ShutdownReport {
        let told = listen().is_some_and(|told| told.blocking_recv().is_ok());
        if !told {
            // The signals have their usual effect, which is to end the process.
            loop {
                std::thread::park();
            }
        }
        self.shutdown()
    }
}

/// Has a thread wait; it has begun to listen when this returns.
fn listen() -> Option<oneshot::Receiver<()>> {
    let (mut tell, told) = oneshot::channel();
    let (ready, is_ready) = std::sync::mpsc::sync_channel(1);
    let wait = move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let runtime = match runtime {
            Ok(runtime) => runtime,
            Err(why) => return drop(ready.send(Err(why))),
        };
        let was_told = runtime.block_on(async {
            let signal = match arrival() {
                Ok(signal) => signal,
                Err(why) => {
                    let _ = ready.send(Err(why));
                    return false;
                }
            };
            let _ = ready.send(Ok(()));
            tokio::select! {
                () = signal => true,
                () = tell.closed() => false,
            }
        });
        if was_told {
            let _ = tell.send(());
        }
    };
    let spawned = std::thread::Builder::new()
        .name(THREAD_NAME.to_owned())
        .spawn(wait);
    let listening = spawned.and_then(|_detached| match is_ready.recv() {
        Ok(listening) => listening,
        Err(_) => Err(std::io::Error::other("the thread ended")),
    });
    match listening {
        Ok(()) => Some(told),
        Err(why) => {
            report::degraded("signals", &format!("failed to listen for signals: {why}"));
            None
        }
    }
}

/// Begins to listen.
#[cfg(unix)]
fn arrival() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};

    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Begins to listen.
#[cfg(not(unix))]
fn arrival() -> std::io::Result<impl Future<Output = ()>> {
    let ctrl_c = tokio::signal::ctrl_c();
    Ok(async move {
        if ctrl_c.await.is_err() {
            pending::<()>().await;
        }
    })
}

const THREAD_NAME: &str = "tta-signals";
