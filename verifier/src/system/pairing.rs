//! The equation of a Groth16 proof, for one and for many.
//!
//! Both Groth16 systems check, with N points C that have a trapdoor δ each,
//!
//! ```text
//! e(A, B) = e([α]₁, [β]₂) · e(IC₀ + Σ xᵢ·ICᵢ, H) · Π e(Cⱼ, [δⱼ]₂)
//! ```
//!
//! Many proofs are checked as one: each equation is raised to a weight of its own, and all are multiplied. The weights are
//! 128 bits of a hash of the key's digest and all statements and proofs, so a product that holds although a factor does not
//! has to be searched for among 2^128. It takes one Miller loop for each proof, and one final exponentiation in all.

use alloc::vec::Vec;

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine};
use ark_ec::{
    AdditiveGroup as _, AffineRepr as _, CurveGroup as _, VariableBaseMSM as _,
    pairing::{Pairing, PairingOutput},
    scalar_mul::wnaf::WnafContext,
};
use sha2::{Digest as _, Sha256};

use super::{ProofError, bn254::InputSum};
use crate::statement::Statement;

type G2Prepared = <Bn254 as Pairing>::G2Prepared;

/// The key's side, with what can be computed once.
pub(crate) struct PairingKey<const I: usize, const N: usize> {
    inputs: InputSum<I>,
    alpha_beta: PairingOutput<Bn254>,
    /// −H.
    generator: G2Prepared,
    /// −δⱼ.
    deltas: [G2Prepared; N],
}

/// A proof and its public inputs.
pub(super) struct Terms<const I: usize, const N: usize> {
    pub(super) a: G1Affine,
    pub(super) b: G2Affine,
    pub(super) c: [G1Affine; N],
    pub(super) public: [Fr; I],
}

#[allow(clippy::arithmetic_side_effects, reason = "operations of groups and fields are total")]
impl<const I: usize, const N: usize> PairingKey<I, N> {
    pub(super) fn new(alpha: G1Affine, beta: G2Affine, deltas: [G2Affine; N], inputs: InputSum<I>) -> Self {
        Self {
            inputs,
            alpha_beta: Bn254::pairing(alpha, beta),
            generator: (-G2Affine::generator()).into(),
            deltas: deltas.map(|delta| (-delta).into()),
        }
    }

    /// Whether the equation holds.
    pub(super) fn holds(&self, terms: &Terms<I, N>) -> bool {
        let fixed = [self.inputs.sum(&terms.public)].into_iter().chain(terms.c);
        let product =
            Bn254::multi_pairing([terms.a].into_iter().chain(fixed), [terms.b.into()].into_iter().chain(self.fixed()));
        product == self.alpha_beta
    }

    /// Whether all hold, but for a chance of 2^−128 if the weights are uniform.
    fn all_hold(&self, weights: &[Fr], all: &[Terms<I, N>]) -> bool {
        let weighted = || weights.iter().zip(all);
        let context = WnafContext::new(4);
        let a: Vec<G1Projective> = weighted().map(|(w, t)| context.mul(t.a.into_group(), w)).collect();
        let total: Fr = weights.iter().sum();
        let mut public = [Fr::ZERO; I];
        for (w, terms) in weighted() {
            for (sum, x) in public.iter_mut().zip(terms.public) {
                *sum += *w * x;
            }
        }
        let inputs = self.inputs.weighted_sum(total, &public);
        let c = (0..N).map(|j| {
            let points: Vec<G1Affine> = all.iter().filter_map(|t| t.c.get(j).copied()).collect();
            G1Projective::msm_unchecked(&points, weights).into_affine()
        });
        let first = G1Projective::normalize_batch(&a).into_iter().chain([inputs]).chain(c);
        let second = all.iter().map(|t| G2Prepared::from(t.b)).chain(self.fixed());
        Bn254::multi_pairing(first, second) == self.alpha_beta * total
    }

    /// Checks many proofs of one key, which `read` makes terms of: together, and if that fails each by itself.
    pub(super) fn verdicts(
        &self,
        vk_digest: &[u8; 32],
        proofs: &[(&Statement, &[u8])],
        read: impl Fn(&Statement, &[u8]) -> Result<Terms<I, N>, ProofError>,
    ) -> Vec<Result<(), ProofError>> {
        let (mut all, mut errors) = (Vec::with_capacity(proofs.len()), Vec::with_capacity(proofs.len()));
        for (statement, proof) in proofs {
            match read(statement, proof) {
                Ok(terms) => {
                    all.push(terms);
                    errors.push(None);
                }
                Err(e) => errors.push(Some(e)),
            }
        }
        let hold = all.len() > 1 && self.all_hold(&weights(vk_digest, proofs, all.len()), &all);
        let mut each = all.iter();
        let mut verdict = |error| match error {
            Some(e) => Err(e),
            None if hold || each.next().is_some_and(|terms| self.holds(terms)) => Ok(()),
            None => Err(ProofError::Rejected),
        };
        errors.into_iter().map(&mut verdict).collect()
    }

    fn fixed(&self) -> impl Iterator<Item = G2Prepared> + '_ {
        [&self.generator].into_iter().chain(&self.deltas).cloned()
    }
}

/// As many as asked for: 128 bits each, of a hash of everything that is checked.
fn weights(vk_digest: &[u8; 32], proofs: &[(&Statement, &[u8])], count: usize) -> Vec<Fr> {
    let mut seed = Sha256::new();
    seed.update(b"avouch/groth16/batch/v1");
    seed.update(vk_digest);
    for (statement, proof) in proofs {
        seed.update(statement.digest());
        seed.update(Sha256::digest(proof));
    }
    let seed = seed.finalize();
    let weight = |i: u64| {
        let hash: [u8; 32] = Sha256::new().chain_update(seed).chain_update(i.to_le_bytes()).finalize().into();
        let low = hash.first_chunk().copied().unwrap_or_default();
        Fr::from(u128::from_le_bytes(low))
    };
    (0u64..).map(weight).take(count).collect()
}
