//! What is computed of the subjects of one round.

use std::fmt;

use super::samples::Subjects;
use crate::command::{Failure, Result};

/// A subject, a difference or a quotient of two, or a number: `tta, sampled - bare`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Expression {
    Number(f64),
    Subject(String),
    Difference(String, String),
    Quotient(String, String),
}

impl Expression {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        if let Ok(number) = text.parse() {
            return Ok(Self::Number(number));
        }
        let two = |operator| -> Option<(String, String)> {
            let (left, right) = text.split_once(operator)?;
            Some((left.trim().to_owned(), right.trim().to_owned()))
        };
        let parsed = match (two(MINUS), two(OVER)) {
            (Some(_), Some(_)) => {
                return Err(Failure::new(format!("`{text}` has two operators")));
            }
            (Some((left, right)), None) => Self::Difference(left, right),
            (None, Some((left, right))) => Self::Quotient(left, right),
            (None, None) => Self::Subject(text.trim().to_owned()),
        };
        if parsed.subjects().contains(&"") {
            return Err(Failure::new(format!("`{text}` names no subject")));
        }
        Ok(parsed)
    }

    /// The value in each round; `None` where a subject was not measured.
    pub(crate) fn values(&self, of: &Subjects) -> Option<Vec<f64>> {
        let pairs = |left: &str, right: &str, f: fn(f64, f64) -> f64| {
            let (left, right) = (of.get(left)?, of.get(right)?);
            Some(paired(left, right).map(|(l, r)| f(l, r)).collect())
        };
        match self {
            Self::Number(number) => Some(vec![*number]),
            Self::Subject(name) => of.get(name).cloned(),
            Self::Difference(left, right) => pairs(left, right, |l, r| l - r),
            Self::Quotient(left, right) => pairs(left, right, |l, r| l / r),
        }
    }

    fn subjects(&self) -> Vec<&str> {
        match self {
            Self::Number(_) => Vec::new(),
            Self::Subject(name) => vec![name],
            Self::Difference(left, right) | Self::Quotient(left, right) => vec![left, right],
        }
    }
}

/// The values of the same rounds; what was measured but once stands beside each.
pub(crate) fn paired<'a>(
    left: &'a [f64],
    right: &'a [f64],
) -> impl Iterator<Item = (f64, f64)> + 'a {
    let rounds = match (left.len(), right.len()) {
        (1, rounds) | (rounds, 1) => rounds,
        (left, right) => left.min(right),
    };
    let at = |values: &[f64], round: usize| match values {
        [only] => Some(*only),
        values => values.get(round).copied(),
    };
    (0..rounds).filter_map(move |round| Some((at(left, round)?, at(right, round)?)))
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Subject(name) => f.write_str(name),
            Self::Difference(left, right) => write!(f, "{left} − {right}"),
            Self::Quotient(left, right) => write!(f, "{left} ÷ {right}"),
        }
    }
}

const MINUS: &str = " - ";
const OVER: &str = " / ";

#[cfg(test)]
mod tests {
    use super::*;

    fn subjects() -> Subjects {
        [
            ("a", vec![5.0, 6.0]),
            ("b-b", vec![1.0, 2.0]),
            ("once", vec![2.0]),
        ]
        .map(|(name, samples)| (name.to_owned(), samples))
        .into()
    }

    fn values(text: &str) -> Option<Vec<f64>> {
        Expression::parse(text).unwrap().values(&subjects())
    }

    #[test]
    fn values_are_those_of_the_same_round() {
        assert_eq!(values("a"), Some(vec![5.0, 6.0]));
        assert_eq!(values("a - b-b"), Some(vec![4.0, 4.0]));
        assert_eq!(values("a / b-b"), Some(vec![5.0, 3.0]));
        assert_eq!(values("a / once"), Some(vec![2.5, 3.0]));
        assert_eq!(values("1.5"), Some(vec![1.5]));
    }

    #[test]
    fn what_was_not_measured_has_no_value() {
        assert_eq!(values("c"), None);
        assert_eq!(values("a - c"), None);
    }

    #[test]
    fn two_operators_or_no_subject_are_refused() {
        assert!(Expression::parse("a - b / c").is_err());
        assert!(Expression::parse("a / ").is_err());
    }
}
