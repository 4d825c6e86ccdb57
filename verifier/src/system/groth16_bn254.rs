//! `groth16-bn254:v1`: Groth16 over BN254.
//!
//! Notation of the Groth16 paper (<https://eprint.iacr.org/2016/260>, section 3.2), with the generators G and H of G1
//! and G2 fixed to the standard ones and γ = 1, so that `[γ]₂` = H is not in the file. For a statement x₁…x₈ and
//! `IC = [β·uᵢ(τ) + α·vᵢ(τ) + wᵢ(τ)]₁`, a proof (A, B, C) is accepted iff
//!
//! ```text
//! e(A, B) = e([α]₁, [β]₂) · e(IC₀ + Σ xᵢ·ICᵢ, H) · e(C, [δ]₂)
//! ```
//!
//! | key material | bytes | | proof | bytes |
//! |---|---|---|---|---|
//! | `[α]₁` | 32 | | A | 32 |
//! | `[β]₂` | 64 | | B | 64 |
//! | `[δ]₂` | 64 | | C | 32 |
//! | IC₀ … IC₈ | 9 × 32 | | | |
//!
//! Points are in arkworks' compressed form, little-endian, with the sign of y and the flag of the identity in the two
//! highest bits; a point has exactly one such form.

use alloc::vec::Vec;

use ark_bn254::{Bn254, G1Affine, G2Affine};
use ark_ec::AffineRepr as _;
use ark_groth16::Proof;
use avouch_circuits::{circuit::CircuitDescription, graph::TensorInfo};

use super::{
    DeriveError, ProofError, ProofSystem,
    bn254::{InputSum, MODULUS, check_delta, check_point, put_point, read_ic, read_point, scalars},
    pairing::{PairingKey, Terms},
};
use crate::{
    bytes::Reader,
    error::{DecodeError, LengthRule, Problem},
    key::SetupKind,
    statement::{SLOTS, Statement},
};

const KEY: &str = "verifying key";
const PROOF: &str = "proof";
const IC_NAMES: [&str; 9] = ["IC[0]", "IC[1]", "IC[2]", "IC[3]", "IC[4]", "IC[5]", "IC[6]", "IC[7]", "IC[8]"];

/// Key material that has passed all checks: every point is on its curve, in its subgroup and not the identity, and δ is
/// neither ± the generator, as in a setup that nobody contributed to, nor ± β.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    alpha: G1Affine,
    beta: G2Affine,
    delta: G2Affine,
    ic: [G1Affine; IC_NAMES.len()],
}

impl Key {
    /// Takes over a key from a setup.
    ///
    /// # Errors
    /// A γ that is not the generator, a number of public inputs other than eight, or a point that breaks a rule.
    pub fn new(key: &ark_groth16::VerifyingKey<Bn254>) -> Result<Self, DecodeError> {
        if key.gamma_g2 != G2Affine::generator() {
            return Err(DecodeError::new(KEY, "gamma", Problem::Relation("γ is not the standard generator of G2")));
        }
        let ic = <[G1Affine; IC_NAMES.len()]>::try_from(key.gamma_abc_g1.as_slice()).map_err(|_| {
            let expected = LengthRule::Exactly(IC_NAMES.len());
            DecodeError::new(KEY, "IC", Problem::Length { found: key.gamma_abc_g1.len(), expected })
        })?;
        Self { alpha: key.alpha_g1, beta: key.beta_g2, delta: key.delta_g2, ic }.checked()
    }

    /// The key in arkworks' form.
    pub fn to_ark(&self) -> ark_groth16::VerifyingKey<Bn254> {
        ark_groth16::VerifyingKey {
            alpha_g1: self.alpha,
            beta_g2: self.beta,
            gamma_g2: G2Affine::generator(),
            delta_g2: self.delta,
            gamma_abc_g1: self.ic.to_vec(),
        }
    }

