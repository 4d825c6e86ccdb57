//! Points of BabyJubjub in affine twisted Edwards coordinates, `a·x² + y² = 1 + d·x²·y²`.
//!
//! `a` is a square and `d` is none, so the addition law is complete (Bernstein, Lange, ePrint 2007/286): for any two
//! points of the curve `1 ± d·x₁x₂y₁y₂` is not zero, so every sum and every double has exactly one witness, the identity,
//! opposite and equal points included. There are no exceptional cases, as long as all operands are on the curve: a key is
//! checked to be, and sums of points of the curve are on it.
//!
//! | operation | constraints |
//! |---|---|
//! | is on the curve | 3 |
//! | sum | 6, with a constant 3 |
//! | double | 5 |
//! | times a scalar of n bits | about 11 n |

use ark_bn254::Fr;
use ark_ec::twisted_edwards::TECurveConfig as _;
use ark_ff::{AdditiveGroup as _, Field as _, One as _};

use super::super::builder::{Builder, Lc, Num, Sink};
use crate::policy::BabyJubjub;

const A: Fr = BabyJubjub::COEFF_A;
const D: Fr = BabyJubjub::COEFF_D;

/// A point by its coordinates. They stand in B wherever they are multiplied with what is in B nowhere else.
#[derive(Clone, Debug)]
pub(super) struct Point {
    pub(super) x: Lc,
    pub(super) y: Lc,
}

impl Point {
    /// A point of the circuit's own.
    pub(super) fn constant<S: Sink>(b: &Builder<'_, S>, [x, y]: [Fr; 2]) -> Self {
        Self { x: b.constant(x), y: b.constant(y) }
    }

    /// Any two elements: whether they are on the curve is for the caller to constrain.
    pub(super) fn witness<S: Sink>(b: &mut Builder<'_, S>, coordinates: [Fr; 2]) -> Self {
        let [x, y] = coordinates.map(|v| b.witness(v));
        Self { x: b.var(x), y: b.var(y) }
    }

    /// The opposite point.
    pub(super) fn negated(&self) -> Self {
        Self { x: self.x.clone().scale(-Fr::one()), y: self.y.clone() }
    }

