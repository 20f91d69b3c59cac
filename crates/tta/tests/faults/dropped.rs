//! Row 48: the future is dropped at every await point.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tta::prelude::*;
use tta::{
    BoxFlow, BulkheadConfig, CacheConfig, CircuitBreakerConfig, HedgeConfig, RateLimitConfig,
    RetryConfig, RoundRobin, Scope, parallel_all,
};
use tta_testkit::conformance::{poll_then_drop, tokio_clock};
use tta_testkit::faults::report;
use tta_testkit::recording::{RecordingRecorder, error_type};

use super::{TURN, in_flight};

const HOUR: Duration = Duration::from_hours(1);
const PERMITS: usize = 8;

#[tokio::test(start_paused = true)]
async fn fault_48_a_future_is_dropped_at_every_await_point() {
    let _turn = TURN.lock().await;
    for (name, wrap) in primitives() {
        let permits = Arc::new(Semaphore::new(PERMITS));
        let flow = wrap(&Steps(Arc::clone(&permits)));
        let mut dropped = Dropped::default();
        for polls in 0.. {
            // An input of its own each time, so that a cache computes.
            let input = 1_000 + polls as u64;
            let recorder = RecordingRecorder::new();
            let ctx = recorder.builder().clock(tokio_clock).build();
            let ended = poll_then_drop(flow.execute(input, &ctx), polls)
                .await
                .is_some();
            drop(ctx);
            dropped.in_flight += in_flight();
            dropped.permits += PERMITS - permits.available_permits();
            dropped.spans(&recorder, !ended && polls > 0);
            if ended {
                dropped.points = polls - 1;
                break;
            }
            // Whoever comes next with the same input is not kept waiting by the one that went.
            let next = tokio::time::timeout(24 * HOUR, flow.run(input)).await;
            dropped.wedged += usize::from(next.is_err());
            assert!(polls < 1_000, "{name} does not come to an end");
        }
        assert!(
            dropped.points >= 3,
            "{name}: the steps wait three times each"
        );
        let goal = "0 in flight, 0 permits out, 0 spans orphaned or not cancelled, 0 wedged";
        let measured = format!(
            "{} await points: {} in flight, {} permits out, {} spans, {} wedged",
            dropped.points, dropped.in_flight, dropped.permits, dropped.wrong_spans, dropped.wedged
        );
        report(48, name, goal, measured, dropped.is_clean());
    }
}

/// What was left behind, over all points.
#[derive(Debug, Default)]
struct Dropped {
    points: usize,
    in_flight: f64,
    permits: usize,
    wrong_spans: usize,
    wedged: usize,
}

impl Dropped {
    /// Counts spans without their parent, and a workflow that was dropped and does not say so.
    fn spans(&mut self, recorder: &RecordingRecorder, was_dropped: bool) {
        let spans = recorder.spans();
        let ids: HashSet<_> = spans.iter().map(|span| span.span_id).collect();
        let orphans = spans
            .iter()
            .filter(|span| span.parent_id.is_valid() && !ids.contains(&span.parent_id));
        self.wrong_spans += orphans.count();
        if was_dropped {
            let root = recorder.span("workflow.execute");
            self.wrong_spans += usize::from(error_type(&root) != Some("cancelled"));
        }
    }

    fn is_clean(&self) -> bool {
        self.in_flight < f64::EPSILON && (self.permits, self.wrong_spans, self.wedged) == (0, 0, 0)
    }
}

/// Makes steps that hold a permit while they wait three times.
struct Steps(Arc<Semaphore>);

impl Steps {
    fn answering(&self) -> BoxFlow<u64, u64> {
        let hold = async |permits: &Arc<Semaphore>, n: u64| {
            let _permit = permits.acquire().await?;
            waits().await;
            Ok(n)
        };
        step_with("answering_48", Arc::clone(&self.0), hold)
            .boxed()
            .unwrap()
    }

    fn failing(&self) -> BoxFlow<u64, u64> {
        let hold = async |permits: &Arc<Semaphore>, _: u64| {
            let _permit = permits.acquire().await?;
            waits().await;
            Err::<u64, _>(Error::new(ErrorKind::Unavailable, "it is down"))
        };
        step_with("failing_48", Arc::clone(&self.0), hold)
            .boxed()
            .unwrap()
    }

