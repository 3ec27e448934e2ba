//! What the running process has used, from the kernel's accounts under `/proc`.

/// Greatest resident memory of the process so far, in KiB; `None` where the system does not tell.
pub fn peak_rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?.split_whitespace().next()?.parse().ok()
}

/// Resident memory of the process now, in KiB; `None` where the system does not tell.
pub fn rss_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?.split_whitespace().next()?.parse().ok()
}

/// CPU seconds of all threads so far, user and system, with a grain of 10 ms; `None` where the system does not tell.
pub fn cpu_seconds() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    // The command name is in parentheses and may hold spaces; fields 14 and 15 are ticks of 1/100 s.
    let mut fields = stat.rsplit(") ").next()?.split(' ').skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks as f64 / 100.0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells() {
        assert!(peak_rss_kib().is_some_and(|kib| kib > 500));
        let before = cpu_seconds().unwrap();
        let mut x = 1u64;
        while cpu_seconds().unwrap() < before + 0.02 {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
    }
}
