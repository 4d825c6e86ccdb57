//! What jobs of a Groth16 circuit take.

use ark_bn254::{Fr, G1Affine, G2Affine};
use avouch_circuits::r1cs::Cost;

use super::{prove::CreateError, qap};
use crate::memory::{BASE, Estimate};

/// Sizes of a circuit of this cost, for key files and memory estimates.
pub fn sizes(cost: &Cost) -> Result<Sizes, CreateError> {
    let rows = cost.constraints;
    let domain = qap::domain(cost).ok_or(CreateError::Shape { what: "rows", key: 1 << 28, circuit: rows })?;
    Ok(Sizes { domain: domain.size() as u64, variables: cost.variables as u64, derived: cost.derived as u64 })
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

    fn key_in_memory(self) -> u64 {
        let (g1, g2) = self.points();
        size_of::<G1Affine>() as u64 * g1 + size_of::<G2Affine>() as u64 * g2
    }
}

impl Estimate for Sizes {
    fn proving_key_file(&self) -> Option<u64> {
        Some(self.points_in_file(0))
    }

    /// The key, and its scalars. Measured like [`Estimate::prove_together`].
    fn setup(&self) -> u64 {
        let fr = size_of::<Fr>() as u64;
        BASE + self.key_in_memory() + fr * (3 * (self.variables + self.derived) + 2 * self.domain)
    }

    /// The key, the assignment, the quotient's vectors and the multi-scalar multiplications' copies of points and
    /// scalars. On two cores within a tenth of what was measured on models of 30,000 to 750,000 constraints, and above
    /// it on smaller ones.
    fn prove_together(&self, jobs: u64) -> u64 {
        let all = self.variables + self.derived;
        let proof = PROVE_VARIABLE_BYTES * all + PROVE_ROW_BYTES * self.domain;
        BASE.saturating_add(self.key_in_memory()).saturating_add(proof.saturating_mul(jobs))
    }

    fn setup_seconds(&self, threads: usize) -> f64 {
        SETUP_VARIABLE * (self.variables + self.derived) as f64 / threads.max(1) as f64
    }

    fn prove_seconds(&self, threads: usize) -> f64 {
        let work = PROVE_ROW * self.domain as f64
            + PROVE_VARIABLE * self.variables as f64
            + PROVE_DERIVED * self.derived as f64;
        work / threads.max(1) as f64
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
/// Bytes of a variable while proving, besides its points: measured.
const PROVE_VARIABLE_BYTES: u64 = 260;
/// Bytes of a row of the domain while proving, besides its point: measured.
const PROVE_ROW_BYTES: u64 = 440;
