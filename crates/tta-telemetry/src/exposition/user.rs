//! The user's own metrics, kept and encoded by `prometheus-client` and put beside ours.
//!
//! What that crate writes is OpenMetrics, with some text of the user's as it came. Here it is taken
//! apart into families, each is checked, and what is in order is written in the format asked for.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use prometheus_client::encoding::text::encode_registry;
use prometheus_client::registry::Registry;

use super::ExpositionFormat;
use super::names::{Names, suffixes};
use super::page::{Heading, Page};
use super::sample_line::{SampleLine, is_name};
use super::user_labels;
use crate::redaction::Redactor;

/// Why some of the user's metrics are not on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Skipped {
    /// The name, or that of a sample, belongs to another metric.
    NameTaken,
    /// What came is not in the format.
    Invalid,
    /// The user's code panicked or gave up: this and all after it is missing.
    Panicked,
}

impl Skipped {
    pub(super) const ALL: [Self; 3] = [Self::NameTaken, Self::Invalid, Self::Panicked];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::NameTaken => "name_taken",
            Self::Invalid => "invalid",
            Self::Panicked => "panic",
        }
    }
}

/// Writes the user's metrics, and reports each family that is left out.
pub(super) fn write(
    registry: &Mutex<Registry>,
    page: &mut Page,
    names: &mut Names,
    redactor: &Redactor,
    mut skip: impl FnMut(&str, Skipped),
) {
    let mut text = String::new();
    let encoded = {
        // A panic of the user's code poisons the lock and leaves nothing of ours half done.
        let registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
        catch_unwind(AssertUnwindSafe(|| encode_registry(&mut text, &registry)))
    };
    let whole = encoded.is_ok_and(|encoded| encoded.is_ok());
    let mut families = families(&text);
    if !whole {
        // The last one was being written when it happened.
        let broken = families.pop();
        skip(broken.map_or("", |family| family.name), Skipped::Panicked);
    }
    for family in merged(families, &mut skip) {
        let known = if family.is_valid() {
            suffixes(family.kind)
        } else {
            None
        };
        match known {
            None => skip(family.name, Skipped::Invalid),
            Some(suffixes) if names.take(family.name, suffixes) => family.write(page, redactor),
            Some(_) => skip(family.name, Skipped::NameTaken),
        }
    }
}

/// One family as `prometheus-client` wrote it.
struct UserFamily<'a> {
    name: &'a str,
    help: String,
    /// Empty when the line that should tell the type is not as it should be.
    kind: &'a str,
    unit: Option<&'a str>,
    /// None for a line that is no sample.
    samples: Vec<Option<SampleLine<'a>>>,
}

/// Takes the text apart.
///
/// The help is not escaped in it. Whatever stands between the line that begins it and the line
/// that tells the type is therefore help.
fn families(text: &str) -> Vec<UserFamily<'_>> {
    let mut families: Vec<UserFamily<'_>> = Vec::new();
    let mut in_help = false;
    for line in text.split('\n').filter(|line| !line.is_empty()) {
        if let (false, Some(rest)) = (in_help, line.strip_prefix("# HELP ")) {
            let (name, help) = rest.split_once(' ').unwrap_or((rest, ""));
            families.push(UserFamily {
                name,
                help: help.to_owned(),
                kind: "",
                unit: None,
                samples: Vec::new(),
            });
            in_help = true;
            continue;
        }
        let Some(family) = families.last_mut() else {
            continue;
        };
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            in_help = false;
            let told = rest
                .rsplit_once(' ')
                .filter(|(name, _)| *name == family.name);
            family.kind = told.map_or("", |(_, kind)| kind);
        } else if in_help {
            family.help.push('\n');
            family.help.push_str(line);
        } else if let Some(rest) = line.strip_prefix("# UNIT ") {
            family.unit = rest.split_once(' ').map(|(_, unit)| unit);
        } else {
            family.samples.push(SampleLine::parse(line));
        }
    }
    families
}

