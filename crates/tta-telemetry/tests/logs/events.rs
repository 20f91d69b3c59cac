//! What a line says about its event.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt};
use tta_core::Level;
use tta_telemetry::LogFormat;
use tta_telemetry::logs::{LogFilter, LogOptions, LogWriter, log_layer};

use crate::captured::{lines_of, objects_of};

#[test]
fn a_line_has_the_catalogued_fields_in_their_order() {
    let line = lines_of(Level::Info, LogFormat::Json, || {
        tracing::info!(target: "orders", amount = 3_u64, rate = 0.5, paid = true, name = "x", "sold {}", 1);
    });
    let (time, rest) = line.split_at("{\"timestamp\":\"2026-01-01T00:00:00.000Z\"".len());
    assert!(
        time.ends_with("Z\"") && time.starts_with("{\"timestamp\":\"2"),
        "{line}"
    );
    assert_eq!(
        rest,
        ",\"level\":\"info\",\"message\":\"sold 1\",\"target\":\"orders\",\"service\":\"shop\",\
         \"amount\":3,\"rate\":0.5,\"paid\":true,\"name\":\"x\"}\n"
    );
}

#[test]
fn a_text_line_reads_like_a_sentence_and_quotes_only_what_needs_it() {
    let line = lines_of(Level::Trace, LogFormat::Text, || {
        tracing::warn!(target: "orders", a = "plain", b = "two words", c = "x=\"y\"", d = "", "said \"no\"\nand left");
    });
    let (_, rest) = line.split_once(' ').unwrap();
    assert_eq!(
        rest,
        "warn orders: said \"no\"\\nand left a=plain b=\"two words\" c=\"x=\\\"y\\\"\" d=\"\" service=shop\n"
    );
}

#[test]
fn fields_that_would_repeat_a_key_get_another_name() {
    let objects = objects_of(|| {
        tracing::info!(
            level = 9,
            message = "said",
            service = "other",
            "field.level" = 7,
            trace_id = "mine"
        );
    });
    let line = objects[0].as_object().unwrap();
    assert_eq!(line["level"], "info");
    assert_eq!(line["service"], "shop");
    assert_eq!(line["message"], "said");
    assert_eq!(line["field.level"], 9);
    assert_eq!(line["field.service"], "other");
    assert_eq!(line["field.trace_id"], "mine");
    assert_eq!(line["field.level_2"], 7);
}

#[test]
fn a_field_that_comes_twice_gets_another_name_the_second_time() {
    let objects = objects_of(|| {
        tracing::info!(n = 1, other = 2, n = 3, "twice");
    });
    let line = objects[0].as_object().unwrap();
    assert_eq!((&line["n"], &line["other"]), (&1.into(), &2.into()));
    assert_eq!(line["n_2"], 3);
}

/// What is remembered of some has to make room for others.
#[test]
fn lines_of_many_callsites_keep_their_own_level_target_and_names() {
    macro_rules! events {
        ($($a:literal)*) => { $(events!(@each $a 0 1 2 3 4 5 6 7 8 9);)* };
        (@each $a:literal $($b:literal)*) => { $(
            tracing::info!(target: concat!("t", $a, $b), { fields.own = $b, shared = $a }, "said");
            tracing::warn!(target: concat!("w", $a, $b), { shared = $b }, "said");
        )* };
    }
    let objects = objects_of(|| {
        for _ in 0..3 {
            events!(0 1 2 3 4 5 6 7 8 9);
        }
    });
    assert_eq!(objects.len(), 600);
    for (index, line) in objects.iter().enumerate() {
        let (a, b) = (index / 20 % 10, index / 2 % 10);
        if index % 2 == 0 {
            assert_eq!(line["level"], "info");
            assert_eq!(line["target"], format!("t{a}{b}"));
            assert_eq!(
                (&line["fields.own"], &line["shared"]),
                (&b.into(), &a.into())
            );
        } else {
            assert_eq!(line["level"], "warn");
            assert_eq!(line["target"], format!("w{a}{b}"));
            assert_eq!((line.get("fields.own"), &line["shared"]), (None, &b.into()));
        }
    }
}

