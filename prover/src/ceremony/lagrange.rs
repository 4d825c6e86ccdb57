//! The Lagrange basis of a domain at τ, from powers of τ that nobody knows.
//!
//! `L_i(τ) = 1/n · Σ_j ω^(−i·j)·τ^j`, so the basis is the inverse Fourier transform of the powers (Bowe, Gabizon, Miers,
//! ePrint 2017/1050), here on points of the curve: about `n/2 · log₂ n` multiplications for each of four kinds.

use ark_bn254::Fr;
use ark_ec::{
    AffineRepr as _, CurveGroup as _,
    scalar_mul::glv::GLVConfig,
    short_weierstrass::{Affine, Projective},
};
use ark_ff::{Field as _, PrimeField as _};
use rayon::prelude::*;

use super::{
    CeremonyError,
    multiply::{Digits, multiply},
    phase1::{Lagrange, Phase1},
    weights,
};
use crate::{
    groth16::{Domain, LAMBDA, endomorphism, msm},
    progress::{self, Cancelled, Progress},
};

/// Butterflies of one task.
const CHUNK: usize = 64;

/// The basis of a domain from powers, as many as the domain has points. Its points are `[m·L_i(τ)]` where those of the
/// powers are `[m·τ^i]`. Each of [`layers`] counts `weight` steps for a point.
pub(super) fn basis<C: GLVConfig<ScalarField = Fr>>(
    domain: &Domain,
    powers: &[Affine<C>],
    weight: u64,
    progress: &dyn Progress,
) -> Result<Vec<Affine<C>>, Cancelled> {
    let n = domain.size();
    // Outermost first.
    let mut radices = Vec::new();
    let mut odd = domain.radix();
    while odd > 1 {
        radices.push(3);
        odd /= 3;
    }
    radices.resize(radices.len() + (n / domain.radix()).ilog2() as usize, 2);

    let scale = Digits::of(&Fr::from(n as u64).inverse().unwrap_or_default());
    let source = |place: usize| {
        // The digits of a place, in reverse.
        let (mut rest, mut index, mut weight) = (place, 0, n);
        for radix in radices.iter().rev() {
            weight /= radix;
            index += rest % radix * weight;
            rest /= radix;
        }
        index
    };
    let mut values: Vec<Projective<C>> = (0..n)
        .into_par_iter()
        .map(|place| match progress.is_cancelled() {
            true => Projective::default(),
            false => multiply(&powers[source(place)].into_group(), &scale),
        })
        .collect();
    progress::check(progress)?;
    progress.advance(weight * n as u64);
    let roots = domain.inverse_roots();
    let mut size = 1;
    for &radix in radices.iter().rev() {
        let block = size * radix;
        let layer = Layer { roots: &roots, step: n / block, progress };
        values.par_chunks_mut(block).for_each(|block| match radix {
            2 => layer.pairs(block.split_at_mut(size)),
            _ => layer.triples(block, size),
        });
        progress::check(progress)?;
        progress.advance(weight * n as u64);
        size = block;
    }
    Ok(Projective::normalize_batch(&values))
}

/// Passes over all points that [`basis`] takes: one of each radix, and one to scale.
pub(super) fn layers(domain: &Domain) -> u64 {
    let odd = match domain.radix() {
        1 => 0,
        3 => 1,
        _ => 2,
    };
    u64::from(1 + odd + (domain.size() / domain.radix()).ilog2())
}

/// One pass of the transform.
struct Layer<'a> {
    roots: &'a [Fr],
    /// Between the roots of this layer.
    step: usize,
    progress: &'a dyn Progress,
}

