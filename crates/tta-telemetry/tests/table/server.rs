//! Who may see `/metrics`.

use crate::row::{Row, Seen};

pub(crate) fn rows() -> Vec<Row> {
    vec![
        Row::new(&[
            ("TTA_METRICS_USERNAME", "me"),
            ("TTA_METRICS_PASSWORD", "s3cret"),
        ])
        .until(opens)
        .sees(is_locked),
        Row::new(&[
            ("TTA_METRICS_USERNAME", "me"),
            ("TTA_METRICS_PASSWORD_FILE", "{password}"),
        ])
        .until(opens)
        .sees(is_locked),
        // What cannot be locked as it is told is not served.
        Row::new(&[("TTA_METRICS_USERNAME", "me")]).sees(|seen| {
            assert_eq!(seen.url, None);
            assert!(
                seen.output().contains("needs TTA_METRICS_PASSWORD"),
                "{}",
                seen.output()
            );
        }),
        Row::new(&[
            ("TTA_METRICS_CERTIFICATE", "{certificate}"),
            ("TTA_METRICS_KEY", "{key}"),
        ])
        .sees(is_tls),
        Row::new(&[
            ("TTA_METRICS_CERTIFICATE", "{certificate}"),
            ("TTA_METRICS_KEY", "{key}"),
            ("TTA_METRICS_CLIENT_CA", "{ca}"),
        ])
        .sees(is_tls),
        Row::new(&[("TTA_METRICS_CLIENT_CA", "{ca}")]).sees(|seen| {
            assert_eq!(seen.url, None);
            assert!(
                seen.output().contains("TTA_METRICS_CLIENT_CA needs"),
                "{}",
                seen.output()
            );
        }),
    ]
}

/// Whether it is opened by the password, which is that of `me:s3cret`.
fn opens(seen: &Seen) -> bool {
    let page = seen.get("/metrics", ("Authorization", "Basic bWU6czNjcmV0"));
    page.contains("primitive_executions_total")
}

fn is_locked(seen: &Seen) {
    assert!(!seen.text_page.contains("primitive_executions_total"));
    assert!(!seen.output().contains("s3cret"));
}

/// It is there, and nothing of it in clear.
fn is_tls(seen: &Seen) {
    let url = seen.url.as_deref().unwrap();
    assert!(url.starts_with("https://"), "{url}");
    assert_eq!((&*seen.text_page, &*seen.health), ("", ""));
}
