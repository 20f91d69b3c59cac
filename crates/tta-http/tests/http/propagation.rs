//! Reading headers and writing them.

use std::collections::{BTreeMap, HashMap};

use http::HeaderMap;
use tta_core::{SpanId, TraceId, WorkflowContext};
use tta_http::Propagation;
use tta_testkit::recording::RecordingRecorder;

use crate::support::headers;

fn incoming(pairs: &[(&str, &str)]) -> HeaderMap {
    let pairs: Vec<_> = pairs.iter().map(|(k, v)| (*k, (*v).to_owned())).collect();
    headers(&pairs)
}

fn injected(ctx: &WorkflowContext) -> BTreeMap<String, String> {
    let mut map = BTreeMap::new();
    Propagation::new().inject(ctx, &mut map);
    map
}

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

#[test]
fn an_extracted_context_is_valid_and_remote() {
    let extracted = Propagation::new().extract(&incoming(&[("traceparent", PARENT)]));
    let parent = extracted.parent().unwrap();
    assert_eq!(
        parent.trace_id,
        TraceId::from_u128(0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c)
    );
    assert_eq!(parent.span_id, SpanId::from_u64(0xb7ad_6b71_6920_3331));
    assert!(parent.is_remote && parent.sampled && !parent.is_random);
}

#[test]
fn an_identifier_of_zeros_is_no_parent_and_is_named() {
    let zero = "00-00000000000000000000000000000000-b7ad6b7169203331-01";
    let extracted = Propagation::new().extract(&incoming(&[("traceparent", zero)]));
    assert_eq!(extracted.parent(), None);
    assert_eq!(extracted.refused(), ["traceparent"]);
}

#[test]
fn a_trace_that_nothing_records_is_passed_through_unchanged() {
    let came = incoming(&[("traceparent", PARENT), ("tracestate", "foo=1,bar=2")]);
    let ctx = Propagation::new().extract(&came).into_builder().build();
    let out = injected(&ctx);
    assert_eq!(out["traceparent"], PARENT);
    assert_eq!(out["tracestate"], "foo=1,bar=2");
}

#[test]
fn where_nothing_records_and_nothing_came_no_trace_is_made_up() {
    let out = injected(&WorkflowContext::builder().correlation_id("req-1").build());
    assert_eq!(out.keys().collect::<Vec<_>>(), ["x-correlation-id"]);
}

#[test]
fn the_decision_not_to_sample_is_followed_and_sent_on() {
    let recorder = RecordingRecorder::new();
    let came = incoming(&[("traceparent", &PARENT.replace("-01", "-00"))]);
    let extracted = Propagation::new().extract(&came);
    let ctx = extracted.apply_to(recorder.builder()).build();
    assert!(!ctx.is_sampled());
    assert!(injected(&ctx)["traceparent"].ends_with("-00"));
}

#[test]
fn what_was_there_before_does_not_outlive_an_injection() {
    let mut stale: HashMap<String, String> = [("TraceState".to_owned(), "foo=1".to_owned())].into();
    Propagation::new().inject(&RecordingRecorder::new().context(), &mut stale);
    assert!(
        !stale
            .keys()
            .any(|key| key.eq_ignore_ascii_case("tracestate"))
    );
}

#[test]
fn own_baggage_makes_the_way_there_and_back_whole() {
    let value = "a b,c;d=\"e\"\\ ü 100% 日本";
    let ctx = WorkflowContext::builder().baggage("tenant", value).build();
    let header = injected(&ctx)["baggage"].clone();
    assert!(header.is_ascii() && !header.contains(' '), "{header}");
    let extracted = Propagation::new().extract(&incoming(&[("baggage", &header)]));
    assert_eq!(
        extracted.baggage(),
        [("tenant".to_owned(), value.to_owned())]
    );
}

#[test]
fn received_baggage_is_read_and_goes_no_further_unless_it_is_listed() {
    let came = incoming(&[("baggage", "tenant=acme;prop=1 , user=ada")]);
    let propagation = Propagation::new().with_forwarded_baggage(["tenant"]);
    let ctx = propagation.extract(&came).into_builder().build();
    assert_eq!(ctx.baggage("tenant").as_deref(), Some("acme"));
    assert_eq!(ctx.baggage("user").as_deref(), Some("ada"));
    assert_eq!(injected(&ctx.child())["baggage"], "tenant=acme;prop=1");
}

