//! What the measured server costs: CPU time and resident memory of its process, from `/proc` (Linux).

use anyhow::{Context, Result};
use serde::Serialize;

/// `sysconf(_SC_CLK_TCK)` on every Linux that matters: the kernel's ABI fixes what user space sees.
const TICKS_PER_SECOND: f64 = 100.0;

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Reading {
    /// User and system time so far, all threads, in seconds.
    pub(crate) cpu_s: f64,
    /// Resident memory in bytes.
    pub(crate) resident_bytes: u64,
}

/// The cost of a measured span.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ServerCost {
    /// CPU time spent, in seconds.
    pub(crate) cpu_s: f64,
    /// Cores kept busy.
    pub(crate) cores: f64,
    /// Delivered packets for each second of CPU time.
    pub(crate) packets_per_cpu_second: f64,
    /// Resident memory at the end, in MB.
    pub(crate) resident_mb: f64,
}

/// Reads the process.
pub(crate) fn read(pid: u32) -> Result<Reading> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    Ok(Reading {
        cpu_s: cpu_seconds(&stat).context("unexpected /proc/<pid>/stat")?,
        resident_bytes: resident_bytes(&status).context("unexpected /proc/<pid>/status")?,
    })
}

impl ServerCost {
    /// The cost between two readings `elapsed_s` seconds apart, during which `packets` were delivered.
    pub(crate) fn between(before: Reading, after: Reading, elapsed_s: f64, packets: u64) -> Self {
        let cpu_s = (after.cpu_s - before.cpu_s).max(0.0);
        Self {
            cpu_s,
            cores: if elapsed_s > 0.0 { cpu_s / elapsed_s } else { 0.0 },
            packets_per_cpu_second: if cpu_s > 0.0 { packets as f64 / cpu_s } else { 0.0 },
            resident_mb: after.resident_bytes as f64 / 1e6,
        }
    }
}

/// Fields 14 and 15, counted after the command's closing parenthesis: the name may hold spaces.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_an_awkward_name() {
        let stat = "42 (a) b) S 1 42 42 0 -1 4194560 1 2 3 4 250 50 0 0 20 0 5 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(cpu_seconds("garbage"), None);
    }

    #[test]
    fn this_process_can_be_read() {
        let reading = read(std::process::id()).unwrap();
        assert!(reading.resident_bytes > 100_000);
    }

    #[test]
    fn the_cost_is_packets_over_cpu_time() {
        let at = |cpu_s| Reading { cpu_s, resident_bytes: 5_000_000 };
        let cost = ServerCost::between(at(1.0), at(3.0), 4.0, 100_000);
        assert!((cost.packets_per_cpu_second - 50_000.0).abs() < 1e-6 && (cost.cores - 0.5).abs() < 1e-9);
        assert!(ServerCost::between(at(1.0), at(1.0), 0.0, 5).packets_per_cpu_second.abs() < 1e-9);
    }
}
