//! The labels of each series as they stand on a page, made once and kept until series are added.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tta_core::{SampleValue, SeriesReader};

use super::aliases::DerivedLabel;
use super::family::Exposed;
use super::page::push_escaped;
use crate::redaction::{Place, Redactor, add_value};

/// One series of a page.
pub(super) struct SeriesText {
    /// Its labels without the braces.
    pub(super) labels: Box<[u8]>,
    /// Which readers make it up: one, and those whose labels have become the same by redaction.
    first: usize,
    others: Vec<usize>,
}

impl SeriesText {
    /// Reads the series; false if it has nothing to show.
    pub(super) fn read(&self, readers: &[SeriesReader], value: &mut SampleValue) -> bool {
        let read = |index: usize, value: &mut SampleValue| {
            readers.get(index).is_some_and(|reader| reader.read(value))
        };
        let mut is_shown = read(self.first, value);
        for &other in &self.others {
            let mut more = SampleValue::Gauge(0.0);
            if !read(other, &mut more) {
                continue;
            }
            if is_shown {
                add_value(value, more);
            } else {
                *value = more;
                is_shown = true;
            }
        }
        is_shown
    }
}

/// The texts that are kept, by the name under which a metric is shown.
#[derive(Default)]
pub(super) struct Texts(Mutex<HashMap<&'static str, Kept>>);

struct Kept {
    /// Whose texts they are. A metric with other series has another list.
    readers: Arc<[SeriesReader]>,
    texts: Arc<[SeriesText]>,
}

impl Texts {
    /// The series of a metric as they are shown.
    pub(super) fn of(&self, exposed: &Exposed, redactor: &Redactor) -> Arc<[SeriesText]> {
        if let Some(kept) = self.lock().get(exposed.name)
            && Arc::ptr_eq(&kept.readers, &exposed.readers)
        {
            return Arc::clone(&kept.texts);
        }
        // Without the lock, for the hooks of redaction are the user's code.
        let texts: Arc<[SeriesText]> = texts(exposed, redactor).into();
        let kept = Kept {
            readers: Arc::clone(&exposed.readers),
            texts: Arc::clone(&texts),
        };
        self.lock().insert(exposed.name, kept);
        texts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, Kept>> {
        // Each entry is put in whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Series that become the same by redaction are one, so that totals stay exact and none comes twice.
fn texts(exposed: &Exposed, redactor: &Redactor) -> Vec<SeriesText> {
    let mut texts = Vec::with_capacity(exposed.readers.len());
    let mut is_changed = false;
    let derived = DerivedLabel::of(exposed.name);
    for (index, reader) in exposed.readers.iter().enumerate() {
        let values = exposed.spec.labels.iter().zip(reader.labels());
        let shown: Vec<_> = values
            .map(|(key, value)| redactor.text(Place::Metric, key, value).text())
            .collect();
        is_changed |= shown.iter().any(Option::is_some);
        let mut labels = Vec::new();
        for &(name, place) in &exposed.labels {
            if !labels.is_empty() {
                labels.push(b',');
            }
            labels.extend_from_slice(name.as_bytes());
            labels.extend_from_slice(b"=\"");
            let replaced = shown.get(place).and_then(Option::as_deref);
            let value = replaced.or_else(|| reader.labels().get(place).map(String::as_str));
            push_escaped(&mut labels, value.unwrap_or_default(), true);
            labels.push(b'"');
        }
        let word = derived.and_then(|it| it.word(exposed.spec, reader.labels()));
        if let (Some(derived), Some(word)) = (derived, word) {
            labels.extend_from_slice(format!(",{}=\"{word}\"", derived.name).as_bytes());
        }
        texts.push(SeriesText {
            labels: labels.into(),
            first: index,
            others: Vec::new(),
        });
    }
    if is_changed { merged(texts) } else { texts }
}

fn merged(texts: Vec<SeriesText>) -> Vec<SeriesText> {
    let mut places: HashMap<Box<[u8]>, usize> = HashMap::with_capacity(texts.len());
    let mut all: Vec<SeriesText> = Vec::with_capacity(texts.len());
    for text in texts {
        let same = places.get(&text.labels);
        if let Some(same) = same.and_then(|&place| all.get_mut(place)) {
            same.others.push(text.first);
        } else {
            places.insert(text.labels.clone(), all.len());
            all.push(text);
        }
    }
    all
}
