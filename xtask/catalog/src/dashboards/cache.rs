//! *Cache Analytics*: does the cache answer, from where, why not, and what does that save?

use super::{Dashboard, Look, PRIMITIVE, Panel, Row};

pub(super) fn dashboard() -> Dashboard {
    Dashboard {
        uid: "tta-cache-analytics",
        title: "Cache Analytics",
        description: "What caches answer, from which tier, why not, what goes and why, and what \
                      that saves.",
        variables: &[PRIMITIVE],
        rows: vec![
            Row::open("Answers", answers()),
            Row::open("Contents", contents()),
            Row::open("Time and money", worth()),
        ],
    }
}

fn answers() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Lines,
            "Hit rate",
            "percentunit",
            "Share of lookups that are answered without computing: now, and since the process \
             began.",
            &[
                (
                    "{{primitive}} now",
                    "sum by (primitive) (rate(cache_hits_total[$__rate_interval])) \
                     / (sum by (primitive) (rate(cache_hits_total[$__rate_interval])) \
                     + sum by (primitive) (rate(cache_misses_total[$__rate_interval])))",
                ),
                (
                    "{{primitive}} {{instance}} since start",
                    "max by (primitive, instance) (cache_hit_rate)",
                ),
            ],
        ),
        Panel::new(
            Look::Stack,
            "Hits by tier",
            "ops",
            "Lookups per second that were answered, by the tier that did: memory, or Redis.",
            &[(
                "{{primitive}} {{tier}}",
                "sum by (primitive, tier) (rate(cache_hits_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Misses by reason",
            "ops",
            "Lookups per second that found nothing: absent, expired, corrupt, backend_error where \
             the tier outside did not answer, or bypass where the call has no key.",
            &[(
                "{{primitive}} {{reason}}",
                "sum by (primitive, reason) (rate(cache_misses_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Coalesced",
            "ops",
            "Hits per second that waited for the computation of another caller instead of making \
             their own.",
            &[(
                "{{primitive}}",
                "sum by (primitive) (rate(cache_coalesced_total[$__rate_interval]))",
            )],
        ),
    ]
}

fn contents() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Lines,
            "Entries",
            "short",
            "Entries held, expired ones that nobody has asked for again included.",
            &[(
                "{{primitive}} {{tier}}",
                "sum by (primitive, tier) (cache_size)",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Bytes",
            "bytes",
            "Bytes held, as the cache's own weigher counts them; 0 without one.",
            &[(
                "{{primitive}} {{tier}}",
                "sum by (primitive, tier) (cache_size_bytes)",
            )],
        ),
        Panel::new(
            Look::Stack,
            "Evictions by cause",
            "ops",
            "Entries that went per second. Many by capacity while the hit rate falls: the cache is \
             too small.",
            &[(
                "{{primitive}} {{cause}}",
                "sum by (primitive, cause) (rate(cache_evictions_total[$__rate_interval]))",
            )],
        ),
    ]
}

fn worth() -> Vec<Panel> {
    vec![
        Panel::new(
            Look::Lines,
            "Operation latency",
            "s",
            "Within which 95 of 100 operations ended. The points are single operations: click one \
             for its trace.",
            &[(
                "{{primitive}} {{operation}} {{result}}",
                "histogram_quantile(0.95, sum by (primitive, operation, result, le) \
                 (rate(cache_operation_duration_seconds_bucket[$__rate_interval])))",
            )],
        ),
        Panel::new(
            Look::Lines,
            "Savings per hour",
            "currencyUSD",
            "What the computations that hits avoid had cost when they were made, at this pace.",
            &[(
                "{{primitive}}",
                "3600 * sum by (primitive) (rate(cache_cost_savings_usd_total[$__rate_interval]))",
            )],
        ),
        Panel::new(
            Look::Number,
            "Saved",
            "currencyUSD",
            "What hits saved within the time shown.",
            &[("", "sum(increase(cache_cost_savings_usd_total[$__range]))")],
        )
        .wide(6),
        Panel::new(
            Look::Number,
            "Hits",
            "short",
            "Lookups that were answered within the time shown.",
            &[("", "sum(increase(cache_hits_total[$__range]))")],
        )
        .wide(6),
        Panel::new(
            Look::Number,
            "Misses",
            "short",
            "Lookups that found nothing within the time shown.",
            &[("", "sum(increase(cache_misses_total[$__range]))")],
        )
        .wide(6),
        Panel::new(
            Look::Number,
            "Waits shared",
            "short",
            "Hits within the time shown that shared a computation.",
            &[("", "sum(increase(cache_coalesced_total[$__range]))")],
        )
        .wide(6),
    ]
}
