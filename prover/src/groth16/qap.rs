//! The libsnark reduction from R1CS to a quadratic arithmetic program, on streamed constraints.
//!
//! Row `i` of the constraints is the point `ω^i` of a [`Domain`]. After them, each public input (the constant
//! one and a challenge too) has a row of its own in A: so no two columns are proportional, and no IC point is the identity.
//!
//! Columns stand in this order: the constant one and the public inputs (the *instance*), the witnesses known before the
//! challenge, the witnesses derived from it.

use ark_bn254::Fr;
use ark_ff::{FftField as _, Field as _, One as _, Zero as _, batch_inversion};
use avouch_circuits::r1cs::{Cost, DERIVED, Lc, PUBLIC_INPUTS, Place, Sink};
use rayon::prelude::*;
use zeroize::Zeroize as _;

use super::domain::Domain;

/// The constant one and the public inputs.
pub(crate) fn instance(cost: &Cost) -> usize {
    cost.public_inputs + 1
}

/// The domain of a circuit; `None` above 2^28 rows or so. Plain Groth16 keeps to powers of two, as its other provers do.
pub(crate) fn domain(cost: &Cost) -> Option<Domain> {
    let radices: &[usize] = if cost.challenge().is_some() { &[1, 3, 9] } else { &[1] };
    Domain::new(cost.constraints + instance(cost), radices)
}

/// Columns of the program at a secret point: `a[j] = A_j(τ)`, likewise b and c.
pub(super) struct Columns {
    pub(super) a: Vec<Fr>,
    pub(super) b: Vec<Fr>,
    pub(super) c: Vec<Fr>,
    lagrange: Vec<Fr>,
    /// Where the derived witnesses begin.
    derived: usize,
    row: usize,
}

impl Columns {
    /// `lagrange[i] = L_i(τ)` for every row.
    pub(super) fn new(lagrange: Vec<Fr>, cost: &Cost) -> Self {
        let all = cost.variables + cost.derived;
        let (instance, rows) = (instance(cost), cost.constraints);
        let mut a = vec![Fr::zero(); all];
        a[..instance].copy_from_slice(&lagrange[rows..rows + instance]);
        Self { a, b: vec![Fr::zero(); all], c: vec![Fr::zero(); all], lagrange, derived: cost.variables, row: 0 }
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
                let index = match variable & DERIVED {
                    0 => variable as usize,
                    _ => self.derived + (variable & !DERIVED) as usize,
                };
                column[index] += if coefficient.is_one() { weight } else { weight * coefficient };
            }
        }
    }
}

/// The witness side: the assignment, and `A·z`, `B·z` row by row. Until the challenge is known, derived witnesses and the
/// challenge count as zero.
pub(super) struct Assignment {
    /// Constant one, public inputs, witnesses known before the challenge.
    pub(super) z: Vec<Fr>,
    /// The derived witnesses, once the challenge is known.
    pub(super) derived: Vec<Fr>,
    pub(super) a: Vec<Fr>,
    pub(super) b: Vec<Fr>,
    /// Row and numerator of each derived witness.
    definitions: Vec<(u32, Fr)>,
}

impl Assignment {
    pub(super) fn new(public: &[Fr; PUBLIC_INPUTS], cost: &Cost) -> Self {
        let mut z = Vec::with_capacity(cost.variables);
        z.push(Fr::one());
        z.extend_from_slice(public);
        // The challenge's place.
        z.resize(instance(cost), Fr::zero());
        let rows = cost.constraints;
        Self {
            z,
            derived: Vec::new(),
            a: Vec::with_capacity(rows),
            b: Vec::with_capacity(rows),
            definitions: Vec::with_capacity(cost.derived),
        }
    }

    /// Puts the challenge in its place, the last public input, and computes all derived witnesses. False if one has the
    /// denominator zero: then another challenge is needed, and nothing has changed.
    pub(super) fn derive(&mut self, challenge: Fr) -> bool {
        let b = &self.b;
        let mut inverses: Vec<Fr> = self.definitions.par_iter().map(|&(row, _)| b[row as usize] + challenge).collect();
        if inverses.par_iter().any(Fr::is_zero) {
            return false;
        }
        let mut denominators = inverses.clone();
        batch_inversion(&mut inverses);
        inverses.par_iter_mut().zip(&self.definitions).for_each(|(value, (_, numerator))| *value *= numerator);
        for ((&(row, _), &value), &denominator) in self.definitions.iter().zip(&inverses).zip(&denominators) {
            self.a[row as usize] = value;
            self.b[row as usize] = denominator;
        }
        denominators.zeroize();
        self.derived = inverses;
        if let Some(last) = self.z.get_mut(PUBLIC_INPUTS + 1) {
            *last = challenge;
        }
        true
    }
}

