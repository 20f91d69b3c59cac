//! What a cache tells about itself: spans, metrics, cancellation.

use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tta_cache::{CATALOG, CacheConfig, CacheExt, Scope};
use tta_core::{
    ErrorKind, Primitive, Result, SpanRecord, Value, WorkflowContext, registry, step, step_with,
};
use tta_testkit::measured::measured;
use tta_testkit::recording::{RecordingRecorder, error_type};

use crate::support::{Calls, ask, by_text, counting};

fn is_inside(child: &SpanRecord, parent: &SpanRecord) -> bool {
    child.parent_id == parent.span_id
}

#[tokio::test]
async fn a_miss_is_traced_as_get_compute_set_and_a_hit_as_get() -> Result<()> {
    let flow = counting(&Calls::default())
        .cached(by_text())?
        .with_name("answers");
    let recorder = RecordingRecorder::new();
    flow.execute(ask("q"), &recorder.context()).await?;
    let cache = recorder.span("answers.execute");
    let get = recorder.span("cache.get");
    let set = recorder.span("cache.set");
    for part in [&get, &set, &recorder.span("model.execute")] {
        assert!(is_inside(part, &cache), "{part:?}");
    }
    let of = |span: &SpanRecord, key| recorder.attribute(span.span_id, key);
    assert_eq!(of(&get, "cache.hit"), Some(Value::Bool(false)));
    assert_eq!(of(&get, "cache.miss_reason"), Some("absent".into()));
    assert_eq!(of(&set, "cache.stored"), Some(Value::Bool(true)));
    assert_eq!(of(&set, "cache.key_hash"), of(&get, "cache.key_hash"));

    let again = RecordingRecorder::new();
    flow.execute(ask("q"), &again.context()).await?;
    let get = again.span("cache.get");
    assert!(is_inside(&get, &again.span("answers.execute")));
    assert_eq!(
        again.attribute(get.span_id, "cache.hit"),
        Some(Value::Bool(true))
    );
    assert!(again.spans_named("cache.set").is_empty());
    Ok(())
}

#[tokio::test]
async fn each_hit_is_timed_though_no_trace_is_kept() -> Result<()> {
    fn own() -> Instant {
        // Another function than the context's clock is another clock.
        Instant::now()
    }
    for (name, config) in [
        ("timed_by_step", by_text()),
        ("timed_by_itself", by_text().with_clock(own)),
    ] {
        let flow = counting(&Calls::default()).cached(config)?.with_name(name);
        for _ in 0..4 {
            flow.run(ask("q")).await?;
        }
        let timed = measured("cache_operation_duration_seconds", &[name, "get", "hit"]);
        assert!((timed - 3.0).abs() < 1e-9, "{name}: {timed}");
    }
    Ok(())
}

