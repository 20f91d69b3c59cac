use std::fmt;
use std::io;
use std::time::Duration;

use tta_core::{BoxError, Error, ErrorKind, Result, step};

use super::{double, down};

#[derive(Debug, PartialEq)]
struct Refused(u16);

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "refused with {}", self.0)
    }
}

impl std::error::Error for Refused {}

#[tokio::test]
async fn the_path_leads_through_named_flows_to_the_step_where_it_began() {
    let inner = (double("parse") >> down("fetch")).named("enrich");
    let flow = (double("first") >> inner).named("answer");
    let error = flow.run(1).await.unwrap_err();
    assert_eq!(error.step(), "answer/enrich/fetch");
}

#[tokio::test]
async fn the_error_of_a_step_is_recovered_by_its_type() {
    let flow = step("typed", async |_: u64| Err::<u64, _>(Refused(403).into()));
    let error = flow.named("outer").run(1).await.unwrap_err();
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(403)));
    assert_eq!(error.to_string(), "refused with 403");
}

#[test]
fn a_source_is_recovered_and_not_repeated_in_the_message() {
    let error =
        Error::new(ErrorKind::Unavailable, "cannot reach the model").with_source(Refused(503));
    assert_eq!(error.to_string(), "cannot reach the model");
    assert_eq!(error.source().unwrap().to_string(), "refused with 503");
    assert_eq!(error.downcast_ref::<Refused>(), Some(&Refused(503)));
}

#[test]
fn an_error_survives_being_boxed() {
    let error =
        Error::new(ErrorKind::RateLimited, "slow down").with_retry_after(Duration::from_secs(3));
    let boxed: BoxError = error.into();
    let again = Error::from_boxed(boxed);
    assert_eq!(again.kind(), ErrorKind::RateLimited);
    assert_eq!(again.retry_after(), Some(Duration::from_secs(3)));
}

#[test]
fn input_and_output_errors_are_classified() {
    for (from, kind) in [
        (io::ErrorKind::TimedOut, ErrorKind::Timeout),
        (io::ErrorKind::ConnectionRefused, ErrorKind::Unavailable),
        (io::ErrorKind::NotFound, ErrorKind::NotFound),
        (io::ErrorKind::PermissionDenied, ErrorKind::PermissionDenied),
        (io::ErrorKind::InvalidData, ErrorKind::Other),
    ] {
        assert_eq!(Error::from(io::Error::from(from)).kind(), kind);
    }
}

#[test]
fn only_what_may_pass_is_retryable_unless_the_error_says_so_itself() {
    let retryable: Vec<_> = ErrorKind::ALL
        .into_iter()
        .filter(|&kind| Error::new(kind, "x").is_retryable())
        .collect();
    assert_eq!(
        retryable,
        [
            ErrorKind::RateLimited,
            ErrorKind::Unavailable,
            ErrorKind::Timeout
        ]
    );
    assert!(Error::msg("x").with_retryable(true).is_retryable());
    assert!(
        !Error::new(ErrorKind::Timeout, "x")
            .with_retryable(false)
            .is_retryable()
    );
}

#[test]
fn a_message_is_one_line_whatever_breaks_are_in_it() {
    for text in [
        "a\nb",
        "a\r\nb",
        "a\rb",
        "a\u{b}b",
        "a\u{85}b",
        "a\u{2028}b",
        "a \u{2029}\n b\n",
    ] {
        assert_eq!(Error::msg(text).to_string(), "a b", "{text:?}");
        let foreign = Error::from_boxed(text.into());
        assert_eq!(foreign.to_string(), "a b", "{text:?}");
    }
}

#[test]
fn an_error_fits_into_a_pointer() {
    assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
}
