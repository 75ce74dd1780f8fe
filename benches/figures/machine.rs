//! What it was measured on.

use std::fs;

use ld_dynamodb_relay::clock;

/// The machine, and how busy it is now.
pub(crate) fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let of = |text: &str, name: &str| {
        let line = text.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':'))
            .map(|(_, value)| value.trim().to_owned())
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let model =
        of(&read("/proc/cpuinfo"), "model name").unwrap_or_else(|| std::env::consts::ARCH.into());
    let kib: u64 = of(&read("/proc/meminfo"), "MemTotal")
        .and_then(|value| value.strip_suffix(" kB")?.parse().ok())
        .unwrap_or_default();
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    let date = httpdate::fmt_http_date(clock::now().wall);
    format!(
        "on {date}: {cores} cores of {model}, {} GB, Linux {}; load {} before it began.",
        kib >> 20,
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown")
    )
}
