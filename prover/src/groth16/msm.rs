//! Multi-scalar multiplication: Pippenger's buckets, filled with affine additions.
//!
//! An affine addition needs an inverse, but the additions of one round are independent, so they share one (Montgomery's
//! trick): about 6 field multiplications an addition where a mixed projective one takes 11. In each window the points are
//! sorted by bucket and added pairwise, round by round, until a bucket holds one. Digits are signed, which halves the
//! buckets; so are scalars: most of a witness are small integers, negative ones too, and have one digit or two.

use std::ops::Range;

use ark_bn254::Fr;
use ark_ec::{
    AffineRepr as _,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup as _, BigInt, BigInteger as _, Field as _, One as _, PrimeField as _, Zero as _};
use rayon::prelude::*;

/// Bits of a scalar or its negative, with room for the last digit's carry.
const BITS: usize = 254;
/// Additions that share an inverse: its cost is spread thin, and they stay in a small cache.
const BATCH: usize = 2048;
/// Scalars whose digits are computed by one task.
const CHUNK: usize = 8192;

/// Bases and their scalars, as many.
pub(super) type Terms<'a, C> = (&'a [Affine<C>], &'a [BigInt<4>]);

/// `Σ scalars[i] · bases[i]` over all terms, in parallel. Scalars are below the group's order. One large sum is cheaper
/// than several: they share the buckets.
pub(super) fn msm<C: SWCurveConfig>(terms: &[Terms<'_, C>]) -> Projective<C> {
    let chunks = terms.iter().flat_map(|(bases, scalars)| bases.chunks(CHUNK).zip(scalars.chunks(CHUNK)));
    let chunks: Vec<Terms<'_, C>> = chunks.collect();
    let width = window(&chunks);
    let windows = BITS.div_ceil(width);
    let digits: Vec<Vec<Vec<Digit>>> = chunks.par_iter().map(|(_, scalars)| digits(scalars, width, windows)).collect();
    let count = |w: usize| digits.iter().map(|d| d[w].len()).sum::<usize>();
    let total: usize = (0..windows).map(count).sum();
    if total == 0 {
        return Projective::zero();
    }

    // A window with a large share of all additions is cut into parts; small ones are taken together, so that a round of
    // their additions fills a batch.
    let share = total.div_ceil(2 * rayon::current_num_threads());
    let mut tasks: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    let mut w = 0;
    while w < windows {
        let (first, mut gathered) = (w, count(w));
        w += 1;
        while w < windows && gathered + count(w) <= (4 * BATCH).min(share) {
            gathered += count(w);
            w += 1;
        }
        let part = chunks.len().div_ceil(gathered.div_ceil(share).max(1)).max(1);
        tasks.extend((0..chunks.len()).step_by(part).map(|c| (first..w, c..chunks.len().min(c + part))));
    }
    let sums: Vec<(usize, Projective<C>)> = tasks
        .into_par_iter()
        .flat_map_iter(|(group, part)| {
            let of = |w: usize| part.clone().map(|c| (chunks[c].0, digits[c][w].as_slice())).collect();
            let all: Vec<Window<'_, C>> = group.clone().map(of).collect();
            group.zip(Buckets::new(&all, width).sums())
        })
        .collect();
    (0..windows).rev().fold(Projective::zero(), |mut total, w| {
        for _ in 0..width {
            total.double_in_place();
        }
        total + sums.iter().filter(|s| s.0 == w).map(|s| s.1).sum::<Projective<C>>()
    })
}

/// A scalar's magnitude, and whether it is negative: the smaller of it and its negative.
fn signed(scalar: &BigInt<4>) -> (BigInt<4>, bool) {
    if *scalar <= Fr::MODULUS_MINUS_ONE_DIV_TWO {
        return (*scalar, false);
    }
    let mut negative = Fr::MODULUS;
    negative.sub_with_borrow(scalar);
    (negative, true)
}

/// Bits of a window with the least work: six multiplications for each digit, 27 for each bucket.
fn window<C: SWCurveConfig>(chunks: &[Terms<'_, C>]) -> usize {
    let mut bits = [0usize; BITS + 1];
    for scalar in chunks.iter().flat_map(|c| c.1) {
        bits[signed(scalar).0.num_bits() as usize] += 1;
    }
    let work = |width: usize| {
        let digits: usize = bits.iter().enumerate().map(|(bits, n)| n * bits.div_ceil(width)).sum();
        6 * digits + BITS.div_ceil(width) * (27 << (width - 1))
    };
    (3..=16).min_by_key(|&w| work(w)).unwrap_or(8)
}

/// A digit that is not zero: of which scalar, and in `[−2^(width−1), 2^(width−1)]`.
type Digit = (u32, i32);

/// The digits of each window.
fn digits(scalars: &[BigInt<4>], width: usize, windows: usize) -> Vec<Vec<Digit>> {
    let mut digits = vec![Vec::new(); windows];
    let (half, full) = (1i64 << (width - 1), 1i64 << width);
    for (i, scalar) in scalars.iter().enumerate() {
        let (scalar, is_negative) = signed(scalar);
        let used = (scalar.num_bits() as usize).div_ceil(width);
        let mut carry = 0;
        for (w, digits) in digits.iter_mut().enumerate() {
            if w >= used && carry == 0 {
                break;
            }
            let (limb, bit) = (w * width / 64, w * width % 64);
            let mut bits = scalar.0.get(limb).copied().unwrap_or(0) >> bit;
            if bit + width > 64 {
                bits |= scalar.0.get(limb + 1).copied().unwrap_or(0) << (64 - bit);
            }
            let mut digit = (bits & (full as u64 - 1)) as i64 + carry;
            carry = i64::from(digit > half);
            digit -= carry * full;
            if digit != 0 {
                digits.push((i as u32, if is_negative { -digit } else { digit } as i32));
            }
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

/// Points of some windows, sorted by bucket.
struct Buckets<C: SWCurveConfig> {
    points: Vec<Affine<C>>,
    /// Start of each bucket in `points`, and how many points are left there, window by window. Bucket `i` of a window is
    /// for the digit `i + 1`.
    segments: Vec<(usize, usize)>,
    /// Buckets of a window.
    size: usize,
}

/// Bases, and the digits of their scalars in one window.
type Window<'a, C> = Vec<(&'a [Affine<C>], &'a [Digit])>;

/// Everything that is in a bucket, with its window and digit.
fn visit<C: SWCurveConfig>(windows: &[Window<'_, C>], mut visitor: impl FnMut(usize, &Affine<C>, i32)) {
    for (w, slices) in windows.iter().enumerate() {
        for &(bases, digits) in slices {
            for &(i, digit) in digits {
                let base = &bases[i as usize];
                if !base.is_zero() {
                    visitor(w, base, digit);
                }
            }
        }
    }
}

impl<C: SWCurveConfig> Buckets<C> {
    fn new(windows: &[Window<'_, C>], width: usize) -> Self {
        let size = 1 << (width - 1);
        let mut segments = vec![(0, 0); windows.len() * size];
        let bucket = |w: usize, digit: i32| w * size + digit.unsigned_abs() as usize - 1;
        visit(windows, |w, _, digit| segments[bucket(w, digit)].1 += 1);
        let mut total = 0;
        for segment in &mut segments {
            segment.0 = total;
            total += std::mem::take(&mut segment.1);
        }
        let mut points = vec![Affine::identity(); total];
        visit(windows, |w, base, digit| {
            let (start, filled) = &mut segments[bucket(w, digit)];
            points[*start + *filled] = if digit < 0 { -*base } else { *base };
            *filled += 1;
        });
        Self { points, segments, size }
    }

    /// For each window `Σ_i (i + 1) · Σ bucket i`.
    fn sums(mut self) -> Vec<Projective<C>> {
        while self.halve() {}
        let sum = |segments: &[(usize, usize)]| {
            let (mut running, mut total) = (Projective::zero(), Projective::zero());
            for &(start, left) in segments.iter().rev() {
                if left == 1 {
                    running += self.points[start];
                }
                total += running;
            }
            total
        };
        self.segments.chunks(self.size).map(sum).collect()
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
    use ark_bn254::{G1Affine, G1Projective, G2Projective};
    use ark_ec::{CurveGroup as _, PrimeGroup as _, VariableBaseMSM as _};

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
            assert_eq!(msm(&[(&bases, &scalars)]), G1Projective::msm_bigint(&bases, &scalars), "{n}");
        }
        let (bases, scalars_of) = (bases(300), scalars(300));
        let (left, right) = bases.split_at(100);
        let (few, many) = scalars_of.split_at(100);
        assert_eq!(msm(&[(left, few), (right, many)]), G1Projective::msm_bigint(&bases, &scalars_of));
        let two: Vec<_> = G2Projective::normalize_batch(&[G2Projective::generator(), G2Projective::generator()]);
        assert_eq!(msm(&[(&two, &scalars(2))]), G2Projective::msm_bigint(&two, &scalars(2)));
    }

    #[test]
    fn scalars_of_all_sizes_add_up() {
        let one = Fr::from(1u64);
        let wide = Fr::from(u64::MAX);
        let half = Fr::from(Fr::MODULUS_MINUS_ONE_DIV_TWO);
        let sizes = [Fr::from(0u64), one, Fr::from(300u64), wide, wide + one, wide * wide, half, half + one];
        let sizes = sizes.into_iter().flat_map(|s| [s, -s]).collect::<Vec<_>>();
        for n in [60, 3000, 20_000] {
            let bases = bases(n);
            let values: Vec<_> = (0..n).map(|i| sizes[i * i % sizes.len()].into_bigint()).collect();
            assert_eq!(msm(&[(&bases, &values)]), G1Projective::msm_bigint(&bases, &values), "{n}");
        }
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
        assert_eq!(msm(&[(&bases, &scalars)]), G1Projective::msm_bigint(&bases, &scalars));
        // All in one bucket, adding up to nothing.
        let same = vec![Fr::from(7u64).into_bigint(); 600];
        let points: Vec<_> = (0..600).map(|i| if i % 2 == 0 { g } else { -g }).collect();
        assert!(msm(&[(&points, &same)]).is_zero());
        assert_eq!(msm(&[(&vec![g; 600], &same)]), g * Fr::from(4200u64));
    }
}