#[test]
fn properties_of_baggage_go_where_their_entry_goes_as_they_came() {
    let came = "a=1 ; ttl = 60 ;private;x=%20=, b=2;p, c=3;;q=; , d=4";
    let propagation = Propagation::new().with_forwarded_baggage(["a", "c", "d"]);
    let extracted = propagation.extract(&incoming(&[("baggage", came)]));
    assert!(extracted.refused().is_empty(), "{extracted:?}");
    let ctx = extracted.into_builder().build();
    assert_eq!(
        ctx.baggage_properties("a").as_deref(),
        Some("ttl=60;private;x=%20=")
    );
    assert_eq!(ctx.baggage_properties("b").as_deref(), Some("p"));
    assert_eq!(ctx.baggage_properties("d"), None);
    let header = injected(&ctx.child())["baggage"].clone();
    assert_eq!(header, "a=1;ttl=60;private;x=%20=,c=3;q=,d=4");

    // What is set anew is another entry.
    ctx.set_baggage("a", "2");
    assert_eq!(injected(&ctx)["baggage"], "a=2,c=3;q=,d=4");
}

#[test]
fn a_property_that_is_none_is_left_out_without_its_entry() {
    let came = "a=1;good;b d;=x;\"q\"=1;z=\"1\";y=\\,b=2";
    let extracted = Propagation::new().extract(&incoming(&[("baggage", came)]));
    assert_eq!(extracted.refused(), ["baggage"]);
    assert_eq!(extracted.baggage().len(), 2);
    assert_eq!(
        extracted.baggage_properties(),
        [("a".to_owned(), "good".to_owned())]
    );
    let own = WorkflowContext::builder()
        .baggage("a", "1")
        .baggage_properties("a", "ttl=1,evil=2;ok;\r\nx: y")
        .baggage_properties("absent", "p")
        .build();
    assert_eq!(injected(&own)["baggage"], "a=1;ok");
}

#[test]
fn properties_count_in_the_budget() {
    let own = WorkflowContext::builder()
        .baggage("a", "1")
        .baggage_properties("a", "p".repeat(9_000))
        .baggage("b", "2")
        .build();
    assert_eq!(injected(&own)["baggage"], "b=2");
}

#[test]
fn one_budget_of_members_covers_all_headers() {
    let header = |first: usize| {
        let members = (first..first + 40).map(|n| format!("k{n}=v"));
        ("baggage", members.collect::<Vec<_>>().join(","))
    };
    let extracted = Propagation::new().extract(&headers(&[header(0), header(40)]));
    assert_eq!(extracted.baggage().len(), 64);
    assert_eq!(extracted.refused(), ["baggage"]);
    let extracted = Propagation::new().extract(&headers(&[header(0)]));
    assert_eq!(
        (extracted.baggage().len(), extracted.refused().len()),
        (40, 0)
    );
}

#[test]
fn one_budget_of_bytes_covers_all_headers_and_cuts_no_member() {
    let member = |key: &str, length: usize| format!("{key}={}", "v".repeat(length - key.len() - 1));
    let whole = [
        ("baggage", member("a", 4_000)),
        ("baggage", member("b", 4_191)),
    ];
    assert_eq!(
        Propagation::new().extract(&headers(&whole)).baggage().len(),
        2
    );
    let last = format!("{},{}", member("c", 4_000), member("d", 192));
    let over = [("baggage", member("a", 4_000)), ("baggage", last)];
    let extracted = Propagation::new().extract(&headers(&over));
    let keys: Vec<_> = extracted
        .baggage()
        .iter()
        .map(|(key, _)| key.as_str())
        .collect();
    assert_eq!(keys, ["a", "c"]);
    assert_eq!(extracted.refused(), ["baggage"]);
}

#[test]
fn what_is_sent_keeps_the_budget_too() {
    let mut builder = WorkflowContext::builder();
    for n in 0..200 {
        builder = builder.baggage(format!("key{n}"), "ü".repeat(40));
    }
    let header = injected(&builder.build())["baggage"].clone();
    assert!(header.len() <= 8_192 && header.split(',').count() <= 64);
    assert!(
        header.split(',').all(|member| member.ends_with("%BC")),
        "a member was cut"
    );
}

#[test]
fn octets_that_are_no_letters_are_replaced_and_stray_signs_stay() {
    let came = incoming(&[("baggage", "a=%FF,b=50%,c=%zz,d=%C3%BC,no value,=x,k k=1")]);
    let extracted = Propagation::new().extract(&came);
    let values: Vec<_> = extracted
        .baggage()
        .iter()
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!(values, ["\u{fffd}", "50%", "%zz", "ü"]);
    assert_eq!(extracted.refused(), ["baggage"]);
}

#[test]
fn a_correlation_id_from_outside_is_taken_if_it_is_one() {
    let of = |id: &str| {
        let came = incoming(&[("x-correlation-id", id)]);
        let ctx = Propagation::new().extract(&came).into_builder().build();
        ctx.correlation_id().to_owned()
    };
    assert_eq!(of("req-1"), "req-1");
    assert_eq!(of(&"a".repeat(128)), "a".repeat(128));
    assert_ne!(of(&"a".repeat(200)), "a".repeat(128));
    assert_ne!(of("a b"), "a b");
}
