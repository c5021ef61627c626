//! What the kernel tells about a process: processor time, memory, reads.

use anyhow::Context;
use std::path::Path;

/// Processor seconds of all threads, those that have ended too.
pub(crate) fn cpu_seconds(pid: u32) -> anyhow::Result<f64> {
    let text = read(pid, "stat")?;
    ticks(&text).with_context(|| format!("/proc/{pid}/stat: {text}"))
}

/// Processor seconds of the threads whose name fits.
pub(crate) fn cpu_seconds_of(pid: u32, fits: impl Fn(&str) -> bool) -> anyhow::Result<f64> {
    let mut sum = 0.0;
    for entry in std::fs::read_dir(format!("/proc/{pid}/task"))? {
        let path = entry?.path();
        // A thread may end between being listed and being read.
        let Ok(name) = std::fs::read_to_string(path.join("comm")) else { continue };
        if fits(name.trim()) {
            sum += nanoseconds(&path).unwrap_or(0) as f64 / 1e9;
        }
    }
    Ok(sum)
}

/// Resident memory in MiB: now, and the most there has been.
pub(crate) fn resident(pid: u32) -> anyhow::Result<(f64, f64)> {
    let text = read(pid, "status")?;
    let field = |name: &str| -> Option<f64> {
        let line = text.lines().find_map(|line| line.strip_prefix(name))?;
        line.trim().trim_end_matches(" kB").parse().ok()
    };
    let (now, most) = field("VmRSS:").zip(field("VmHWM:")).context("no VmRSS or VmHWM")?;
    Ok((now / 1024.0, most / 1024.0))
}

/// Read calls on files and the bytes they brought; sockets are read by other calls.
pub(crate) fn reads(pid: u32) -> anyhow::Result<(u64, u64)> {
    let text = read(pid, "io")?;
    let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse().ok());
    field("syscr:").zip(field("rchar:")).context("no syscr or rchar")
}

fn read(pid: u32, file: &str) -> anyhow::Result<String> {
    let path = format!("/proc/{pid}/{file}");
    std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}; has the server ended?"))
}

/// `utime` and `stime`, counted behind the name, which may hold blanks.
fn ticks(stat: &str) -> Option<f64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

fn nanoseconds(thread: &Path) -> Option<u64> {
    let text = std::fs::read_to_string(thread.join("schedstat")).ok()?;
    text.split_whitespace().next()?.parse().ok()
}

/// `USER_HZ`: 100 on every Linux.
const TICKS_PER_SECOND: f64 = 100.0;
