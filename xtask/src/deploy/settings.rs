//! The settings that `docs/reference/settings.md` lists.

use std::collections::BTreeSet;

/// Every variable of the reference.
#[derive(Debug)]
pub(crate) struct Settings(BTreeSet<String>);

impl Settings {
    /// Reads the first column of the reference's table.
    pub(crate) fn of(reference: &str) -> Self {
        let rows = reference.lines().filter_map(|line| line.strip_prefix("| "));
        let names = rows.filter_map(|row| row.split(" | ").next());
        let names = names.flat_map(|cell| cell.split('`').skip(1).step_by(2));
        Self(names.map(str::to_owned).collect())
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    /// Names that stand for nothing, as a typing error does.
    pub(crate) fn unknown<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Vec<String> {
        let unknown = names.into_iter().filter(|name| !self.has(name));
        unknown
            .map(|name| format!("`{name}` is no setting"))
            .collect()
    }
}

/// How long a shutdown may take where nothing says so, in milliseconds.
pub(crate) const SHUTDOWN_DEFAULT: u64 = 2_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_not_in_the_first_column_is_no_setting() {
        let reference = "| variable | from code |\n| --- | --- |\n\
            | `OTEL_A`, `TTA_B` | `with_c` | text `TTA_D` |\n|  | `with_e` | x |\n";
        let settings = Settings::of(reference);
        assert!(settings.has("OTEL_A") && settings.has("TTA_B"));
        assert_eq!(
            settings.unknown(["TTA_B", "TTA_D"]),
            ["`TTA_D` is no setting"]
        );
    }
}
