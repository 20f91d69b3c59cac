//! Which traces are kept beyond what the sampler says.

use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(&[("TTA_WORKFLOW_SAMPLERS", "many=0")]).sees(|seen| {
            assert_eq!(seen.spans("many.execute").len(), 0);
            assert_eq!(seen.spans("table.execute").len(), 1);
        }),
        Row::new(&[("TTA_WORKFLOW_SAMPLERS", "many=often")]).sees(|seen| {
            assert_eq!(seen.count("setting_ignored"), 1);
            assert_eq!(seen.spans("many.execute").len(), 40);
        }),
        tail(&[]).sees(|seen| {
            assert_eq!(seen.spans("fails.execute").len(), 1);
            assert_eq!(seen.spans("many.execute").len(), 0);
            assert_eq!(evicted(seen), 0);
        }),
        tail(&[("TTA_TAIL_KEEP", "false")])
            .sees(|seen| assert_eq!(seen.spans("fails.execute").len(), 0)),
        tail(&[("TTA_TAIL_SLOW", "0")])
            .sees(|seen| assert_eq!(seen.spans("many.execute").len(), 40)),
        tail(&[("TTA_TAIL_TRACES", "2")]).sees(|seen| assert_eq!(evicted(seen), 3)),
        tail(&[("TTA_TAIL_BYTES", "4096")]).sees(|seen| assert!(evicted(seen) > 0)),
    ]
}

/// Nothing is sampled, and what is worth it is kept.
fn tail(variables: &[(&str, &str)]) -> Row {
    let mut all = vec![
        ("OTEL_TRACES_SAMPLER", "always_off"),
        ("TTA_TAIL_KEEP", "true"),
    ];
    all.extend_from_slice(variables);
    Row::new(&all)
}

/// How many traces had to go before their end was known.
fn evicted(seen: &Seen) -> u64 {
    let begin = "telemetry_tail_traces_total{outcome=\"evicted\"} ";
    let mut lines = seen.text_page.lines();
    let count = lines.find_map(|line| line.strip_prefix(begin));
    count.map_or(0, |count| count.parse().unwrap())
}
