//! How values are written outside.

use tta_cache::{CacheExt, Codec, Json, SharedConfig};
use tta_core::Result;
#[cfg(feature = "zstd")]
use tta_core::step;

use crate::shelf::Shelf;
use crate::support::{Calls, ask, counting};

/// Writes what cannot be read, or reads what was not written.
#[derive(Debug)]
struct Broken {
    encodes: bool,
}

impl Codec<usize> for Broken {
    fn name(&self) -> &'static str {
        "json"
    }

    fn encode(&self, value: &usize) -> Result<Vec<u8>> {
        if self.encodes {
            Json.encode(value)
        } else {
            Err(tta_core::Error::msg("no bytes for this"))
        }
    }

    fn decode(&self, _: &[u8]) -> Result<usize> {
        Err(tta_core::Error::msg("no value in this"))
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_without_bytes_is_kept_in_memory_and_bytes_without_a_value_are_removed()
-> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let broken = |encodes| SharedConfig::new("answers", shelf.clone(), Broken { encodes });
    let flow = counting(&calls)
        .cached(shelf.config().with_shared(broken(false)))?
        .with_name("no_bytes");
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert_eq!(flow.run(ask("q")).await?, 1);
    assert!(shelf.values().is_empty());
    drop(flow);
    counting(&calls)
        .cached(shelf.config())?
        .run(ask("q"))
        .await?;
    assert_eq!(shelf.values().len(), 1);
    let flow = counting(&calls)
        .cached(shelf.config().with_shared(broken(true)).without_memory())?
        .with_name("no_value");
    let ctx = tta_core::WorkflowContext::new();
    assert_eq!(flow.get(&ask("q"), &ctx).await?, None);
    assert!(shelf.values().is_empty());
    Ok(())
}

/// What other versions have stored is read by the name.
#[test]
fn the_names_of_codecs_stay() {
    assert_eq!(Codec::<u8>::name(&Json), "json");
    #[cfg(feature = "postcard")]
    assert_eq!(Codec::<u8>::name(&tta_cache::Postcard), "postcard");
}

#[cfg(feature = "postcard")]
#[test]
fn postcard_gives_back_what_it_was_given_in_fewer_bytes() -> Result<()> {
    let value = (7_u32, "a question".to_owned());
    let compact = tta_cache::Postcard.encode(&value)?;
    assert!(compact.len() < Json.encode(&value)?.len());
    let read: (u32, String) = tta_cache::Postcard.decode(&compact)?;
    assert_eq!(read, value);
    let longer = [compact, vec![0]].concat();
    let read: Result<(u32, String)> = tta_cache::Postcard.decode(&longer);
    assert!(read.is_err(), "bytes are left over");
    Ok(())
}

#[cfg(feature = "zstd")]
#[tokio::test(start_paused = true)]
async fn values_above_a_size_are_compressed_and_read_back() -> Result<()> {
    let shelf = Shelf::new();
    let process = || {
        let shared = shelf.shared().with_compression_above(1_000);
        let config = shelf.config().with_shared(shared);
        step("repeat", async |n: String| Ok("abc".repeat(n.parse()?))).cached(config)
    };
    process()?.run(ask("300")).await?;
    assert!(shelf.only().1.bytes.len() > 900);
    let flow = process()?;
    flow.clear().await?;
    let long = flow.run(ask("10000")).await?;
    assert!(shelf.only().1.bytes.len() < 1_000, "30,000 bytes before");
    let other = process()?.with_name("reads_compressed");
    assert_eq!(other.run(ask("10000")).await?, long);
    assert_eq!(other.stats().outside_hits, 1);
    Ok(())
}

#[cfg(feature = "zstd")]
#[tokio::test(start_paused = true)]
async fn a_compressed_value_beyond_the_limit_is_not_unpacked() -> Result<()> {
    let shelf = Shelf::new();
    let process = |limit| {
        let shared = shelf.shared().with_compression_above(100);
        let config = shelf
            .config()
            .with_shared(shared.with_max_value_bytes(limit))
            .without_memory();
        step("repeat", async |n: String| Ok("x".repeat(n.parse()?))).cached(config)
    };
    process(1 << 20)?.run(ask("100000")).await?;
    assert!(shelf.only().1.bytes.len() < 1_000);
    let ctx = tta_core::WorkflowContext::new();
    let flow = process(50_000)?;
    assert_eq!(flow.get(&ask("100000"), &ctx).await?, None);
    assert!(shelf.values().is_empty(), "too large, and removed");
    Ok(())
}

#[cfg(feature = "postcard")]
#[tokio::test(start_paused = true)]
async fn postcard_values_are_read_by_postcard_alone() -> Result<()> {
    let (shelf, calls) = (Shelf::new(), Calls::default());
    let shared = || SharedConfig::new("answers", shelf.clone(), tta_cache::Postcard);
    let process = || counting(&calls).cached(shelf.config().with_shared(shared()));
    process()?.run(ask("q")).await?;
    assert_eq!(process()?.run(ask("q")).await?, 1);
    let json = counting(&calls).cached(shelf.config())?;
    assert_eq!(json.run(ask("q")).await?, 2);
    assert!(
        Codec::<u8>::decode(&tta_cache::Postcard, &[1, 2]).is_err(),
        "left over"
    );
    Ok(())
}
