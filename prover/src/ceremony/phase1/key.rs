//! The key of a contribution: its secrets τ, α and β, and proofs of knowing them.
//!
//! For a secret x, the contributor publishes a random `s` in G1, `x·s`, and `x·p`, where the point `p` in G2 is derived from
//! the challenge, `s` and `x·s` by a hash (Bowe, Gabizon, Miers, "Scalable multi-party computation for zk-SNARK parameters in
//! the random beacon model", ePrint 2017/1050, section 4).

use ark_bn254::{Fq, Fq2, Fr, G1Affine, G2Affine, g1, g2};
use ark_ec::{
    AffineRepr as _, CurveGroup as _,
    short_weierstrass::{Affine, SWCurveConfig},
};
use ark_ff::{BigInt, Field, PrimeField as _};
use chacha20::{
    ChaCha20Rng,
    rand_core::{Rng as _, SeedableRng as _},
};
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize as _, ZeroizeOnDrop};

use super::{
    blake2b::Blake2b,
    point::{self, Curve, same_ratio},
};
use crate::progress::{Cancelled, Progress, check};

/// The secrets of a contribution, by which it multiplies those before.
#[derive(zeroize::Zeroize, ZeroizeOnDrop)]
pub(super) struct Secrets {
    pub(super) tau: Fr,
    pub(super) alpha: Fr,
    pub(super) beta: Fr,
}

/// Which secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secret {
    /// τ
    Tau,
    /// α
    Alpha,
    /// β
    Beta,
}

impl core::fmt::Display for Secret {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Tau => "τ",
            Self::Alpha => "α",
            Self::Beta => "β",
        })
    }
}

impl Secret {
    pub(super) const ALL: [Self; 3] = [Self::Tau, Self::Alpha, Self::Beta];

    /// Keeps the hashes of the three apart.
    fn tag(self) -> u8 {
        match self {
            Self::Tau => 0,
            Self::Alpha => 1,
            Self::Beta => 2,
        }
    }
}

/// What shows that a secret x is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Knowledge {
    /// Random.
    pub(super) s: G1Affine,
    /// `x·s`.
    pub(super) sx: G1Affine,
    /// `x·p`.
    pub(super) px: G2Affine,
}

/// Proofs of knowing τ, α, β.
pub(super) type PublicKey = [Knowledge; 3];

impl Knowledge {
    /// The point `p` that the secret is shown on.
    pub(super) fn base(&self, secret: Secret, challenge: &[u8; 64]) -> G2Affine {
        derived(secret, challenge, &self.s, &self.sx)
    }

    /// Whether whoever made this knows x.
    pub(super) fn is_valid(&self, secret: Secret, challenge: &[u8; 64]) -> bool {
        same_ratio([self.s, self.sx], [self.base(secret, challenge), self.px])
    }
}

/// Derives all of a key from 32 bytes.
pub(super) fn derive(seed: &[u8; 32], challenge: &[u8; 64]) -> (Secrets, PublicKey) {
    let mut rng = stream(seed);
    let (tau, alpha, beta) = (random_scalar(&mut rng), random_scalar(&mut rng), random_scalar(&mut rng));
    let secrets = Secrets { tau, alpha, beta };
    let public = show(&secrets, challenge, &mut rng);
    (secrets, public)
}

/// Shows that the secrets are known.
fn show(secrets: &Secrets, challenge: &[u8; 64], rng: &mut ChaCha20Rng) -> PublicKey {
    [(Secret::Tau, secrets.tau), (Secret::Alpha, secrets.alpha), (Secret::Beta, secrets.beta)].map(|(secret, x)| {
        let s = random_point::<g1::Config>(rng);
        let sx = (s * x).into_affine();
        Knowledge { s, sx, px: (derived(secret, challenge, &s, &sx) * x).into_affine() }
    })
}

/// The key of a beacon: SHA-256, applied 2^`iterations` times, makes its seed.
pub(super) fn of_beacon(
    value: &[u8],
    iterations: u8,
    challenge: &[u8; 64],
    progress: &dyn Progress,
) -> Result<(Secrets, PublicKey), Cancelled> {
    let mut seed: [u8; 32] = Sha256::digest(value).into();
    for i in 1..1u64 << iterations {
        seed = Sha256::digest(seed).into();
        if i % (1 << 20) == 0 {
            check(progress)?;
        }
    }
    Ok(derive(&seed, challenge))
}

/// `p`: the first point that the hash leads to.
fn derived(secret: Secret, challenge: &[u8; 64], s: &G1Affine, sx: &G1Affine) -> G2Affine {
    let mut hash = Blake2b::default();
    hash.update(&[secret.tag()]);
    hash.update(challenge);
    hash.update(&point::uncompressed(&[*s, *sx]));
    let digest = hash.finish();
    let mut seed = [0; 32];
    seed.copy_from_slice(&digest[..32]);
    random_point::<g2::Config>(&mut stream(&seed))
}

