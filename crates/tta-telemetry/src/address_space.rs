//! How much room a limit on the address space leaves.
//!
//! A thread reserves addresses far beyond what it uses: its stack, and with glibc an arena of 64 MiB.
//! Under a limit (`ulimit -v`) that is room which the application has no more, and an allocation
//! that fails ends the process. So where little is left, telemetry goes first.

/// Why telemetry should not start its threads, if it should not.
#[cfg(target_os = "linux")]
pub(crate) fn shortage() -> Option<String> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    let pages = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split_whitespace().next()?.parse().ok()?;
    let page = u64::try_from(rustix::param::page_size()).ok()?;
    let left = limit.saturating_sub(pages.saturating_mul(page));
    (left < WANTED).then(|| {
        format!(
            "the limit on the address space leaves {} MiB, and the threads of telemetry reserve up \
             to {} MiB; raise it (ulimit -v)",
            left >> 20,
            RESERVED >> 20
        )
    })
}

/// Why telemetry should not start its threads, if it should not.
#[cfg(not(target_os = "linux"))]
pub(crate) fn shortage() -> Option<String> {
    None
}

/// By an exporter with two threads that resolve names and gather metrics, a server and a writer of
/// lines, each with its stack and its arena.
#[cfg(target_os = "linux")]
const RESERVED: u64 = 5 * (66 << 20);

/// That, and as much as one of them for the application.
#[cfg(target_os = "linux")]
const WANTED: u64 = RESERVED + (66 << 20);
