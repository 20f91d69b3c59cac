use tta_core::{
    BoxFlow, Counter, Error, Gauge, Histogram, PrimitiveMetrics, Registry, WorkflowContext,
    conditional, fallback, parallel_all, saga, step, switch,
};

use super::double;

fn assert_send<T: Send>(_: &T) {}

fn assert_shared<T: Send + Sync + 'static>() {}

#[test]
fn what_crosses_threads_may_cross_threads() {
    assert_shared::<WorkflowContext>();
    assert_shared::<Error>();
    assert_shared::<BoxFlow<u64, u64>>();
    assert_shared::<Counter>();
    assert_shared::<Gauge>();
    assert_shared::<Histogram>();
    assert_shared::<Registry>();
    assert_shared::<PrimitiveMetrics>();
}

#[test]
fn the_futures_of_every_shape_are_send() {
    let ctx = WorkflowContext::new();
    let boxed = || double("s").boxed().unwrap();
    assert_send(&(double("s") >> double("s")).execute(1, &ctx));
    assert_send(&(double("s") | double("s")).execute(1, &ctx));
    assert_send(&double("s").named("n").run(1));
    assert_send(&boxed().execute(1, &ctx));
    assert_send(&fallback(double("s"), double("s")).execute(1, &ctx));
    assert_send(&saga(double("s"), double("s")).execute(1, &ctx));
    assert_send(&conditional(|_: &u64, _| true, double("s")).execute(1, &ctx));
    assert_send(&parallel_all([boxed()]).unwrap().execute(1, &ctx));
    assert_send(&ctx.observe("plain", async { Ok::<_, Error>(1) }));
    assert_send(&ctx.workflow("plain", async { Ok::<_, Error>(1) }));
    let chosen = switch(|_: &u64, _| Ok("a")).case("a", double("s")).build();
    assert_send(&chosen.unwrap().execute(1, &ctx));
    // A state that may be sent and not shared is no state of a step; an input may be.
    let moved = step("cell", async |cell: std::cell::Cell<u64>| Ok(cell.get()));
    assert_send(&moved.execute(std::cell::Cell::new(1), &ctx));
}

#[test]
fn the_future_of_a_long_chain_grows_in_proportion() {
    let s = || double("sized");
    let ctx = WorkflowContext::new();
    let one = size_of_val(&s().execute(1, &ctx));
    let four = size_of_val(&(s() >> s() >> s() >> s()).execute(1, &ctx));
    let eight =
        size_of_val(&(s() >> s() >> s() >> s() >> s() >> s() >> s() >> s()).execute(1, &ctx));
    println!("bytes of the future of 1, 4 and 8 steps: {one}, {four}, {eight}");
    assert!(eight - four <= 2 * (four - one), "{one}, {four}, {eight}");
}

#[test]
fn a_plain_future_that_is_observed_is_held_no_more_than_twice() {
    let plain = async || {
        let much = [1_u8; 4_096];
        std::future::pending::<()>().await;
        Ok::<_, Error>(much.len())
    };
    let ctx = WorkflowContext::new();
    let own = size_of_val(&plain());
    let step = size_of_val(&ctx.observe("large", plain()));
    let workflow = size_of_val(&ctx.workflow("large", plain()));
    println!("bytes of a future: {own}, as a step {step}, as a workflow {workflow}");
    // Once until the first poll, and once where it is polled.
    assert!(own >= 4_096);
    assert!(step <= 2 * own + 512, "{step} around {own}");
    assert!(workflow <= 2 * own + 512, "{workflow} around {own}");
}
