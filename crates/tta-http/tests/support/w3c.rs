//! The cases of W3C's validation suite for Trace Context, strict, level 2, as a table of our own.

use http::HeaderMap;

/// One case: requests, and what the service that receives them must send on.
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) tries: Vec<Try>,
}

pub(crate) struct Try {
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) calls: usize,
    trace: Trace,
    state: State,
    random: Option<bool>,
}

#[derive(Clone, Copy, PartialEq)]
enum Trace {
    Joined,
    Fresh,
}

enum State {
    Any,
    /// No member of these keys.
    Without(&'static [&'static str]),
    /// Exactly these members, in order.
    Exactly(String),
}

impl Try {
    /// What is wrong with the headers that were sent on; nothing if they are as they must be.
    pub(crate) fn judge(&self, sent: &[HeaderMap]) -> Result<(), String> {
        if sent.len() != self.calls {
            return Err(format!("{} calls instead of {}", sent.len(), self.calls));
        }
        let mut spans = Vec::new();
        for headers in sent {
            let (trace, span, flags) = traceparent(headers)?;
            if (trace == TRACE) != (self.trace == Trace::Joined) {
                return Err(format!("trace {trace}"));
            }
            if span == SPAN || spans.contains(&span) {
                return Err(format!("span {span} again"));
            }
            if self.random.is_some_and(|random| (flags & 2 != 0) != random) || flags & !3 != 0 {
                return Err(format!("flags {flags:02x}"));
            }
            spans.push(span);
            let members = tracestate(headers)?;
            match &self.state {
                State::Any => {}
                State::Without(keys) => {
                    if let Some((key, _)) = members.iter().find(|(key, _)| keys.contains(&&**key)) {
                        return Err(format!("member {key}"));
                    }
                }
                State::Exactly(wanted) => {
                    let all: Vec<_> = members.iter().map(|(k, v)| format!("{k}={v}")).collect();
                    if all.join(",") != *wanted {
                        return Err(format!("members {all:?} instead of {wanted}"));
                    }
                }
            }
        }
        Ok(())
    }
}

/// The header as a strict reader of version 00 takes it.
fn traceparent(headers: &HeaderMap) -> Result<(String, String, u8), String> {
    let all: Vec<_> = headers.get_all("traceparent").iter().collect();
    let [only] = all.as_slice() else {
        return Err(format!("{} headers traceparent", all.len()));
    };
    let text = only.to_str().map_err(|error| error.to_string())?;
    let parts: Vec<&str> = text.split('-').collect();
    let [version, trace, span, flags] = parts.as_slice() else {
        return Err(format!("traceparent {text}"));
    };
    let hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    let zero = |text: &str| text.bytes().all(|b| b == b'0');
    let whole = hex(version, 2) && hex(trace, 32) && hex(span, 16) && hex(flags, 2);
    if !whole || *version != "00" || zero(trace) || zero(span) {
        return Err(format!("traceparent {text}"));
    }
    let flags = u8::from_str_radix(flags, 16).map_err(|error| error.to_string())?;
    Ok(((*trace).to_owned(), (*span).to_owned(), flags))
}

