//! The ledger as metrics.

use crate::ledger::Ledger;

/// The account of every record of this process, over all initialisations.
///
/// # Examples
///
/// ```
/// assert!(tta_telemetry::ledger().traces.is_balanced());
/// ```
pub fn ledger() -> Ledger {
    #[cfg(feature = "otlp")]
    return {
        use crate::export::Signal;
        Ledger {
            traces: crate::traces::Spans::account(),
            metrics: crate::measurements::Points::account(),
            #[cfg(feature = "logs")]
            logs: crate::log_records::LogLine::account(),
            #[cfg(not(feature = "logs"))]
            logs: crate::ledger::SignalLedger::default(),
        }
    };
    #[cfg(not(feature = "otlp"))]
    Ledger::default()
}

/// Shows the ledger of a signal among the metrics.
#[cfg(feature = "otlp")]
pub(crate) fn register<S: crate::export::Signal>() {
    use tta_core::{Result, registry};

    use crate::catalog::{QUEUE_RECORDS, RECORDS_CREATED, RECORDS_DELIVERED, RECORDS_DROPPED};
    use crate::ledger::DropReason;

    let register = || -> Result<()> {
        let metrics = registry();
        let signal = &[S::NAME];
        metrics.observe_counter(&RECORDS_CREATED, signal, || S::account().created as f64)?;
        metrics.observe_counter(&RECORDS_DELIVERED, signal, || S::account().delivered as f64)?;
        metrics.observe_gauge(&QUEUE_RECORDS, signal, || {
            let account = S::account();
            (account.queued + account.in_flight) as f64
        })?;
        for reason in DropReason::ALL {
            metrics.observe_counter(&RECORDS_DROPPED, &[S::NAME, reason.as_str()], move || {
                S::account().dropped_for(reason) as f64
            })?;
        }
        Ok(())
    };
    // Only an application that declares a metric of the same name is in the way, and then it is
    // the application's number that is shown.
    if let Err(why) = register() {
        crate::report::degraded("metrics", &why.to_string());
    }
}

/// Shows whether an exporter works.
#[cfg(feature = "otlp")]
pub(crate) fn register_exporter(
    signal: &'static str,
    protocol: &'static str,
    is_up: impl Fn() -> bool + Send + Sync + 'static,
) {
    let read = move || f64::from(u8::from(is_up()));
    // As above.
    if let Err(why) =
        tta_core::registry().observe_gauge(&crate::catalog::EXPORTER_UP, &[signal, protocol], read)
    {
        crate::report::degraded("metrics", &why.to_string());
    }
}
