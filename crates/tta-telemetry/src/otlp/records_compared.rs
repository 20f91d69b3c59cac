//! What is written from records beside what is written from OpenTelemetry's spans of the same.

use std::borrow::Cow;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use opentelemetry_sdk::trace::SpanData;
use proptest::prelude::*;
use tta_core::{
    Attribute, ContentCapture, Error, ErrorKind, EventRecord, Parent, SpanId, SpanKind, SpanName,
    SpanStatus, TraceId, TraceRecords, Value, WorkflowContext, step,
};
use tta_testkit::recording::RecordingRecorder;

use super::super::common::resource;
use super::super::{WrittenSpan, encode_spans, encode_written};
use crate::redaction::{Redaction, RedactionPolicy, Redactor};
use crate::settings::SpanLimits;
use crate::traces::{Spans, prepare_data};

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::with_cases(512)
    })]

    #[test]
    fn what_is_written_of_records_is_what_is_written_of_spans(
        trace in trace(),
        limits in limits(),
        policy in 0..5_usize,
    ) {
        let resource = resource(&[("service.name".to_owned(), "compared".to_owned())]);
        let (asked, asked_of_spans) = (Asked::default(), Asked::default());

        let mut written = Vec::new();
        let redactor = redactor(policy, &asked);
        WrittenSpan::of_records(&trace, &limits, &redactor, &mut written);
        let mut spans: Vec<SpanData> = Vec::new();
        let redactor = self::redactor(policy, &asked_of_spans);
        prepare_data(Spans::Ours(trace.into()), &limits, &redactor, &mut spans);

        prop_assert_eq!(encode_written(&written, &resource), encode_spans(&spans, &resource));
        // Hooks are asked the same, and as often.
        prop_assert_eq!(asked.all(), asked_of_spans.all());
    }
}

/// What hooks were asked.
#[derive(Clone, Default)]
struct Asked(Arc<Mutex<Vec<(String, String)>>>);

impl Asked {
    fn all(&self) -> Vec<(String, String)> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn note(&self, key: &str, text: &str) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.push((key.to_owned(), text.to_owned()));
    }
}

fn redactor(policy: usize, asked: &Asked) -> Arc<Redactor> {
    let asked = asked.clone();
    let policy = match policy {
        0 => RedactionPolicy::new(),
        1 => RedactionPolicy::new().without_builtin_rules(),
        2 => RedactionPolicy::new()
            .with_key("primitive.name")
            .with_key("model"),
        3 => RedactionPolicy::new()
            .with_exempt_key("api_key")
            .with_exempt_key("prompt"),
        _ => RedactionPolicy::new().with_hook(move |key, text| {
            asked.note(key, text);
            match text.len() % 4 {
                0 => Redaction::Drop,
                1 => Redaction::Replace("replaced".into()),
                _ => Redaction::Keep,
            }
        }),
    };
    Redactor::new(policy, ContentCapture::default())
}

fn limits() -> impl Strategy<Value = SpanLimits> {
    let few = || prop_oneof![0..4_usize, Just(128)];
    let bytes = prop_oneof![0..40_usize, Just(2_048)];
    (few(), bytes, few(), few(), few()).prop_map(
        |(attributes, attribute_bytes, events, links, event_attributes)| SpanLimits {
            attributes,
            attribute_bytes,
            events,
            links,
            event_attributes,
            link_attributes: 128,
        },
    )
}

/// A trace of a workflow of some steps, of which each says anything.
fn trace() -> impl Strategy<Value = TraceRecords> {
    let ids = (text(), prop::option::of(text()), 1..24_usize);
    let flags = (
        any::<bool>(),
        any::<bool>(),
        prop::option::of("[a-z=,0-9]{0,20}"),
    );
    let index = || 0..26_usize;
    let details = (
        prop::collection::vec((index(), attribute()), 0..60),
        prop::collection::vec((index(), event()), 0..6),
        prop::collection::vec((index(), parent()), 0..6),
        prop::array::uniform3(prop_oneof![Just(0), 0..1_u64 << 40]),
    );
    let spans = prop::collection::vec(shape(), 25);
    (ids, flags, details, spans).prop_map(|(ids, flags, details, shapes)| {
        let mut trace = recorded(ids.0, ids.1, ids.2);
        (trace.is_random, trace.trace_state) = (flags.0, flags.2.map(Arc::from));
        let of = |index: usize| {
            // Beyond the last one it is of a span that is not there.
            trace
                .spans
                .get(index)
                .map_or(SpanId::from_u64(7), |span| span.span_id)
        };
        let (attributes, events, links, lost) = details;
        trace.attributes = attributes.into_iter().map(|(n, it)| (of(n), it)).collect();
        trace.links = links.into_iter().map(|(n, it)| (of(n), it)).collect();
        let template = trace.events.first().cloned();
        let event = |(n, (name, at, attributes)): (usize, Happened)| {
            let mut event: EventRecord = template.clone()?;
            (event.span_id, event.name) = (of(n), name);
            (event.unix_nanos, event.attributes) = (at, attributes);
            Some(event)
        };
        trace.events = events.into_iter().filter_map(event).collect();
        [trace.lost.attributes, trace.lost.events, trace.lost.links] = lost;
        for (span, shape) in trace.spans.iter_mut().zip(shapes) {
            let (name, kind, status, times, is_remote) = shape;
            (span.kind, span.parent_is_remote) = (kind, is_remote);
            (span.start_unix_nanos, span.end_unix_nanos) = times;
            span.status = status.unwrap_or_else(|| span.status.clone());
            span.name = name.unwrap_or_else(|| span.name.clone());
        }
        trace
    })
}

