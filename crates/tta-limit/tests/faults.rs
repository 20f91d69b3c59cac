//! Calls that are dropped at a limit, with real threads.

use std::sync::Arc;
use std::time::Duration;

use tta_core::{Result, WorkflowContext, step};
use tta_limit::{Bulkhead, BulkheadConfig, LimitExt};
use tta_testkit::conformance::poll_then_drop;
use tta_testkit::faults::report;
use tta_testkit::measured::measured;

#[test]
fn fault_48_places_are_back_wherever_a_call_is_dropped() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let bulkhead = Bulkhead::new("dropped", BulkheadConfig::new(4).with_queue(1_000))?;
    let operation = step("operation", async |waits: usize| {
        for _ in 0..waits {
            tokio::task::yield_now().await;
        }
        Ok(())
    });
    let flow = Arc::new(operation.limit(bulkhead.clone())?);
    runtime.block_on(async {
        let calls: Vec<_> = (0..2_000)
            .map(|call| {
                let flow = Arc::clone(&flow);
                tokio::spawn(async move {
                    let ctx = WorkflowContext::new();
                    let _ = poll_then_drop(flow.execute(10, &ctx), call % 25).await;
                })
            })
            .collect();
        for call in calls {
            call.await?;
        }
        Ok::<_, tta_core::Error>(())
    })?;
    let (in_use, queued) = (bulkhead.in_use(), bulkhead.queued());
    let gauges = ["limit_in_use", "limit_queued"].map(|gauge| measured(gauge, &["dropped"]));
    let after = runtime.block_on(async {
        let held: Vec<_> = (0..4).map(|_| WorkflowContext::new()).collect();
        let mut permits = Vec::new();
        for ctx in &held {
            let permit = tokio::time::timeout(Duration::from_secs(5), bulkhead.acquire(ctx)).await;
            permits.push(permit);
        }
        permits
            .iter()
            .filter(|permit| matches!(permit, Ok(Ok(_))))
            .count()
    });
    report(
        48,
        "2,000 calls of a bulkhead of 4 dropped at 25 await points",
        "0 places in use, 0 queued, gauges 0, 4 places there",
        format!("{in_use} in use, {queued} queued, gauges {gauges:?}, {after} places there"),
        in_use == 0 && queued == 0 && gauges == [0.0, 0.0] && after == 4,
    );
    Ok(())
}
