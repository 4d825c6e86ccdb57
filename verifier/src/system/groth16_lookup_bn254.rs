//! `groth16-lookup-bn254:v1`: Groth16 over BN254 with one committed phase.
//!
//! The private wires are split: those of the second phase are exactly those computed from a challenge, all others are of
//! the first, and each phase has a trapdoor of its own. In the notation of the Groth16 paper
//! (<https://eprint.iacr.org/2016/260>, section 3.2), with γ = 1 and Kᵢ = β·uᵢ(τ) + α·vᵢ(τ) + wᵢ(τ), a prover sends
//!
//! ```text
//! C₁ = [Σ_phase 1 aᵢ·Kᵢ / δ₁ + ρ·δ₂]₁
//! χ  = challenge(key digest, statement, C₁)
//! A  = [α + Σ aᵢ·uᵢ(τ) + r·δ₂]₁                  B = [β + Σ aᵢ·vᵢ(τ) + s·δ₂]₂
//! C₂ = [(Σ_phase 2 aᵢ·Kᵢ + h(τ)·t(τ)) / δ₂ + s·A + r·B − r·s·δ₂ − ρ·δ₁]₁
//! ```
//!
//! and is accepted iff, with χ as a ninth public input,
//!
//! ```text
//! e(A, B) = e([α]₁, [β]₂) · e(IC₀ + Σ xᵢ·ICᵢ + χ·IC₉, H) · e(C₁, [δ₁]₂) · e(C₂, [δ₂]₂)
//! ```
//!
//! Sources: the committed phase is that of Mirage (<https://eprint.iacr.org/2020/278>), the lookups of the circuit are
//! LogUp (<https://eprint.iacr.org/2022/1530>). The challenge hashes the key, all public inputs and the commitment, and
//! there is exactly one commitment, which is blinded: hashing less, or several, is what went wrong in gnark's
//! CVE-2024-45039 and CVE-2024-45040.
//!
//! | key material | bytes | | proof | bytes |
//! |---|---|---|---|---|
//! | `[α]₁` | 32 | | A | 32 |
//! | `[β]₂` | 64 | | B | 64 |
//! | `[δ₁]₂`, `[δ₂]₂` | 64 + 64 | | C₁ | 32 |
//! | IC₀ … IC₉ | 10 × 32 | | C₂ | 32 |
//!
//! Points are encoded as those of `groth16-bn254:v1`.

use alloc::vec::Vec;

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_serialize::CanonicalSerialize as _;
use avouch_circuits::{circuit::CircuitDescription, graph::TensorInfo};
use sha3::{Digest as _, Keccak256};

use super::{
    DeriveError, ProofError, ProofSystem,
    bn254::{InputSum, MODULUS, check_delta, check_point, put_point, read_ic, read_point, scalar, scalars},
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
const IC_NAMES: [&str; 10] =
    ["IC[0]", "IC[1]", "IC[2]", "IC[3]", "IC[4]", "IC[5]", "IC[6]", "IC[7]", "IC[8]", "IC[9]"];

/// What keys are made of; [`Key::new`] checks it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyPoints {
    /// `[α]₁`.
    pub alpha: G1Affine,
    /// `[β]₂`.
    pub beta: G2Affine,
    /// `[δ₁]₂`, of the first phase.
    pub delta_1: G2Affine,
    /// `[δ₂]₂`, of the second phase and the quotient.
    pub delta_2: G2Affine,
    /// For the constant one, the eight slots, and the challenge.
    pub ic: [G1Affine; IC_NAMES.len()],
}

/// Key material that has passed all checks: every point is on its curve, in its subgroup and not the identity; neither δ
/// is ± the generator or ± β, and they are not equal up to sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(KeyPoints);

impl Key {
    /// Checks a key from a setup.
    ///
    /// # Errors
    /// Names the first point that breaks a rule.
    pub fn new(points: KeyPoints) -> Result<Self, DecodeError> {
        let KeyPoints { alpha, beta, delta_1, delta_2, ic } = &points;
        check_point(alpha, KEY, "alpha")?;
        check_point(beta, KEY, "beta")?;
        check_point(delta_1, KEY, "delta 1")?;
        check_point(delta_2, KEY, "delta 2")?;
        for (point, name) in ic.iter().zip(IC_NAMES) {
            check_point(point, KEY, name)?;
        }
        check_delta(delta_1, beta, KEY, "delta 1")?;
        check_delta(delta_2, beta, KEY, "delta 2")?;
        // Equal up to sign, as above.
        if delta_1.x == delta_2.x {
            let problem = Problem::Relation("δ₁ is ± δ₂: the phases are not apart, and proofs can be forged");
            return Err(DecodeError::new(KEY, "delta 2", problem));
        }
        Ok(Self(points))
    }

    /// The points.
    pub fn points(&self) -> &KeyPoints {
        &self.0
    }
}

/// A proof's points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// `A`.
    pub a: G1Affine,
    /// `B`.
    pub b: G2Affine,
    /// The commitment to the first phase.
    pub c_1: G1Affine,
    /// Second phase and quotient.
    pub c_2: G1Affine,
}