/// ChaCha20 whose key words are the seed's, big-endian.
fn stream(seed: &[u8; 32]) -> ChaCha20Rng {
    let mut key = *seed;
    key.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    let rng = ChaCha20Rng::from_seed(key);
    key.zeroize();
    rng
}

/// Of two words of the stream, the first is the higher one.
fn next_u64(rng: &mut ChaCha20Rng) -> u64 {
    let high = u64::from(rng.next_u32());
    high << 32 | u64::from(rng.next_u32())
}

/// 254 bits, until they are below the modulus, taken as Montgomery form.
fn random_limbs(rng: &mut ChaCha20Rng, modulus: &BigInt<4>) -> BigInt<4> {
    loop {
        let mut limbs = BigInt([(); 4].map(|()| next_u64(rng)));
        limbs.0[3] &= u64::MAX >> 2;
        if limbs < *modulus {
            return limbs;
        }
    }
}

fn random_scalar(rng: &mut ChaCha20Rng) -> Fr {
    Fr::new_unchecked(random_limbs(rng, &Fr::MODULUS))
}

/// A coordinate that is drawn from a stream.
trait Random: Field {
    fn random(rng: &mut ChaCha20Rng) -> Self;
}

impl Random for Fq {
    fn random(rng: &mut ChaCha20Rng) -> Self {
        Self::new_unchecked(random_limbs(rng, &Self::MODULUS))
    }
}

impl Random for Fq2 {
    fn random(rng: &mut ChaCha20Rng) -> Self {
        let c0 = Fq::random(rng);
        Self::new(c0, Fq::random(rng))
    }
}

/// Draws x and which of the two y until there is such a point, and multiplies it by the cofactor.
fn random_point<C: Curve + SWCurveConfig<BaseField: Random>>(rng: &mut ChaCha20Rng) -> Affine<C> {
    loop {
        let x = C::BaseField::random(rng);
        let larger = rng.next_u32() & 1 == 1;
        if let Some((small, large)) = Affine::<C>::get_ys_from_x_unchecked(x) {
            let point = Affine::<C>::new_unchecked(x, if larger { large } else { small });
            return point.mul_by_cofactor();
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use ark_bn254::{Fr, G1Affine};
    use ark_ff::One as _;
    use serde_json::Value;

    use super::{PublicKey, Secret, Secrets, derived, of_beacon, show, stream};
    use crate::ceremony::phase1::point;

    /// A key whose secret is one, well shown.
    pub(in super::super) fn of_one(secret: Secret, challenge: &[u8; 64]) -> (Secrets, PublicKey) {
        let mut secrets = Secrets { tau: Fr::from(2), alpha: Fr::from(3), beta: Fr::from(5) };
        match secret {
            Secret::Tau => secrets.tau = Fr::one(),
            Secret::Alpha => secrets.alpha = Fr::one(),
            Secret::Beta => secrets.beta = Fr::one(),
        }
        let public = show(&secrets, challenge, &mut stream(&[9; 32]));
        (secrets, public)
    }

    fn bytes<const N: usize>(value: &Value) -> [u8; N] {
        hex::decode(value.as_str().unwrap()).unwrap().try_into().unwrap()
    }

    /// Of the form of a challenge.
    fn g1(value: &Value) -> G1Affine {
        let reversed: Vec<u8> = bytes::<64>(value).chunks(32).flat_map(|c| c.iter().rev().copied()).collect();
        let coordinate = |bytes| ark_ff::PrimeField::from_le_bytes_mod_order(bytes);
        G1Affine::new(coordinate(&reversed[..32]), coordinate(&reversed[32..]))
    }

    #[test]
    fn points_are_derived_as_by_snarkjs() {
        let text = include_str!("../../../../test-vectors/ceremony/v1/phase1.json");
        let vectors: Value = serde_json::from_str(text).unwrap();
        let contributions = vectors["contributions"].as_array().unwrap();
        assert_eq!(contributions.len(), 3);
        for c in contributions {
            let challenge = bytes(&c["challenge"]);
            for (secret, name) in Secret::ALL.into_iter().zip(["tau", "alpha", "beta"]) {
                let (s, sx) = (g1(&c[name]["s"]), g1(&c[name]["sx"]));
                let base = point::uncompressed(&[derived(secret, &challenge, &s, &sx)]);
                assert_eq!(hex::encode(base), c[name]["base"], "{name}");
            }
            if let Some(beacon) = c["beacon"].as_object() {
                let value = hex::decode(beacon["value"].as_str().unwrap()).unwrap();
                let iterations = beacon["iterations"].as_u64().unwrap() as u8;
                let (_, key) = of_beacon(&value, iterations, &challenge, &()).unwrap();
                for (k, name) in key.iter().zip(["tau", "alpha", "beta"]) {
                    assert_eq!((k.s, k.sx), (g1(&c[name]["s"]), g1(&c[name]["sx"])), "{name}");
                }
            }
        }
    }
}
