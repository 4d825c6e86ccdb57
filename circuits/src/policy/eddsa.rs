//! EdDSA over BabyJubjub with Poseidon, as circomlibjs's `signPoseidon` and zk-kit's `eddsa-poseidon/blake-2b` do it.
//!
//! A signature (R8, S) on a message M, an element, under the key A satisfies `S·B = R8 + 8·h·A` with
//! `h = Poseidon(R8x, R8y, Ax, Ay, M)`: exactly, without the cofactor on both sides. So R8 lies in the subgroup of B if A
//! does, and there is one S for each R8.
//!
//! Keys and nonces come from 32 secret bytes by BLAKE2b-512, which is zk-kit's `blake-2b` variant. Its default, and
//! circomlibjs, use the older BLAKE-512: there the same bytes give another key, whose signatures verify here alike.

use ark_ec::{AffineRepr as _, CurveConfig as _, CurveGroup as _, twisted_edwards::Affine};
use ark_ff::{BigInteger as _, PrimeField as _};
use blake2::{Blake2b512, Digest as _};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::babyjubjub::{BabyJubjub, PointError, Scalar, pack, unpack};
use crate::r1cs::{Fr, poseidon::hash};

/// A pair of coordinates; on the curve only where that was checked.
pub type Point = Affine<BabyJubjub>;

/// A public key: a point of the subgroup of prime order, not the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(Point);

impl PublicKey {
    /// Checks a point.
    ///
    /// # Errors
    /// A point that is off the curve, the identity, or has a part of small order.
    pub fn new(point: Point) -> Result<Self, PointError> {
        if !point.is_on_curve() {
            return Err(PointError::OffCurve);
        }
        if point.is_zero() {
            return Err(PointError::Identity);
        }
        if !point.is_in_correct_subgroup_assuming_on_curve() {
            return Err(PointError::SmallSubgroup);
        }
        Ok(Self(point))
    }

    /// The point.
    pub fn point(&self) -> Point {
        self.0
    }

    /// The 32 bytes that circomlibjs's `packPoint` gives.
    pub fn to_bytes(&self) -> [u8; 32] {
        pack(&self.0)
    }

    /// Reads [`PublicKey::to_bytes`].
    ///
    /// # Errors
    /// Bytes that are not canonical, and all that [`PublicKey::new`] refuses.
    pub fn from_bytes(bytes: &[u8; 32]) -> Result<Self, PointError> {
        unpack(bytes).and_then(Self::new)
    }
}

/// A secret key: 32 bytes from the operating system. Wiped when dropped, and never printed.
#[derive(Clone, ZeroizeOnDrop)]
pub struct SecretKey([u8; 32]);

impl core::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("SecretKey")
    }
}

impl SecretKey {
    /// Takes 32 uniform bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The bytes, for a file that only its owner can read.
    pub fn expose(&self) -> &[u8; 32] {
        &self.0
    }

    /// The public key: an eighth of the pruned first half of the key's hash, times the base point.
    ///
    /// # Errors
    /// The identity, which no one meets: one secret scalar of about 2^251 gives it.
    pub fn public(&self) -> Result<PublicKey, PointError> {
        PublicKey::new(multiply(&Point::generator(), Expanded::new(&self.0).scalar * BabyJubjub::COFACTOR_INV))
    }

    /// Signs an element. The nonce follows from key and message alone, so that bad randomness cannot betray the key. Not
    /// in constant time.
    ///
    /// # Errors
    /// As [`SecretKey::public`].
    pub fn sign(&self, message: Fr) -> Result<Signature, PointError> {
        let key = self.public()?;
        let expanded = Expanded::new(&self.0);
        let mut h = Blake2b512::new();
        h.update(expanded.prefix);
        h.update(message.into_bigint().to_bytes_le());
        let mut nonce = Scalar::from_le_bytes_mod_order(&h.finalize());
        let r8 = multiply(&Point::generator(), nonce);
        let s = nonce + reduced(challenge(&r8, &key.0, message)) * expanded.scalar;
        nonce.zeroize();
        Ok(Signature { r8, s: Fr::new(s.into_bigint()) })
    }
}

/// What a secret key is expanded to.
#[derive(ZeroizeOnDrop)]
struct Expanded {
    /// The pruned first half of the hash, a multiple of 8 before it is reduced.
    scalar: Scalar,
    /// The second half: what the nonce is derived from besides the message.
    prefix: [u8; 32],
}

