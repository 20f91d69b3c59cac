//! Prometheus, Alertmanager and Grafana among the containers: whether each finds the others.

use std::collections::BTreeSet;

use serde_json::Value;

use super::collector::OWN_METRICS;
use super::compose::{expanded, port_of_app};
use super::documents::{Documents, entries, items, text};

/// What is wrong between the services.
pub(crate) fn wrong(documents: &Documents) -> Vec<String> {
    let compose = documents.first("deploy/compose.yaml");
    let mut wrong = wrong_targets(compose, documents.first("deploy/prometheus/compose.yml"));
    let jobs = |path: &str| -> BTreeSet<String> {
        let jobs = items(documents.first(path), "/scrape_configs");
        jobs.map(|job| text(job, "/job_name").to_owned()).collect()
    };
    // Dashboards and rules choose by the job.
    if !jobs("deploy/prometheus/compose.yml").is_superset(&jobs("deploy/prometheus/prometheus.yml"))
    {
        wrong.push("the application's job has two names".to_owned());
    }
    let provisioning = "deploy/grafana/provisioning/";
    for (path, document) in documents.below(provisioning) {
        if document.get("apiVersion") != Some(&Value::from(1)) {
            wrong.push(format!("{path}: its apiVersion is not 1"));
        }
        for name in variables(&document.to_string()) {
            let given = format!("/services/grafana/environment/{name}");
            if compose.pointer(&given).is_none() {
                wrong.push(format!("{path}: nothing sets ${name}"));
            }
        }
    }
    let sources = documents.first("deploy/grafana/provisioning/datasources/datasources.yaml");
    wrong.extend(wrong_sources(compose, sources));
    let dashboards = documents.first("deploy/grafana/provisioning/dashboards/dashboards.yaml");
    wrong.extend(wrong_folders(compose, dashboards));
    wrong
}

fn wrong_targets(compose: &Value, prometheus: &Value) -> Vec<String> {
    let scraped = items(prometheus, "/scrape_configs");
    let told = items(prometheus, "/alerting/alertmanagers");
    let lists = scraped
        .chain(told)
        .flat_map(|of| items(of, "/static_configs"));
    let targets = lists.flat_map(|list| items(list, "/targets"));
    let unknown = targets.filter_map(|target| {
        let target = target.as_str().unwrap_or_default();
        let (host, port) = target.split_once(':').unwrap_or((target, ""));
        let host = if host == "localhost" {
            "prometheus"
        } else {
            host
        };
        (port_of(compose, host)
            .map(|port| port.to_string())
            .as_deref()
            != Some(port))
        .then(|| format!("Prometheus looks for {target}, which nobody is"))
    });
    unknown.collect()
}

fn wrong_sources(compose: &Value, sources: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let all: Vec<&Value> = items(sources, "/datasources").collect();
    let uids: BTreeSet<&str> = all.iter().map(|source| text(source, "/uid")).collect();
    if uids.len() != all.len() || uids.contains("") {
        wrong.push("each data source needs a uid of its own".to_owned());
    }
    for source in &all {
        let url = text(source, "/url");
        let address = url.strip_prefix("http://").unwrap_or(url);
        let (host, port) = address.split_once(':').unwrap_or((address, ""));
        if port_of(compose, host)
            .map(|port| port.to_string())
            .as_deref()
            != Some(port)
        {
            wrong.push(format!("Grafana looks for {url}, which nobody is"));
        }
        for uid in uids_in(source.pointer("/jsonData").unwrap_or(&Value::Null)) {
            if !uids.contains(uid) {
                wrong.push(format!("there is no data source {uid}"));
            }
        }
    }
    let exemplars = all.iter().any(|source| {
        let ways = items(source, "/jsonData/exemplarTraceIdDestinations");
        text(source, "/type") == "prometheus"
            && ways.into_iter().any(|way| text(way, "/name") == "trace_id")
    });
    if !exemplars {
        wrong.push("no exemplar leads to a trace".to_owned());
    }
    wrong
}

fn wrong_folders(compose: &Value, dashboards: &Value) -> Vec<String> {
    let mounted: BTreeSet<String> = items(compose, "/services/grafana/volumes")
        .filter_map(|volume| {
            expanded(volume.as_str()?)
                .split(':')
                .nth(1)
                .map(str::to_owned)
        })
        .collect();
    items(dashboards, "/providers")
        .map(|provider| text(provider, "/options/path"))
        .filter(|path| !mounted.contains(*path))
        .map(|path| format!("nothing is mounted at {path}"))
        .collect()
}

/// The port at which a service is found by others.
fn port_of(compose: &Value, service: &str) -> Option<u64> {
    let found = compose.pointer(&format!("/services/{service}"))?;
    match service {
        "app" => port_of_app(found),
        "collector" => Some(OWN_METRICS),
        _ => {
            let published = items(found, "/ports").next()?.as_str()?;
            published.rsplit(':').next()?.parse().ok()
        }
    }
}

/// Every `datasourceUid` below.
fn uids_in(value: &Value) -> Vec<&str> {
    let mut found = Vec::new();
    let below: Vec<(&str, &Value)> = match value {
        Value::Object(_) => entries(value, "").collect(),
        Value::Array(items) => items.iter().map(|item| ("", item)).collect(),
        _ => Vec::new(),
    };
    for (key, value) in below {
        match value.as_str() {
            Some(uid) if key == "datasourceUid" => found.push(uid),
            _ => found.extend(uids_in(value)),
        }
    }
    found
}

/// The variables of the environment that Grafana puts in: `$NAME`, where `$$` is a dollar.
fn variables(text: &str) -> Vec<String> {
    let text = text.replace("$$", "");
    let parts = text.split('$').skip(1);
    let name = |part: &str| -> String {
        let end = part.find(|c: char| !(c.is_ascii_uppercase() || c == '_'));
        part.get(..end.unwrap_or(part.len()))
            .unwrap_or_default()
            .to_owned()
    };
    parts.map(name).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
#[path = "watchers_tests.rs"]
mod tests;
