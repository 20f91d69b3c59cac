//! Faults that the command line asks for, to see what the metrics, the traces and the alerts make of
//! them.
//!
//! ```
//! use assistant::injected::{Fault, Injected};
//!
//! let injected: Injected = "premium-down=20..45".parse().unwrap();
//! assert_eq!(injected.fault, Fault::PremiumDown);
//! assert_eq!(injected.during.start.as_secs(), 20);
//! assert!("premium-down=45..20".parse::<Injected>().is_err());
//! ```

use std::ops::Range;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;

use crate::positive::Positive;
use crate::profile::Tier;

/// A fault, and when it begins and ends on the clock, counted from the first request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Injected {
    /// What goes wrong.
    pub fault: Fault,
    /// When; the end is not in it.
    pub during: Range<Duration>,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[non_exhaustive]
pub enum Fault {
    /// The provider of the cheap model is down
    CheapDown,
    /// The provider of the premium model is down
    PremiumDown,
    /// The cheap model takes five times as long
    CheapSlow,
    /// The premium model takes five times as long
    PremiumSlow,
    /// There is no canned answer either: requests fail that no model answers
    ApologyDown,
    /// Everybody asks what nobody has asked before, so that no cache can help
    NewQuestions,
}

impl Fault {
    /// That the provider of this model is down.
    pub fn down(tier: Tier) -> Self {
        match tier {
            Tier::Cheap => Self::CheapDown,
            Tier::Premium => Self::PremiumDown,
        }
    }

    /// That this model takes longer.
    pub fn slow(tier: Tier) -> Self {
        match tier {
            Tier::Cheap => Self::CheapSlow,
            Tier::Premium => Self::PremiumSlow,
        }
    }
}

/// When a fault lasts, at normal speed, as [`Request::at`](crate::workload::Request::at) is counted.
pub fn during(injected: &[Injected], fault: Fault, speed: Positive) -> Vec<Range<Duration>> {
    let of_fault = injected.iter().filter(|it| it.fault == fault);
    let stretch = |time: Duration| {
        Duration::try_from_secs_f64(time.as_secs_f64() * speed.get()).unwrap_or(Duration::MAX)
    };
    of_fault
        .map(|it| stretch(it.during.start)..stretch(it.during.end))
        .collect()
}

/// Whether a time is in one of these.
pub fn covers(ranges: &[Range<Duration>], at: Duration) -> bool {
    ranges.iter().any(|range| range.contains(&at))
}

impl FromStr for Injected {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (fault, during) = text.split_once('=').ok_or(FORM)?;
        let fault = Fault::from_str(fault, false).map_err(|_| {
            let names = Fault::value_variants().iter();
            let names = names.filter_map(|it| Some(it.to_possible_value()?.get_name().to_owned()));
            let names: Vec<String> = names.collect();
            format!("no fault `{fault}`; give one of {}", names.join(", "))
        })?;
        let (start, end) = during.split_once("..").ok_or(FORM)?;
        let seconds = |text: &str| {
            let seconds = text.strip_suffix('s').unwrap_or(text).parse().ok()?;
            Duration::try_from_secs_f64(seconds).ok()
        };
        let during = seconds(start).ok_or(FORM)?..seconds(end).ok_or(FORM)?;
        if during.is_empty() {
            return Err("the fault must end after it begins".to_owned());
        }
        Ok(Self { fault, during })
    }
}

const FORM: &str = "give FAULT=FROM..TO, in seconds after the start";

/// How many times as long a slow model takes.
pub const SLOWNESS: u32 = 5;
