//! Multi-scalar multiplication by full-width scalars: Pippenger's buckets, filled with affine additions.
//!
//! An affine addition needs an inverse, but the additions of one round are independent, so they share one (Montgomery's
//! trick): about 6 field multiplications an addition where a mixed projective one takes 11. In each window the points are
//! sorted by bucket and added pairwise, round by round, until a bucket holds one. Digits are signed, which halves the
//! buckets.
//!
//! Small scalars, negative ones too, are left to arkworks, which sorts them by size: see [`Scalars`].

use std::ops::Range;

use ark_bn254::Fr;
use ark_ec::{
    AffineRepr as _, VariableBaseMSM as _,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup as _, BigInt, BigInteger as _, Field as _, One as _, PrimeField as _, Zero as _};
use rayon::prelude::*;
use zeroize::Zeroize as _;

/// Bits of a scalar, with room for the last digit's carry.
const BITS: usize = 255;
/// Additions that share an inverse: its cost is spread thin, and they stay in a small cache.
const BATCH: usize = 2048;

/// Bases and their scalars, as many.
pub(super) type Terms<'a, C> = (&'a [Affine<C>], &'a [BigInt<4>]);

/// `Σ scalars[i] · bases[i]` over all terms, in parallel. Scalars are below the group's order. One large sum is cheaper
/// than several: they share the buckets.
pub(super) fn msm<C: SWCurveConfig>(terms: &[Terms<'_, C>]) -> Projective<C> {
    let n: usize = terms.iter().map(|(bases, scalars)| bases.len().min(scalars.len())).sum();
    if n == 0 {
        return Projective::zero();
    }
    let width = window(n);
    let windows = BITS.div_ceil(width);
    let tasks = 2 * rayon::current_num_threads();
    // More parts than one only where windows alone would leave threads idle; several windows at once where a round of
    // additions in one would not fill a batch.
    let parts = tasks.div_ceil(windows).min(n.div_ceil(BATCH));
    let group = (4 * BATCH).div_ceil(n).min(windows.div_ceil(tasks));
    let digits: Vec<Vec<Vec<i32>>> = terms.iter().map(|(_, scalars)| digits(scalars, width, windows)).collect();
    let groups = (0..windows).step_by(group).map(|w| w..windows.min(w + group));
    let tasks: Vec<(Range<usize>, usize)> = groups.flat_map(|g| (0..parts).map(move |p| (g.clone(), p))).collect();
    let sums: Vec<(usize, Projective<C>)> = tasks
        .into_par_iter()
        .flat_map_iter(|(group, part)| {
            let slices = |w: usize| {
                let slices = terms.iter().zip(&digits).map(move |((bases, _), digits)| {
                    let count = bases.len().min(digits[w].len());
                    let size = count.div_ceil(parts);
                    let range = count.min(part * size)..count.min((part + 1) * size);
                    (&bases[range.clone()], &digits[w][range])
                });
                slices.collect::<Vec<_>>()
            };
            let all: Vec<_> = group.clone().map(slices).collect();
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

/// Scalars of a witness: mostly small integers, some of full width.
pub(super) struct Scalars {
    /// All of them, with zeros in place of the large ones.
    small: Vec<BigInt<4>>,
    /// Place and value of those beyond 64 bits.
    places: Vec<usize>,
    large: Vec<BigInt<4>>,
}

impl Scalars {
    pub(super) fn new(mut small: Vec<BigInt<4>>) -> Self {
        let (mut places, mut large) = (Vec::new(), Vec::new());
        for (i, value) in small.iter_mut().enumerate() {
            let mut negative = Fr::MODULUS;
            negative.sub_with_borrow(value);
            if value.0[1..] != [0; 3] && negative.0[1..] != [0; 3] {
                places.push(i);
                large.push(std::mem::take(value));
            }
        }
        Self { small, places, large }
    }

    pub(super) fn len(&self) -> usize {
        self.small.len()
    }

    /// `Σ scalars[i] · bases[i]`, and more terms of full width.
    pub(super) fn msm<C: SWCurveConfig<ScalarField = Fr>>(
        &self,
        bases: &[Affine<C>],
        more: &[Terms<'_, C>],
    ) -> Projective<C> {
        let selected: Vec<Affine<C>> = self.places.iter().map(|&i| bases[i]).collect();
        let mut terms = vec![(selected.as_slice(), self.large.as_slice())];
        terms.extend_from_slice(more);
        let (small, large) = rayon::join(|| Projective::msm_bigint(bases, &self.small), || msm(&terms));
        small + large
    }
}

impl Drop for Scalars {
    fn drop(&mut self) {
        self.small.zeroize();
        self.large.zeroize();
    }
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

/// Points of some windows, sorted by bucket.
struct Buckets<C: SWCurveConfig> {
    points: Vec<Affine<C>>,
    /// Start of each bucket in `points`, and how many points are left there, window by window. Bucket `i` of a window is
    /// for the digit `i + 1`.
    segments: Vec<(usize, usize)>,
    /// Buckets of a window.
    size: usize,
}

/// Bases and their digits in one window.
type Digits<'a, C> = Vec<(&'a [Affine<C>], &'a [i32])>;

/// Everything that is in a bucket, with its window and digit.
fn visit<C: SWCurveConfig>(windows: &[Digits<'_, C>], mut visitor: impl FnMut(usize, &Affine<C>, i32)) {
    for (w, slices) in windows.iter().enumerate() {
        for (base, &digit) in slices.iter().flat_map(|&(bases, digits)| bases.iter().zip(digits)) {
            if digit != 0 && !base.is_zero() {
                visitor(w, base, digit);
            }
        }
    }
}

impl<C: SWCurveConfig> Buckets<C> {
    fn new(windows: &[Digits<'_, C>], width: usize) -> Self {
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
    use ark_ec::{CurveGroup as _, PrimeGroup as _};

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
        let bases = bases(60);
        let one = Fr::from(1u64);
        let wide = Fr::from(u64::MAX);
        let sizes =
            [Fr::from(0u64), one, -one, Fr::from(300u64), -Fr::from(9u64), wide, -wide, wide + one, wide * wide];
        let values: Vec<_> = (0..60).map(|i| sizes[i % sizes.len()].into_bigint()).collect();
        let split = Scalars::new(values.clone());
        assert_eq!(split.large.len(), 60_usize.div_ceil(9) - 1 + 6);
        let more = scalars(5);
        let sum = split.msm(&bases, &[(&bases[..5], &more)]);
        assert_eq!(sum, G1Projective::msm_bigint(&bases, &values) + G1Projective::msm_bigint(&bases[..5], &more));
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
