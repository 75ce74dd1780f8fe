//! What Linux says of this process, under the names that every Prometheus dashboard knows. Absent elsewhere.
//!
//! Written as text: the time used is a counter with a fraction, which the registry has no instrument for.

use std::fs;

use super::family::Family;

/// Linux counts a process's times in these, whatever the kernel's own tick.
const TICKS_PER_SECOND: f64 = 100.0;

pub(super) const FAMILIES: &[Family] = &[
    Family {
        name: "process_resident_memory_bytes",
        kind: "gauge",
        labels: &[],
        help: "Memory of this process that is in RAM.",
    },
    Family {
        name: "process_cpu_seconds_total",
        kind: "counter",
        labels: &[],
        help: "Seconds of processor time used, by the program and by the kernel for it.",
    },
    Family {
        name: "process_start_time_seconds",
        kind: "gauge",
        labels: &[],
        help: "When this process was started, in seconds since 1970.",
    },
    Family {
        name: "process_open_fds",
        kind: "gauge",
        labels: &[],
        help: "File descriptors that are open.",
    },
];

pub(super) fn render() -> String {
    let read = |path| fs::read_to_string(path).unwrap_or_default();
    let stat = read("/proc/self/stat");
    let values = [
        resident_bytes(&read("/proc/self/status")),
        cpu_seconds(&stat),
        start_seconds(&stat, &read("/proc/stat")),
        // One of them is open for this very reading.
        fs::read_dir("/proc/self/fd")
            .ok()
            .map(|entries| float(entries.count() as u64) - 1.0),
    ];
    let line = |(family, value): (&Family, Option<f64>)| {
        let Family {
            name, kind, help, ..
        } = family;
        let value = value?;
        Some(format!(
            "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}\n\n"
        ))
    };
    FAMILIES.iter().zip(values).filter_map(line).collect()
}

/// From `/proc/self/status`.
fn resident_bytes(status: &str) -> Option<f64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(float(kilobytes * 1_024))
}

/// User and system time, from `/proc/self/stat`.
fn cpu_seconds(stat: &str) -> Option<f64> {
    Some((field(stat, 14)? + field(stat, 15)?) / TICKS_PER_SECOND)
}

/// From `/proc/self/stat` (since the machine started) and `/proc/stat` (when that was).
fn start_seconds(stat: &str, machine: &str) -> Option<f64> {
    let line = machine
        .lines()
        .find_map(|line| line.strip_prefix("btime "))?;
    let started: u64 = line.trim().parse().ok()?;
    Some(float(started) + field(stat, 22)? / TICKS_PER_SECOND)
}

/// A field of `/proc/self/stat` by its number in the manual. The second one, the program's name in parentheses, may
/// hold spaces and parentheses, so we count from its end.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let text = rest.split_whitespace().nth(number - 3)?;
    text.parse().ok().map(float)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "exact up to 2^53, and metrics are floats"
)]
fn float(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194560 1 0 0 0 250 150 0 0 20 0 9 0 12345 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(4.0));
        assert_eq!(start_seconds(stat, "cpu 1 2\nbtime 1000\n"), Some(1_123.45));
    }

    #[test]
    fn memory_is_in_bytes() {
        let status = "Name:\tx\nVmRSS:\t   12040 kB\nThreads:\t3\n";
        assert_eq!(resident_bytes(status), Some(12_328_960.0));
    }

    #[test]
    fn what_cannot_be_read_is_absent() {
        assert_eq!(resident_bytes(""), None);
        assert_eq!(cpu_seconds("7 (a) S"), None);
        assert_eq!(start_seconds("", ""), None);
    }
}
