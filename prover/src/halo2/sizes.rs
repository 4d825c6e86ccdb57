//! What jobs of a halo2 circuit take.

use avouch_circuits::plonkish::Cost;

use crate::memory::{BASE, Estimate};

/// Numbers of rows and columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sizes {
    /// Rows: a power of two.
    pub rows: u64,
    /// Advice columns.
    pub advice: u64,
    /// Fixed columns.
    pub fixed: u64,
    /// Columns that copies join.
    pub permuted: u64,
    /// Lookup arguments.
    pub lookups: u64,
    /// Largest degree of a constraint.
    pub degree: u64,
}

impl Sizes {
    /// Those of a circuit of this cost.
    pub fn of(cost: &Cost) -> Self {
        Self {
            rows: 1 << cost.layout.k(),
            advice: cost.advice.into(),
            fixed: cost.fixed.into(),
            permuted: cost.permuted.into(),
            lookups: cost.lookups.into(),
            degree: cost.degree.into(),
        }
    }

    /// Rows of the domain in which the quotient is computed, for each row.
    fn extension(&self) -> u64 {
        self.degree.saturating_sub(1).next_power_of_two()
    }

    /// Products of the permutation argument, each over as many columns as the degree allows.
    fn products(&self) -> u64 {
        self.permuted.div_ceil(self.degree.saturating_sub(2).max(1))
    }

    fn bytes(&self, elements_per_row: u64) -> u64 {
        ELEMENT.saturating_mul(elements_per_row).saturating_mul(self.rows)
    }

    /// Both bases of the parameters: two coordinates a point.
    fn parameters(&self) -> u64 {
        self.bytes(4)
    }

    /// Fixed columns and permutations as values, coefficients and in the extended domain, and three polynomials more.
    fn key(&self) -> u64 {
        self.bytes((2 + self.extension()) * (self.fixed + self.permuted) + 3 * self.extension())
    }

    /// What one proof has for itself when the quotient is evaluated: halo2's prover copies every column it has, those
    /// of the key too, into its evaluators.
    fn proof(&self) -> u64 {
        let e = self.extension();
        let columns = self.advice + INSTANCE;
        let copies = self.fixed + e * (self.fixed + self.permuted + 3);
        let arguments = (1 + e) * (self.products() + 3 * self.lookups);
        self.bytes((3 + 2 * e) * columns + copies + arguments + 2 * e)
    }

    /// Columns that a proof transforms: advice, the products of the permutation, and three for each lookup.
    fn transformed(&self) -> u64 {
        self.advice + self.products() + 3 * self.lookups
    }
}

impl Estimate for Sizes {
    fn proving_key_file(&self) -> Option<u64> {
        None
    }

    /// The parameters and the circuit's cells, as values and as fractions.
    fn setup(&self) -> u64 {
        BASE + self.parameters() + self.bytes(SETUP_COLUMN * (self.fixed + self.permuted) + self.advice)
    }

    fn prove_together(&self, jobs: u64) -> u64 {
        let columns = (self.parameters() + self.key()).saturating_add(self.proof().saturating_mul(jobs));
        BASE.saturating_add(columns).saturating_add(columns / SCRATCH)
    }

    fn setup_seconds(&self, threads: usize) -> f64 {
        let levels = f64::from(self.rows.max(2).ilog2());
        SETUP_POINT * levels * self.rows as f64 / threads.max(1) as f64
    }

    fn prove_seconds(&self, threads: usize) -> f64 {
        let columns = self.transformed() as f64 + PROVE_FIXED * (self.fixed + self.permuted) as f64;
        (PROVE_ROW + PROVE_CELL * columns) * self.rows as f64 / threads.max(1) as f64
    }
}

/// Bytes of a field element.
const ELEMENT: u64 = 32;
/// Instance columns.
const INSTANCE: u64 = 1;
/// One part in so many more than columns take: buffers of the evaluation and of the sums of points. Measured on models
/// of 2^11 to 2^14 rows, where the whole is within 1 % of what was measured but for [`BASE`], most of which is not used.
const SCRATCH: u64 = 12;
/// Elements for each cell of a column during setup: values, and fractions before that.
const SETUP_COLUMN: u64 = 4;
/// Core-seconds of a point of the parameters for each level of the transform that makes the second base of the first,
/// which is nearly all that a setup does. Measured like [`SCRATCH`].
const SETUP_POINT: f64 = 1e-4;
/// Core-seconds of a row while proving, whatever the columns: the opening.
const PROVE_ROW: f64 = 3.4e-4;
/// Core-seconds of a cell while proving: its commitment and its transforms.
const PROVE_CELL: f64 = 5e-6;
/// Share of that for a column that is already transformed in the key.
const PROVE_FIXED: f64 = 0.2;