    /// Sleeps on the clock as well, for longer than any limit here.
    fn hanging(&self) -> BoxFlow<u64, u64> {
        let hold = async |permits: &Arc<Semaphore>, n: u64| {
            let _permit = permits.acquire().await?;
            waits().await;
            tokio::time::sleep(2 * HOUR).await;
            Ok(n)
        };
        step_with("hanging_48", Arc::clone(&self.0), hold)
            .boxed()
            .unwrap()
    }
}

async fn waits() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

type Wrap = fn(&Steps) -> BoxFlow<u64, u64>;

fn primitives() -> Vec<(&'static str, Wrap)> {
    vec![
        ("step", |steps| steps.answering()),
        ("sequence", |steps| {
            (steps.answering() >> steps.answering() >> steps.answering())
                .boxed()
                .unwrap()
        }),
        ("parallel", |steps| {
            let both = steps.answering() | steps.answering();
            (both >> step("sum_48", async |(a, b): (u64, u64)| Ok(a + b)))
                .boxed()
                .unwrap()
        }),
        ("parallel made at run time", |steps| {
            let all = parallel_all([steps.answering(), steps.answering()]).unwrap();
            (all >> step("sum_48", async |all: Vec<u64>| Ok(all.iter().sum::<u64>())))
                .boxed()
                .unwrap()
        }),
        ("conditional", |steps| {
            if_else(
                |n: &u64, _| n.is_multiple_of(2),
                steps.answering(),
                steps.failing(),
            )
            .boxed()
            .unwrap()
        }),
        ("switch", |steps| {
            let flow = switch(|_: &u64, _| Ok("a")).case("a", steps.answering());
            flow.build().unwrap().boxed().unwrap()
        }),
        ("fallback", |steps| {
            fallback(steps.failing(), steps.answering())
                .boxed()
                .unwrap()
        }),
        ("saga", |steps| {
            saga(steps.failing(), steps.answering()).boxed().unwrap()
        }),
        ("timeout in time", |steps| {
            steps.answering().timeout(HOUR).unwrap().boxed().unwrap()
        }),
        ("timeout too late", |steps| {
            steps.hanging().timeout(HOUR).unwrap().boxed().unwrap()
        }),
        ("cache", |steps| {
            let by_input = CacheConfig::new(Scope::Global, |n: &u64, _, key| {
                key.unsigned(*n);
            });
            steps.answering().cached(by_input).unwrap().boxed().unwrap()
        }),
        ("retry", |steps| {
            let twice = RetryConfig::new(2).without_budget();
            steps.failing().retry(twice).unwrap().boxed().unwrap()
        }),
        ("hedge", |steps| {
            let soon = HedgeConfig::fixed(HOUR);
            steps.hanging().hedged(soon).unwrap().boxed().unwrap()
        }),
        ("circuit breaker", |steps| {
            let flow = steps
                .answering()
                .circuit_breaker(CircuitBreakerConfig::standard());
            flow.unwrap().boxed().unwrap()
        }),
        ("circuit breaker that opens", |steps| {
            let flow = steps
                .failing()
                .circuit_breaker(CircuitBreakerConfig::standard());
            flow.unwrap().boxed().unwrap()
        }),
        ("bulkhead", |steps| {
            let flow = steps.answering().limit(BulkheadConfig::new(1));
            flow.unwrap().boxed().unwrap()
        }),
        ("rate limit", |steps| {
            let flow = steps.answering().limit(RateLimitConfig::per_second(1_000));
            flow.unwrap().boxed().unwrap()
        }),
        ("all at once", |steps| {
            let flow = steps.hanging().timeout(HOUR).unwrap();
            let flow = flow.limit(BulkheadConfig::new(1)).unwrap().boxed().unwrap();
            let flow = flow
                .circuit_breaker(CircuitBreakerConfig::standard())
                .unwrap();
            let twice = RetryConfig::new(2).without_budget();
            let flow = flow.retry(twice).unwrap().boxed().unwrap();
            let flow = flow.cached(by_input()).unwrap().boxed().unwrap();
            flow.with_fallback(steps.answering()).boxed().unwrap()
        }),
        ("router", |steps| {
            let builder = RouterPrimitive::builder().strategy(RoundRobin::new());
            let builder = builder.route("a", steps.answering(), CostModel::unknown());
            let builder = builder.route("b", steps.failing(), CostModel::unknown());
            builder.build().unwrap().boxed().unwrap()
        }),
    ]
}

fn by_input() -> CacheConfig<u64, u64> {
    CacheConfig::new(Scope::Global, |n: &u64, _, key| {
        key.unsigned(*n);
    })
}
