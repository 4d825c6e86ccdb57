//! Points as `.ptau` files, challenges and responses hold them, and what each has to satisfy.
//!
//! | form | bytes |
//! |---|---|
//! | file | x, y: Montgomery form (times 2^256 modulo q), little-endian, the real part of an element of F_q² first |
//! | uncompressed (challenges) | x, y: big-endian, the imaginary part first |
//! | compressed (responses) | x: big-endian; the topmost bit is set if y is larger than −y |

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine};
use ark_ec::{
    AffineRepr as _, CurveGroup as _,
    pairing::Pairing as _,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{BigInt, Field, PrimeField as _, Zero as _};
use rayon::prelude::*;

/// What is wrong with a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointDefect {
    /// A coordinate that is not below the modulus of its field.
    #[error("a coordinate is not below the modulus")]
    Coordinate,
    /// The identity.
    #[error("it is the identity")]
    Identity,
    /// Not on the curve.
    #[error("it is not on the curve")]
    OffCurve,
    /// On the curve, but not in the subgroup of prime order.
    #[error("it is not in the subgroup")]
    Subgroup,
}

/// A coordinate of a point: an element of F_q or F_q².
pub(super) trait Coordinate: Field {
    /// Bytes of an element.
    const BYTES: usize;

    /// Reads the form of a file; `None` for what is not below q.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Appends the form of a file.
    fn write(&self, out: &mut Vec<u8>);

    /// Appends the form of challenges and responses.
    fn write_big_endian(&self, out: &mut Vec<u8>);
}

impl Coordinate for Fq {
    const BYTES: usize = 32;

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut limbs = [0; 4];
        for (limb, chunk) in limbs.iter_mut().zip(bytes.chunks_exact(8)) {
            *limb = u64::from_le_bytes(chunk.try_into().ok()?);
        }
        let montgomery = BigInt(limbs);
        (montgomery < Self::MODULUS).then(|| Self::new_unchecked(montgomery))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.0.iter().for_each(|limb| out.extend(limb.to_le_bytes()));
    }

    fn write_big_endian(&self, out: &mut Vec<u8>) {
        self.into_bigint().0.iter().rev().for_each(|limb| out.extend(limb.to_be_bytes()));
    }
}

impl Coordinate for Fq2 {
    const BYTES: usize = 64;

    fn read(bytes: &[u8]) -> Option<Self> {
        let (c0, c1) = bytes.split_at_checked(Fq::BYTES)?;
        Some(Self::new(Fq::read(c0)?, Fq::read(c1)?))
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.c0.write(out);
        self.c1.write(out);
    }

    fn write_big_endian(&self, out: &mut Vec<u8>) {
        self.c1.write_big_endian(out);
        self.c0.write_big_endian(out);
    }
}

/// G1 or G2.
pub(super) trait Curve: SWCurveConfig<ScalarField = Fr, BaseField: Coordinate> {
    /// Bytes of a point in a file.
    const POINT: usize = 2 * <Self::BaseField as Coordinate>::BYTES;
}

impl<C: SWCurveConfig<ScalarField = Fr, BaseField: Coordinate>> Curve for C {}

/// Reads a point without looking whether it is one: [`check`] does.
pub(super) fn read<C: Curve>(bytes: &[u8]) -> Result<Affine<C>, PointDefect> {
    let (x, y) = bytes.split_at(bytes.len() / 2);
    let coordinate = |bytes| C::BaseField::read(bytes).ok_or(PointDefect::Coordinate);
    let (x, y) = (coordinate(x)?, coordinate(y)?);
    Ok(if x.is_zero() && y.is_zero() { Affine::identity() } else { Affine::new_unchecked(x, y) })
}

/// Whether a point is on the curve, in the subgroup, and not the identity.
pub(super) fn check<C: Curve>(point: &Affine<C>) -> Result<(), PointDefect> {
    if point.is_zero() {
        Err(PointDefect::Identity)
    } else if !point.is_on_curve() {
        Err(PointDefect::OffCurve)
    } else if !point.is_in_correct_subgroup_assuming_on_curve() {
        Err(PointDefect::Subgroup)
    } else {
        Ok(())
    }
}

/// Points in the form of a file.
pub(super) fn encode<C: Curve>(points: &[Affine<C>]) -> Vec<u8> {
    concat(points, C::POINT, |p, out| {
        p.x.write(out);
        p.y.write(out);
    })
}

/// Points in the form of a challenge.
pub(super) fn uncompressed<C: Curve>(points: &[Affine<C>]) -> Vec<u8> {
    concat(points, C::POINT, |p, out| {
        p.x.write_big_endian(out);
        p.y.write_big_endian(out);
    })
}

/// Points in the form of a response. There is no identity among them.
pub(super) fn compressed<C: Curve>(points: &[Affine<C>]) -> Vec<u8> {
    concat(points, C::POINT / 2, |p, out| {
        let at = out.len();
        p.x.write_big_endian(out);
        if p.y > -p.y {
            out[at] |= 0x80;
        }
    })
}

fn concat<C: Curve>(points: &[Affine<C>], size: usize, write: impl Fn(&Affine<C>, &mut Vec<u8>) + Sync) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = points
        .par_chunks(1 << 10)
        .map(|chunk| {
            let mut out = Vec::with_capacity(chunk.len() * size);
            chunk.iter().for_each(|p| write(p, &mut out));
            out
        })
        .collect();
    parts.concat()
}

/// Whether `b/a = d/c` as discrete logarithms: `e(a, d) = e(b, c)`. None of the four is the identity.
pub(super) fn same_ratio(g1: [impl Into<G1Affine>; 2], g2: [impl Into<G2Affine>; 2]) -> bool {
    let ([a, b], [c, d]) = (g1.map(Into::into), g2.map(Into::into));
    let identity = [a, b].iter().any(|p| p.is_zero()) || [c, d].iter().any(|p| p.is_zero());
    !identity && ark_bn254::Bn254::multi_pairing([a, (-b.into_group()).into_affine()], [d, c]).is_zero()
}
