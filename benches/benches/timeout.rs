//! What a timeout costs around an operation that is ready at once: over the same operation in a
//! primitive that only passes it on, and beside what tokio's and tower's own add to it.

#![expect(
    clippy::unwrap_used,
    reason = "a benchmark that cannot run has nothing to report"
)]

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use tower::{Service, ServiceBuilder, ServiceExt as _, service_fn};
use tower_resilience::timelimiter::TimeLimiterLayer;
use tta_benches::{Bencher, Group, PassOn, now};
use tta_core::{Error, Flow, Operand, Primitive, WorkflowContext, step};
use tta_timeout::{AdaptiveLimit, TimeoutConfig, TimeoutExt as _};

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let _entered = runtime.enter();
    let mut group = Group::new("timeout");
    let mut ours = Ours(&mut group);
    ours.add("step", plain());
    // A timeout is a step around a step; so is this, which does nothing of its own.
    ours.add("passed on", Flow::new(PassOn(plain().into_primitive())));
    ours.add("tta", plain().timeout(MINUTE).unwrap());
    let grace = TimeoutConfig::new(MINUTE).with_grace(MINUTE);
    ours.add("tta, with grace", plain().timeout(grace).unwrap());
    let adaptive = TimeoutConfig::from_policy(AdaptiveLimit::between(MINUTE, MINUTE));
    ours.add("tta, adaptive", plain().timeout(adaptive).unwrap());
    peers(&mut group);
    group.finish();
}

struct Ours<'g, 'a>(&'g mut Group<'a>);

impl Ours<'_, '_> {
    fn add<P>(&mut self, name: &str, flow: Flow<P>)
    where
        P: Primitive<Input = u64, Output = u64> + 'static,
    {
        self.0.bench(name, move |b| {
            in_a_workflow(b, |ctx| now(flow.execute(black_box(1), ctx)));
        });
    }
}

/// What a workflow costs once is not in the figure.
fn in_a_workflow<R>(b: &mut Bencher<'_>, call: impl Fn(&WorkflowContext) -> R + Sync) {
    let ctx = WorkflowContext::new();
    let calls = async {
        b.iter(|| call(&ctx));
        Ok::<_, Error>(())
    };
    now(ctx.workflow("calls", calls)).unwrap();
}

fn peers(group: &mut Group<'_>) {
    let flow = plain();
    group.bench("tokio around the step", move |b| {
        in_a_workflow(b, |ctx| {
            now(tokio::time::timeout(
                MINUTE,
                flow.execute(black_box(1), ctx),
            ))
        });
    });
    add_service(group, "tower, no layer", service_fn(answer));
    let tower = ServiceBuilder::new().timeout(MINUTE).service_fn(answer);
    add_service(group, "tower timeout", tower);
    let limiter = TimeLimiterLayer::builder().timeout_duration(MINUTE).build();
    let resilience = ServiceBuilder::new().layer(limiter).service_fn(answer);
    add_service(group, "tower-resilience timelimiter", resilience);
}

fn add_service<S>(group: &mut Group<'_>, name: &str, service: S)
where
    S: Service<u64, Response = u64, Error: std::fmt::Debug> + 'static,
{
    let mut service = service;
    group.bench(name, move |b| {
        b.iter(|| {
            now(async {
                service
                    .ready()
                    .await
                    .unwrap()
                    .call(black_box(1))
                    .await
                    .unwrap()
            })
        });
    });
}

async fn answer(n: u64) -> Result<u64, Infallible> {
    Ok(black_box(n) + 1)
}

fn plain() -> Flow<impl Operand<Input = u64, Output = u64>> {
    step("plain", async |n: u64| Ok(black_box(n) + 1))
}

const MINUTE: Duration = Duration::from_mins(1);
