//! What the operating system says about this process, under the names that all Prometheus client
//! libraries use.
//!
//! Read from `/proc` on Linux. Elsewhere there are no such metrics.

use tta_core::{Registry, Result};

/// Shows the process's own metrics in a registry, those that can be read on this machine.
///
/// # Errors
///
/// [`ErrorKind::Configuration`](tta_core::ErrorKind::Configuration) if the registry has another
/// metric of one of these names.
pub fn observe_process(registry: &Registry) -> Result<()> {
    #[cfg(target_os = "linux")]
    return linux::observe(registry);
    #[cfg(not(target_os = "linux"))]
    {
        let _ = registry;
        Ok(())
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs;
    use std::sync::atomic::{AtomicU64, Ordering};

    use tta_core::{Registry, Result};

    use crate::catalog::{PROCESS_CPU, PROCESS_MEMORY, PROCESS_OPEN_FDS, PROCESS_START};

    pub(super) fn observe(registry: &Registry) -> Result<()> {
        if let Some(read) = kept(cpu_seconds) {
            registry.observe_counter(&PROCESS_CPU, &[], read)?;
        }
        if let Some(read) = kept(resident_bytes) {
            registry.observe_gauge(&PROCESS_MEMORY, &[], read)?;
        }
        if let Some(read) = kept(open_descriptors) {
            registry.observe_gauge(&PROCESS_OPEN_FDS, &[], read)?;
        }
        if let Some(start) = start_seconds() {
            registry.observe_gauge(&PROCESS_START, &[], move || start)?;
        }
        Ok(())
    }

    /// A reading that answers what it last read when it cannot read, as when all file descriptors
    /// are in use; none if it cannot read now.
    fn kept(
        read: impl Fn() -> Option<f64> + Send + Sync + 'static,
    ) -> Option<impl Fn() -> f64 + Send + Sync + 'static> {
        let last = AtomicU64::new(read()?.to_bits());
        Some(move || match read() {
            Some(value) => {
                last.store(value.to_bits(), Ordering::Relaxed);
                value
            }
            None => f64::from_bits(last.load(Ordering::Relaxed)),
        })
    }

    fn cpu_seconds() -> Option<f64> {
        let fields = stat()?;
        let ticks = field(&fields, USER_TIME)? + field(&fields, SYSTEM_TIME)?;
        Some(ticks / ticks_per_second())
    }

    fn resident_bytes() -> Option<f64> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
        Some(kibibytes * 1_024.0)
    }

    fn open_descriptors() -> Option<f64> {
        // Since Linux 6.2 the folder's size is the count, which is cheap for a process with a
        // hundred thousand connections. Before, it is 0.
        let size = fs::metadata("/proc/self/fd").ok()?.len();
        if size > 0 {
            return Some(size as f64);
        }
        // The descriptor that reads the folder is in it.
        let entries = fs::read_dir("/proc/self/fd").ok()?.count();
        Some(entries.saturating_sub(1) as f64)
    }

    fn start_seconds() -> Option<f64> {
        let since_boot = field(&stat()?, START_TIME)? / ticks_per_second();
        let system = fs::read_to_string("/proc/stat").ok()?;
        let boot = system
            .lines()
            .find_map(|line| line.strip_prefix("btime "))?;
        let boot: f64 = boot.trim().parse().ok()?;
        Some(boot + since_boot)
    }

    /// The fields after the program's name, which may hold spaces and parentheses itself.
    fn stat() -> Option<String> {
        let stat = fs::read_to_string("/proc/self/stat").ok()?;
        Some(stat.get(stat.rfind(')')? + 1..)?.to_owned())
    }

    fn field(fields: &str, number: usize) -> Option<f64> {
        let index = number.checked_sub(FIRST_FIELD)?;
        fields.split_ascii_whitespace().nth(index)?.parse().ok()
    }

    fn ticks_per_second() -> f64 {
        rustix::param::clock_ticks_per_second() as f64
    }

    /// Numbers of fields as `proc_pid_stat(5)` counts them.
    const FIRST_FIELD: usize = 3;
    const USER_TIME: usize = 14;
    const SYSTEM_TIME: usize = 15;
    const START_TIME: usize = 22;
}
