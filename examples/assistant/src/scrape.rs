//! The program's own `/metrics`, fetched over HTTP like anybody else would.

use std::collections::BTreeMap;
use std::time::Duration;

/// The series of one scrape.
///
/// ```
/// use assistant::scrape::Scrape;
///
/// let scrape = Scrape::parse("# HELP hits …\nhits_total{tier=\"memory\"} 3\nhits_total{tier=\"redis\"} 4\n");
/// assert_eq!(scrape.sum("hits_total", &[]), 7.0);
/// assert_eq!(scrape.sum("hits_total", &[("tier", "redis")]), 4.0);
/// ```
#[derive(Debug, Default)]
pub struct Scrape {
    series: Vec<Series>,
}

#[derive(Debug)]
struct Series {
    name: String,
    labels: BTreeMap<String, String>,
    value: f64,
}

impl Scrape {
    /// Fetches the text of a metrics page.
    ///
    /// # Errors
    ///
    /// When nothing answers there, or not with success.
    pub fn fetch(url: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let text = agent
            .get(url)
            .call()?
            .body_mut()
            .with_config()
            .limit(LARGEST)
            .read_to_string()?;
        Ok(Self::parse(&text))
    }

    /// Reads the Prometheus text format; what is no series is passed over.
    pub fn parse(text: &str) -> Self {
        let series = text
            .lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(series);
        Self {
            series: series.collect(),
        }
    }

    /// The sum of a metric's series that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let has = |series: &&Series| {
            let label = |(key, value): &(&str, &str)| {
                series.labels.get(*key).is_some_and(|found| found == value)
            };
            series.name == name && labels.iter().all(label)
        };
        // A sum of nothing would be a negative zero.
        self.series
            .iter()
            .filter(has)
            .fold(0.0, |sum, series| sum + series.value)
    }

    /// The sums of a metric's series by the values of these labels, in the order of the values;
    /// series that lack one of them are left out.
    pub fn by_labels(&self, name: &str, labels: &[&str]) -> BTreeMap<Vec<String>, f64> {
        let mut sums = BTreeMap::new();
        for series in self.series.iter().filter(|series| series.name == name) {
            let values: Option<Vec<String>> = labels
                .iter()
                .map(|label| series.labels.get(*label).cloned())
                .collect();
            if let Some(values) = values {
                *sums.entry(values).or_default() += series.value;
            }
        }
        sums
    }
}

fn series(line: &str) -> Option<Series> {
    let (head, value) = line.rsplit_once(' ')?;
    let value = value.parse().ok()?;
    let (name, labels) = match head.split_once('{') {
        Some((name, labels)) => (name, parse_labels(labels.strip_suffix('}')?)?),
        None => (head, BTreeMap::new()),
    };
    Some(Series {
        name: name.to_owned(),
        labels,
        value,
    })
}

/// `key="value"` pairs, in which a value may hold escaped quotes, backslashes and line breaks.
fn parse_labels(mut text: &str) -> Option<BTreeMap<String, String>> {
    let mut labels = BTreeMap::new();
    while !text.is_empty() {
        let (key, rest) = text.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = rest.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => match chars.next()?.1 {
                    'n' => value.push('\n'),
                    other => value.push(other),
                },
                (_, other) => value.push(other),
            }
        };
        labels.insert(key.to_owned(), value);
        let rest = rest.get(end + 1..)?;
        text = rest.strip_prefix(',').unwrap_or(rest);
    }
    Some(labels)
}

const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: u64 = 64 * 1024 * 1024;
