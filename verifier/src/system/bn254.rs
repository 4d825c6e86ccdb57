//! Points and scalars of BN254 in files: one encoding each, and what every point is checked for.

use alloc::{boxed::Box, vec::Vec};

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{
    AdditiveGroup as _, AffineRepr, CurveGroup as _,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::PrimeField as _;
use ark_serialize::{CanonicalDeserialize as _, CanonicalSerialize as _, Compress, Validate};

use crate::{
    bytes::Reader,
    error::{DecodeError, Problem},
    statement::{SLOTS, Statement},
};

/// Order of the groups, big-endian.
pub(super) const MODULUS: [u8; 32] = [
    0x30, 0x64, 0x4e, 0x72, 0xe1, 0x31, 0xa0, 0x29, 0xb8, 0x50, 0x45, 0xb6, 0x81, 0x81, 0x58, 0x5d, 0x28, 0x33, 0xe8,
    0x48, 0x79, 0xb9, 0x70, 0x91, 0x43, 0xe1, 0xf5, 0x93, 0xf0, 0x00, 0x00, 0x01,
];

/// The slots as scalars.
pub(super) fn scalars(statement: &Statement) -> Result<[Fr; SLOTS], DecodeError> {
    let mut public = [Fr::default(); SLOTS];
    for (to, slot) in public.iter_mut().zip(statement.slots()) {
        *to = scalar(slot)?;
    }
    Ok(public)
}

pub(super) fn scalar(slot: &[u8; 32]) -> Result<Fr, DecodeError> {
    let mut bytes = *slot;
    bytes.reverse();
    Fr::deserialize_compressed(bytes.as_slice())
        .map_err(|_| DecodeError::new("statement", "slot", Problem::NotCanonical))
}

/// Reads a compressed point of N bytes. It is on its curve by construction; its subgroup is not checked here.
pub(super) fn read_point<C: SWCurveConfig, const N: usize>(
    r: &mut Reader<'_>,
    field: &'static str,
) -> Result<Affine<C>, DecodeError> {
    let bytes = r.array::<N>(field)?;
    let mut rest = bytes.as_slice();
    let point = Affine::<C>::deserialize_with_mode(&mut rest, Compress::Yes, Validate::No);
    // arkworks ignores all other bits of an encoded identity, so the bytes are compared with the one right encoding.
    let mut again = Vec::new();
    match point {
        Ok(point) if rest.is_empty() => {
            put_point(&mut again, &point);
            if again == bytes { Ok(point) } else { Err(r.error(field, Problem::NotAPoint)) }
        }
        Ok(_) | Err(_) => Err(r.error(field, Problem::NotAPoint)),
    }
}

pub(super) fn put_point<C: SWCurveConfig>(out: &mut Vec<u8>, point: &Affine<C>) {
    // Writing to a vector does not fail; a short encoding would be refused by every reader.
    let _ = point.serialize_compressed(out);
}

pub(super) fn check_point<C: SWCurveConfig>(
    point: &Affine<C>,
    what: &'static str,
    field: &'static str,
) -> Result<(), DecodeError> {
    let err = |problem| Err(DecodeError::new(what, field, problem));
    if point.is_zero() {
        return err(Problem::Identity);
    }
    if !point.is_on_curve() {
        return err(Problem::NotAPoint);
    }
    if !point.is_in_correct_subgroup_assuming_on_curve() {
        return err(Problem::WrongSubgroup);
    }
    Ok(())
}

/// Refuses a δ from which trapdoors are known. Two points are equal up to sign iff their x-coordinates are.
pub(super) fn check_delta(
    delta: &G2Affine,
    beta: &G2Affine,
    what: &'static str,
    field: &'static str,
) -> Result<(), DecodeError> {
    let err = |problem| Err(DecodeError::new(what, field, Problem::Relation(problem)));
    if delta.x == G2Affine::generator().x {
        return err("δ is ± the generator: nobody contributed to this setup, all can forge");
    }
    if delta.x == beta.x {
        return err("δ is ± β: proofs can be forged");
    }
    Ok(())
}

/// Reads the points of the public inputs.
pub(super) fn read_ic<const N: usize>(
    r: &mut Reader<'_>,
    names: [&'static str; N],
) -> Result<[G1Affine; N], DecodeError> {
    let mut ic = [G1Affine::identity(); N];
    for (point, name) in ic.iter_mut().zip(names) {
        *point = read_point::<_, 32>(r, name)?;
    }
    Ok(ic)
}

/// Multiples of a point that signed digits to the base 16 ask for: 1 to 8 times.
type Multiples = [G1Affine; 8];

/// `IC₀ + Σ xᵢ·ICᵢ`, with what depends on the key alone computed once.
///
/// All scalars are walked together, from their highest digit on (Straus): four doublings a digit, whatever their number,
/// and none of an input that is zero.
pub(super) struct InputSum<const N: usize> {
    constant: G1Affine,
    multiples: Box<[Multiples; N]>,
}

#[allow(clippy::arithmetic_side_effects, reason = "operations of the group are total")]
impl<const N: usize> InputSum<N> {
    /// From the point of the constant one and that of each input.
    pub(super) fn new(constant: G1Affine, inputs: [G1Affine; N]) -> Self {
        let multiples = |point: G1Affine| {
            let mut multiple = G1Projective::ZERO;
            let all: [G1Projective; 8] = core::array::from_fn(|_| {
                multiple += point;
                multiple
            });
            all.map(|p| p.into_affine())
        };
        Self { constant, multiples: Box::new(inputs.map(multiples)) }
    }

    pub(super) fn sum(&self, inputs: &[Fr; N]) -> G1Affine {
        (self.variable(inputs) + self.constant).into_affine()
    }

    /// `weight·IC₀ + Σ xᵢ·ICᵢ`.
    pub(super) fn weighted_sum(&self, weight: Fr, inputs: &[Fr; N]) -> G1Affine {
        (self.variable(inputs) + self.constant * weight).into_affine()
    }

    /// `Σ xᵢ·ICᵢ`.
    fn variable(&self, inputs: &[Fr; N]) -> G1Projective {
        let digits = inputs.each_ref().map(signed_digits);
        let mut total = G1Projective::ZERO;
        for place in (0..DIGITS).rev() {
            for _ in 0..4 {
                total.double_in_place();
            }
            for (multiples, digits) in self.multiples.iter().zip(&digits) {
                match digits.get(place) {
                    Some(&Digit::Plus(n)) => total += multiples.get(n).copied().unwrap_or_default(),
                    Some(&Digit::Minus(n)) => total -= multiples.get(n).copied().unwrap_or_default(),
                    Some(Digit::Zero) | None => {}
                }
            }
        }
        total
    }
}

/// Digits of a scalar to the base 16.
const DIGITS: usize = 64;

/// A digit from −8 to 8, by the index of its multiple.
#[derive(Clone, Copy)]
enum Digit {
    Zero,
    Plus(usize),
    Minus(usize),
}

/// Lowest first. The highest digit of a scalar is at most 3, so nothing is carried out of it.
fn signed_digits(scalar: &Fr) -> [Digit; DIGITS] {
    let mut digits = [Digit::Zero; DIGITS];
    let bytes = scalar.into_bigint().0.map(u64::to_le_bytes);
    let nibbles = bytes.iter().flatten().flat_map(|byte| [byte & 0x0f, byte >> 4]);
    let mut carry = 0u8;
    for (digit, nibble) in digits.iter_mut().zip(nibbles) {
        let value = nibble.saturating_add(carry);
        carry = u8::from(value > 8);
        *digit = match value {
            0 | 16 => Digit::Zero,
            1..=8 => Digit::Plus(usize::from(value.saturating_sub(1))),
            _ => Digit::Minus(usize::from(15u8.saturating_sub(value))),
        };
    }
    digits
}

#[cfg(test)]
mod tests {
    use ark_ec::VariableBaseMSM as _;
    use ark_ff::Field as _;

    use super::*;

    #[test]
    fn input_sums_are_those_of_arkworks() {
        let g = G1Affine::generator();
        let ic: Vec<G1Affine> = (3..13u64).map(|i| (g * Fr::from(i).pow([77])).into_affine()).collect();
        let [constant, rest @ ..] = <[G1Affine; 10]>::try_from(ic.as_slice()).unwrap();
        let sum = InputSum::new(constant, rest);
        let edge = [0u64, 1, 7, 8, 9, 15, 16, 0x88, 0x99, u64::MAX, 1 << 63].map(Fr::from);
        let all = edge.into_iter().flat_map(|x| [x, -x, x.pow([5])]);
        for (i, x) in all.enumerate() {
            let inputs: [Fr; 9] = core::array::from_fn(|j| x * Fr::from(j as u64 + 1).pow([i as u64 % 90]));
            let scalars = [&[Fr::from(1u64)], &inputs[..]].concat();
            assert_eq!(sum.sum(&inputs), G1Projective::msm_unchecked(&ic, &scalars).into_affine());
        }
        assert_eq!(sum.sum(&[Fr::from(0u64); 9]), ic[0]);
        // Equal and opposite points meet.
        let twice = InputSum::new(g, [g, g]);
        assert_eq!(twice.sum(&[Fr::from(5u64), -Fr::from(6u64)]), G1Affine::identity());
        assert_eq!(twice.sum(&[Fr::from(8u64), Fr::from(8u64)]), g * Fr::from(17u64));
    }
}
