//! What the program sets that cannot be.

use std::time::Duration;

use super::otlp::refusal;
use super::otlp_options::OtlpOptions;
use super::resolve::Code;
use super::{Endpoint, Origin, Sampler};

/// What the program set, without what cannot be; and what is wrong with that, each as a sentence that
/// says what to do.
pub(super) fn without(code: &Code) -> (Code, Vec<String>) {
    let mut sane = code.clone();
    let mut complaints = Vec::new();
    let said = &mut complaints;

    drop_if(
        &mut sane.service_name,
        |name| name.trim().is_empty(),
        || {
            complain(said, "`with_service_name` was given no name, give it one");
        },
    );
    let count = sane.resource.len();
    sane.resource.retain(|(key, _)| !key.trim().is_empty());
    if sane.resource.len() < count {
        complain(
            said,
            "`with_resource_attribute` was given no key, give it one such as cloud.region",
        );
    }
    let counts = [
        ("with_batch_size", &mut sane.batch_size),
        ("with_queue_size", &mut sane.queue_size),
        ("with_queue_bytes", &mut sane.queue_bytes),
        ("with_log_batch_size", &mut sane.log_batch_size),
        ("with_log_queue_size", &mut sane.log_queue_size),
        ("with_label_limit", &mut sane.label_limit),
    ];
    for (method, count) in counts {
        drop_if(
            count,
            |count| *count == 0,
            || {
                complain(
                    said,
                    &format!("`{method}(0)` would let nothing through, give it 1 or more"),
                );
            },
        );
    }
    drop_if(&mut sane.metric_interval, Duration::is_zero, || {
        complain(
            said,
            "`with_metric_interval` was given no time, give it a millisecond or more",
        );
    });
    drop_if(
        &mut sane.prometheus_host,
        |host| host.trim().is_empty(),
        || {
            complain(
                said,
                "`with_prometheus_host` was given no host, give it one such as localhost",
            );
        },
    );
    if let Some(Sampler::Ratio(ratio) | Sampler::ParentBasedRatio(ratio)) = sane.sampling.sampler
        && !(0.0..=1.0).contains(&ratio)
    {
        said.push(format!(
            "a sampler's ratio of {ratio} is none, give it one from 0 to 1; the nearest is taken"
        ));
    }
    let otlp = &mut sane.otlp;
    for (signal, code) in [("traces", &mut otlp.traces), ("logs", &mut otlp.logs)] {
        if let Some(exporters) = &mut code.exporters
            && exporters.prometheus
        {
            exporters.prometheus = false;
            said.push(format!(
                "`with_{signal}_exporters` names Prometheus, which takes metrics alone; it is \
                 ignored"
            ));
        }
    }
    let all = [
        &mut otlp.general,
        &mut otlp.traces.otlp,
        &mut otlp.metrics.otlp,
        &mut otlp.logs.otlp,
    ];
    for options in all {
        headers(options, said);
    }
    (sane, complaints)
}

/// What is wrong with what the program set, the first thing of all.
pub(super) fn complaint(code: &Code) -> Option<String> {
    let (sane, complaints) = without(code);
    let otlp = &sane.otlp;
    let general = otlp.general.insecure;
    let endpoints = [
        (&otlp.general, general),
        (&otlp.traces.otlp, otlp.traces.otlp.insecure.or(general)),
        (&otlp.metrics.otlp, otlp.metrics.otlp.insecure.or(general)),
        (&otlp.logs.otlp, otlp.logs.otlp.insecure.or(general)),
    ];
    // Those are told with the endpoints that are picked where they are ignored.
    let refused = endpoints.into_iter().find_map(|(options, insecure)| {
        let text = options.endpoint.as_deref()?;
        let refused = Endpoint::parse(text, "", true, insecure).err()?;
        Some(refusal(Origin::Code, &refused))
    });
    complaints.into_iter().next().or(refused)
}

/// Leaves out headers that no request can carry. Their values may be secret.
fn headers(options: &mut OtlpOptions, complaints: &mut Vec<String>) {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    options.headers.retain(|(name, value)| {
        let is_name = !name.is_empty() && name.bytes().all(is_token);
        let is_value = value
            .expose()
            .bytes()
            .all(|byte| byte == b'\t' || (b' '..0x7f).contains(&byte));
        if is_name && is_value {
            return true;
        }
        let what = if is_name { "value" } else { "name" };
        complaints.push(format!(
            "a header of `with_otlp_header` has a {what} that no request can carry, give it one of \
             visible ASCII characters; it is ignored"
        ));
        false
    });
}

fn complain(complaints: &mut Vec<String>, what: &str) {
    complaints.push(format!("{what}; it is ignored"));
}

fn drop_if<T>(value: &mut Option<T>, is_wrong: impl FnOnce(&T) -> bool, complain: impl FnOnce()) {
    if value.as_ref().is_some_and(is_wrong) {
        *value = None;
        complain();
    }
}
