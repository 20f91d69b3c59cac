//! The mutants of a crate, as cargo-mutants lists them.

use std::ops::Range;

use serde_json::Value;

use crate::command::{Failure, Result, Run};
use crate::workspace::Workspace;

/// One change of one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mutant {
    /// `file:line:column: change`, which is unique.
    pub(crate) name: String,
    /// The file, from the workspace's root.
    pub(crate) file: String,
    pub(crate) genre: Genre,
    /// What is replaced.
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) replacement: String,
}

/// What kind of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Genre {
    /// A function's body by a value.
    Body,
    Binary,
    Unary,
    Guard,
    Arm,
    Field,
    /// One that no schema is known for.
    Other,
}

/// A line and a column, both from one; columns are counted in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) line: usize,
    pub(crate) column: usize,
}

/// Asks cargo-mutants, whose configuration says what is left alone.
pub(crate) fn list(workspace: &Workspace, package: &str) -> Result<Vec<Mutant>> {
    let line = ["mutants", "--list", "--json", "--package", package];
    read(&Run::cargo(workspace, line).captured()?)
}

fn read(json: &str) -> Result<Vec<Mutant>> {
    let wrong = || Failure::new("`cargo mutants --list --json` said what is not understood");
    let list: Value = serde_json::from_str(json).map_err(|_| wrong())?;
    let list = list.as_array().ok_or_else(wrong)?;
    list.iter()
        .map(|value| Mutant::read(value).ok_or_else(wrong))
        .collect()
}

impl Mutant {
    fn read(value: &Value) -> Option<Self> {
        let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
        Some(Self {
            name: text("name")?,
            file: text("file")?,
            genre: Genre::read(&text("genre")?),
            from: Place::read(value.pointer("/span/start")?)?,
            to: Place::read(value.pointer("/span/end")?)?,
            replacement: text("replacement")?,
        })
    }

    /// The bytes of `source` that are replaced.
    pub(crate) fn range(&self, source: &str) -> Option<Range<usize>> {
        Some(self.from.offset(source)?..self.to.offset(source)?)
    }

    /// The source with the change made in it.
    pub(crate) fn applied(&self, source: &str) -> Option<String> {
        let range = self.range(source)?;
        let (before, after) = (source.get(..range.start)?, source.get(range.end..)?);
        Some(format!("{before}{}{after}", self.replacement))
    }
}

impl Genre {
    fn read(name: &str) -> Self {
        match name {
            "FnValue" => Self::Body,
            "BinaryOperator" => Self::Binary,
            "UnaryOperator" => Self::Unary,
            "MatchArmGuard" => Self::Guard,
            "MatchArm" => Self::Arm,
            "StructField" => Self::Field,
            _ => Self::Other,
        }
    }
}

impl Place {
    fn read(value: &Value) -> Option<Self> {
        let number = |name: &str| usize::try_from(value.get(name)?.as_u64()?).ok();
        Some(Self {
            line: number("line")?,
            column: number("column")?,
        })
    }

    fn offset(self, source: &str) -> Option<usize> {
        let lines = source.split_inclusive('\n');
        let before: usize = lines.take(self.line.checked_sub(1)?).map(str::len).sum();
        let rest = source.get(before..)?;
        let column = self.column.checked_sub(1)?;
        let within = rest.char_indices().nth(column).map(|(at, _)| at);
        Some(before + within.unwrap_or(rest.len()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mutant_is_read_with_its_place_and_applied_to_the_source() {
        let json = r#"[{"name":"a.rs:2:7: replace < with > in f","file":"a.rs",
            "genre":"BinaryOperator","replacement":">",
            "span":{"start":{"line":2,"column":7},"end":{"line":2,"column":8}}}]"#;
        let list = read(json).unwrap();
        let [mutant] = list.as_slice() else {
            panic!("{list:?}");
        };
        assert_eq!(mutant.genre, Genre::Binary);
        let source = "fn f() {\n é + a<b\n}\n";
        assert_eq!(mutant.range(source), Some(16..17));
        assert_eq!(mutant.applied(source).unwrap(), "fn f() {\n é + a>b\n}\n");
    }

    #[test]
    fn what_is_no_list_of_mutants_is_refused() {
        assert!(read("{}").is_err());
        assert!(read(r#"[{"name":"x"}]"#).is_err());
    }
}
