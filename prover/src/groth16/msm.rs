//! Multi-scalar multiplication: Pippenger's buckets, filled with affine additions.
//!
//! An affine addition needs an inverse, but the additions of one round are independent, so they share one (Montgomery's
//! trick): about 6 field multiplications an addition where a mixed projective one takes 11. In each window the points are
//! sorted by bucket and added pairwise, round by round, until a bucket holds one; the buckets of a window are summed up
//! in the same way, see [`Buckets::sums`].
//!
//! Digits are signed, which halves the buckets; so are scalars: most of a witness are small integers, negative ones too,
//! and have one digit or two. Large scalars are split in two of half the length by the endomorphism of the curve (Gallant,
//! Lambert, Vanstone, CRYPTO 2001), which halves the windows.

use std::ops::Range;

use ark_bn254::Fr;
use ark_ec::{
    AffineRepr as _,
    scalar_mul::glv::GLVConfig,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup as _, BigInt, BigInteger as _, Field as _, MontFp, One as _, PrimeField as _, Zero as _};
use rayon::prelude::*;

/// Bits of half a scalar, with room for the last digit's carry.
const BITS: usize = 128;
/// Additions that share an inverse: its cost is spread thin, and they stay in a small cache.
const BATCH: usize = 2048;
/// Scalars whose digits are computed by one task.
const CHUNK: usize = 8192;

/// Bases and their scalars, as many.
pub(crate) type Terms<'a, C> = (&'a [Affine<C>], &'a [BigInt<4>]);

/// Terms that are not too many, with what their sums need.
struct Chunk<'a, C: SWCurveConfig> {
    bases: &'a [Affine<C>],
    /// The x-coordinates of the bases' images under the endomorphism, if a scalar is large.
    images: Vec<C::BaseField>,
    /// The digits of each window.
    digits: Vec<Vec<Digit>>,
}

/// A digit that is not zero, in `[−2^(width−1), 2^(width−1)]`; of which scalar, times two, and one more if it is of the part
/// that multiplies the image.
type Digit = (u32, i32);