    fn checked(self) -> Result<Self, DecodeError> {
        check_point(&self.alpha, KEY, "alpha")?;
        check_point(&self.beta, KEY, "beta")?;
        check_point(&self.delta, KEY, "delta")?;
        for (point, name) in self.ic.iter().zip(IC_NAMES) {
            check_point(point, KEY, name)?;
        }
        check_delta(&self.delta, &self.beta, KEY, "delta")?;
        Ok(self)
    }
}

/// Encodes a proof: A, B, C.
pub fn encode_proof(proof: &Proof<Bn254>) -> Vec<u8> {
    let mut out = Vec::new();
    put_point(&mut out, &proof.a);
    put_point(&mut out, &proof.b);
    put_point(&mut out, &proof.c);
    out
}

/// The proof system.
pub(crate) struct System;

impl ProofSystem for System {
    const NAME: &'static str = "groth16-bn254:v1";
    const CIRCUIT_VERSION: u32 = 2;
    const MODULUS: [u8; 32] = MODULUS;
    const PROOF_LENGTH: LengthRule = LengthRule::Exactly(128);
    const KEY_LENGTH: LengthRule = LengthRule::Exactly(32 + 64 + 64 + 9 * 32);

    type Key = Key;
    type Prepared = PairingKey<SLOTS, 1>;

    fn admits(setup: &SetupKind) -> bool {
        match setup {
            SetupKind::Dev | SetupKind::Ceremony { .. } => true,
            SetupKind::Transparent => false,
        }
    }

    fn decode_key(bytes: &[u8]) -> Result<Key, DecodeError> {
        let mut r = Reader::new(KEY, bytes);
        let alpha = read_point::<_, 32>(&mut r, "alpha")?;
        let beta = read_point::<_, 64>(&mut r, "beta")?;
        let delta = read_point::<_, 64>(&mut r, "delta")?;
        let ic = read_ic(&mut r, IC_NAMES)?;
        r.finish()?;
        Key { alpha, beta, delta, ic }.checked()
    }

    fn encode_key(key: &Key) -> Vec<u8> {
        let mut out = Vec::new();
        put_point(&mut out, &key.alpha);
        put_point(&mut out, &key.beta);
        put_point(&mut out, &key.delta);
        for point in &key.ic {
            put_point(&mut out, point);
        }
        out
    }

    fn check_circuit(_: &Key, _: &CircuitDescription, _: &TensorInfo, _: &TensorInfo) -> Result<(), DecodeError> {
        // Nothing in such a key says what its circuit is.
        Ok(())
    }

    fn prepare(key: &Key, _: &CircuitDescription) -> Result<Self::Prepared, DeriveError> {
        let [constant, inputs @ ..] = key.ic;
        Ok(PairingKey::new(key.alpha, key.beta, [key.delta], InputSum::new(constant, inputs)))
    }

    fn verify(
        key: &Self::Prepared,
        _vk_digest: &[u8; 32],
        statement: &Statement,
        proof: &[u8],
    ) -> Result<(), ProofError> {
        if key.holds(&read(statement, proof)?) { Ok(()) } else { Err(ProofError::Rejected) }
    }

    fn verify_batch(
        key: &Self::Prepared,
        vk_digest: &[u8; 32],
        proofs: &[(&Statement, &[u8])],
    ) -> Vec<Result<(), ProofError>> {
        key.verdicts(vk_digest, proofs, read)
    }
}

/// Reads a proof, all of `bytes`, for a statement.
fn read(statement: &Statement, bytes: &[u8]) -> Result<Terms<SLOTS, 1>, ProofError> {
    let mut r = Reader::new(PROOF, bytes);
    let a = read_point::<_, 32>(&mut r, "A")?;
    let b = read_point::<_, 64>(&mut r, "B")?;
    let c = read_point::<_, 32>(&mut r, "C")?;
    r.finish()?;
    check_point(&a, PROOF, "A")?;
    check_point(&b, PROOF, "B")?;
    check_point(&c, PROOF, "C")?;
    Ok(Terms { a, b, c: [c], public: scalars(statement)? })
}