    /// Constrains the point to be on the curve.
    pub(super) fn enforce_on_curve<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str) {
        let (xx, yy) = (b.product(name, &self.x, &self.x), b.product(name, &self.y, &self.y));
        let scaled = b.lc().add(D, xx);
        let rest = b.lc().add(A, xx).add(Fr::one(), yy).plus(-Fr::one());
        let yy = b.var(yy);
        b.enforce(name, &yy, &scaled, &rest);
    }

    /// `2·self`: the equation of the curve gives `1 + d·(x·y)²` for `a·x² + y²`.
    pub(super) fn double<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str) -> Self {
        let xy = b.product(name, &self.x, &self.y);
        let xy = b.var(xy);
        let square = b.product(name, &xy, &xy);
        let xx = b.product(name, &self.x, &self.x);
        let sum = b.lc().add(D, square).plus(Fr::one());
        let rest = sum.clone().scale(-Fr::one()).plus(Fr::from(2u64));
        let numerators = [xy.scale(Fr::from(2u64)), sum.clone().add(-A.double(), xx)];
        Self::quotients(b, name, numerators, [sum, rest])
    }

    /// `self + other`.
    pub(super) fn plus<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str, other: &Self) -> Self {
        let (numerators, denominators) = self.sum(b, name, other);
        Self::quotients(b, name, numerators, denominators)
    }

    /// Constrains `self + other = sum`.
    pub(super) fn enforce_sum<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str, other: &Self, sum: &Self) {
        let ([x, y], [below_x, below_y]) = self.sum(b, name, other);
        b.enforce(name, &below_x, &sum.x, &x);
        b.enforce(name, &below_y, &sum.y, &y);
    }

    /// Numerators and denominators of the coordinates of a sum, with `β = x₁y₂` and `γ = y₁x₂`:
    /// `(β + γ)/(1 + dβγ)` and `((y₁ − a·x₁)(x₂ + y₂) + aβ − γ)/(1 − dβγ)`.
    fn sum<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str, other: &Self) -> ([Lc; 2], [Lc; 2]) {
        let mut times = |factor: &Lc, own: &Lc| {
            if factor.is_constant() {
                return own.clone().scale(factor.value);
            }
            let product = b.product(name, factor, own);
            b.var(product)
        };
        let beta = times(&other.y, &self.x);
        let gamma = times(&other.x, &self.y);
        let both = other.x.clone().add_lc(Fr::one(), &other.y);
        let delta = times(&both, &self.y.clone().add_lc(-A, &self.x));
        let tau = b.product(name, &beta, &gamma);
        let y = delta.add_lc(A, &beta).add_lc(-Fr::one(), &gamma);
        let denominators = [D, -D].map(|d| b.lc().add(d, tau).plus(Fr::one()));
        ([beta.add_lc(Fr::one(), &gamma), y], denominators)
    }

    fn quotients<S: Sink>(
        b: &mut Builder<'_, S>,
        name: &'static str,
        numerators: [Lc; 2],
        denominators: [Lc; 2],
    ) -> Self {
        // Both by one inversion. Without a witness a denominator may be zero.
        let [p, q] = denominators.each_ref().map(|d| d.value);
        let inverse = (p * q).inverse().unwrap_or_default();
        let values = [numerators[0].value * q * inverse, numerators[1].value * p * inverse];
        let point = Self::witness(b, values);
        for ((denominator, numerator), coordinate) in denominators.iter().zip(&numerators).zip([&point.x, &point.y]) {
            b.enforce(name, denominator, coordinate, numerator);
        }
        point
    }

    /// `scalar · self` of a scalar's bits, least significant first: an even number of them, at least two.
    ///
    /// With `bᵢ` the bits of h and `sᵢ = 2·bᵢ₊₁ − 1`, the odd one of h and h + 1 is `2^(n−1) + Σ sᵢ·2^i` over the n − 1 bits but
    /// the lowest. Pairs of these are digits ±1 and ±3, so there is always something to add; at the end the point itself
    /// is taken off an even h.
    pub(super) fn times<S: Sink>(&self, b: &mut Builder<'_, S>, name: &'static str, bits: &[Num]) -> Self {
        let half = Fr::from(2u64).inverse().unwrap_or_default();
        let double = self.double(b, name);
        let triple = double.plus(b, name, self);
        let difference = |c: fn(&Self) -> &Lc| c(&triple).clone().add_lc(-Fr::one(), c(self));
        let (dx, dy) = (difference(|p| &p.x), difference(|p| &p.y));
        let mean = |c: &Lc, d: &Lc| c.clone().add_lc(half, d);
        let (mean_x, mean_y) = (mean(&self.x, &dx), mean(&self.y, &dy));
        let sign = |b: &Builder<'_, S>, bit: Num| b.lc().add(Fr::from(2u64), bit).plus(-Fr::one());

        // The top digit is 1 or 3.
        let [lowest, rest @ .., top] = bits else { return self.clone() };
        let top = b.var(*top);
        let (x, y) = (b.product(name, &dx, &top), b.product(name, &dy, &top));
        let mut acc = Self { x: self.x.clone().add(Fr::one(), x), y: self.y.clone().add(Fr::one(), y) };
        for pair in rest.rchunks_exact(2) {
            let [low, high] = [pair[0], pair[1]];
            acc = acc.double(b, name).double(b, name);
            // x = high·(x₁ + x₃)/2 + low·(x₃ − x₁)/2 and y = (y₁ + y₃)/2 + high·low·(y₃ − y₁)/2 of the signs.
            let signs = [sign(b, high), sign(b, low)];
            let x = [b.product(name, &mean_x, &signs[0]), b.product(name, &dx, &signs[1])];
            let [low_lc, high_lc] = [low, high].map(|bit| b.var(bit));
            let both = b.product(name, &low_lc, &high_lc);
            let same = b.lc().add(Fr::from(4u64), both).add(-Fr::from(2u64), low).add(-Fr::from(2u64), high);
            let y = b.product(name, &dy, &same.plus(Fr::one()));
            let digit = Self { x: b.lc().add(Fr::one(), x[0]).add(half, x[1]), y: mean_y.clone().add(half, y) };
            acc = acc.plus(b, name, &digit);
        }
        let even = b.lc().add(-Fr::one(), *lowest).plus(Fr::one());
        let x = b.product(name, &self.x, &even);
        let above = self.y.clone().plus(-Fr::one());
        let y = b.product(name, &above, &even);
        let correction = Self { x: b.lc().add(-Fr::one(), x), y: b.lc().add(Fr::one(), y).plus(Fr::one()) };
        acc.plus(b, name, &correction)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};

    use ark_ec::{AffineRepr as _, CurveGroup as _};
    use ark_ff::{BigInteger as _, PrimeField as _, Zero as _};

    use super::{super::super::checker::Checker, *};
    use crate::policy::{self, Scalar};

    type Native = policy::Point;

    /// Points of all orders: the identity, small ones, the base, and sums of them.
    fn points() -> Vec<Native> {
        let base = Native::generator();
        // Of order 8: of the whole group times the odd order.
        let generator = (1u64..)
            .filter_map(|y| Native::get_point_from_y_unchecked(y.into(), false))
            .map(|p| p.mul_bigint(Scalar::MODULUS).into_affine())
            .find(|p| !p.mul_bigint([4u64]).is_zero())
            .unwrap();
        let small = (0u64..8).map(|i| generator.mul_bigint([i]).into_affine());
        let mut all: Vec<Native> = small.collect();
        all.extend([1u64, 2, 7].map(|i| base.mul_bigint([i]).into_affine()));
        all.extend([-base, (base + generator).into_affine(), (base * Scalar::from(99u64) - generator).into_affine()]);
        all
    }

    fn check(tamper: &[(u32, Fr)], gadget: impl FnOnce(&mut Builder<'_, Checker>)) -> Checker {
        let mut checker = Checker::new(&[]);
        checker.tamper = tamper.iter().copied().collect();
        gadget(&mut Builder::new(&mut checker, 0, None));
        checker
    }

    fn coordinates(p: Native) -> [Fr; 2] {
        [p.x, p.y]
    }

    fn assert_is(point: &Point, expected: Native) {
        assert_eq!([point.x.value, point.y.value], coordinates(expected));
    }

    #[test]
    fn sums_and_doubles_are_complete() {
        for p in points() {
            for q in points() {
                let honest = check(&[], |b| {
                    let operands = [p, q].map(|p| Point::witness(b, coordinates(p)));
                    let [p_point, q_point] = &operands;
                    p_point.enforce_on_curve(b, "curve");
                    assert_is(&p_point.plus(b, "sum", q_point), (p + q).into_affine());
                    assert_is(&p_point.double(b, "double"), (p + p).into_affine());
                    assert_is(&p_point.negated(), -p);
                    let constant = Point::constant(b, coordinates(q));
                    assert_is(&p_point.plus(b, "constant", &constant), (p + q).into_affine());
                });
                assert_eq!((honest.failures.as_slice(), honest.constraints), ([].as_slice(), 3 + 6 + 5 + 3));
            }
        }
    }

    /// The witnesses of a sum and of a double have one value each, also where the result is the identity.
    #[test]
    fn no_witness_of_a_sum_can_be_another() {
        for (p, q) in points().into_iter().zip(points().into_iter().rev()) {
            let gadget = |b: &mut Builder<'_, Checker>| {
                let operands = [p, q].map(|p| Point::witness(b, coordinates(p)));
                operands[0].plus(b, "sum", &operands[1]);
                operands[0].double(b, "double");
            };
            let honest = check(&[], gadget);
            for variable in 5..honest.assignment.len() as u32 {
                let value = honest.assignment[variable as usize];
                for forged in [value + Fr::one(), -value, Fr::zero(), value.double()] {
                    if forged != value {
                        assert!(!check(&[(variable, forged)], gadget).failures.is_empty(), "{variable}");
                    }
                }
            }
        }
    }

    #[test]
    fn points_off_the_curve_are_refused() {
        for p in points() {
            for off in [[p.x + Fr::one(), p.y], [p.x, p.y + Fr::one()], [Fr::zero(), Fr::zero()]] {
                let is_off = !Native::new_unchecked(off[0], off[1]).is_on_curve();
                let refused = check(&[], |b| Point::witness(b, off).enforce_on_curve(b, "curve"));
                let names: Vec<&str> = refused.failures.iter().map(|f| f.name).collect();
                assert_eq!(names, if is_off { vec!["curve"] } else { vec![] });
            }
        }
    }

    #[test]
    fn multiples_are_those_of_the_integer() {
        let (order, modulus) = (Scalar::MODULUS, Fr::MODULUS);
        let mut around: Vec<_> = [0u64, 1, 2, 3, 4, 5, 8].map(Into::into).to_vec();
        for middle in [order, modulus] {
            for difference in [0u64, 1, 2] {
                let (mut less, mut more) = (middle, middle);
                less.sub_with_borrow(&difference.into());
                more.add_with_carry(&difference.into());
                around.extend([less, more]);
            }
        }
        let mut all = Fr::zero().into_bigint();
        all.0 = [u64::MAX, u64::MAX, u64::MAX, (1 << 62) - 1];
        around.push(all);
        for p in points() {
            for scalar in &around {
                let checked = check(&[], |b| {
                    let point = Point::witness(b, coordinates(p));
                    let bits: Vec<Num> = (0..254).map(|i| b.boolean("bit", scalar.get_bit(i))).collect();
                    assert_is(&point.times(b, "times", &bits), p.mul_bigint(scalar).into_affine());
                });
                assert_eq!(checked.failures, []);
                assert_eq!(checked.constraints, 254 + 11 + 2 + 126 * 20 + 8);
            }
        }
    }

    #[test]
    fn every_step_of_a_multiple_is_constrained() {
        let p = Native::generator();
        let gadget = |b: &mut Builder<'_, Checker>| {
            let point = Point::witness(b, coordinates(p));
            let bits: Vec<Num> = (0..8).map(|i| b.boolean("bit", 0b1010_0110 >> i & 1 == 1)).collect();
            point.times(b, "times", &bits);
        };
        let honest = check(&[], gadget);
        assert_eq!(honest.failures, []);
        for variable in 3 + 8..honest.assignment.len() as u32 {
            let forged = honest.assignment[variable as usize] + Fr::one();
            assert!(!check(&[(variable, forged)], gadget).failures.is_empty(), "{variable}");
        }
    }
}
