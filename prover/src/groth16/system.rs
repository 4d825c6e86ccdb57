//! What sets the two Groth16 systems apart: how ranges are proven, the number of phases, and the shape of keys and proofs.

use ark_bn254::{Fr, G1Affine, G2Affine};
use avouch_circuits::r1cs::RangeChecks;
use avouch_verifier::{
    DecodeError, KeyMaterial, Statement, SystemId,
    system::{groth16_bn254, groth16_lookup_bn254 as lookup},
};

use super::setup::Points;

/// The Groth16 systems.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Variant {
    /// `groth16-bn254:v1`.
    Plain,
    /// `groth16-lookup-bn254:v1`.
    Lookup,
}

impl Variant {
    /// The proof system.
    pub const fn system(self) -> SystemId {
        match self {
            Self::Plain => SystemId::Groth16Bn254,
            Self::Lookup => SystemId::Groth16LookupBn254,
        }
    }

    /// How its circuits prove ranges.
    pub const fn range_checks(self) -> RangeChecks {
        match self {
            Self::Plain => RangeChecks::Bits,
            Self::Lookup => RangeChecks::Lookups,
        }
    }

    /// Phases of witnesses, each with a δ of its own.
    pub(crate) const fn phases(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::Lookup => 2,
        }
    }
}

fn missing(field: &'static str) -> DecodeError {
    let problem = avouch_verifier::Problem::Relation("the setup made another number of points");
    DecodeError { what: "verifying key", field, problem }
}

/// The verifying half of a key.
pub(crate) fn key_material(variant: Variant, points: &Points) -> Result<KeyMaterial, DecodeError> {
    match variant {
        Variant::Plain => {
            let [delta] = points.deltas_g2[..] else { return Err(missing("delta")) };
            let key = ark_groth16::VerifyingKey {
                alpha_g1: points.alpha_g1,
                beta_g2: points.beta_g2,
                gamma_g2: ark_ec::AffineRepr::generator(),
                delta_g2: delta,
                gamma_abc_g1: points.ic.clone(),
            };
            groth16_bn254::Key::new(&key).map(KeyMaterial::Groth16Bn254)
        }
        Variant::Lookup => {
            let [delta_1, delta_2] = points.deltas_g2[..] else { return Err(missing("delta")) };
            let ic = points.ic.as_slice().try_into().map_err(|_| missing("IC"))?;
            let key = lookup::KeyPoints { alpha: points.alpha_g1, beta: points.beta_g2, delta_1, delta_2, ic };
            lookup::Key::new(key).map(KeyMaterial::Groth16LookupBn254)
        }
    }
}

/// The points of a verifying key that its prover needs: α, β, and each phase's δ. None of a key of another system.
pub(super) fn shared_points(material: &KeyMaterial) -> Option<(G1Affine, G2Affine, Vec<G2Affine>)> {
    match material {
        KeyMaterial::Groth16Bn254(key) => {
            let key = key.to_ark();
            Some((key.alpha_g1, key.beta_g2, vec![key.delta_g2]))
        }
        KeyMaterial::Groth16LookupBn254(key) => {
            let key = key.points();
            Some((key.alpha, key.beta, vec![key.delta_1, key.delta_2]))
        }
        KeyMaterial::Halo2IpaPasta(_) => None,
    }
}

/// The challenge of a commitment to the first phase.
pub(super) fn challenge(vk_digest: &[u8; 32], statement: &Statement, commitment: &G1Affine) -> Fr {
    lookup::challenge(vk_digest, statement, commitment)
}

/// A proof's bytes; the commitment is there iff the system has two phases.
pub(super) fn encode(a: G1Affine, b: G2Affine, commitment: Option<G1Affine>, c: G1Affine) -> Vec<u8> {
    match commitment {
        None => groth16_bn254::encode_proof(&ark_groth16::Proof { a, b, c }),
        Some(c_1) => lookup::encode_proof(&lookup::Proof { a, b, c_1, c_2: c }),
    }
}