impl Layer<'_> {
    fn twiddle<C: GLVConfig<ScalarField = Fr>>(&self, k: usize, point: &Projective<C>) -> Projective<C> {
        if k == 0 { *point } else { multiply(point, &Digits::of(&self.roots[k * self.step])) }
    }

    fn pairs<C: GLVConfig<ScalarField = Fr>>(&self, (low, high): (&mut [Projective<C>], &mut [Projective<C>])) {
        low.par_chunks_mut(CHUNK).zip(high.par_chunks_mut(CHUNK)).enumerate().for_each(|(chunk, (low, high))| {
            if self.progress.is_cancelled() {
                return;
            }
            for (i, (a, b)) in low.iter_mut().zip(high).enumerate() {
                let t = self.twiddle(chunk * CHUNK + i, b);
                *b = *a - t;
                *a += t;
            }
        });
    }

    fn triples<C: GLVConfig<ScalarField = Fr>>(&self, block: &mut [Projective<C>], size: usize) {
        // The cube root of unity is the endomorphism's, or its square.
        let own = endomorphism::<C>();
        let beta = if self.roots[self.roots.len() / 3] == LAMBDA { own } else { own.square() };
        let (first, rest) = block.split_at_mut(size);
        let (second, third) = rest.split_at_mut(size);
        let chunks = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK)).zip(third.par_chunks_mut(CHUNK));
        chunks.enumerate().for_each(|(chunk, ((first, second), third))| {
            if self.progress.is_cancelled() {
                return;
            }
            for (i, ((a, b), c)) in first.iter_mut().zip(second).zip(third).enumerate() {
                let k = chunk * CHUNK + i;
                let (t, s) = (self.twiddle(k, b), self.twiddle(2 * k, c));
                // u·(t − s), with 1 + u + u² = 0.
                let mut turned = t - s;
                turned.x *= beta;
                let sum = *a;
                *a = sum + t + s;
                *b = sum - s + turned;
                *c = sum - t - turned;
            }
        });
    }
}

/// Whether a basis belongs to the powers: for random `r`, `Σ r_i·L_i` is the combination of the powers whose coefficients
/// interpolate `r`. A wrong basis passes with a chance of 2^−128.
pub(super) fn check(domain: &Domain, phase1: &Phase1, basis: &Lagrange) -> Result<bool, CeremonyError> {
    let n = domain.size();
    let r = weights(n)?;
    let mut c = r.clone();
    domain.interpolate(&mut c, Fr::from(1u64));
    let [r, c] = [r, c].map(|v| v.into_par_iter().map(|x| x.into_bigint()).collect::<Vec<_>>());
    let g1 = |basis: &[_], powers: &[_]| {
        basis.len() == n && powers.len() >= n && msm(&[(basis, &r)]) == msm(&[(&powers[..n], &c)])
    };
    Ok(g1(&basis.tau_g1, &phase1.tau_g1)
        && g1(&basis.alpha_tau_g1, &phase1.alpha_tau_g1)
        && g1(&basis.beta_tau_g1, &phase1.beta_tau_g1)
        && basis.tau_g2.len() == n
        && phase1.tau_g2.len() >= n
        && msm(&[(&basis.tau_g2, &r)]) == msm(&[(&phase1.tau_g2[..n], &c)]))
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Projective, G2Projective};
    use ark_ec::PrimeGroup as _;

    use super::*;
    use crate::ceremony::tests::{phase1, tau};

    fn domain(rows: usize) -> Domain {
        Domain::new(rows, &[1, 3, 9]).unwrap()
    }

    #[test]
    fn a_basis_is_that_of_the_polynomials() {
        for (rows, size) in
            [(1, 1), (2, 2), (3, 3), (5, 6), (9, 9), (17, 18), (36, 36), (130, 144), (190, 192), (250, 256)]
        {
            let domain = domain(rows);
            assert_eq!(domain.size(), size);
            let phase1 = phase1(size);
            let expected = domain.lagrange(tau());
            let one = basis(&domain, &phase1.tau_g1[..size], 1, &()).unwrap();
            let two = basis(&domain, &phase1.tau_g2, 1, &()).unwrap();
            for (i, l) in expected.iter().enumerate() {
                assert_eq!(one[i], G1Projective::generator() * l, "{size}, {i}");
                assert_eq!(two[i], G2Projective::generator() * l, "{size}, {i}");
            }
        }
    }
}