impl Expanded {
    fn new(key: &[u8; 32]) -> Self {
        let mut bytes = [0; 64];
        bytes.copy_from_slice(&Blake2b512::digest(key));
        let (mut scalar, mut prefix) = ([0; 32], [0; 32]);
        scalar.copy_from_slice(&bytes[..32]);
        prefix.copy_from_slice(&bytes[32..]);
        bytes.zeroize();
        scalar[0] &= 0xf8;
        scalar[31] &= 0x7f;
        scalar[31] |= 0x40;
        let expanded = Self { scalar: Scalar::from_le_bytes_mod_order(&scalar), prefix };
        scalar.zeroize();
        expanded
    }
}

/// A signature; valid only where [`verify`] says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The nonce's point.
    pub r8: Point,
    /// The response, below the order of the subgroup.
    pub s: Fr,
}

impl Default for Signature {
    /// No one's signature: it verifies under no key.
    fn default() -> Self {
        Self { r8: Point::zero(), s: Fr::default() }
    }
}

/// Length of an encoded signature.
pub const SIGNATURE_BYTES: usize = 64;

impl Signature {
    /// circomlibjs's `packSignature`: R8 packed, then S, little-endian.
    pub fn to_bytes(&self) -> [u8; SIGNATURE_BYTES] {
        let mut bytes = [0; SIGNATURE_BYTES];
        bytes[..32].copy_from_slice(&pack(&self.r8));
        bytes[32..].copy_from_slice(&self.s.into_bigint().to_bytes_le());
        bytes
    }

    /// Reads [`Signature::to_bytes`].
    ///
    /// # Errors
    /// R8 that is not canonical or off the curve, or S at or above the order.
    pub fn from_bytes(bytes: &[u8; SIGNATURE_BYTES]) -> Result<Self, SignatureError> {
        let (mut r8, mut s) = ([0; 32], [0; 32]);
        r8.copy_from_slice(&bytes[..32]);
        s.copy_from_slice(&bytes[32..]);
        let r8 = unpack(&r8).map_err(SignatureError::Nonce)?;
        let signature = Self { r8, s: Fr::from_le_bytes_mod_order(&s) };
        // A reduced S does not give the bytes back.
        if signature.to_bytes() != *bytes {
            return Err(SignatureError::Response);
        }
        signature.check()?;
        Ok(signature)
    }

    fn check(&self) -> Result<(), SignatureError> {
        if !self.r8.is_on_curve() {
            return Err(SignatureError::Nonce(PointError::OffCurve));
        }
        if self.s.into_bigint() >= Scalar::MODULUS {
            return Err(SignatureError::Response);
        }
        Ok(())
    }
}

/// Why a signature is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No key.
    #[error("the public key is refused: {0}")]
    Key(PointError),
    /// R8 is no point.
    #[error("the signature's point R8 is refused: {0}")]
    Nonce(PointError),
    /// S is not reduced: the same signature would have a second form.
    #[error("the signature's S is not below the order of the subgroup")]
    Response,
    /// The equation does not hold.
    #[error("the signature is of another message or another key")]
    Equation,
}

/// h = Poseidon(R8x, R8y, Ax, Ay, M), an integer below the modulus of BN254's scalar field.
pub fn challenge(r8: &Point, key: &Point, message: Fr) -> Fr {
    hash(&[r8.x, r8.y, key.x, key.y, message])
}

/// Checks a signature on an element.
///
/// # Errors
/// The first of: a key that [`PublicKey::new`] refuses, R8 off the curve, S at or above the order, the equation.
pub fn verify(key: &Point, message: Fr, signature: &Signature) -> Result<(), SignatureError> {
    let key = PublicKey::new(*key).map_err(SignatureError::Key)?.0;
    signature.check()?;
    let h = reduced(challenge(&signature.r8, &key, message));
    let left = multiply(&Point::generator(), reduced(signature.s));
    let right = multiply(&key, h * Scalar::from(8u64)) + signature.r8;
    if right.into_affine() == left { Ok(()) } else { Err(SignatureError::Equation) }
}

fn multiply(point: &Point, scalar: Scalar) -> Point {
    (*point * scalar).into_affine()
}

/// An element's integer modulo the order: the same multiple of a point of the subgroup.
fn reduced(element: Fr) -> Scalar {
    Scalar::from_le_bytes_mod_order(&element.into_bigint().to_bytes_le())
}
