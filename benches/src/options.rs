//! What a benchmark is told on its command line.

use std::path::PathBuf;
use std::time::Duration;

/// How long and how often to measure, and where to write it.
///
/// `--rounds 100 --slice 1000 --json FILE`: so many rounds, in each of them so many microseconds a
/// subject, and the figures into the file. Without `--bench`, which `cargo bench` gives, each
/// subject runs once, to see that it runs.
#[derive(Clone, Debug)]
pub struct Options {
    /// How many rounds, each of which measures every subject once.
    pub rounds: usize,
    /// For how long a subject is measured in one round.
    pub slice: Duration,
    /// Where the figures go.
    pub json: Option<PathBuf>,
    /// The folder that pictures are drawn into.
    pub plots: Option<PathBuf>,
    /// Whether the figures are to be had quickly rather than exactly.
    pub quick: bool,
    /// Whether anything is measured at all.
    pub measures: bool,
}

impl Options {
    /// The options of this process.
    pub fn from_args() -> Self {
        Self::parse(std::env::args().skip(1))
    }

    fn parse(args: impl Iterator<Item = String>) -> Self {
        let mut options = Self {
            rounds: ROUNDS,
            slice: SLICE,
            json: None,
            plots: None,
            quick: false,
            measures: false,
        };
        let mut args = args;
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--bench" => options.measures = true,
                "--quick" => options.quick = true,
                "--rounds" => options.rounds = number(args.next()).unwrap_or(ROUNDS),
                "--slice" => {
                    let micros = number(args.next()).unwrap_or(SLICE.as_micros() as usize);
                    options.slice = Duration::from_micros(micros as u64);
                }
                "--plots" => options.plots = args.next().map(PathBuf::from),
                "--json" => options.json = args.next().map(PathBuf::from),
                _ => {}
            }
        }
        if !options.measures {
            options.rounds = 1;
            options.slice = Duration::ZERO;
        }
        options
    }
}

fn number(arg: Option<String>) -> Option<usize> {
    arg?.parse().ok()
}

const ROUNDS: usize = 100;
const SLICE: Duration = Duration::from_millis(1);

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(line: &str) -> Options {
        Options::parse(line.split(' ').map(str::to_owned))
    }

    #[test]
    fn what_cargo_adds_is_passed_over() {
        let options = parse("--rounds 7 --slice 250 --json out.json --quick --bench");
        assert_eq!(options.rounds, 7);
        assert_eq!(options.slice, Duration::from_micros(250));
        assert_eq!(options.json, Some(PathBuf::from("out.json")));
        assert!(options.quick && options.measures);
    }

    #[test]
    fn as_a_test_each_subject_runs_once() {
        let options = parse("--rounds 7 --test-threads 2");
        assert_eq!((options.rounds, options.slice), (1, Duration::ZERO));
    }
}
