//! Multi-scalar multiplication by full-width scalars: Pippenger's buckets, filled with affine additions.
//!
//! An affine addition needs an inverse, but the additions of one round are independent, so they share one (Montgomery's
//! trick): about 6 field multiplications an addition where a mixed projective one takes 11. In each window the points are
//! sorted by bucket and added pairwise, round by round, until a bucket holds one. Digits are signed, which halves the
//! buckets.
//!
//! Small scalars are left to arkworks, which sorts them by size.

use ark_ec::{
    AffineRepr as _,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup as _, BigInt, Field as _, One as _, Zero as _};
use rayon::prelude::*;

/// Bits of a scalar, with room for the last digit's carry.
const BITS: usize = 255;
/// Additions that share an inverse: its cost is spread thin, and they stay in a small cache.
const BATCH: usize = 512;

/// `Σ scalars[i] · bases[i]`, in parallel. Scalars are below the group's order.
pub(super) fn msm<C: SWCurveConfig>(bases: &[Affine<C>], scalars: &[BigInt<4>]) -> Projective<C> {
    let n = bases.len().min(scalars.len());
    if n == 0 {
        return Projective::zero();
    }
    let width = window(n);
    let windows = BITS.div_ceil(width);
    // More parts than one only where windows alone would leave threads idle.
    let parts = (2 * rayon::current_num_threads()).div_ceil(windows).min(n.div_ceil(BATCH));
    let part = n.div_ceil(parts);
    let digits: Vec<Vec<i32>> = digits(&scalars[..n], width, windows);
    let tasks: Vec<(usize, usize)> = (0..windows).flat_map(|w| (0..parts).map(move |p| (w, p * part))).collect();
    let sums: Vec<(usize, Projective<C>)> = tasks
        .into_par_iter()
        .map(|(w, from)| {
            let to = n.min(from + part);
            if from >= to {
                return (w, Projective::zero());
            }
            (w, Buckets::new(&bases[from..to], &digits[w][from..to], width).sum())
        })
        .collect();
    (0..windows).rev().fold(Projective::zero(), |mut total, w| {
        for _ in 0..width {
            total.double_in_place();
        }
        total + sums.iter().filter(|s| s.0 == w).map(|s| s.1).sum::<Projective<C>>()
    })
}

/// Bits of a window with the least work: six multiplications for each point, 27 for each bucket.
fn window(n: usize) -> usize {
    let work = |width: usize| BITS.div_ceil(width) * (6 * n + (27 << (width - 1)));
    (3..=16).min_by_key(|&w| work(w)).unwrap_or(8)
}

/// For each window, the digit of each scalar, in `[−2^(width−1), 2^(width−1)]`.
fn digits(scalars: &[BigInt<4>], width: usize, windows: usize) -> Vec<Vec<i32>> {
    let mut digits = vec![vec![0; scalars.len()]; windows];
    let (half, full) = (1i64 << (width - 1), 1i64 << width);
    for (i, scalar) in scalars.iter().enumerate() {
        let mut carry = 0;
        for (w, digits) in digits.iter_mut().enumerate() {
            let (limb, bit) = (w * width / 64, w * width % 64);
            let mut bits = scalar.0.get(limb).copied().unwrap_or(0) >> bit;
            if bit + width > 64 {
                bits |= scalar.0.get(limb + 1).copied().unwrap_or(0) << (64 - bit);
            }
            let mut digit = (bits & (full as u64 - 1)) as i64 + carry;
            carry = i64::from(digit > half);
            digit -= carry * full;
            digits[i] = digit as i32;
        }
    }
    digits
}

/// The sum of the points at `from` and after it, or the one at `from` alone, goes to `to ≤ from`.
#[derive(Clone, Copy)]
struct Step {
    from: usize,
    to: usize,
    alone: bool,
}

/// Points sorted by bucket.
struct Buckets<C: SWCurveConfig> {
    points: Vec<Affine<C>>,
    /// Start of each bucket in `points`, and how many points are left there. Bucket `i` is for the digit `i + 1`.
    segments: Vec<(usize, usize)>,
}

impl<C: SWCurveConfig> Buckets<C> {
    fn new(bases: &[Affine<C>], digits: &[i32], width: usize) -> Self {
        let mut segments = vec![(0, 0); 1 << (width - 1)];
        let used = || bases.iter().zip(digits).filter(|(base, digit)| **digit != 0 && !base.is_zero());
        let bucket = |digit: i32| digit.unsigned_abs() as usize - 1;
        for (_, &digit) in used() {
            segments[bucket(digit)].1 += 1;
        }
        let mut total = 0;
        for segment in &mut segments {
            segment.0 = total;
            total += std::mem::take(&mut segment.1);
        }
        let mut points = vec![Affine::identity(); total];
        for (base, &digit) in used() {
            let (start, filled) = &mut segments[bucket(digit)];
            points[*start + *filled] = if digit < 0 { -*base } else { *base };
            *filled += 1;
        }
        Self { points, segments }
    }

    /// `Σ_i (i + 1) · Σ bucket i`.
    fn sum(mut self) -> Projective<C> {
        while self.halve() {}
        let (mut running, mut total) = (Projective::zero(), Projective::zero());
        for &(start, left) in self.segments.iter().rev() {
            if left == 1 {
                running += self.points[start];
            }
            total += running;
        }
        total
    }

