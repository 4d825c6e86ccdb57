//! A contribution's update of one δ, and the proof that its maker knew the secret.
//!
//! The construction is the one of Bowe, Gabizon and Miers (ePrint 2017/1050), whose security for Groth16
//! without a beacon is shown in "Snarky Ceremonies" (Kohlweiss, Maller, Siim, Volkhov, ePrint 2021/219, section 4): from a
//! secret x, `[x·δ]₁`, `[x·δ]₂`, `[x]₂` and `x·R`, where R is a point that everything the update is for hashes to. Who
//! copies it to another place would have to know x, because R is another there.

use ark_bn254::{Bn254, Fq, Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _, pairing::Pairing as _};
use ark_ff::PrimeField as _;
use avouch_verifier::SystemId;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256, Sha512};

use super::{
    encoding::{G1, G2, Point},
    error::{Delta, Reason},
};

/// One δ, before or after an update.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) g1: G1Affine,
    pub(super) g2: G2Affine,
}

impl Pair {
    /// Of the initial key: δ = 1.
    pub(super) fn generators() -> Self {
        Self { g1: G1Affine::generator(), g2: G2Affine::generator() }
    }
}

/// The update of one δ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Update {
    /// `[δ]₁` and `[δ]₂` after it.
    delta_g1: G1,
    delta_g2: G2,
    /// `[x]₂`.
    pub(super) secret_g2: G2,
    /// `x·R`.
    proof: G1,
}

/// What an update is for.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) system: SystemId,
    /// Hash of the contribution before.
    pub(super) previous: &'a [u8; 32],
    /// Number of the contribution, from 1.
    pub(super) index: u32,
    pub(super) delta: Delta,
    /// δ before.
    pub(super) old: Pair,
}

impl Update {
    pub(super) fn new(place: &Place<'_>, secret: &Fr) -> Self {
        let new = Pair { g1: (place.old.g1 * secret).into_affine(), g2: (place.old.g2 * secret).into_affine() };
        let secret_g2 = (G2Affine::generator() * secret).into_affine();
        let proof = (place.base(&new, &secret_g2) * secret).into_affine();
        Self { delta_g1: Point(new.g1), delta_g2: Point(new.g2), secret_g2: Point(secret_g2), proof: Point(proof) }
    }

    /// δ after it.
    pub(super) fn new_delta(&self) -> Pair {
        Pair { g1: self.delta_g1.0, g2: self.delta_g2.0 }
    }

    /// Whether the maker knew a secret, neither of 0, 1 and −1, and multiplied δ by it in both groups.
    pub(super) fn check(&self, place: &Place<'_>) -> Result<(), Reason> {
        let (new, secret, delta) = (self.new_delta(), self.secret_g2.0, place.delta);
        let generator = G2Affine::generator();
        // Equal up to sign iff the x-coordinates are.
        if new.g1.x == place.old.g1.x || new.g2.x == place.old.g2.x || secret.x == generator.x {
            return Err(Reason::Unchanged(delta));
        }
        if new.g1.x == G1Affine::generator().x || new.g2.x == generator.x {
            return Err(Reason::Generator(delta));
        }
        let equal =
            |a: (G1Affine, G2Affine), b: (G1Affine, G2Affine)| Bn254::pairing(a.0, a.1) == Bn254::pairing(b.0, b.1);
        if !equal((new.g1, generator), (G1Affine::generator(), new.g2)) {
            return Err(Reason::Groups(delta));
        }
        if !equal((new.g1, generator), (place.old.g1, secret)) {
            return Err(Reason::NotMultiple(delta));
        }
        if !equal((self.proof.0, generator), (place.base(&new, &secret), secret)) {
            return Err(Reason::Knowledge(delta));
        }
        Ok(())
    }
}

impl Place<'_> {
    /// The point R.
    fn base(&self, new: &Pair, secret: &G2Affine) -> G1Affine {
        let mut h = Sha256::new();
        h.update(b"avouch/ceremony/knowledge/v1");
        h.update(self.system.bytes());
        h.update(self.previous);
        h.update(self.index.to_le_bytes());
        h.update([self.delta.phase as u8]);
        for pair in [&self.old, new] {
            h.update(Point(pair.g1).bytes());
            h.update(Point(pair.g2).bytes());
        }
        h.update(Point(*secret).bytes());
        hash_to_g1(&h.finalize().into())
    }
}

/// A point whose logarithm nobody knows, by trying counters until one gives an x-coordinate: everything hashed is public,
/// so the time may show. G1 has no cofactor.
fn hash_to_g1(seed: &[u8; 32]) -> G1Affine {
    let attempt = |counter: u32| {
        let mut h = Sha512::new();
        h.update(b"avouch/ceremony/point/v1");
        h.update(seed);
        h.update(counter.to_le_bytes());
        let [sign, x @ ..] = <[u8; 64]>::from(h.finalize());
        // 504 bits modulo q: uniform but for 2^−250.
        G1Affine::get_point_from_x_unchecked(Fq::from_le_bytes_mod_order(&x), sign & 1 == 1)
    };
    // Half of all x are on the curve.
    (0..).find_map(attempt).unwrap_or_default()
}
