//! The two formats, and which one a scraper wants.

/// A format in which metrics are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExpositionFormat {
    /// The Prometheus text format 0.0.4: what everything reads.
    Text,
    /// OpenMetrics 1.0: exemplars and units too.
    OpenMetrics,
}

impl ExpositionFormat {
    /// The value of the header `Content-Type`.
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that answers a request with this `Accept` header.
    ///
    /// `OpenMetrics` for those who name it and want it at least as much as text, text for all
    /// others: also for those who accept neither, since an answer tells more than a refusal.
    ///
    /// # Source
    ///
    /// [RFC 9110, section 12.5.1](https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1).
    pub fn negotiate(accept: Option<&str>) -> Self {
        let (mut open, mut text) = (Wish::default(), Wish::default());
        for range in accept.into_iter().flat_map(|accept| accept.split(',')) {
            if let Some(range) = Range::parse(range) {
                open.consider(
                    &range,
                    "application",
                    "openmetrics-text",
                    &["1.0.0", "0.0.1"],
                );
                text.consider(&range, "text", "plain", &["0.0.4"]);
            }
        }
        let named = open.specificity == Range::NAMED;
        if named && open.quality > 0 && open.quality >= text.quality {
            Self::OpenMetrics
        } else {
            Self::Text
        }
    }
}

/// How much a format is wanted, by the most specific range that covers it.
#[derive(Default)]
struct Wish {
    specificity: u8,
    /// In thousandths.
    quality: u16,
}

impl Wish {
    fn consider(&mut self, range: &Range<'_>, kind: &str, subtype: &str, versions: &[&str]) {
        let specificity = range.specificity(kind, subtype, versions);
        if specificity > self.specificity {
            *self = Self {
                specificity,
                quality: range.quality,
            };
        } else if specificity == self.specificity && specificity > 0 {
            // Prometheus names a format once for each version it reads.
            self.quality = self.quality.max(range.quality);
        }
    }
}

/// One element of the header.
struct Range<'a> {
    kind: &'a str,
    subtype: &'a str,
    version: Option<&'a str>,
    quality: u16,
}

impl<'a> Range<'a> {
    const NAMED: u8 = 3;

    fn parse(text: &'a str) -> Option<Self> {
        let mut parts = text.split(';').map(str::trim);
        let (kind, subtype) = parts.next()?.split_once('/')?;
        let (mut version, mut quality) = (None, 1_000);
        for parameter in parts {
            let Some((name, value)) = parameter.split_once('=') else {
                continue;
            };
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            if name.eq_ignore_ascii_case("q") {
                quality = thousandths(value)?;
            } else if name.eq_ignore_ascii_case("version") {
                version = Some(value);
            }
        }
        Some(Self {
            kind,
            subtype,
            version,
            quality,
        })
    }

    /// How exactly the range names a format; 0 if it does not cover it.
    fn specificity(&self, kind: &str, subtype: &str, versions: &[&str]) -> u8 {
        let version = self.version.is_none_or(|own| versions.contains(&own));
        match (self.kind, self.subtype) {
            ("*", "*") => 1,
            (own, "*") if own.eq_ignore_ascii_case(kind) => 2,
            (own, name) if own.eq_ignore_ascii_case(kind) => {
                u8::from(name.eq_ignore_ascii_case(subtype) && version) * Self::NAMED
            }
            _ => 0,
        }
    }
}

/// A quality: 0 to 1 with at most three decimals that count.
fn thousandths(text: &str) -> Option<u16> {
    let quality: f64 = text.parse().ok()?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range is checked first"
    )]
    (0.0..=1.0)
        .contains(&quality)
        .then(|| (quality * 1_000.0).round() as u16)
}
