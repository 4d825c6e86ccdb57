//! Evaluation domains: subgroups of order `2^a`, and `3·2^a` or `9·2^a` where that leaves fewer rows unused.
//!
//! The scalar field of BN254 has subgroups of order `2^28` and `9`. A transform over `r·2^a` points is `r` transforms over
//! the `2^a` points of every r-th power, by arkworks and in parallel, and one pass that combines them (Cooley–Tukey):
//! `f(x) = Σ_j x^j·f_j(x^r)`.

use ark_bn254::Fr;
use ark_ff::{FftField as _, Field as _, One as _, Zero as _, batch_inversion};
use ark_poly::{EvaluationDomain as _, Radix2EvaluationDomain};
use rayon::prelude::*;

/// Elements that one task of a pass handles.
const CHUNK: usize = 1 << 12;

/// A subgroup of the scalar field, by a generator.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Domain {
    /// Its subgroup of order `2^a`.
    inner: Radix2EvaluationDomain<Fr>,
    /// 1, 3 or 9.
    radix: usize,
    generator: Fr,
}

impl Domain {
    /// The smallest domain of at least `rows` points whose odd part is one of `radices`.
    pub(crate) fn new(rows: usize, radices: &[usize]) -> Option<Self> {
        let with = |&radix: &usize| {
            let inner = Radix2EvaluationDomain::<Fr>::new(rows.div_ceil(radix))?;
            let generator = Fr::get_root_of_unity((inner.size() * radix) as u64)?;
            // The subgroup of the inner transforms has to be that of this generator's powers.
            let inner = Radix2EvaluationDomain { group_gen: generator.pow([radix as u64]), ..inner };
            let inner = Radix2EvaluationDomain { group_gen_inv: inner.group_gen.inverse()?, ..inner };
            Some(Self { inner, radix, generator })
        };
        radices.iter().filter_map(with).min_by_key(|d| d.size())
    }

    /// Number of points.
    pub(crate) fn size(&self) -> usize {
        self.inner.size() * self.radix
    }

    /// 1, 3 or 9: the odd part of the size.
    pub(crate) fn radix(&self) -> usize {
        self.radix
    }

    /// The powers of the inverse of the generator, as many as there are points.
    pub(crate) fn inverse_roots(&self) -> Vec<Fr> {
        self.powers(self.generator.inverse().unwrap_or_default(), Fr::one())
    }

    /// `τ^size − 1`.
    pub(super) fn vanishing(&self, tau: Fr) -> Fr {
        tau.pow([self.size() as u64]) - Fr::one()
    }

    /// The Lagrange polynomials of all points at a `τ` outside the domain.
    pub(crate) fn lagrange(&self, tau: Fr) -> Vec<Fr> {
        // L_i(τ) = ω^i·(τ^n − 1) / (n·(τ − ω^i)).
        let mut points = self.powers(self.generator, Fr::one());
        let mut inverses: Vec<Fr> = points.par_iter().map(|p| tau - p).collect();
        batch_inversion(&mut inverses);
        let factor = self.vanishing(tau) * Fr::from(self.size() as u64).inverse().unwrap_or_default();
        points.par_iter_mut().zip(inverses).for_each(|(p, inverse)| *p *= inverse * factor);
        points
    }

    /// `first·base^i` for every point `i`.
    fn powers(&self, base: Fr, first: Fr) -> Vec<Fr> {
        let mut powers = vec![Fr::zero(); self.size()];
        powers.par_chunks_mut(CHUNK).enumerate().for_each(|(i, chunk)| {
            let mut power = first * base.pow([(i * CHUNK) as u64]);
            for p in chunk {
                *p = power;
                power *= base;
            }
        });
        powers
    }

    /// Coefficients to evaluations on `shift` times the domain.
    pub(super) fn evaluate(&self, coefficients: &mut Vec<Fr>, shift: Fr) {
        coefficients.resize(self.size(), Fr::zero());
        if !shift.is_one() {
            let powers = self.powers(shift, Fr::one());
            coefficients.par_iter_mut().zip(powers).for_each(|(c, p)| *c *= p);
        }
        self.transform(coefficients, self.generator, |values| self.inner.fft_in_place(values));
    }

    /// Evaluations on `shift` times the domain to coefficients.
    pub(crate) fn interpolate(&self, evaluations: &mut Vec<Fr>, shift: Fr) {
        let inverse = |x: Fr| x.inverse().unwrap_or_default();
        // The inner transforms divide by their own size.
        self.transform(evaluations, inverse(self.generator), |values| self.inner.ifft_in_place(values));
        let scale = inverse(Fr::from(self.radix as u64));
        if self.radix == 1 && shift.is_one() {
            return;
        }
        let powers = self.powers(inverse(shift), scale);
        evaluations.par_iter_mut().zip(powers).for_each(|(c, p)| *c *= p);
    }