/// `Σ scalars[i] · bases[i]` over all terms, in parallel. Scalars are below the group's order. One large sum is cheaper
/// than several: they share the buckets.
pub(crate) fn msm<C: GLVConfig<ScalarField = Fr>>(terms: &[Terms<'_, C>]) -> Projective<C> {
    let width = window(terms);
    let windows = BITS.div_ceil(width);
    let chunks: Vec<Terms<'_, C>> =
        terms.iter().flat_map(|(bases, scalars)| bases.chunks(CHUNK).zip(scalars.chunks(CHUNK))).collect();
    let chunks: Vec<Chunk<'_, C>> =
        chunks.into_par_iter().map(|(bases, scalars)| Chunk::new(bases, scalars, width, windows)).collect();
    let count = |w: usize| chunks.iter().map(|c| c.digits[w].len()).sum::<usize>();
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
        .flat_map_iter(|(group, part)| group.clone().zip(Buckets::new(&chunks[part], group, width).sums()))
        .collect();
    (0..windows).rev().fold(Projective::zero(), |mut total, w| {
        for _ in 0..width {
            total.double_in_place();
        }
        total + sums.iter().filter(|s| s.0 == w).map(|s| s.1).sum::<Projective<C>>()
    })
}

/// A cube root of one, and a short basis `(A1, −B1), (A2, B2)` of the lattice of all `(a, b)` with `a + b·λ = 0`, `B2 = A1`.
pub(crate) const LAMBDA: Fr = MontFp!("4407920970296243842393367215006156084916469457145843978461");
const A1: BigInt<4> = BigInt([0x89d3256894d213e3, 0, 0, 0]);
const B1: BigInt<4> = BigInt([0x8211bbeb7d4f1128, 0x6f4d8248eeb859fc, 0, 0]);
const A2: BigInt<4> = BigInt([0x0be4e1541221250b, 0x6f4d8248eeb859fd, 0, 0]);
/// `2^256·B2 / r` and `2^256·B1 / r`, rounded.
const G1: BigInt<4> = BigInt([0xd91d232ec7e0b3d7, 0x2, 0, 0]);
const G2: BigInt<4> = BigInt([0x7a7bd9d4391eb18e, 0x4ccef014a773d2cf, 0x2, 0]);

/// What the x-coordinate of a point is multiplied by where the point is multiplied by [`LAMBDA`].
pub(crate) fn endomorphism<C: GLVConfig<ScalarField = Fr>>() -> C::BaseField {
    // The other root is the square.
    let own = C::ENDO_COEFFS[0];
    if C::LAMBDA == LAMBDA { own } else { own.square() }
}

/// A magnitude below `2^127`, and whether it is negative.
pub(crate) type Part = (u128, bool);

/// The smaller of a scalar and its negative, and which it is.
fn signed(scalar: &BigInt<4>) -> (BigInt<4>, bool) {
    if *scalar <= Fr::MODULUS_MINUS_ONE_DIV_TWO {
        return (*scalar, false);
    }
    let mut negative = Fr::MODULUS;
    negative.sub_with_borrow(scalar);
    (negative, true)
}

fn is_small(magnitude: &BigInt<4>) -> bool {
    magnitude.num_bits() < BITS as u32
}

/// Two parts `a`, `b` with `scalar = a + b·λ`; the second is zero if the scalar or its negative is small.
pub(crate) fn split(scalar: &BigInt<4>) -> [Part; 2] {
    let (k, is_negative) = signed(scalar);
    let low = |x: &BigInt<4>| u128::from(x.0[0]) | u128::from(x.0[1]) << 64;
    if is_small(&k) {
        return [(low(&k), is_negative), (0, false)];
    }
    // The multiples of the basis that come closest to (k, 0); what is left is short. All of it modulo 2^256.
    let (c1, c2) = (k.mul_high(&G1), k.mul_high(&G2));
    let mut a = k;
    a.sub_with_borrow(&c1.mul_low(&A1));
    a.sub_with_borrow(&c2.mul_low(&A2));
    let mut b = c1.mul_low(&B1);
    b.sub_with_borrow(&c2.mul_low(&A1));
    [a, b].map(|x| {
        if x.0[3] >> 63 == 0 {
            return (low(&x), is_negative);
        }
        let mut negative = BigInt::zero();
        negative.sub_with_borrow(&x);
        (low(&negative), !is_negative)
    })
}

/// Bits of a window with the least work, in field multiplications: six for each digit, twelve for each bucket and 54 for
/// each row of buckets.
fn window<C: SWCurveConfig>(terms: &[Terms<'_, C>]) -> usize {
    let mut bits = [0usize; BITS + 1];
    for scalar in terms.iter().flat_map(|t| t.1) {
        let (magnitude, _) = signed(scalar);
        if is_small(&magnitude) {
            bits[magnitude.num_bits() as usize] += 1;
        } else {
            bits[BITS] += 2;
        }
    }
    let work = |width: usize| {
        let digits: usize = bits.iter().enumerate().map(|(bits, n)| n * bits.div_ceil(width)).sum();
        6 * digits + BITS.div_ceil(width) * ((12 << (width - 1)) + (54 << (width / 2)))
    };
    (3..=18).min_by_key(|&w| work(w)).unwrap_or(8)
}

impl<'a, C: GLVConfig<ScalarField = Fr>> Chunk<'a, C> {
    fn new(bases: &'a [Affine<C>], scalars: &[BigInt<4>], width: usize, windows: usize) -> Self {
        let mut digits = vec![Vec::new(); windows];
        let mut has_images = false;
        for (i, scalar) in (0u32..).zip(scalars) {
            let parts = split(scalar);
            has_images |= parts[1].0 != 0;
            for (index, part) in (2 * i..).zip(parts) {
                push_digits(&mut digits, index, part, width);
            }
        }
        let beta = endomorphism::<C>();
        let images = if has_images { bases.iter().map(|base| base.x * beta).collect() } else { Vec::new() };
        Self { bases, images, digits }
    }
}

fn push_digits(digits: &mut [Vec<Digit>], index: u32, (magnitude, is_negative): Part, width: usize) {
    let (half, full) = (1i64 << (width - 1), 1i64 << width);
    let (mut rest, mut carry) = (magnitude, 0);
    for digits in digits {
        if rest == 0 && carry == 0 {
            break;
        }
        let mut digit = (rest & (full as u128 - 1)) as i64 + carry;
        rest >>= width;
        carry = i64::from(digit > half);
        digit -= carry * full;
        if digit != 0 {
            digits.push((index, if is_negative { -digit } else { digit } as i32));
        }
    }
}

/// The sum of the points at `from` and after it, or the one at `from` alone, goes to `to ≤ from`.
#[derive(Clone, Copy)]
struct Step {
    from: usize,
    to: usize,
    alone: bool,
}

/// Points sorted by bucket, of several windows.
struct Buckets<C: SWCurveConfig> {
    points: Vec<Affine<C>>,
    /// Start of each bucket in `points`, and how many points are left there, window by window. Bucket `i` of a window is
    /// for the digit `i + 1`.
    segments: Vec<(usize, usize)>,
    /// Buckets of a window.
    size: usize,
}

/// Everything that is in a bucket: its window, the point, and its digit.
fn visit<C: SWCurveConfig>(
    chunks: &[Chunk<'_, C>],
    windows: Range<usize>,
    mut visitor: impl FnMut(usize, Affine<C>, i32),
) {
    for (w, window) in windows.enumerate() {
        for chunk in chunks {
            for &(index, digit) in &chunk.digits[window] {
                let (i, is_image) = (index as usize / 2, index % 2 == 1);
                let mut base = chunk.bases[i];
                if !base.is_zero() {
                    if is_image {
                        base.x = chunk.images[i];
                    }
                    visitor(w, base, digit);
                }
            }
        }
    }
}

impl<C: SWCurveConfig> Buckets<C> {
    fn new(chunks: &[Chunk<'_, C>], windows: Range<usize>, width: usize) -> Self {
        let size = 1 << (width - 1);
        let mut segments = vec![(0, 0); windows.len() * size];
        let bucket = |w: usize, digit: i32| w * size + digit.unsigned_abs() as usize - 1;
        visit(chunks, windows.clone(), |w, _, digit| segments[bucket(w, digit)].1 += 1);
        let mut buckets = Self::allocate(segments, size);
        visit(chunks, windows, |w, base, digit| buckets.push(bucket(w, digit), if digit < 0 { -base } else { base }));
        buckets
    }

    /// Empty buckets for as many points as the segments say.
    fn allocate(mut segments: Vec<(usize, usize)>, size: usize) -> Self {
        let mut total = 0;
        for segment in &mut segments {
            segment.0 = total;
            total += std::mem::take(&mut segment.1);
        }
        Self { points: vec![Affine::identity(); total], segments, size }
    }

    fn push(&mut self, bucket: usize, point: Affine<C>) {
        let (start, filled) = &mut self.segments[bucket];
        self.points[*start + *filled] = point;
        *filled += 1;
    }

    /// Adds up each bucket.
    fn add_up(mut self) -> Self {
        while self.halve() {}
        self
    }

    /// The sum of a bucket that has been added up.
    fn get(&self, bucket: usize) -> Option<&Affine<C>> {
        let (start, left) = self.segments[bucket];
        (left == 1).then(|| &self.points[start])
    }

    /// For each window `Σ_i (i + 1) · Σ bucket i`.
    ///
    /// As a matrix of rows of `n` buckets, with `i = a·n + b`, that is `n·Σ_a a·row_a + Σ_b (b + 1)·column_b`: two affine
    /// additions for each bucket, and running sums over rows and columns alone.
    fn sums(self) -> Vec<Projective<C>> {
        let buckets = self.add_up();
        let columns = 1 << (buckets.size.ilog2() / 2);
        let rows = buckets.size / columns;
        let lines = rows + columns;
        let windows = buckets.segments.len() / buckets.size;
        let filled = (0..buckets.segments.len()).filter_map(|i| {
            let (w, i_w) = (i / buckets.size, i % buckets.size);
            Some(([w * lines + i_w / columns, w * lines + rows + i_w % columns], buckets.get(i)?))
        });
        let mut segments = vec![(0, 0); windows * lines];
        filled.clone().for_each(|(lines, _)| lines.iter().for_each(|&line| segments[line].1 += 1));
        let mut sums = Self::allocate(segments, lines);
        filled.for_each(|(lines, point)| lines.iter().for_each(|&line| sums.push(line, *point)));
        let sums = sums.add_up();

        // Σ_j (j + 1) · line j.
        let weighted = |lines: Range<usize>| {
            let (mut running, mut total) = (Projective::zero(), Projective::zero());
            for line in lines.rev() {
                if let Some(point) = sums.get(line) {
                    running += point;
                }
                total += running;
            }
            total
        };
        let window = |w: usize| {
            let first = w * lines;
            let mut total = weighted(first + 1..first + rows);
            for _ in 0..columns.ilog2() {
                total.double_in_place();
            }
            total + weighted(first + rows..first + lines)
        };
        (0..windows).map(window).collect()
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
    fn scalars_are_split_into_short_parts() {
        let half = Fr::from(Fr::MODULUS_MINUS_ONE_DIV_TWO);
        let edge = [Fr::from(0u64), Fr::from(1u64), Fr::from(2u64).pow([126]), Fr::from(2u64).pow([127]), LAMBDA, half];
        let random = (0..5000u64).map(|i| Fr::from(i + 3).pow([i + 77]));
        let value = |(magnitude, is_negative): Part| {
            let value = Fr::from(magnitude);
            if is_negative { -value } else { value }
        };
        for scalar in edge.into_iter().chain(random).flat_map(|s| [s, -s, s + Fr::one(), s * LAMBDA]) {
            let [a, b] = split(&scalar.into_bigint());
            assert!(a.0 >> 127 == 0 && b.0 >> 127 == 0);
            assert_eq!(value(a) + value(b) * LAMBDA, scalar);
        }
    }

    #[test]
    fn sums_in_g2_are_those_of_arkworks() {
        let points: Vec<_> = (1..400u64).map(|i| G2Projective::generator() * Fr::from(i).pow([33])).collect();
        let bases = G2Projective::normalize_batch(&points);
        let mut values = scalars(399);
        values.iter_mut().step_by(3).for_each(|v| *v = Fr::from(v.0[0] % 300).into_bigint());
        assert_eq!(msm(&[(&bases, &values)]), G2Projective::msm_bigint(&bases, &values));
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
