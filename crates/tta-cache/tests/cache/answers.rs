//! What is answered from the cache, and for whom.

use tta_cache::{CacheConfig, CacheExt, KeyBuilder, Scope};
use tta_core::{Error, ErrorKind, Result, WorkflowContext, step, step_with};

use crate::support::{Calls, ask, by_text, counting};

#[tokio::test]
async fn a_miss_computes_and_stores_and_a_hit_does_not_run_the_step() -> Result<()> {
    let calls = Calls::default();
    let flow = counting(&calls).cached(by_text())?.with_name("stores");
    assert_eq!(flow.run(ask("a")).await?, 1);
    assert_eq!(flow.run(ask("a")).await?, 1);
    assert_eq!(flow.run(ask("b")).await?, 2);
    assert_eq!(calls.count(), 2);
    let stats = flow.stats();
    assert_eq!((stats.hits, stats.misses, stats.entries), (1, 2, 2));
    assert!((stats.hit_rate - 1.0 / 3.0).abs() < 1e-9);
    Ok(())
}

#[tokio::test]
async fn users_are_kept_apart_by_session_and_by_tenant() -> Result<()> {
    for scope in [Scope::Session, Scope::Tenant("tenant_id".into())] {
        let calls = Calls::default();
        let config = CacheConfig::new(scope, |question: &String, _, key| {
            key.text(question);
        });
        let flow = counting(&calls).cached(config)?;
        let user = |name: &str| {
            WorkflowContext::builder()
                .session_id(name)
                .metadata("tenant_id", name)
                .build()
        };
        assert_eq!(flow.execute(ask("q"), &user("ada")).await?, 1);
        assert_eq!(flow.execute(ask("q"), &user("bob")).await?, 2);
        assert_eq!(flow.execute(ask("q"), &user("ada")).await?, 1);
    }
    Ok(())
}

#[tokio::test]
async fn an_answer_without_an_owner_is_computed_and_not_kept() -> Result<()> {
    let calls = Calls::default();
    let config = CacheConfig::new(Scope::Session, |question: &String, _, key| {
        key.text(question);
    });
    let flow = counting(&calls).cached(config)?.with_name("nobodys");
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 2);
    assert_eq!(flow.stats().misses, 2);
    assert_eq!(flow.stats().entries, 0);
    let ctx = WorkflowContext::new();
    assert_eq!(flow.get(&ask("q"), &ctx).await?, None);
    assert!(!flow.invalidate(&ask("q"), &ctx).await?);
    Ok(())
}

#[tokio::test]
async fn the_key_may_depend_on_the_context() -> Result<()> {
    let calls = Calls::default();
    let config = CacheConfig::new(
        Scope::Global,
        |question: &String, ctx: &WorkflowContext, key| {
            key.text(question).flag(ctx.has_tag("brief"));
        },
    );
    let flow = counting(&calls).cached(config)?;
    let brief = WorkflowContext::new();
    brief.add_tag("brief");
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.execute(ask("q"), &brief).await?, 2);
    Ok(())
}

type Write = fn(&mut KeyBuilder);

#[tokio::test]
async fn different_parts_are_different_keys_and_equal_parts_are_one() -> Result<()> {
    let distinct: [Write; 16] = [
        |key| _ = key.text("a\0b"),
        |key| _ = key.text("a").text("b"),
        |key| _ = key.text("ab").text("c").flag(true),
        |key| _ = key.text("a").text("bc").flag(true),
        |key| _ = key.text("abc").flag(true),
        |key| _ = key.bytes(b"abc").flag(true),
        |key| _ = key.unsigned(1),
        |key| _ = key.signed(1),
        |key| _ = key.signed(-1),
        |key| _ = key.float(1.0),
        |key| _ = key.float(f64::NAN),
        |key| _ = key.flag(true),
        |key| _ = key.text(""),
        |key| _ = key.none(),
        |key| _ = key.none().none(),
        |_| (),
    ];
    let calls = Calls::default();
    let config = CacheConfig::new(Scope::Global, |write: &Write, _, key| write(key));
    let flow = step_with("model", calls.clone(), async |calls: &Calls, _: Write| {
        calls.add();
        Ok(calls.count())
    })
    .cached(config)?;
    for (before, write) in distinct.into_iter().enumerate() {
        assert_eq!(flow.run(write).await?, before + 1);
    }
    let zero: [Write; 2] = [|key| _ = key.float(0.0), |key| _ = key.float(-0.0)];
    let [plus, minus] = zero;
    assert_eq!(flow.run(plus).await?, flow.run(minus).await?);
    let nan: Write = |key| _ = key.float(-f64::NAN);
    assert_eq!(flow.run(nan).await?, 11);
    Ok(())
}

