//! The figures of one benchmark, printed and kept.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Map, Value, json};

use crate::curve::Curve;
use crate::options::Options;

/// The samples of each subject of one benchmark.
#[derive(Debug)]
pub struct Report {
    bench: &'static str,
    options: Options,
    subjects: BTreeMap<String, Vec<f64>>,
    curves: Vec<Curve>,
}

impl Report {
    /// A report without figures.
    pub fn new(bench: &'static str, options: Options) -> Self {
        Self {
            bench,
            options,
            subjects: BTreeMap::new(),
            curves: Vec::new(),
        }
    }

    /// Adds a sample; the first ones of all subjects were taken together, and so on.
    pub fn sample(&mut self, subject: impl Into<String>, value: f64) {
        self.subjects.entry(subject.into()).or_default().push(value);
    }

    /// Adds the subjects of another report.
    pub fn absorb(&mut self, other: Self) {
        self.subjects.extend(other.subjects);
    }

    /// The median of each subject.
    pub fn medians(&self) -> impl Iterator<Item = (&str, f64)> {
        let subjects = self.subjects.iter();
        subjects.map(|(name, samples)| (name.as_str(), median(samples)))
    }

    /// Adds a curve.
    pub fn curve(&mut self, curve: Curve) {
        self.curves.push(curve);
    }

    /// Prints the medians, and writes every sample where the options say.
    ///
    /// # Panics
    ///
    /// When the file cannot be written: whoever asked for it must not read an older one.
    pub fn finish(self) {
        println!("\n{}", self.bench);
        for (subject, samples) in &self.subjects {
            println!("{:>12.2}  {subject}", median(samples));
        }
        let Some(path) = self.options.json else {
            return;
        };
        let subjects: Map<String, Value> = self
            .subjects
            .into_iter()
            .map(|(subject, samples)| (subject, json!(samples)))
            .collect();
        let curves: Vec<Value> = self.curves.iter().map(Curve::json).collect();
        let whole = json!({ "bench": self.bench, "subjects": subjects, "curves": curves });
        let text = whole.to_string();
        if let Err(error) = fs::write(&path, text) {
            panic!("failed to write {}: {error}", path.display());
        }
    }
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = samples.iter().copied().filter(|it| !it.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}
