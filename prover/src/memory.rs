//! Memory: what a job will take, and what it took.

use std::fs;

/// Largest resident memory of this process so far, in bytes, where the system tells (Linux).
pub fn peak() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// Memory that new work can have without pushing other work out, in bytes, where the system tells (Linux).
pub fn available() -> Option<u64> {
    let info = fs::read_to_string("/proc/meminfo").ok()?;
    let line = info.lines().find_map(|l| l.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// What the jobs of a circuit will take: estimates for this kind of machine.
pub trait Estimate {
    /// Bytes of `proving.key`, but for a few hundred; none if the system has no such file.
    fn proving_key_file(&self) -> Option<u64>;
    /// Peak of a setup, in bytes.
    fn setup(&self) -> u64;
    /// Peak while this many proofs are made at once, in bytes: they share the key, and nothing else.
    fn prove_together(&self, jobs: u64) -> u64;
    /// Seconds of a setup on `threads` cores.
    fn setup_seconds(&self, threads: usize) -> f64;
    /// Seconds of a proof on `threads` cores.
    fn prove_seconds(&self, threads: usize) -> f64;

    /// Peak of one proof, in bytes.
    fn prove(&self) -> u64 {
        self.prove_together(1)
    }
}

/// The program itself, the model and small tables, in bytes.
pub(crate) const BASE: u64 = 24 << 20;
