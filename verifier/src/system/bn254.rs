//! Points and scalars of BN254 in files: one encoding each, and what every point is checked for.

use alloc::vec::Vec;

use ark_bn254::{Fr, G2Affine};
use ark_ec::{
    AffineRepr,
    short_weierstrass::{Affine, SWCurveConfig},
};
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
