//! The initial key of a circuit: what a Groth16 setup with δ = 1 gives, computed from phase 1 without any trapdoor.
//!
//! Every point is a combination of the Lagrange basis with a column of the constraint matrices as coefficients. In the
//! notation of [`Points`]: `A_j = Σ_i a_ij·[L_i]`, `B_j` likewise in both groups,
//! `K_j = Σ_i a_ij·[β·L_i] + b_ij·[α·L_i] + c_ij·[L_i]`, and `H_i = [τ^(i+n)] − [τ^i]`.

use std::collections::HashMap;

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{
    AffineRepr as _, CurveGroup as _,
    scalar_mul::glv::GLVConfig,
    short_weierstrass::{Affine, Projective},
};
use ark_ff::{BigInt, One as _, PrimeField as _, Zero as _};
use avouch_circuits::r1cs::{Closure, Cost, DERIVED, Lc, PUBLIC_INPUTS, Place, Sink, Synthesizer};
use rayon::prelude::*;

use super::{
    CeremonyError,
    multiply::short_sum,
    phase1::{Lagrange, Phase1},
};
use crate::{
    groth16::{Points, instance, msm},
    progress::{self, Cancelled, Progress},
    setup::SetupError,
};

/// Columns computed between two looks at [`Progress::is_cancelled`].
const CHUNK: usize = 1 << 12;
/// Terms from which on buckets are cheaper.
const LONG: usize = 24;

/// A nonzero of a matrix: 12 bytes, of millions.
#[derive(Clone, Copy)]
struct Entry {
    column: u32,
    row: u32,
    /// Place in [`Entries::coefficients`].
    coefficient: u32,
}

/// The matrices A, B and C by columns, in the order of the key: instance, witnesses, derived witnesses.
struct Entries {
    matrices: [Vec<Entry>; 3],
    /// Distinct ones.
    coefficients: Vec<BigInt<4>>,
    places: HashMap<Fr, u32>,
    /// Where the derived witnesses begin.
    derived: u32,
    row: u32,
}

impl Entries {
    fn new(cost: &Cost) -> Self {
        let mut this = Self {
            matrices: [const { Vec::new() }; 3],
            coefficients: Vec::new(),
            places: HashMap::new(),
            derived: cost.variables as u32,
            row: 0,
        };
        // The rows of the instance, which stand after all others.
        let one = this.place(Fr::one());
        let rows =
            (0..instance(cost) as u32).map(|j| Entry { column: j, row: cost.constraints as u32 + j, coefficient: one });
        this.matrices[0].extend(rows);
        this
    }

    fn place(&mut self, coefficient: Fr) -> u32 {
        let coefficients = &mut self.coefficients;
        *self.places.entry(coefficient).or_insert_with(|| {
            coefficients.push(coefficient.into_bigint());
            coefficients.len() as u32 - 1
        })
    }

    fn sort(&mut self) {
        self.places = HashMap::new();
        for matrix in &mut self.matrices {
            matrix.par_sort_unstable_by_key(|e| (e.column, e.row));
        }
    }

    /// Puts a column of a matrix, times a basis, behind other terms.
    fn append<C: GLVConfig>(&self, matrix: usize, column: usize, basis: &[Affine<C>], terms: &mut Terms<C>) {
        let entries = &self.matrices[matrix];
        let start = entries.partition_point(|e| (e.column as usize) < column);
        let column = entries[start..].iter().take_while(|e| e.column as usize == column);
        terms.extend(column.map(|e| (basis[e.row as usize], self.coefficients[e.coefficient as usize])));
    }
}

impl Sink for Entries {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        value
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, c: &Lc) {
        for (matrix, lc) in [a, b, c].into_iter().enumerate() {
            for &(variable, coefficient) in &lc.terms {
                if coefficient.is_zero() {
                    continue;
                }
                let column = if variable & DERIVED == 0 { variable } else { self.derived + (variable & !DERIVED) };
                let entry = Entry { column, row: self.row, coefficient: self.place(coefficient) };
                self.matrices[matrix].push(entry);
            }
        }
        self.row += 1;
    }
}

type Terms<C> = Vec<(Affine<C>, BigInt<4>)>;

/// The points of the initial key; each δ is the generator.
pub(super) fn points(
    synthesizer: &Synthesizer<'_>,
    cost: &Cost,
    phases: usize,
    phase1: &Phase1,
    basis: &Lagrange,
    progress: &dyn Progress,
) -> Result<Points, CeremonyError> {
    progress.begin("collecting the constraints", cost.constraints as u64);
    let mut entries = Closure::new(Entries::new(cost), cost.challenge());
    synthesizer.synthesize(&[Fr::zero(); PUBLIC_INPUTS], None, &mut entries).map_err(SetupError::from)?;
    let mut entries = entries.finish().map_err(SetupError::from)?;
    progress.advance(cost.constraints as u64);
    progress::check(progress)?;
    entries.sort();

    let (first, all, instance) = (cost.variables, cost.variables + cost.derived, instance(cost));
    // A point of G2 costs about three of G1.
    progress.begin("computing the initial key", (2 * all + 4 * first) as u64);
    let a = columns(all, 1, progress, |j, terms| entries.append(0, j, &basis.tau_g1, terms))?;
    let b_g1 = columns(first, 1, progress, |j, terms| entries.append(1, j, &basis.tau_g1, terms))?;
    let b_g2 = columns(first, 3, progress, |j, terms| entries.append(1, j, &basis.tau_g2, terms))?;
    let mut ic = columns(all, 1, progress, |j, terms| {
        entries.append(0, j, &basis.beta_tau_g1, terms);
        entries.append(1, j, &basis.alpha_tau_g1, terms);
        entries.append(2, j, &basis.tau_g1, terms);
    })?;
    let l = ic.split_off(instance);
    let n = basis.tau_g1.len();
    let h: Vec<_> =
        phase1.tau_g1[n..].par_iter().zip(&phase1.tau_g1).map(|(high, low)| high.into_group() - low).collect();
    let missing = || CeremonyError::Phase1("it has no powers");
    Ok(Points {
        alpha_g1: *phase1.alpha_tau_g1.first().ok_or_else(missing)?,
        beta_g1: *phase1.beta_tau_g1.first().ok_or_else(missing)?,
        beta_g2: phase1.beta_g2,
        deltas_g1: vec![G1Affine::generator(); phases],
        deltas_g2: vec![G2Affine::generator(); phases],
        ic,
        a,
        b_g1,
        b_g2,
        l,
        h: G1Projective::normalize_batch(&h),
    })
}

/// The sum of the terms that each column has, in parallel; each counts `weight` steps.
fn columns<C: GLVConfig<ScalarField = Fr>>(
    count: usize,
    weight: u64,
    progress: &dyn Progress,
    append: impl Fn(usize, &mut Terms<C>) + Sync,
) -> Result<Vec<Affine<C>>, Cancelled> {
    let mut points = Vec::with_capacity(count);
    for start in (0..count).step_by(CHUNK) {
        progress::check(progress)?;
        let chunk = start..count.min(start + CHUNK);
        let steps = weight * chunk.len() as u64;
        let sums: Vec<Projective<C>> = chunk
            .into_par_iter()
            .map_init(Vec::new, |terms, column| {
                terms.clear();
                append(column, terms);
                if terms.len() < LONG {
                    return short_sum(terms);
                }
                let (bases, scalars): (Vec<_>, Vec<_>) = terms.iter().copied().unzip();
                msm(&[(&bases, &scalars)])
            })
            .collect();
        points.extend(Projective::normalize_batch(&sums));
        progress.advance(steps);
    }
    Ok(points)
}
