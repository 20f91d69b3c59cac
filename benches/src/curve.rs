//! How a cost grows with the work.

use serde_json::{Value, json};

use crate::report::Report;

/// What several subjects cost at each of several sizes.
#[derive(Clone, Debug)]
pub struct Curve {
    /// The name of its picture, without the extension.
    pub name: &'static str,
    /// What it shows.
    pub title: &'static str,
    /// What grows.
    pub x: &'static str,
    /// What is measured, with its unit.
    pub y: &'static str,
    /// A line each.
    pub series: Vec<Series>,
    /// The memory that one more unit of `x` takes in our case, measured.
    pub bytes_each: Option<f64>,
}

/// One line of a curve.
#[derive(Clone, Debug)]
pub struct Series {
    /// Whose it is.
    pub name: String,
    /// Size and cost.
    pub points: Vec<(f64, f64)>,
}

impl Curve {
    /// A curve without lines.
    pub fn new(name: &'static str, title: &'static str, x: &'static str, y: &'static str) -> Self {
        Self {
            name,
            title,
            x,
            y,
            series: Vec::new(),
            bytes_each: None,
        }
    }

    /// Adds a point to the line of that name.
    pub fn point(&mut self, series: &str, x: f64, y: f64) {
        if let Some(series) = self.series.iter_mut().find(|it| it.name == series) {
            series.points.push((x, y));
            return;
        }
        self.series.push(Series {
            name: series.to_owned(),
            points: vec![(x, y)],
        });
    }

    /// Adds a point at `x` to the line of each subject: its median, shared among `parts`.
    pub fn points(&mut self, x: f64, parts: f64, report: &Report) {
        for (name, median) in report.medians() {
            self.point(name, x, median / parts);
        }
    }

    pub(crate) fn json(&self) -> Value {
        let series = self.series.iter().map(|it| {
            let points: Vec<[f64; 2]> = it.points.iter().map(|&(x, y)| [x, y]).collect();
            json!({ "name": it.name, "points": points })
        });
        json!({
            "name": self.name, "title": self.title, "x": self.x, "y": self.y,
            "bytes_each": self.bytes_each, "series": series.collect::<Vec<_>>(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_begun_once_and_goes_on() {
        let mut curve = Curve::new("a", "b", "c", "d");
        curve.point("ours", 1.0, 5.0);
        curve.point("theirs", 1.0, 6.0);
        curve.point("ours", 10.0, 7.0);
        let json = curve.json();
        assert_eq!(
            json["series"][0]["points"],
            json!([[1.0, 5.0], [10.0, 7.0]])
        );
        assert_eq!(json["series"][1]["name"], "theirs");
    }
}