#[tokio::test]
async fn a_hit_tells_what_it_saved_where_that_is_known() -> Result<()> {
    let model = |reported: Option<f64>| {
        step_with(
            "model",
            reported,
            async |reported: &Option<f64>, _: String, ctx: &WorkflowContext| {
                if let Some(usd) = reported {
                    ctx.report_cost(*usd);
                }
                Ok(1)
            },
        )
    };
    for (reported, configured, saved) in [
        (Some(0.5), None, Some(0.5)),
        (None, Some(0.25), Some(0.25)),
        (Some(0.5), Some(0.25), Some(0.5)),
        (None, None, None),
    ] {
        let config = match configured {
            Some(usd) => by_text().with_cost_per_call(usd),
            None => by_text(),
        };
        let flow = model(reported).cached(config)?;
        flow.run(ask("q")).await?;
        let recorder = RecordingRecorder::new();
        flow.execute(ask("q"), &recorder.context()).await?;
        let get = recorder.span("cache.get").span_id;
        let told = recorder.attribute(get, "cache.saved_usd");
        assert_eq!(told, saved.map(Value::from), "{reported:?} {configured:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_eviction_is_traced_with_its_key_and_its_cause() -> Result<()> {
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    let config = by_text().with_ttl(Duration::from_nanos(1));
    let flow = counting(&Calls::default()).cached(config)?;
    flow.execute(ask("q"), &ctx).await?;
    flow.execute(ask("q"), &ctx).await?;
    flow.invalidate(&ask("q"), &ctx).await?;
    drop(ctx);
    let of = |span: &SpanRecord, key| recorder.attribute(span.span_id, key);
    let key = of(&recorder.spans_named("cache.get")[0], "cache.key_hash");
    assert!(key.is_some());
    let causes = recorder.spans_named("cache.evict");
    let causes = causes.iter().map(|span| {
        assert_eq!(of(span, "cache.key_hash"), key);
        of(span, "cache.evict_cause")
    });
    let causes: Vec<_> = causes.collect();
    assert_eq!(causes, [Some("expired".into()), Some("explicit".into())]);
    Ok(())
}

#[tokio::test]
async fn no_part_of_a_question_is_in_a_span() -> Result<()> {
    let flow = counting(&Calls::default()).cached(by_text())?;
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    flow.execute(ask("canary-7f3a"), &ctx).await?;
    flow.execute(ask("canary-7f3a"), &ctx).await?;
    assert!(!format!("{:?}{flow:?}", recorder.traces()).contains("canary"));
    Ok(())
}

#[tokio::test]
async fn the_caller_that_is_dropped_while_computing_ends_as_cancelled() -> Result<()> {
    let flow = step("endless", async |_: String| {
        std::future::pending::<()>().await;
        Ok(0_usize)
    })
    .cached(by_text())?
    .with_name("dropped");
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    {
        let mut run = std::pin::pin!(flow.execute(ask("q"), &ctx));
        let polled = run.as_mut().poll(&mut Context::from_waker(Waker::noop()));
        assert!(polled.is_pending());
    }
    for span in ["dropped.execute", "endless.execute"] {
        assert_eq!(error_type(&recorder.span(span)), Some("cancelled"));
    }
    assert_eq!(flow.metrics().in_flight(), 0);
    assert_eq!(flow.metrics().cancelled(), 1);
    assert_eq!(flow.stats().entries, 0);
    Ok(())
}

#[tokio::test]
async fn a_panic_in_any_function_of_the_users_is_an_error_of_that_call_alone() -> Result<()> {
    let fits = |text: &str, place: &str| assert!(text != place, "{place} panics");
    let config = CacheConfig::new(Scope::Global, move |question: &String, _, key| {
        fits(question, "key");
        key.text(question);
    })
    .with_store_if(move |answer: &String| {
        fits(answer, "verdict");
        true
    })
    .with_capacity_bytes(1_000, move |answer: &String| {
        fits(answer, "weigher");
        answer.len()
    });
    let flow = step("echo", async |question: String| {
        assert!(question != "step", "step panics");
        Ok(question)
    })
    .cached(config)?
    .with_name("panicking_callbacks");
    for place in ["key", "verdict", "weigher", "step"] {
        for _ in 0..2 {
            let error = flow.run(ask(place)).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Panic, "{place}");
        }
    }
    assert_eq!(flow.run(ask("q")).await?, "q");
    assert_eq!(flow.metrics().in_flight(), 0);
    Ok(())
}

#[tokio::test]
async fn results_are_the_same_with_and_without_a_recorder() -> Result<()> {
    let mut all = Vec::new();
    for ctx in [WorkflowContext::new(), RecordingRecorder::new().context()] {
        let calls = Calls::default();
        let flow = counting(&calls).cached(by_text().with_capacity(2))?;
        let mut results = Vec::new();
        for question in ["a", "b", "a", "c", "c", "a"] {
            results.push(flow.execute(ask(question), &ctx).await?);
        }
        all.push(results);
    }
    assert_eq!(all[0], all[1]);
    Ok(())
}

#[tokio::test]
async fn every_declared_metric_is_emitted_and_every_declared_span_appears() -> Result<()> {
    let config = by_text()
        .with_ttl(Duration::from_nanos(1))
        .with_stale_while_revalidate(Duration::from_hours(1));
    let flow = counting(&Calls::default())
        .cached(config)?
        .with_name("declared");
    let recorder = RecordingRecorder::new();
    let ctx = recorder.context();
    ctx.workflow("test", async {
        flow.execute(ask("q"), &ctx).await?;
        flow.execute(ask("q"), &ctx).await?;
        while flow.stats().refreshes == 0 {
            tokio::task::yield_now().await;
        }
        flow.invalidate(&ask("q"), &ctx).await?;
        Ok::<_, tta_core::Error>(())
    })
    .await?;
    let families = registry().gather();
    for metric in CATALOG.metrics {
        assert!(
            families.iter().any(|family| family.spec == *metric),
            "{}",
            metric.name
        );
    }
    drop(ctx);
    for span in CATALOG.spans {
        assert!(!recorder.spans_named(span.name).is_empty(), "{}", span.name);
    }
    Ok(())
}

#[test]
fn futures_can_move_between_threads() -> Result<()> {
    fn assert_send<T: Send>(_: T) {}
    fn check<P: Primitive<Input = String>>(flow: &tta_core::Flow<P>) {
        assert_send(flow.run(ask("q")));
    }
    let flow = counting(&Calls::default()).cached(by_text())?;
    check(&flow);
    assert_send(flow.get_or_compute(&ask("q"), &WorkflowContext::new(), async |_| Ok(1)));
    check(&Arc::new(
        step("echo", async |q: String| Ok(q))
            .cached(by_text())?
            .boxed()?,
    ));
    Ok(())
}