/// As many steps, one of which fails, in a workflow.
fn recorded(correlation: String, session: Option<String>, steps: usize) -> TraceRecords {
    let recorder = RecordingRecorder::new();
    let mut builder = WorkflowContext::builder()
        .recorder(recorder.clone())
        .correlation_id(correlation);
    if let Some(session) = session {
        builder = builder.session_id(session);
    }
    let ctx = builder.build();
    let one = step("answer", async |n: usize, ctx: &WorkflowContext| {
        ctx.event("seen", Vec::new());
        if n == 0 {
            return Err(Error::new(ErrorKind::Other, "password=hunter2 is wrong"));
        }
        Ok(n)
    });
    let all = async {
        for n in (0..steps).rev() {
            one.execute(n, &ctx).await?;
        }
        Ok::<_, Error>(())
    };
    let mut all = pin!(ctx.workflow("answers", all));
    let poll = all.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll, Poll::Ready(Err(_))));
    recorder.traces().pop().unwrap()
}

type Happened = (Cow<'static, str>, u64, Vec<Attribute>);

fn event() -> impl Strategy<Value = Happened> {
    let attributes = prop::collection::vec(attribute(), 0..5);
    (text(), any::<u64>(), attributes).prop_map(|(name, at, all)| (name.into(), at, all))
}

fn parent() -> impl Strategy<Value = Parent> {
    let ids = (1..u128::MAX, 1..u64::MAX, any::<[bool; 3]>());
    (ids, prop::option::of("[a-z]{1,4}=[a-z]{1,4}")).prop_map(|((trace, span, flags), state)| {
        let [sampled, is_remote, is_random] = flags;
        let (trace, span) = (TraceId::from_u128(trace), SpanId::from_u64(span));
        let mut parent = Parent::remote(trace, span, sampled).unwrap();
        (parent.is_remote, parent.is_random) = (is_remote, is_random);
        parent.trace_state = state.map(Arc::from);
        parent
    })
}

type Shape = (
    Option<SpanName>,
    SpanKind,
    Option<SpanStatus>,
    (u64, u64),
    bool,
);

fn shape() -> impl Strategy<Value = Shape> {
    // Which it is makes no difference to what is written.
    let spec = tta_core::CATALOG.spans[0];
    let name = prop_oneof![
        3 => Just(None),
        1 => Just(Some(SpanName::Part("cache.lookup"))),
        1 => text().prop_map(move |name| Some(SpanName::Edge { spec, name: name.into() })),
    ];
    let kind = prop::sample::select(vec![
        SpanKind::Internal,
        SpanKind::Client,
        SpanKind::Server,
        SpanKind::Producer,
        SpanKind::Consumer,
    ]);
    let status = prop_oneof![
        Just(None),
        Just(Some(SpanStatus::Ok)),
        Just(Some(SpanStatus::Unset)),
        text().prop_map(|text| Some(SpanStatus::Error {
            error_type: "timeout",
            description: text.into(),
        })),
    ];
    let time = || prop_oneof![Just(0), any::<u64>()];
    (name, kind, status, (time(), time()), any::<bool>())
}

fn attribute() -> impl Strategy<Value = Attribute> {
    let key = prop_oneof![
        4 => prop::sample::select(vec![
            "model", "api_key", "password", "token", "prompt", "prompt_tokens", "primitive.name",
            "correlation_id", "error.type", "url", "",
        ]).prop_map(Cow::Borrowed),
        1 => ".{0,12}".prop_map(Cow::Owned),
        1 => Just(Cow::Owned("k".repeat(130))),
    ];
    let value = prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        prop_oneof![0..20_000_i64, any::<i64>()].prop_map(Value::Int),
        prop_oneof![Just(0.0), Just(-0.0), Just(f64::NAN), any::<f64>()].prop_map(Value::Float),
        text().prop_map(|text| Value::Str(text.into())),
        Just(Value::Str("small".into())),
    ];
    (key, value).prop_map(|(key, value)| Attribute::new(key, value))
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        ".{0,20}",
        Just("Bearer aB3dEf9hIjKl".to_owned()),
        Just("redis://:hunter2@cache:6379/0".to_owned()),
        Just("sk-abcdefghijklmnop1234".to_owned()),
        Just("password=hunter2 and more".to_owned()),
        Just("x".repeat(130)),
        Just("ä".repeat(9_000)),
    ]
}
