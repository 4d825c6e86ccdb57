//! Memory: what a job will take, and what it took.

use std::fs;

use ark_bn254::{Fr, G1Affine, G2Affine};

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

/// Sizes of a Groth16 circuit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows of the domain.
    pub domain: u64,
    /// Variables that are known before the challenge.
    pub variables: u64,
    /// Variables that are derived from it.
    pub derived: u64,
}

impl Sizes {
    fn points(self) -> (u64, u64) {
        (2 * (self.variables + self.derived) + self.variables + self.domain, self.variables)
    }

    /// Bytes of the points of `proving.key` beside its header: of each variable, and of each row.
    pub(crate) fn points_in_file(self, instance: u64) -> u64 {
        let (g1, g2) = self.points();
        64 * (g1 - instance - 1) + 128 * g2
    }

    /// Bytes of `proving.key`, but for a few hundred.
    pub fn proving_key_file(self) -> u64 {
        self.points_in_file(0)
    }

    fn key_in_memory(self) -> u64 {
        let (g1, g2) = self.points();
        size_of::<G1Affine>() as u64 * g1 + size_of::<G2Affine>() as u64 * g2
    }

    /// Estimated peak while proving: the key, the assignment, the quotient's vectors and the multi-scalar
    /// multiplications' copies of points and scalars. On two cores within a tenth of what was measured on models of
    /// 30,000 to 750,000 constraints, and above it on smaller ones.
    pub fn prove(self) -> u64 {
        self.prove_together(1)
    }

    /// Estimated peak while this many proofs are made at once: they share the key, and nothing else.
    pub fn prove_together(self, jobs: u64) -> u64 {
        let all = self.variables + self.derived;
        let proof = PROVE_VARIABLE_BYTES * all + PROVE_ROW_BYTES * self.domain;
        BASE.saturating_add(self.key_in_memory()).saturating_add(proof.saturating_mul(jobs))
    }

    /// Estimated seconds of a proof on `threads` cores.
    pub fn prove_seconds(self, threads: usize) -> f64 {
        let work = PROVE_ROW * self.domain as f64
            + PROVE_VARIABLE * self.variables as f64
            + PROVE_DERIVED * self.derived as f64;
        work / threads.max(1) as f64
    }

    /// Estimated seconds of a setup on `threads` cores.
    pub fn setup_seconds(self, threads: usize) -> f64 {
        SETUP_VARIABLE * (self.variables + self.derived) as f64 / threads.max(1) as f64
    }

    /// Estimated peak during setup: the key, and its scalars. Measured like [`Sizes::prove`].
    pub fn setup(self) -> u64 {
        let fr = size_of::<Fr>() as u64;
        BASE + self.key_in_memory() + fr * (3 * (self.variables + self.derived) + 2 * self.domain)
    }
}

/// Core-seconds of a row of the domain while proving: the quotient's FFTs and one full-width multiplication.
const PROVE_ROW: f64 = 9e-6;
/// Core-seconds of a variable while proving: four multiplications by mostly small scalars, one of them in G2.
const PROVE_VARIABLE: f64 = 4e-6;
/// Core-seconds of a derived variable while proving: two multiplications by full-width scalars.
const PROVE_DERIVED: f64 = 11e-6;
/// Core-seconds of a variable during setup: its points.
const SETUP_VARIABLE: f64 = 8e-5;
/// The program itself, the model and small tables.
const BASE: u64 = 24 << 20;
/// Bytes of a variable while proving, besides its points: measured.
const PROVE_VARIABLE_BYTES: u64 = 260;
/// Bytes of a row of the domain while proving, besides its point: measured.
const PROVE_ROW_BYTES: u64 = 440;