/// Joins families of one name and type, which registries with different labels may well have.
fn merged<'a>(
    families: Vec<UserFamily<'a>>,
    skip: &mut impl FnMut(&str, Skipped),
) -> Vec<UserFamily<'a>> {
    let mut places: HashMap<&'a str, usize> = HashMap::new();
    let mut all: Vec<UserFamily<'a>> = Vec::with_capacity(families.len());
    for family in families {
        let first = places
            .get(family.name)
            .and_then(|&place| all.get_mut(place));
        match first {
            None => {
                places.insert(family.name, all.len());
                all.push(family);
            }
            Some(first) if first.kind == family.kind && first.is_apart_from(&family) => {
                first.samples.extend(family.samples);
            }
            Some(_) => skip(family.name, Skipped::NameTaken),
        }
    }
    all
}

impl UserFamily<'_> {
    fn is_valid(&self) -> bool {
        let Some(suffixes) = suffixes(self.kind) else {
            return false;
        };
        let belongs = |sample: &SampleLine<'_>| {
            let suffix = sample.name.strip_prefix(self.name);
            suffix.is_some_and(|suffix| {
                suffixes.contains(&suffix) || (suffixes.is_empty() && suffix.is_empty())
            })
        };
        is_name(self.name, true)
            && self
                .samples
                .iter()
                .all(|sample| sample.as_ref().is_some_and(belongs))
    }

    /// Whether no series of the other family is in this one too.
    fn is_apart_from(&self, other: &Self) -> bool {
        let own: HashSet<&str> = self.series().collect();
        other.series().all(|series| !own.contains(series))
    }

    fn series(&self) -> impl Iterator<Item = &str> {
        self.samples.iter().flatten().map(|sample| sample.series)
    }

    fn write(&self, page: &mut Page, redactor: &Redactor) {
        let open = page.format == ExpositionFormat::OpenMetrics;
        let (suffix, kind) = match self.kind {
            "counter" if !open => ("_total", "counter"),
            "info" if !open => ("_info", "gauge"),
            "unknown" if !open => ("", "untyped"),
            kind => ("", kind),
        };
        let in_name = |unit: &&str| {
            let stem = self.name.strip_suffix(*unit);
            !unit.is_empty() && stem.is_some_and(|stem| stem.ends_with('_'))
        };
        page.heading(&Heading {
            name: &format!("{}{suffix}", self.name),
            help: &self.help,
            kind,
            unit: self.unit.filter(in_name).filter(|_| kind != "info"),
        });
        // The text format has no word for the moment of creation.
        let is_shown = |sample: &&SampleLine<'_>| {
            open || !sample.name.ends_with("_created") || kind == "gauge"
        };
        let shown = self.samples.iter().flatten().filter(is_shown);
        for (series, value, sample) in redacted(shown, redactor) {
            page.raw(&series);
            page.raw(" ");
            page.raw(&value);
            if open {
                let exemplar = user_labels::redact(sample.exemplar, redactor);
                page.raw(exemplar.as_deref().unwrap_or(sample.exemplar));
            }
            page.raw("\n");
        }
    }
}

/// Series and values without what must not leave the process. Series that become the same are one,
/// with the sum of both.
fn redacted<'a>(
    samples: impl Iterator<Item = &'a SampleLine<'a>>,
    redactor: &Redactor,
) -> Vec<(Cow<'a, str>, Cow<'a, str>, &'a SampleLine<'a>)> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut all: Vec<(Cow<'a, str>, Cow<'a, str>, &'a SampleLine<'a>)> = Vec::new();
    for sample in samples {
        let Some(series) = user_labels::redact(sample.series, redactor) else {
            all.push((sample.series.into(), sample.value.into(), sample));
            continue;
        };
        let first = places.get(&series).and_then(|&place| all.get_mut(place));
        if let Some((_, value, _)) = first {
            if let (Ok(one), Ok(other)) = (value.parse::<f64>(), sample.value.parse::<f64>()) {
                *value = (one + other).to_string().into();
            }
        } else {
            places.insert(series.clone(), all.len());
            all.push((series.into(), sample.value.into(), sample));
        }
    }
    all
}