fn tracestate(headers: &HeaderMap) -> Result<Vec<(String, String)>, String> {
    let mut members = Vec::new();
    for header in headers.get_all("tracestate") {
        let text = header.to_str().map_err(|error| error.to_string())?;
        for member in text.split(',') {
            let (key, value) = member.split_once('=').ok_or(format!("member {member:?}"))?;
            members.push((key.to_owned(), value.to_owned()));
        }
    }
    Ok(members)
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub(crate) fn cases() -> Vec<Case> {
    let parent = |value: &str| vec![("traceparent", value.to_owned())];
    let joined = |headers: Vec<(&'static str, String)>| Try {
        headers,
        calls: 1,
        trace: Trace::Joined,
        state: State::Any,
        random: None,
    };
    let fresh = |headers: Vec<(&'static str, String)>| Try {
        trace: Trace::Fresh,
        ..joined(headers)
    };
    let refused = |values: &[&str]| {
        values
            .iter()
            .map(|it| fresh(parent(it)))
            .collect::<Vec<_>>()
    };
    let accepted = |values: &[&str]| {
        values
            .iter()
            .map(|it| joined(parent(it)))
            .collect::<Vec<_>>()
    };
    let state = |states: &[&str], wanted: State| {
        let mut headers = vec![("traceparent", format!("00-{TRACE}-{SPAN}-00"))];
        headers.extend(states.iter().map(|it| ("tracestate", (*it).to_owned())));
        Try {
            state: wanted,
            ..joined(headers)
        }
    };
    let kept = |states: &[&str], wanted: &str| state(states, State::Exactly(wanted.to_owned()));
    let dropped = |states: &[&str]| kept(states, "");
    let named = |name: &'static str, value: &str| {
        let mut headers = parent(&format!("00-{TRACE}-{SPAN}-00"));
        headers.push((name, value.to_owned()));
        headers
    };
    let case = |name: &'static str, tries: Vec<Try>| Case { name, tries };
    let valid = format!("00-{TRACE}-{SPAN}-01");
    let future = |rest: &str| format!("cc-{TRACE}-{SPAN}-01{rest}");
    let with = |version: &str| format!("{version}-{TRACE}-{SPAN}-01");
    let trace = |id: &str| format!("00-{id}-{SPAN}-01");
    let span = |id: &str| format!("00-{TRACE}-{id}-01");
    let flags = |flags: &str| format!("00-{TRACE}-{SPAN}-{flags}");
    let ten = |first: usize| {
        let members = (first..first + 10).map(|n| format!("bar{n:02}={n:02}"));
        members.collect::<Vec<_>>().join(",")
    };
    let (one, two, three) = (ten(1), ten(11), ten(21));
    let (key, vendor) = (KEY.to_owned(), format!("{KEY}@a-z0-9_-*/"));
    let value: String = (' '..='~').filter(|c| !matches!(c, ',' | '=')).collect();
    let long = |length: usize| format!("{}=1", "z".repeat(length));

    vec![
        case("nothing comes in", vec![fresh(Vec::new())]),
        case("traceparent alone", accepted(&[&valid])),
        case(
            "two traceparents",
            vec![fresh(
                [
                    parent(&trace("12345678901234567890123456789011")),
                    parent(&valid),
                ]
                .concat(),
            )],
        ),
        case(
            "traceparent under other names",
            vec![
                fresh(vec![("trace-parent", valid.clone())]),
                fresh(vec![("trace.parent", valid.clone())]),
            ],
        ),
        case(
            "traceparent in any case",
            vec![
                joined(vec![("TraceParent", valid.clone())]),
                joined(vec![("TrAcEpArEnT", valid.clone())]),
                joined(vec![("TRACEPARENT", valid.clone())]),
            ],
        ),
        case(
            "version 00 with more at its end",
            refused(&[
                &format!("{valid}."),
                &format!("{valid}-what-the-future-will-be-like"),
            ]),
        ),
        case(
            "a version to come",
            [
                accepted(&[&future(""), &future("-what-the-future-will-be-like")]),
                refused(&[&future(".what-the-future-will-be-like")]),
            ]
            .concat_tries(),
        ),
        case("version ff", refused(&[&with("ff")])),
        case(
            "a version that is no number",
            refused(&[&with(".0"), &with("0.")]),
        ),
        case(
            "a version too long",
            refused(&[&with("000"), &with("0000")]),
        ),
        case("a version too short", refused(&[&with("0")])),
        case("a trace of zeros", refused(&[&trace(&"0".repeat(32))])),
        case(
            "a trace that is no number",
            refused(&[
                &trace(".2345678901234567890123456789012"),
                &trace("1234567890123456789012345678901."),
                &trace("1234567890123456789012345678901A"),
            ]),
        ),
        case(
            "a trace too long",
            refused(&[&trace("123456789012345678901234567890123")]),
        ),
        case(
            "a trace too short",
            refused(&[&trace("1234567890123456789012345678901")]),
        ),
        case("a span of zeros", refused(&[&span(&"0".repeat(16))])),
        case(
            "a span that is no number",
            refused(&[
                &span(".234567890123456"),
                &span("123456789012345."),
                &span("123456789012345A"),
            ]),
        ),
        case("a span too long", refused(&[&span("12345678901234567")])),
        case("a span too short", refused(&[&span("123456789012345")])),
        case(
            "flags that are no number",
            refused(&[&flags(".0"), &flags("0."), &flags("0A")]),
        ),
        case("flags too long", refused(&[&flags("001")])),
        case("flags too short", refused(&[&flags("1")])),
        case(
            "blanks around traceparent",
            accepted(&[
                &format!(" {valid}"),
                &format!("\t{valid}"),
                &format!("{valid} "),
                &format!("{valid}\t"),
                &format!("\t {valid} \t"),
            ]),
        ),
        case(
            "the random flag",
            vec![
                Try {
                    random: Some(true),
                    ..joined(parent(&flags("02")))
                },
                Try {
                    random: Some(true),
                    ..joined(parent(&flags("03")))
                },
                Try {
                    random: Some(true),
                    ..joined(parent(&flags("ff")))
                },
                Try {
                    random: Some(false),
                    ..joined(parent(&flags("01")))
                },
                Try {
                    random: Some(true),
                    ..fresh(Vec::new())
                },
            ],
        ),
        case(
            "tracestate without traceparent",
            vec![Try {
                state: State::Exactly(String::new()),
                ..fresh(vec![("tracestate", "foo=1,bar=2".to_owned())])
            }],
        ),
        case(
            "tracestate and traceparent",
            vec![kept(&["foo=1,bar=2"], "foo=1,bar=2")],
        ),
        case(
            "tracestate under other names",
            vec![
                Try {
                    state: State::Without(&["foo"]),
                    ..joined(named("trace-state", "foo=1"))
                },
                Try {
                    state: State::Without(&["foo"]),
                    ..joined(named("trace.state", "foo=1"))
                },
            ],
        ),
        case(
            "tracestate in any case",
            ["TraceState", "TrAcEsTaTe", "TRACESTATE"]
                .map(|name| Try {
                    state: State::Exactly("foo=1".to_owned()),
                    ..joined(named(name, "foo=1"))
                })
                .into_iter()
                .collect(),
        ),
        case(
            "empty tracestates",
            vec![
                dropped(&[""]),
                kept(&["foo=1", ""], "foo=1"),
                kept(&["", "foo=1"], "foo=1"),
                kept(&["foo=1,,bar=2,"], "foo=1,bar=2"),
            ],
        ),
        case(
            "several tracestates",
            vec![kept(
                &["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
                "foo=1,bar=2,rojo=1,congo=2,baz=3",
            )],
        ),
        case(
            "a key twice",
            vec![
                kept(&["foo=1,foo=1"], "foo=1"),
                kept(&["foo=1,foo=2"], "foo=1"),
                kept(&["foo=1", "foo=1"], "foo=1"),
                kept(&["foo=1", "foo=2"], "foo=1"),
            ],
        ),
        case(
            "every letter that is allowed",
            [&key, &vendor]
                .map(|key| kept(&[&format!("{key}={value}")], &format!("{key}={value}")))
                .into_iter()
                .collect(),
        ),
        case(
            "blanks in tracestate",
            vec![
                kept(&["foo=1 \t , \t bar=2, \t baz=3"], "foo=1,bar=2,baz=3"),
                kept(&["foo=1\t \t,\t \tbar=2,\t \tbaz=3"], "foo=1,bar=2,baz=3"),
                kept(&[" foo=1"], "foo=1"),
                kept(&["\tfoo=1"], "foo=1"),
                kept(&["foo=1 "], "foo=1"),
                kept(&["foo=1\t"], "foo=1"),
                kept(&["\t foo=1 \t"], "foo=1"),
            ],
        ),
        case(
            "letters that no key has",
            vec![
                dropped(&["foo =1"]),
                dropped(&["FOO=1"]),
                dropped(&["foo.bar=1"]),
            ],
        ),
        case("a key without a tenant", vec![dropped(&["@foo=1,bar=2"])]),
        case(
            "32 and 33 members",
            vec![
                kept(
                    &[&one, &two, &three, "bar31=31,bar32=32"],
                    &format!("{one},{two},{three},bar31=31,bar32=32"),
                ),
                dropped(&[&one, &two, &three, "bar31=31,bar32=32,bar33=33"]),
            ],
        ),
        case(
            "keys of 256 and 257 letters",
            vec![
                kept(&["foo=1", &long(256)], &format!("foo=1,{}", long(256))),
                dropped(&["foo=1", &long(257)]),
            ],
        ),
        case(
            "letters that no value has",
            vec![dropped(&["foo=bar=baz"]), dropped(&["foo=,bar=3"])],
        ),
        case(
            "three calls of one request",
            vec![Try {
                calls: 3,
                ..joined(parent(&valid))
            }],
        ),
        case(
            "three calls of a request without a trace",
            vec![Try {
                calls: 3,
                ..fresh(Vec::new())
            }],
        ),
        case(
            "three calls of a request with a broken one",
            vec![Try {
                calls: 3,
                ..fresh(parent(&trace(&"0".repeat(32))))
            }],
        ),
    ]
}

trait ConcatTries {
    fn concat_tries(self) -> Vec<Try>;
}

impl<const N: usize> ConcatTries for [Vec<Try>; N] {
    fn concat_tries(self) -> Vec<Try> {
        self.into_iter().flatten().collect()
    }
}

const TRACE: &str = "12345678901234567890123456789012";
const SPAN: &str = "1234567890123456";
const KEY: &str = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