    /// `out[k] = Σ_i in[i]·root^(i·k)`, up to what `inner` scales by.
    fn transform(&self, values: &mut Vec<Fr>, root: Fr, inner: impl Fn(&mut Vec<Fr>) + Sync) {
        if self.radix == 1 {
            return inner(values);
        }
        let (radix, size) = (self.radix, self.inner.size());
        let parts: Vec<Vec<Fr>> = (0..radix)
            .into_par_iter()
            .map(|j| {
                let mut part: Vec<Fr> = values.iter().skip(j).step_by(radix).copied().collect();
                inner(&mut part);
                part
            })
            .collect();
        // Roots of unity of order `radix`.
        let step = root.pow([size as u64]);
        let units: Vec<Fr> = std::iter::successors(Some(Fr::one()), |u| Some(*u * step)).take(radix).collect();
        let mut rows: Vec<&mut [Fr]> = values.chunks_exact_mut(size).collect();
        // By columns of the same k modulo the inner size: out[k + size·l] = Σ_j root^(j·k)·units^(j·l)·part_j[k].
        let mut columns: Vec<Vec<&mut [Fr]>> = (0..size.div_ceil(CHUNK)).map(|_| Vec::with_capacity(radix)).collect();
        for row in &mut rows {
            for (column, chunk) in columns.iter_mut().zip(row.chunks_mut(CHUNK)) {
                column.push(chunk);
            }
        }
        columns.into_par_iter().enumerate().for_each(|(c, mut column)| {
            let mut twiddle = root.pow([(c * CHUNK) as u64]);
            for k in 0..column[0].len() {
                let mut terms = [Fr::zero(); 9];
                let mut power = Fr::one();
                for (term, part) in terms.iter_mut().zip(&parts) {
                    *term = power * part[c * CHUNK + k];
                    power *= twiddle;
                }
                for (l, out) in column.iter_mut().enumerate() {
                    out[k] = (0..radix).map(|j| terms[j] * units[j * l % radix]).sum();
                }
                twiddle *= root;
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(n: usize) -> Vec<Fr> {
        (0..n as u64).map(|i| Fr::from(i * i + 7 * i + 3).pow([5])).collect()
    }

    fn evaluate(coefficients: &[Fr], x: Fr) -> Fr {
        coefficients.iter().rev().fold(Fr::zero(), |acc, c| acc * x + c)
    }

    #[test]
    fn transforms_are_evaluation_and_interpolation() {
        for (rows, size) in [(1, 1), (2, 2), (5, 6), (7, 8), (9, 9), (17, 18), (20, 24), (33, 36), (40, 48), (70, 72)] {
            let domain = Domain::new(rows, &[1, 3, 9]).unwrap();
            assert_eq!(domain.size(), size);
            assert_eq!(domain.generator.pow([size as u64]), Fr::one());
            for shift in [Fr::one(), Fr::GENERATOR] {
                let coefficients = polynomial(size);
                let mut values = coefficients.clone();
                domain.evaluate(&mut values, shift);
                for (i, value) in values.iter().enumerate() {
                    assert_eq!(*value, evaluate(&coefficients, shift * domain.generator.pow([i as u64])), "{size}");
                }
                domain.interpolate(&mut values, shift);
                assert_eq!(values, coefficients);
            }
        }
        // Large enough for several chunks.
        let domain = Domain::new(40_000, &[1, 3, 9]).unwrap();
        assert_eq!(domain.size(), 49_152);
        let coefficients = polynomial(domain.size());
        let mut values = coefficients.clone();
        domain.evaluate(&mut values, Fr::GENERATOR);
        assert_eq!(values[40_001], evaluate(&coefficients, Fr::GENERATOR * domain.generator.pow([40_001])));
        domain.interpolate(&mut values, Fr::GENERATOR);
        assert_eq!(values, coefficients);
    }

    #[test]
    fn lagrange_polynomials_are_one_at_their_point() {
        for rows in [8, 11, 36] {
            let domain = Domain::new(rows, &[1, 3, 9]).unwrap();
            let tau = Fr::from(12_345u64);
            let values = polynomial(domain.size());
            let mut coefficients = values.clone();
            domain.interpolate(&mut coefficients, Fr::one());
            let sum: Fr = domain.lagrange(tau).iter().zip(&values).map(|(l, v)| *l * v).sum();
            assert_eq!(sum, evaluate(&coefficients, tau));
        }
    }

    #[test]
    fn plain_domains_are_powers_of_two() {
        assert_eq!(Domain::new(40_000, &[1]).unwrap().size(), 1 << 16);
        assert!(Domain::new((1 << 28) + 1, &[1]).is_none());
    }
}
