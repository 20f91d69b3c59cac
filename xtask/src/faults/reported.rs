//! What the tests say they measured.

/// One line of `tta_testkit::faults::report`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reported {
    pub(crate) row: u8,
    pub(crate) part: String,
    pub(crate) goal: String,
    pub(crate) measured: String,
    pub(crate) met: bool,
}

impl Reported {
    /// Reads a line of a test's output, in which the test's name may come first.
    pub(crate) fn read(line: &str) -> Option<Self> {
        let (_, line) = line.split_once("FAULT\t")?;
        let mut cells = line.trim_end_matches(['\r', '\n']).split('\t');
        let reported = Self {
            row: cells.next()?.parse().ok()?,
            part: cells.next()?.to_owned(),
            goal: cells.next()?.to_owned(),
            measured: cells.next()?.to_owned(),
            met: match cells.next()? {
                "ok" => true,
                "missed" => false,
                _ => return None,
            },
        };
        cells.next().is_none().then_some(reported)
    }

    /// `ok` or `missed`.
    pub(crate) const fn verdict(&self) -> &'static str {
        if self.met { "ok" } else { "missed" }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_wherever_the_tests_name_ends() {
        let line = "test fault_46_stampede ... FAULT\t46\tcallers\t1 computation\t1\tok\n";
        let expected = Reported {
            row: 46,
            part: "callers".to_owned(),
            goal: "1 computation".to_owned(),
            measured: "1".to_owned(),
            met: true,
        };
        assert_eq!(Reported::read(line), Some(expected));
    }

    #[test]
    fn a_missed_goal_is_known_from_one_that_was_met() {
        let read = |verdict| Reported::read(&format!("FAULT\t3\tloss\t0\t2\t{verdict}"));
        assert_eq!(read("ok").map(|it| it.met), Some(true));
        assert_eq!(read("missed").map(|it| it.met), Some(false));
        assert_eq!(read("perhaps"), None);
    }

    #[test]
    fn what_is_no_whole_line_is_none() {
        for line in [
            "test fault_46_stampede ... ok",
            "FAULT\tforty\tcallers\t1\t1\tok",
            "FAULT\t46\tcallers\t1\tok",
            "FAULT\t46\tcallers\t1\t1\tok\tmore",
        ] {
            assert_eq!(Reported::read(line), None, "{line}");
        }
    }
}