impl Drop for Assignment {
    fn drop(&mut self) {
        for values in [&mut self.z, &mut self.derived, &mut self.a, &mut self.b] {
            values.zeroize();
        }
        self.definitions.iter_mut().for_each(|d| d.1.zeroize());
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

    fn derived(&mut self, numerator: Fr, _denominator: Fr) -> Fr {
        // Its definition is the next row.
        self.definitions.push((self.a.len() as u32, numerator));
        Fr::zero()
    }
}

/// Coefficients of the quotient `(A·B − C) / Z` for an assignment that satisfies the constraints.
///
/// `C·z` is not needed: it equals the product of the other two, on the rows of the instance too (both are zero). And its
/// interpolation C need not be evaluated elsewhere: with `Z = x^n − 1`, the interpolation of A·B over a coset by g is
/// `C + (g^n − 1)·h`, both of degree below n.
pub(super) fn quotient(domain: &Domain, mut a: Vec<Fr>, mut b: Vec<Fr>, instance: &[Fr]) -> Vec<Fr> {
    a.extend_from_slice(instance);
    a.resize(domain.size(), Fr::zero());
    b.resize(domain.size(), Fr::zero());
    let mut c: Vec<Fr> = a.par_iter().zip(&b).map(|(a, b)| *a * b).collect();
    let shifted = |evaluations: &mut Vec<Fr>| {
        domain.interpolate(evaluations, Fr::one());
        domain.evaluate(evaluations, Fr::GENERATOR);
    };
    rayon::join(|| rayon::join(|| shifted(&mut a), || shifted(&mut b)), || domain.interpolate(&mut c, Fr::one()));
    a.par_iter_mut().zip(&b).for_each(|(a, b)| *a *= b);
    domain.interpolate(&mut a, Fr::GENERATOR);
    let factor = domain.vanishing(Fr::GENERATOR).inverse().unwrap_or_default();
    a.par_iter_mut().zip(&c).for_each(|(p, c)| *p = (*p - c) * factor);
    b.zeroize();
    c.zeroize();
    // Its degree is at most n − 2.
    a.truncate(domain.size() - 1);
    a
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lc(value: Fr) -> Lc {
        let mut lc = Lc::default();
        lc.value = value;
        lc
    }

    /// The definitions of `numerator / (χ − query)`, as the gadgets stream them, between two other rows.
    fn assignment(definitions: &[(u64, u64)]) -> Assignment {
        let cost = Cost {
            constraints: definitions.len() + 2,
            public_inputs: PUBLIC_INPUTS + 1,
            variables: PUBLIC_INPUTS + 3,
            derived: definitions.len(),
            relations: Vec::new(),
        };
        let mut assignment = Assignment::new(&[Fr::from(9u64); PUBLIC_INPUTS], &cost);
        let place = Place { relation: 0, element: 0, name: "test" };
        assignment.witness(Fr::from(8u64));
        assignment.constraint(place, &lc(Fr::from(2u64)), &lc(Fr::from(3u64)), &lc(Fr::from(6u64)));
        for &(query, numerator) in definitions {
            let (numerator, denominator) = (Fr::from(numerator), -Fr::from(query));
            let value = assignment.derived(numerator, denominator);
            assignment.constraint(place, &lc(value), &lc(denominator), &lc(numerator));
        }
        assignment.constraint(place, &lc(Fr::from(5u64)), &lc(Fr::one()), &lc(Fr::from(5u64)));
        assignment
    }

    fn state(a: &Assignment) -> [Vec<Fr>; 4] {
        [&a.z, &a.derived, &a.a, &a.b].map(Vec::clone)
    }

    /// Two equal queries, and rows of which one has the multiplicity zero.
    const DEFINITIONS: [(u64, u64); 5] = [(7, 1), (7, 1), (100, 1), (7, 2), (20, 0)];

    #[test]
    fn a_challenge_that_is_a_query_or_a_row_changes_nothing() {
        let mut assignment = assignment(&DEFINITIONS);
        let before = state(&assignment);
        for pole in [7u64, 100, 20] {
            assert!(!assignment.derive(Fr::from(pole)));
            assert_eq!(state(&assignment), before);
        }
        // And the next is taken.
        assert!(assignment.derive(Fr::from(1000u64)));
        assert_ne!(state(&assignment), before);
    }

    #[test]
    fn derived_witnesses_and_their_rows_satisfy_their_definitions() {
        for challenge in [Fr::from(1000u64), -Fr::one(), Fr::zero()] {
            let mut assignment = assignment(&DEFINITIONS);
            assert!(assignment.derive(challenge));
            assert_eq!(assignment.z[PUBLIC_INPUTS + 1], challenge);
            assert_eq!(assignment.z[PUBLIC_INPUTS + 2], Fr::from(8u64));
            for (i, &(query, numerator)) in DEFINITIONS.iter().enumerate() {
                assert_eq!(assignment.a[1 + i], assignment.derived[i]);
                assert_eq!(assignment.b[1 + i], challenge - Fr::from(query));
                assert_eq!(assignment.a[1 + i] * assignment.b[1 + i], Fr::from(numerator));
            }
            let (last, other) = (assignment.a.len() - 1, [Fr::from(2u64), Fr::from(3u64)]);
            assert_eq!([assignment.a[0], assignment.b[0]], other);
            assert_eq!([assignment.a[last], assignment.b[last]], [Fr::from(5u64), Fr::one()]);
        }
    }
}
