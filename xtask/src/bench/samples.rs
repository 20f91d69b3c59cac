//! The figures that the programs wrote.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{Failure, Result};

/// The samples of each subject, by round.
pub(crate) type Subjects = BTreeMap<String, Vec<f64>>;

/// The subjects of each program.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    programs: BTreeMap<String, Subjects>,
    curves: Option<Value>,
    versions: Vec<(String, String)>,
}

impl Samples {
    /// Adds what a program wrote, after what it wrote in the turns before.
    pub(crate) fn read(&mut self, file: &Path) -> Result {
        let text = fs::read_to_string(file)
            .map_err(|error| Failure::new(format!("failed to read {}: {error}", file.display())))?;
        self.add(&text)
            .map_err(|failure| Failure::new(format!("{}: {failure}", file.display())))
    }

    pub(crate) fn add(&mut self, text: &str) -> Result {
        let wrong = || Failure::new("not what a benchmark writes");
        let json: Value = serde_json::from_str(text).map_err(|_| wrong())?;
        let bench = json
            .get("bench")
            .and_then(Value::as_str)
            .ok_or_else(wrong)?;
        let subjects = json
            .get("subjects")
            .and_then(Value::as_object)
            .ok_or_else(wrong)?;
        let drawn = |it: &&Value| it.as_array().is_some_and(|curves| !curves.is_empty());
        if let Some(curves) = json.get("curves").filter(drawn) {
            self.curves = Some(curves.clone());
        }
        for (peer, version) in json
            .get("versions")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let version = version.as_str().unwrap_or_default();
            self.versions.push((peer.clone(), version.to_owned()));
        }
        let program = self.programs.entry(bench.to_owned()).or_default();
        for (name, samples) in subjects {
            let samples = samples.as_array().ok_or_else(wrong)?;
            // A round that was worth nothing keeps its place.
            let samples = samples.iter().map(|it| it.as_f64().unwrap_or(f64::NAN));
            program.entry(name.clone()).or_default().extend(samples);
        }
        Ok(())
    }

    /// Puts a subject's median beside the subjects of another program, whose rounds are others.
    pub(crate) fn copy(&mut self, from: &str, subject: &str, to: &str) {
        let median = self.of(from).and_then(|it| median(it.get(subject)?));
        if let (Some(median), Some(program)) = (median, self.programs.get_mut(to)) {
            program.insert(subject.to_owned(), vec![median]);
        }
    }

    /// The curves that a program measured, as it wrote them.
    pub(crate) fn curves(&self) -> Option<&Value> {
        self.curves.as_ref()
    }

    /// What programs that are not of the workspace said of themselves.
    pub(crate) fn versions(&self) -> impl Iterator<Item = (String, String)> {
        self.versions.iter().cloned()
    }

    pub(crate) fn of(&self, bench: &str) -> Option<&Subjects> {
        self.programs.get(bench)
    }

    pub(crate) fn programs(&self) -> impl Iterator<Item = (&String, &Subjects)> {
        self.programs.iter()
    }
}

/// The middle value; `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// The value below which this share of them lies, between two where it falls between.
pub(crate) fn quantile(values: &[f64], share: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|it| it.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = share * sorted.len().checked_sub(1)? as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a list"
    )]
    let below = place.floor() as usize;
    let (low, high) = (sorted.get(below)?, sorted.get(below + 1));
    Some(low + (high.unwrap_or(low) - low) * place.fract())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_follow_each_other_in_order() {
        let mut samples = Samples::default();
        for turn in [1, 2] {
            let text = format!(r#"{{"bench":"step","subjects":{{"a":[{turn}.5]}}}}"#);
            samples.add(&text).unwrap();
        }
        assert_eq!(samples.of("step").unwrap()["a"], [1.5, 2.5]);
        assert!(samples.of("cache").is_none());
    }

    #[test]
    fn a_round_that_was_worth_nothing_keeps_its_place() {
        let mut samples = Samples::default();
        samples
            .add(r#"{"bench":"step","subjects":{"a":[1.0,null,3.0]}}"#)
            .unwrap();
        let a = &samples.of("step").unwrap()["a"];
        assert!(a[1].is_nan() && a.len() == 3);
        assert_eq!(median(a), Some(2.0));
    }

    #[test]
    fn what_no_benchmark_wrote_is_refused() {
        for text in [
            "",
            "{}",
            r#"{"bench":"step"}"#,
            r#"{"bench":"s","subjects":{"a":1}}"#,
        ] {
            assert!(Samples::default().add(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_median_is_between_the_two_in_the_middle() {
        assert_eq!(median(&[]), None);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0]), Some(2.5));
        assert_eq!(quantile(&[0.0, 10.0, 20.0, 30.0, 40.0], 0.75), Some(30.0));
        assert_eq!(median(&[f64::NAN, 1.0]), Some(1.0));
    }
}
