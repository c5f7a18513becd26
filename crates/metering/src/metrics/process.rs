//! What the system says of this process: memory, processor time, descriptors, threads.
//!
//! Read from `/proc`; on systems without it these metrics are absent.

use std::{fs, time::SystemTime};

use prometheus::{Counter, Gauge, Opts, Registry};

/// `/proc` counts time in hundredths of a second on every Linux (`USER_HZ`, proc(5)).
const TICKS_PER_SECOND: f64 = 100.0;
/// Of every machine this is built for by default.
const PAGE_BYTES: f64 = 4096.0;

pub(super) struct Process {
    cpu_seconds: Counter,
    resident_bytes: Gauge,
    virtual_bytes: Gauge,
    threads: Gauge,
    open_fds: Gauge,
    max_fds: Gauge,
}

/// Out of `/proc/self/stat`.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Stat {
    cpu_seconds: f64,
    threads: f64,
    virtual_bytes: f64,
    resident_bytes: f64,
}

impl Process {
    pub(super) fn register(registry: &Registry) -> prometheus::Result<Self> {
        let gauge = |name: &str, help: &str| {
            let gauge = Gauge::new(name, help)?;
            registry.register(Box::new(gauge.clone()))?;
            Ok::<_, prometheus::Error>(gauge)
        };
        let cpu_seconds = Counter::with_opts(Opts::new(
            "process_cpu_seconds_total",
            "Processor time of this process, in user and system mode",
        ))?;
        registry.register(Box::new(cpu_seconds.clone()))?;
        let started = gauge("process_start_time_seconds", "When this process began, in seconds since 1970")?;
        let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        started.set(since_1970.as_secs_f64());
        Ok(Self {
            cpu_seconds,
            resident_bytes: gauge("process_resident_memory_bytes", "Memory of this process that is present")?,
            virtual_bytes: gauge("process_virtual_memory_bytes", "Address space of this process")?,
            threads: gauge("process_threads", "Threads of this process")?,
            open_fds: gauge("process_open_fds", "Open file descriptors")?,
            max_fds: gauge("process_max_fds", "The most file descriptors that may be open")?,
        })
    }

    /// Reads small files that are no disk's.
    pub(super) fn read(&self) {
        if let Some(stat) = fs::read_to_string("/proc/self/stat").ok().as_deref().and_then(parse_stat) {
            self.cpu_seconds.inc_by((stat.cpu_seconds - self.cpu_seconds.get()).max(0.0));
            self.threads.set(stat.threads);
            self.virtual_bytes.set(stat.virtual_bytes);
            self.resident_bytes.set(stat.resident_bytes);
        }
        if let Ok(entries) = fs::read_dir("/proc/self/fd") {
            // One of them is the folder that is being read.
            self.open_fds.set(entries.count().saturating_sub(1) as f64);
        }
        if let Some(most) = fs::read_to_string("/proc/self/limits").ok().as_deref().and_then(parse_max_fds) {
            self.max_fds.set(most);
        }
    }
}

/// proc(5): the second field is the name in brackets, which may hold anything; `utime` and `stime` are fields 14 and
/// 15, `num_threads` 20, `vsize` 23 in bytes, `rss` 24 in pages.
fn parse_stat(text: &str) -> Option<Stat> {
    let (_, rest) = text.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    let field = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some(Stat {
        cpu_seconds: (field(14)? + field(15)?) / TICKS_PER_SECOND,
        threads: field(20)?,
        virtual_bytes: field(23)?,
        resident_bytes: field(24)? * PAGE_BYTES,
    })
}

/// The soft limit.
fn parse_max_fds(text: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_hold_brackets_and_blanks() {
        let text = "4242 (so) ri (x) S 1 4242 4242 0 -1 4194304 900 0 3 0 250 50 0 0 20 0 7 0 123456 2147483648 5000 \
                    18446744073709551615 1 1 0 0 0 0 0";
        let expected = Stat {
            cpu_seconds: 3.0,
            threads: 7.0,
            virtual_bytes: 2_147_483_648.0,
            resident_bytes: 20_480_000.0,
        };
        assert_eq!(parse_stat(text), Some(expected));
        for broken in [
            "",
            "4242 (sori",
            "4242 (sori) S 1 2",
            "4242 (sori) S 1 1 1 0 -1 1 1 0 3 0 x 50 0 0 20 0 7 0 1 2 3",
        ] {
            assert_eq!(parse_stat(broken), None, "{broken}");
        }
    }

    #[test]
    fn the_soft_limit_of_descriptors_counts() {
        let text = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 524288               files\n";
        assert_eq!(parse_max_fds(text), Some(1024.0));
        assert_eq!(parse_max_fds("Max open files unlimited unlimited files"), None);
    }
}