/// Encodes a proof: A, B, C₁, C₂.
pub fn encode_proof(proof: &Proof) -> Vec<u8> {
    let mut out = Vec::new();
    put_point(&mut out, &proof.a);
    put_point(&mut out, &proof.b);
    put_point(&mut out, &proof.c_1);
    put_point(&mut out, &proof.c_2);
    out
}

/// The challenge χ: the first 31 bytes, big-endian, of keccak256 of
///
/// ```text
/// "avouch/groth16-lookup-bn254:v1/challenge" ‖ key digest (32) ‖ 8 slots (256) ‖ C₁ (x, y; 64) ‖ counter (1)
/// ```
///
/// with all numbers big-endian, as contracts have them, and counter 0. A further challenge would be the next counter's.
pub fn challenge(vk_digest: &[u8; 32], statement: &Statement, c_1: &G1Affine) -> Fr {
    let mut h = Keccak256::new();
    h.update(b"avouch/groth16-lookup-bn254:v1/challenge");
    h.update(vk_digest);
    h.update(statement.encode());
    for coordinate in [c_1.x, c_1.y] {
        let mut bytes = Vec::new();
        // Writing to a vector does not fail.
        let _ = coordinate.serialize_compressed(&mut bytes);
        bytes.reverse();
        h.update(&bytes);
    }
    h.update([0]);
    let [bytes @ .., _] = <[u8; 32]>::from(h.finalize());
    let mut slot = [0; 32];
    for (to, from) in slot.iter_mut().skip(1).zip(bytes) {
        *to = from;
    }
    // 248 bits are below the modulus.
    scalar(&slot).unwrap_or_default()
}

/// The proof system.
pub(crate) struct System;

impl ProofSystem for System {
    const NAME: &'static str = "groth16-lookup-bn254:v1";
    const CIRCUIT_VERSION: u32 = 2;
    const MODULUS: [u8; 32] = MODULUS;
    const PROOF_LENGTH: LengthRule = LengthRule::Exactly(160);
    const KEY_LENGTH: LengthRule = LengthRule::Exactly(32 + 3 * 64 + 10 * 32);

    type Key = Key;
    type Prepared = PairingKey<{ SLOTS + 1 }, 2>;

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
        let delta_1 = read_point::<_, 64>(&mut r, "delta 1")?;
        let delta_2 = read_point::<_, 64>(&mut r, "delta 2")?;
        let ic = read_ic(&mut r, IC_NAMES)?;
        r.finish()?;
        Key::new(KeyPoints { alpha, beta, delta_1, delta_2, ic })
    }

    fn encode_key(Key(key): &Key) -> Vec<u8> {
        let mut out = Vec::new();
        put_point(&mut out, &key.alpha);
        put_point(&mut out, &key.beta);
        put_point(&mut out, &key.delta_1);
        put_point(&mut out, &key.delta_2);
        for point in &key.ic {
            put_point(&mut out, point);
        }
        out
    }

    fn check_circuit(_: &Key, _: &CircuitDescription, _: &TensorInfo, _: &TensorInfo) -> Result<(), DecodeError> {
        // Nothing in such a key says what its circuit is.
        Ok(())
    }

    fn prepare(Key(key): &Key, _: &CircuitDescription) -> Result<Self::Prepared, DeriveError> {
        let [constant, inputs @ ..] = key.ic;
        let deltas = [key.delta_1, key.delta_2];
        Ok(PairingKey::new(key.alpha, key.beta, deltas, InputSum::new(constant, inputs)))
    }

    fn verify(
        key: &Self::Prepared,
        vk_digest: &[u8; 32],
        statement: &Statement,
        proof: &[u8],
    ) -> Result<(), ProofError> {
        if key.holds(&read(vk_digest, statement, proof)?) { Ok(()) } else { Err(ProofError::Rejected) }
    }

    fn verify_batch(
        key: &Self::Prepared,
        vk_digest: &[u8; 32],
        proofs: &[(&Statement, &[u8])],
    ) -> Vec<Result<(), ProofError>> {
        key.verdicts(vk_digest, proofs, |statement, proof| read(vk_digest, statement, proof))
    }
}

/// Reads a proof, all of `bytes`, for a statement. The challenge is its last public input.
fn read(
    vk_digest: &[u8; 32],
    statement: &Statement,
    bytes: &[u8],
) -> Result<Terms<{ SLOTS + 1 }, 2>, ProofError> {
    let mut r = Reader::new(PROOF, bytes);
    let a = read_point::<_, 32>(&mut r, "A")?;
    let b = read_point::<_, 64>(&mut r, "B")?;
    let c_1 = read_point::<_, 32>(&mut r, "C1")?;
    let c_2 = read_point::<_, 32>(&mut r, "C2")?;
    r.finish()?;
    check_point(&a, PROOF, "A")?;
    check_point(&b, PROOF, "B")?;
    check_point(&c_1, PROOF, "C1")?;
    check_point(&c_2, PROOF, "C2")?;
    let [x1, x2, x3, x4, x5, x6, x7, x8] = scalars(statement)?;
    let public = [x1, x2, x3, x4, x5, x6, x7, x8, challenge(vk_digest, statement, &c_1)];
    Ok(Terms { a, b, c: [c_1, c_2], public })
}
