//! The libsnark reduction from R1CS to a quadratic arithmetic program, on streamed constraints.
//!
//! Row `i` of the constraints is the point `ω^i` of a power-of-two domain. After them, each public input (and the
//! constant one) has a row of its own in A: so no two columns are proportional, and no IC point is the identity.

use ark_bn254::Fr;
use ark_ff::{FftField as _, Field as _, One as _, Zero as _};
use ark_poly::{EvaluationDomain as _, Radix2EvaluationDomain};
use avouch_circuits::r1cs::{Lc, PUBLIC_INPUTS, Place, Sink};
use rayon::prelude::*;

/// The constant one and the public inputs.
pub(super) const INSTANCE: usize = PUBLIC_INPUTS + 1;

pub(super) type Domain = Radix2EvaluationDomain<Fr>;

/// The domain of a number of constraints; `None` above 2^28 rows.
pub(super) fn domain(constraints: usize) -> Option<Domain> {
    Domain::new(constraints + INSTANCE)
}

/// Columns of the program at a secret point: `a[j] = A_j(τ)`, likewise b and c.
pub(super) struct Columns {
    pub(super) a: Vec<Fr>,
    pub(super) b: Vec<Fr>,
    pub(super) c: Vec<Fr>,
    lagrange: Vec<Fr>,
    row: usize,
}

impl Columns {
    /// `lagrange[i] = L_i(τ)` for every row.
    pub(super) fn new(lagrange: Vec<Fr>, variables: usize, constraints: usize) -> Self {
        let mut a = vec![Fr::zero(); variables];
        a[..INSTANCE].copy_from_slice(&lagrange[constraints..constraints + INSTANCE]);
        Self { a, b: vec![Fr::zero(); variables], c: vec![Fr::zero(); variables], lagrange, row: 0 }
    }
}

impl Sink for Columns {
    const TERMS: bool = true;

    fn witness(&mut self, value: Fr) -> Fr {
        value
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, c: &Lc) {
        let weight = self.lagrange[self.row];
        self.row += 1;
        for (column, lc) in [(&mut self.a, a), (&mut self.b, b), (&mut self.c, c)] {
            for &(variable, coefficient) in &lc.terms {
                column[variable as usize] += if coefficient.is_one() { weight } else { weight * coefficient };
            }
        }
    }
}

/// The witness side: the assignment, and `A·z`, `B·z` row by row.
pub(super) struct Assignment {
    /// Constant one, public inputs, witnesses.
    pub(super) z: Vec<Fr>,
    pub(super) a: Vec<Fr>,
    pub(super) b: Vec<Fr>,
}

impl Assignment {
    pub(super) fn new(public: &[Fr; PUBLIC_INPUTS], variables: usize, rows: usize) -> Self {
        let mut z = Vec::with_capacity(variables);
        z.push(Fr::one());
        z.extend_from_slice(public);
        Self { z, a: Vec::with_capacity(rows), b: Vec::with_capacity(rows) }
    }
}

impl Sink for Assignment {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        self.z.push(value);
        value
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, _c: &Lc) {
        self.a.push(a.value);
        self.b.push(b.value);
    }
}

/// Coefficients of the quotient `(A·B − C) / Z` for an assignment that satisfies the constraints.
///
/// `C·z` is not needed: it equals the product of the other two, on the rows of the public inputs too (both are zero).
pub(super) fn quotient(domain: Domain, mut a: Vec<Fr>, mut b: Vec<Fr>, public: &[Fr]) -> Option<Vec<Fr>> {
    a.extend_from_slice(public);
    a.resize(domain.size(), Fr::zero());
    b.resize(domain.size(), Fr::zero());
    let mut c: Vec<Fr> = a.par_iter().zip(&b).map(|(a, b)| *a * b).collect();
    let coset = domain.get_coset(Fr::GENERATOR)?;
    for evaluations in [&mut a, &mut b, &mut c] {
        domain.ifft_in_place(evaluations);
        coset.fft_in_place(evaluations);
    }
    let vanishing = domain.evaluate_vanishing_polynomial(Fr::GENERATOR).inverse()?;
    a.par_iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = (*a * b - c) * vanishing);
    coset.ifft_in_place(&mut a);
    // Its degree is at most n − 2.
    a.truncate(domain.size() - 1);
    Some(a)
}
