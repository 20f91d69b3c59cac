//! Keys of whole inputs.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde::ser::SerializeSeq as _;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};
use tta_cache::{CacheConfig, CacheExt, KeyBuilder, Scope};
use tta_core::{Flow, Primitive, Result, step_with};

use crate::support::Calls;

/// Answers how often it has run for inputs of any kind.
fn model<I: Send + 'static>(
    calls: &Calls,
) -> Flow<impl Primitive<Input = I, Output = usize> + 'static + use<I>> {
    step_with("model", calls.clone(), async |calls: &Calls, _: I| {
        calls.add();
        Ok(calls.count())
    })
}

async fn are_one(values: Vec<Value>, ignored: &[&str]) -> Result<bool> {
    let config = CacheConfig::of_input(Scope::Global);
    let config = ignored
        .iter()
        .fold(config, |config, path| config.ignoring(path));
    let flow = model(&Calls::default()).cached(config)?;
    let mut answers = Vec::new();
    for value in values {
        answers.push(flow.run(value).await?);
    }
    Ok(answers.iter().all(|answer| *answer == 1))
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

#[tokio::test]
async fn nothing_takes_a_place_of_its_own() -> Result<()> {
    for (one, other) in [
        ("[null,5]", "[5,null]"),
        ("[[null]]", "[[[]]]"),
        ("[[1],2]", "[[1,2]]"),
        ("[[[1],2],3]", "[[[1],2,3]]"),
        (r#"[{"a":1},2]"#, r#"[{"a":1,"b":2}]"#),
    ] {
        let values = vec![parsed(one), parsed(other)];
        assert!(!are_one(values, &[]).await?, "{one} {other}");
    }
    Ok(())
}

#[tokio::test]
async fn an_input_that_asks_a_cache_while_it_is_written_keeps_its_own_key() -> Result<()> {
    struct Asking(u64, Flow<Inner>);
    type Inner = tta_core::BoxPrimitive<u64, usize>;

    impl Serialize for Asking {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            // In the middle of a list, so that there is something to lose.
            let mut list = serializer.serialize_seq(Some(2))?;
            list.serialize_element(&self.0)?;
            let asked = std::pin::pin!(self.1.run(7));
            let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(asked.poll(&mut cx).is_ready());
            list.serialize_element(&0)?;
            list.end()
        }
    }

    let calls = Calls::default();
    let flow = model(&calls).cached(CacheConfig::of_input(Scope::Global))?;
    for (number, answer) in [(1, 1), (2, 2), (1, 1), (2, 2)] {
        let asked = model::<u64>(&Calls::default());
        let asked = asked.cached(CacheConfig::of_input(Scope::Global))?;
        assert_eq!(flow.run(Asking(number, asked.boxed()?)).await?, answer);
    }
    Ok(())
}

#[tokio::test]
async fn a_text_that_holds_what_stands_between_two_is_not_two() -> Result<()> {
    // Whatever byte tells that a part is text, and however little of its length were written.
    for tag in 0..=u8::MAX >> 1 {
        let config = CacheConfig::new(
            Scope::Global,
            |texts: &Vec<String>, _, key: &mut KeyBuilder| {
                for text in texts {
                    key.text(text);
                }
            },
        );
        let flow = model(&Calls::default()).cached(config)?;
        let one = format!("a{}\0\0\0\0\0\0\0b", char::from(tag));
        assert_eq!(flow.run(vec![one]).await?, 1);
        assert_eq!(
            flow.run(vec!["a".to_owned(), "b".to_owned()]).await?,
            2,
            "{tag}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_field_inside_a_variant_can_be_left_out() -> Result<()> {
    #[derive(Serialize)]
    enum Call {
        Chat { text: &'static str, id: u32 },
    }
    let config = CacheConfig::of_input(Scope::Global).ignoring("Chat.id");
    let flow = model(&Calls::default()).cached(config)?;
    let mut answers = Vec::new();
    for (text, id) in [("a", 1), ("a", 2), ("b", 1)] {
        answers.push(flow.run(Call::Chat { text, id }).await?);
    }
    assert_eq!(answers, [1, 1, 2]);
    Ok(())
}

#[tokio::test]
async fn json_that_means_the_same_has_one_key() -> Result<()> {
    for (one, other) in [
        (
            r#"{"a":1,"b":[true,null]}"#,
            r#"{ "b" : [true , null],"a":1}"#,
        ),
        ("1", "1.0"),
        ("100", "1e2"),
        ("0", "-0.0"),
        (r#""\u0061""#, r#""a""#),
        (r#"{"x":{"p":1,"q":2}}"#, r#"{"x":{"q":2,"p":1}}"#),
    ] {
        assert!(
            are_one(vec![parsed(one), parsed(other)], &[]).await?,
            "{one} {other}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn values_that_differ_have_different_keys() -> Result<()> {
    let all = [
        "null",
        "true",
        "false",
        "0",
        "1",
        "-1",
        "1.5",
        "18446744073709551615",
        "1e300",
        "\"\"",
        "\"1\"",
        "\"null\"",
        "[]",
        "{}",
        "[null]",
        "[[]]",
        "[[],[]]",
        "[1,2]",
        "[2,1]",
        "[12]",
        r#"{"a":null}"#,
        r#"{"a":1}"#,
        r#"{"a":"1"}"#,
        r#"{"a":1,"b":2}"#,
        r#"{"a":2,"b":1}"#,
        r#"{"a":{"b":1}}"#,
        r#"{"ab":1}"#,
        r#"["a",1]"#,
        r#"[{"a":1}]"#,
    ];
    for (place, one) in all.iter().enumerate() {
        for other in &all[place + 1..] {
            let pair = vec![parsed(one), parsed(other)];
            assert!(!are_one(pair, &[]).await?, "{one} {other}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_field_is_part_of_the_key_unless_it_is_named() -> Result<()> {
    let one = json!({"q": 1, "id": 1, "meta": {"id": 1, "user": "a"}, "list": [{"id": 1, "x": 1}]});
    let change = |path: &str, to: Value| {
        let mut other = one.clone();
        *other.pointer_mut(path).unwrap() = to;
        vec![one.clone(), other]
    };
    let named = ["id", "meta.user", "list.id"];
    assert!(are_one(change("/id", json!([2])), &named).await?);
    assert!(are_one(change("/meta/user", json!(null)), &named).await?);
    assert!(are_one(change("/list/0/id", json!("2")), &named).await?);
    assert!(!are_one(change("/meta/id", json!(2)), &named).await?);
    assert!(!are_one(change("/list/0/x", json!(2)), &named).await?);
    assert!(!are_one(change("/q", json!(2)), &named).await?);
    assert!(!are_one(change("/id", json!(2)), &[]).await?);
    assert!(!are_one(vec![json!({"q": 1}), json!({"q": 1, "new": null})], &named).await?);
    Ok(())
}

#[derive(Clone, Serialize)]
struct Prompt {
    z: u8,
    temperature: f32,
    tools: Option<Vec<Tool>>,
    extra: HashMap<u32, char>,
    unit: (),
}

#[derive(Clone, Serialize)]
enum Tool {
    Search,
    Read(String),
    Write { path: String, lines: (u16, i64) },
    Pair(bool, i8),
}

#[derive(Clone, Serialize)]
struct Id(u64);

#[tokio::test]
async fn a_struct_and_its_json_have_one_key() -> Result<()> {
    let prompt = Prompt {
        z: 7,
        temperature: 0.1,
        tools: Some(vec![
            Tool::Search,
            Tool::Read("x".into()),
            Tool::Write {
                path: "p".into(),
                lines: (1, -2),
            },
            Tool::Pair(true, -3),
        ]),
        extra: (0..20).map(|n| (n, 'c')).collect(),
        unit: (),
    };
    let calls = Calls::default();
    // Both forms through the same builder: what they write is what is compared.
    let config = CacheConfig::new(
        Scope::Global,
        |value: &(Prompt, Option<Value>), _, key: &mut KeyBuilder| {
            match value {
                (_, Some(json)) => key.value(json),
                (prompt, None) => key.value(prompt),
            };
        },
    );
    let flow = model(&calls).cached(config)?;
    let json = parsed(&serde_json::to_string(&prompt)?);
    assert_eq!(flow.run((prompt.clone(), None)).await?, 1);
    assert_eq!(flow.run((prompt.clone(), Some(json))).await?, 1);
    assert_eq!(
        flow.run((
            Prompt {
                temperature: 0.2,
                ..prompt.clone()
            },
            None
        ))
        .await?,
        2
    );
    assert_eq!(
        flow.run((
            Prompt {
                tools: None,
                ..prompt
            },
            None
        ))
        .await?,
        3
    );
    Ok(())
}

#[tokio::test]
async fn a_newtype_is_what_it_holds_and_large_numbers_are_told_apart() -> Result<()> {
    let config = CacheConfig::new(Scope::Global, |write: &fn(&mut KeyBuilder), _, key| {
        write(key);
    });
    let flow = model::<fn(&mut KeyBuilder)>(&Calls::default()).cached(config)?;
    let cases: [(fn(&mut KeyBuilder), usize); 12] = [
        (|key| _ = key.value(&Id(1)), 1),
        (|key| _ = key.value(&1_u64), 1),
        (|key| _ = key.value(&1_i8), 1),
        (|key| _ = key.value(&1.0_f32), 1),
        (|key| _ = key.value(&u128::MAX), 2),
        (|key| _ = key.value(&(u128::MAX - 1)), 3),
        (|key| _ = key.value(&i128::MAX), 4),
        (|key| _ = key.value(&f64::NAN), 5),
        (|key| _ = key.value(&-f64::NAN), 5),
        (|key| _ = key.value(&f64::INFINITY), 6),
        (|key| _ = key.value("a").value("b"), 7),
        (|key| _ = key.value("ab"), 8),
    ];
    for (write, answer) in cases {
        assert_eq!(flow.run(write).await?, answer);
    }
    Ok(())
}

/// A value that cannot be serialised.
#[derive(Clone, Copy)]
struct Refuses;

impl Serialize for Refuses {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("canary"))
    }
}

#[tokio::test]
async fn an_input_that_cannot_be_written_is_computed_and_not_kept() -> Result<()> {
    let flow = model::<Refuses>(&Calls::default())
        .cached(CacheConfig::of_input(Scope::Global))?
        .with_name("unwritable");
    assert_eq!(flow.run(Refuses).await?, 1);
    assert_eq!(flow.run(Refuses).await?, 2);
    assert_eq!(flow.stats().entries, 0);
    assert_eq!(flow.stats().misses, 2);

    let keyed = model::<BTreeMap<Vec<u8>, u8>>(&Calls::default())
        .cached(CacheConfig::of_input(Scope::Global))?;
    let map = BTreeMap::from([(vec![1], 1)]);
    assert_eq!(keyed.run(map.clone()).await?, 1);
    assert_eq!(keyed.run(map).await?, 2);
    Ok(())
}

#[tokio::test]
async fn an_input_nested_beyond_reason_is_computed_and_not_kept() -> Result<()> {
    let nested = |depth| (0..depth).fold(json!(1), |inner, _| json!([inner]));
    let flow = model(&Calls::default()).cached(CacheConfig::of_input(Scope::Global))?;
    assert_eq!(flow.run(nested(128)).await?, 1);
    assert_eq!(flow.run(nested(128)).await?, 1);
    assert_eq!(flow.run(nested(129)).await?, 2);
    assert_eq!(flow.run(nested(129)).await?, 3);
    Ok(())
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6..1e6_f64).prop_map(Value::from),
        "[a-c]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]{0,2}", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

/// The same object with its keys in another order.
struct Reversed<'a>(&'a Value);

impl Serialize for Reversed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(map) => {
                serializer.collect_map(map.iter().rev().map(|(key, value)| (key, Reversed(value))))
            }
            Value::Array(items) => serializer.collect_seq(items.iter().map(Reversed)),
            other => other.serialize(serializer),
        }
    }
}

/// Equal as JSON: a whole number is the same however it is written.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.is_f64() != other.is_f64() && one.as_f64() == other.as_f64()
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, one)| other.get(key).is_some_and(|it| same(one, it)))
        }
        _ => one == other,
    }
}

proptest! {
    #[test]
    fn any_two_values_have_one_key_just_if_they_are_the_same(one in any_json(), other in any_json()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let equal = runtime.block_on(are_one(vec![one.clone(), other.clone()], &[])).unwrap();
        prop_assert_eq!(equal, same(&one, &other));
    }

    #[test]
    fn the_order_of_keys_does_not_matter(value in any_json()) {
        let config = CacheConfig::new(Scope::Global, |(value, reversed): &(Value, bool), _, key: &mut KeyBuilder| {
            if *reversed {
                key.value(&Reversed(value));
            } else {
                key.value(value);
            }
        });
        let flow = model(&Calls::default()).cached(config).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        prop_assert_eq!(runtime.block_on(flow.run((value.clone(), false))).unwrap(), 1);
        prop_assert_eq!(runtime.block_on(flow.run((value, true))).unwrap(), 1);
    }
}
