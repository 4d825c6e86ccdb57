//! Points times scalars, where there are too few terms for buckets.
//!
//! Scalars are split in two of half the length by the endomorphism of the curve (Gallant, Lambert, Vanstone, CRYPTO 2001)
//! and written in non-adjacent form, and the doublings of a sum are shared (Straus).

use ark_bn254::Fr;
use ark_ec::{
    AffineRepr as _,
    scalar_mul::glv::GLVConfig,
    short_weierstrass::{Affine, Projective, SWCurveConfig},
};
use ark_ff::{AdditiveGroup as _, BigInt, PrimeField as _, Zero as _};
use zeroize::Zeroize;

use crate::groth16::{Part, endomorphism, split};

/// Digits of a scalar's two parts, lowest first: odd and below `2^(width − 1)`, or zero.
#[derive(Zeroize)]
pub(super) struct Digits([Vec<i8>; 2]);

/// Width of the digits of [`multiply`]: four odd multiples of the point.
const WIDTH: u32 = 4;

impl Digits {
    /// For [`multiply`].
    pub(super) fn of(scalar: &Fr) -> Self {
        Self::new(&scalar.into_bigint(), WIDTH)
    }

    fn new(scalar: &BigInt<4>, width: u32) -> Self {
        Self(split(scalar).map(|part| non_adjacent(part, width)))
    }

    fn len(&self) -> usize {
        let [own, image] = &self.0;
        own.len().max(image.len())
    }
}

fn non_adjacent((mut rest, is_negative): Part, width: u32) -> Vec<i8> {
    let (full, half) = (1i8 << width, 1i8 << (width - 1));
    let mut digits = Vec::with_capacity((u128::BITS - rest.leading_zeros()) as usize + 1);
    while rest != 0 {
        let mut digit = 0;
        if rest & 1 == 1 {
            digit = (rest & (full as u128 - 1)) as i8;
            if digit >= half {
                digit -= full;
            }
            // Parts are below 2^127, so nothing overflows.
            rest = rest.wrapping_add_signed(-i128::from(digit));
        }
        digits.push(if is_negative { -digit } else { digit });
        rest >>= 1;
    }
    digits
}

/// A point times a scalar.
pub(super) fn multiply<C: GLVConfig<ScalarField = Fr>>(point: &Projective<C>, digits: &Digits) -> Projective<C> {
    let double = point.double();
    let mut multiple = *point;
    let odd = std::array::from_fn::<_, { 1 << (WIDTH - 2) }, _>(|i| {
        if i > 0 {
            multiple += double;
        }
        multiple
    });
    let beta = endomorphism::<C>();
    let images = odd.map(|p| Projective::<C> { x: p.x * beta, ..p });
    let mut sum = Projective::zero();
    for place in (0..digits.len()).rev() {
        sum.double_in_place();
        for (multiples, digits) in [&odd, &images].into_iter().zip(&digits.0) {
            match digits.get(place) {
                None | Some(0) => {}
                Some(&digit) => {
                    let multiple = multiples[usize::from(digit.unsigned_abs()) / 2];
                    sum += if digit < 0 { -multiple } else { multiple };
                }
            }
        }
    }
    sum
}

/// `Σ scalars[i] · points[i]`, of few terms.
pub(super) fn short_sum<C: GLVConfig<ScalarField = Fr>>(terms: &[(Affine<C>, BigInt<4>)]) -> Projective<C> {
    let beta = endomorphism::<C>();
    let terms: Vec<(Affine<C>, Affine<C>, Digits)> = terms
        .iter()
        .filter(|(point, _)| !point.is_zero())
        .map(|(point, scalar)| (*point, image(point, beta), Digits::new(scalar, 2)))
        .collect();
    let places = terms.iter().map(|(.., digits)| digits.len()).max().unwrap_or_default();
    let mut sum = Projective::zero();
    for place in (0..places).rev() {
        sum.double_in_place();
        for (point, image, Digits(digits)) in &terms {
            for (point, digits) in [point, image].into_iter().zip(digits) {
                match digits.get(place) {
                    None | Some(0) => {}
                    Some(1) => sum += point,
                    Some(_) => sum -= point,
                }
            }
        }
    }
    sum
}

fn image<C: SWCurveConfig>(point: &Affine<C>, beta: C::BaseField) -> Affine<C> {
    let mut image = *point;
    image.x *= beta;
    image
}

#[cfg(test)]
mod tests {
    use ark_bn254::{G1Projective, G2Projective};
    use ark_ec::{CurveGroup as _, PrimeGroup as _};
    use ark_ff::Field as _;

    use super::*;

    fn scalars() -> Vec<Fr> {
        let half = Fr::from(Fr::MODULUS_MINUS_ONE_DIV_TWO);
        let edge = [0u64, 1, 2, 3, 7, 8, 15, 200, u64::MAX].map(Fr::from);
        let wide = (0..40u64).map(|i| Fr::from(i + 3).pow([91 + i]));
        edge.into_iter().chain(wide).chain([half]).flat_map(|s| [s, -s]).collect()
    }

    #[test]
    fn products_are_those_of_arkworks() {
        let (one, two) = (G1Projective::generator() * Fr::from(5u64), G2Projective::generator() * Fr::from(5u64));
        for s in scalars() {
            assert_eq!(multiply(&one, &Digits::of(&s)), one * s, "{s}");
            assert_eq!(multiply(&two, &Digits::of(&s)), two * s, "{s}");
        }
        assert!(multiply(&G1Projective::zero(), &Digits::of(&Fr::from(9u64))).is_zero());
    }

    #[test]
    fn sums_are_those_of_arkworks() {
        let scalars = scalars();
        let points: Vec<_> = (0..scalars.len() as u64).map(|i| G1Projective::generator() * Fr::from(i * i)).collect();
        let points = G1Projective::normalize_batch(&points);
        for n in [0, 1, 2, 5, scalars.len()] {
            let terms: Vec<_> = points.iter().zip(&scalars).take(n).map(|(p, s)| (*p, s.into_bigint())).collect();
            let expected: G1Projective = points.iter().zip(&scalars).take(n).map(|(p, s)| *p * s).sum();
            assert_eq!(short_sum(&terms), expected, "{n}");
        }
        // Equal and opposite points meet.
        let g = points[1];
        let five = Fr::from(5u64).into_bigint();
        assert!(short_sum(&[(g, five), (-g, five)]).is_zero());
        assert_eq!(short_sum(&[(g, five), (g, five)]), g * Fr::from(10u64));
    }
}
