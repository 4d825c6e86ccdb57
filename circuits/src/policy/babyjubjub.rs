//! BabyJubjub in circomlib's form: `168700·x² + y² = 1 + 168696·x²·y²` over the scalar field of BN254.
//!
//! Source: ERC-2494, *Baby Jubjub Elliptic Curve*. The cofactor is 8. `a` is a square and `d` is none, so addition is
//! complete. The base point is circomlib's Base8, a generator of the subgroup of prime order.

use ark_ec::{
    CurveConfig,
    twisted_edwards::{Affine, MontCurveConfig, TECurveConfig},
};
use ark_ff::{BigInteger as _, Field as _, MontFp, PrimeField as _, Zero as _};

use crate::r1cs::Fr;

/// Integers modulo the order of the prime-order subgroup,
/// 2736030358979909402780800718157159386076813972158567259200215660948447373041. The order is that of another form of
/// the curve, from which crate the field is taken.
pub use ark_ed_on_bn254::Fr as Scalar;

/// The curve.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BabyJubjub;

impl CurveConfig for BabyJubjub {
    type BaseField = Fr;
    type ScalarField = Scalar;
    const COFACTOR: &'static [u64] = &[8];
    const COFACTOR_INV: Scalar =
        MontFp!("2394026564107420727433200628387514462817212225638746351800188703329891451411");
}

impl TECurveConfig for BabyJubjub {
    const COEFF_A: Fr = MontFp!("168700");
    const COEFF_D: Fr = MontFp!("168696");
    const GENERATOR: Affine<Self> = Affine::new_unchecked(
        MontFp!("5299619240641551281634865583518297030282874472190772894086521144482721001553"),
        MontFp!("16950150798460657717958625567821834550301663161624707787222815936182638968203"),
    );
    type MontCurveConfig = Self;
}

impl MontCurveConfig for BabyJubjub {
    const COEFF_A: Fr = MontFp!("168698");
    const COEFF_B: Fr = Fr::ONE;
    type TECurveConfig = Self;
}

/// Why a point is no public key, or bytes are no point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PointError {
    /// A coordinate is not below the modulus, or the sign of zero is set.
    #[error("not the canonical bytes of a point")]
    NotCanonical,
    /// The equation does not hold, or has no solution.
    #[error("not a point of the curve")]
    OffCurve,
    /// The identity: every message would have a signature under it.
    #[error("the identity")]
    Identity,
    /// It has a part of small order.
    #[error("not in the subgroup of prime order")]
    SmallSubgroup,
}

/// circomlib's packing: y, little-endian, and in the highest bit whether x is above (p − 1)/2.
pub(super) fn pack(point: &Affine<BabyJubjub>) -> [u8; 32] {
    let mut bytes = [0; 32];
    for (to, from) in bytes.iter_mut().zip(point.y.into_bigint().to_bytes_le()) {
        *to = from;
    }
    if is_negative(point.x) {
        bytes[31] |= SIGN;
    }
    bytes
}

/// Reads a packed point of the curve.
pub(super) fn unpack(bytes: &[u8; 32]) -> Result<Affine<BabyJubjub>, PointError> {
    let negative = bytes[31] & SIGN != 0;
    let mut y_bytes = *bytes;
    y_bytes[31] &= !SIGN;
    let y = Fr::from_le_bytes_mod_order(&y_bytes);
    let (x, minus_x) = Affine::<BabyJubjub>::get_xs_from_y_unchecked(y).ok_or(PointError::OffCurve)?;
    let point = Affine::new_unchecked(if negative { minus_x } else { x }, y);
    if (negative && x.is_zero()) || pack(&point) != *bytes {
        return Err(PointError::NotCanonical);
    }
    Ok(point)
}

const SIGN: u8 = 0x80;

fn is_negative(x: Fr) -> bool {
    x.into_bigint() > Fr::MODULUS_MINUS_ONE_DIV_TWO
}

#[cfg(test)]
mod tests {
    use ark_ec::{AffineRepr as _, CurveGroup as _};
    use ark_ff::{AdditiveGroup as _, One as _, UniformRand as _};

    use super::*;

    #[test]
    fn the_curve_is_circomlibs() {
        let base = Affine::<BabyJubjub>::GENERATOR;
        assert!(base.is_on_curve() && base.is_in_correct_subgroup_assuming_on_curve() && !base.is_zero());
        // ERC-2494: Base8 is eight times the curve's generator.
        let generator = Affine::<BabyJubjub>::new_unchecked(
            MontFp!("995203441582195749578291179787384436505546430278305826713579947235728471134"),
            MontFp!("5472060717959818805561601436314318772137091100104008585924551046643952123905"),
        );
        assert!(generator.is_on_curve() && !generator.is_in_correct_subgroup_assuming_on_curve());
        assert_eq!(generator.mul_by_cofactor(), base);
        assert_eq!(BabyJubjub::COFACTOR_INV * Scalar::from(8u64), Scalar::one());
        assert!(<BabyJubjub as TECurveConfig>::COEFF_A.legendre().is_qr());
        assert!(<BabyJubjub as TECurveConfig>::COEFF_D.legendre().is_qnr());
        let order = "2736030358979909402780800718157159386076813972158567259200215660948447373041";
        assert_eq!(alloc::format!("{}", Scalar::MODULUS), order);
    }

    #[test]
    fn the_montgomery_form_is_birational() {
        let (a, d) = (<BabyJubjub as TECurveConfig>::COEFF_A, <BabyJubjub as TECurveConfig>::COEFF_D);
        assert_eq!(<BabyJubjub as MontCurveConfig>::COEFF_A * (a - d), (a + d).double());
        assert_eq!(<BabyJubjub as MontCurveConfig>::COEFF_B * (a - d), Fr::from(4u64));
    }

    #[test]
    fn packing_round_trips_and_has_no_slack() {
        let mut rng = ark_std::test_rng();
        for _ in 0..20 {
            let point = (Affine::<BabyJubjub>::GENERATOR * Scalar::rand(&mut rng)).into_affine();
            let bytes = pack(&point);
            assert_eq!(unpack(&bytes), Ok(point));
            let mut negated = bytes;
            negated[31] ^= SIGN;
            assert_eq!(unpack(&negated), Ok(-point));
        }
        let identity = pack(&Affine::zero());
        assert_eq!(unpack(&identity), Ok(Affine::zero()));
        let mut minus_zero = identity;
        minus_zero[31] |= SIGN;
        assert_eq!(unpack(&minus_zero), Err(PointError::NotCanonical));
        // The modulus added to y.
        let mut y = Fr::MODULUS;
        y.add_with_carry(&1u64.into());
        let mut aliased = [0; 32];
        aliased.copy_from_slice(&y.to_bytes_le());
        assert_eq!(unpack(&aliased), Err(PointError::NotCanonical));
        let off = (2u64..).find(|&y| Affine::<BabyJubjub>::get_xs_from_y_unchecked(y.into()).is_none()).unwrap_or(0);
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&off.to_le_bytes());
        assert_eq!(unpack(&bytes), Err(PointError::OffCurve));
    }
}