    /// Adds the points of each bucket in pairs; false if there was no pair.
    fn halve(&mut self) -> bool {
        let mut batch: Vec<Step> = Vec::with_capacity(BATCH);
        let mut inverses: Vec<C::BaseField> = Vec::with_capacity(BATCH);
        let mut any = false;
        for i in 0..self.segments.len() {
            let (start, left) = self.segments[i];
            if left < 2 {
                continue;
            }
            any = true;
            self.segments[i].1 = left.div_ceil(2);
            for to in 0..left.div_ceil(2) {
                batch.push(Step { from: start + 2 * to, to: start + to, alone: 2 * to + 1 == left });
                if batch.len() == BATCH {
                    self.add(&mut batch, &mut inverses);
                }
            }
        }
        self.add(&mut batch, &mut inverses);
        any
    }

    /// Takes all steps in order: so that each point is read before its place is written to.
    fn add(&mut self, batch: &mut Vec<Step>, inverses: &mut Vec<C::BaseField>) {
        inverses.clear();
        for &Step { from, alone, .. } in &*batch {
            let (p, q) = (&self.points[from], &self.points[from + usize::from(!alone)]);
            let denominator = if alone || p.is_zero() || q.is_zero() {
                C::BaseField::one()
            } else if p.x == q.x {
                p.y.double()
            } else {
                q.x - p.x
            };
            inverses.push(denominator);
        }
        // A doubling of a point of order two does not occur in groups of odd order.
        invert(inverses);
        for (&Step { from, to, alone }, inverse) in batch.iter().zip(&*inverses) {
            let (p, q) = (self.points[from], self.points[from + usize::from(!alone)]);
            self.points[to] = if p.is_zero() {
                q
            } else if alone || q.is_zero() {
                p
            } else {
                let slope = if p.x != q.x {
                    (q.y - p.y) * inverse
                } else if p.y == q.y {
                    let square = p.x.square();
                    (square.double() + square + C::COEFF_A) * inverse
                } else {
                    self.points[to] = Affine::identity();
                    continue;
                };
                let x = slope.square() - p.x - q.x;
                Affine::new_unchecked(x, slope * (p.x - x) - p.y)
            };
        }
        batch.clear();
    }
}

/// All inverses with one inversion; nothing is zero.
fn invert<F: ark_ff::Field>(values: &mut [F]) {
    let mut product = F::one();
    let prefixes: Vec<F> = values
        .iter()
        .map(|v| {
            let before = product;
            product *= v;
            before
        })
        .collect();
    let Some(mut inverse) = product.inverse() else { return };
    for (value, prefix) in values.iter_mut().zip(prefixes).rev() {
        let next = inverse * *value;
        *value = inverse * prefix;
        inverse = next;
    }
}

#[cfg(test)]
mod tests {
    use ark_bn254::{Fr, G1Affine, G1Projective, G2Projective};
    use ark_ec::{CurveGroup as _, PrimeGroup as _, VariableBaseMSM as _};
    use ark_ff::PrimeField as _;

    use super::*;

    fn scalars(n: u64) -> Vec<BigInt<4>> {
        (0..n).map(|i| Fr::from(i + 3).pow([91]).into_bigint()).collect()
    }

    fn bases(n: usize) -> Vec<G1Affine> {
        let points: Vec<_> = (0..n as u64).map(|i| G1Projective::generator() * Fr::from(i * i + 1)).collect();
        G1Projective::normalize_batch(&points)
    }

    #[test]
    fn sums_are_those_of_arkworks() {
        for n in [0, 1, 2, 3, 100, 1000, 5000] {
            let (bases, scalars) = (bases(n), scalars(n as u64));
            assert_eq!(msm(&bases, &scalars), G1Projective::msm_bigint(&bases, &scalars), "{n}");
        }
        let two: Vec<_> = G2Projective::normalize_batch(&[G2Projective::generator(), G2Projective::generator()]);
        assert_eq!(msm(&two, &scalars(2)), G2Projective::msm_bigint(&two, &scalars(2)));
    }

    #[test]
    fn equal_opposite_and_missing_points_add_up() {
        let g = G1Affine::generator();
        let edge = [Fr::from(0u64), Fr::from(1u64), -Fr::from(1u64), Fr::from(1u64 << 40), -Fr::from(2u64)];
        let mut bases = Vec::new();
        let mut scalars = Vec::new();
        for i in 0..400 {
            bases.push(match i % 4 {
                0 => g,
                1 => -g,
                2 => G1Affine::identity(),
                _ => (g * Fr::from(5u64)).into_affine(),
            });
            scalars.push(edge[i % 5].into_bigint());
        }
        assert_eq!(msm(&bases, &scalars), G1Projective::msm_bigint(&bases, &scalars));
        // All in one bucket, adding up to nothing.
        let same = vec![Fr::from(7u64).into_bigint(); 600];
        let points: Vec<_> = (0..600).map(|i| if i % 2 == 0 { g } else { -g }).collect();
        assert!(msm(&points, &same).is_zero());
        assert_eq!(msm(&vec![g; 600], &same), g * Fr::from(4200u64));
    }
}