#[test]
fn numbers_that_json_cannot_hold_are_text() {
    let objects = objects_of(|| {
        tracing::info!(
            nan = f64::NAN,
            most = f64::INFINITY,
            wide = u128::MAX,
            least = i64::MIN,
            tiny = 1e-300
        );
    });
    let line = &objects[0];
    assert_eq!(line["nan"], "NaN");
    assert_eq!(line["most"], "+Inf");
    assert_eq!(line["wide"], u128::MAX.to_string());
    assert_eq!(line["least"], i64::MIN);
    assert_eq!(line["tiny"], 1e-300);
}

#[test]
fn a_value_whose_debug_panics_costs_its_own_text_only() {
    struct Broken;
    impl fmt::Debug for Broken {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("half ")?;
            panic!("no debug today")
        }
    }
    let objects = objects_of(|| {
        tracing::info!(before = 1, broken = ?Broken, after = 2, "still {:?}", Broken);
        tracing::info!("the next");
    });
    assert_eq!(objects[0]["broken"], "half <panicked>");
    assert_eq!(objects[0]["message"], "still half <panicked>");
    assert_eq!(
        (&objects[0]["before"], &objects[0]["after"]),
        (&1.into(), &2.into())
    );
    assert_eq!(objects[1]["message"], "the next");
}

#[test]
fn an_event_inside_the_debug_of_another_is_a_line_too() {
    struct Chatty;
    impl fmt::Debug for Chatty {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            tracing::debug!("asked");
            f.write_str("chatty")
        }
    }
    let objects = objects_of(|| {
        let value = Chatty;
        tracing::info!(?value, "outer");
    });
    let messages: Vec<_> = objects.iter().map(|line| &line["message"]).collect();
    // `tracing` itself may leave out an event inside an event, but never the outer one.
    assert!(messages.contains(&&"outer".into()), "{messages:?}");
    assert_eq!(objects.last().unwrap()["value"], "chatty");
}

#[test]
fn the_filter_decides_by_level_and_target() {
    let filter: LogFilter = "warn,orders=debug".parse().unwrap();
    let lines = lines_of(filter, LogFormat::Json, || {
        tracing::info!(target: "other", "no");
        tracing::warn!(target: "other", "yes 1");
        tracing::debug!(target: "orders::new", "yes 2");
        tracing::trace!(target: "orders", "no");
    });
    assert_eq!(lines.lines().count(), 2, "{lines}");
    assert_eq!(lines.matches("yes").count(), 2, "{lines}");
}

#[test]
fn other_layers_see_what_the_filter_leaves_out() {
    #[derive(Clone, Default)]
    struct Count(Arc<AtomicUsize>);
    impl<S: tracing::Subscriber> Layer<S> for Count {
        fn on_event(&self, _: &tracing::Event<'_>, _: Context<'_, S>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
    let (count, writer) = (Count::default(), LogWriter::new(std::io::sink()).unwrap());
    let layer = log_layer(LogOptions {
        service: "shop".to_owned(),
        filter: Level::Warn.into(),
        format: LogFormat::Json,
        writer: writer.clone(),
    });
    let subscriber = tracing_subscriber::registry()
        .with(layer)
        .with(count.clone());
    tracing::subscriber::with_default(subscriber, || {
        tracing::trace!("for the other layer");
        tracing::error!("for both");
    });
    assert_eq!(count.0.load(Ordering::Relaxed), 2);
    assert_eq!(writer.stats().created, 1);
}

#[test]
fn a_filter_that_is_none_is_refused_with_what_it_may_be() {
    for nonsense in ["loud", "orders=loud", "orders", "=", "=info", "info,", ""] {
        let refused = nonsense.parse::<LogFilter>().unwrap_err().to_string();
        assert!(
            refused.contains("error, warn, info"),
            "{nonsense}: {refused}"
        );
    }
    for fine in ["off", "INFO", "orders=debug", " warn , orders=trace"] {
        assert!(fine.parse::<LogFilter>().is_ok(), "{fine}");
    }
}