#[tokio::test]
async fn long_texts_are_told_apart_by_their_last_letter() -> Result<()> {
    let calls = Calls::default();
    let flow = counting(&calls).cached(by_text())?;
    let long = "x".repeat(1 << 20);
    assert_eq!(flow.run(format!("{long}a")).await?, 1);
    assert_eq!(flow.run(format!("{long}b")).await?, 2);
    assert_eq!(flow.run(format!("{long}a")).await?, 1);
    Ok(())
}

#[tokio::test]
async fn a_value_that_stands_for_nothing_is_kept_too() -> Result<()> {
    let calls = Calls::default();
    let flow = step_with("find", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        Ok(None::<String>)
    })
    .cached(by_text())?;
    assert_eq!(flow.run(ask("q")).await?, None);
    assert_eq!(flow.run(ask("q")).await?, None);
    assert_eq!(calls.count(), 1);
    Ok(())
}

#[tokio::test]
async fn an_error_is_passed_on_and_never_kept() -> Result<()> {
    let calls = Calls::default();
    let flow = step_with("model", calls.clone(), async |calls: &Calls, _: String| {
        calls.add();
        match calls.count() {
            1 => Err(Error::new(ErrorKind::Unavailable, "down")),
            n => Ok(n),
        }
    })
    .cached(by_text())?;
    let error = flow.run(ask("q")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
    assert_eq!(flow.run(ask("q")).await?, 2);
    assert_eq!(flow.run(ask("q")).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_result_that_the_verdict_refuses_is_given_and_not_kept() -> Result<()> {
    let calls = Calls::default();
    let flow = counting(&calls).cached(by_text().with_store_if(|answer| *answer > 1))?;
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 2);
    assert_eq!(flow.run(ask("q")).await?, 2);
    Ok(())
}

#[tokio::test]
async fn a_step_and_the_callers_of_get_or_compute_share_entries() -> Result<()> {
    let calls = Calls::default();
    let flow = counting(&calls).cached(by_text())?;
    let ctx = WorkflowContext::new();
    assert_eq!(flow.get(&ask("q"), &ctx).await?, None);
    let computed = flow
        .get_or_compute(&ask("q"), &ctx, async |_| Ok(7))
        .await?;
    assert_eq!(computed, 7);
    assert_eq!(flow.execute(ask("q"), &ctx).await?, 7);
    assert_eq!(flow.get(&ask("q"), &ctx).await?, Some(7));
    assert_eq!(calls.count(), 0);
    Ok(())
}

#[tokio::test]
async fn a_fallback_outside_the_cache_is_not_kept_and_one_inside_is() -> Result<()> {
    let down = || {
        step("model", async |_: String| -> Result<&'static str> {
            Err(Error::new(ErrorKind::Unavailable, "down"))
        })
    };
    let canned = || step("canned", async |_: String| Ok("later"));
    let right = down().cached(by_text())?.with_fallback(canned());
    assert_eq!(right.run(ask("q")).await?, "later");
    let wrong = down().with_fallback(canned()).cached(by_text())?;
    assert_eq!(wrong.run(ask("q")).await?, "later");
    assert_eq!(
        wrong.get(&ask("q"), &WorkflowContext::new()).await?,
        Some("later")
    );
    Ok(())
}

#[test]
fn a_cache_that_could_keep_nothing_is_refused() {
    let zero = std::time::Duration::ZERO;
    let useless: [CacheConfig<String, usize>; 5] = [
        by_text().with_capacity(0),
        by_text().with_capacity_bytes(0, |_| 1),
        by_text().with_ttl(zero),
        by_text().with_cost_per_call(-1.0),
        by_text().with_cost_per_call(f64::NAN),
    ];
    for config in useless {
        let shown = format!("{config:?}");
        let error = counting(&Calls::default()).cached(config).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Configuration, "{shown}");
    }
}
