//! The prover: quotient by FFTs, then multi-scalar multiplications.

use ark_bn254::{Bn254, Fr, G1Projective, G2Projective};
use ark_ec::{CurveGroup as _, VariableBaseMSM as _};
use ark_ff::PrimeField as _;
use ark_groth16::{Proof as Groth16Proof, ProvingKey as Groth16Key};
use avouch_circuits::r1cs::PUBLIC_INPUTS;
use rayon::prelude::*;
use zeroize::Zeroize as _;

use super::qap::{self, Assignment, INSTANCE};
use crate::{
    progress::{self, Cancelled, Progress},
    random::{self, NoRandomness},
};

/// Why the arithmetic of a proof failed.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The proving key is for another number of rows or variables.
    #[error("the proving key has {key} {what}, the circuit {circuit}: it belongs to another circuit")]
    Shape {
        /// What is counted.
        what: &'static str,
        /// In the key.
        key: usize,
        /// In the circuit.
        circuit: usize,
    },
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// Stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Seconds of the two phases.
pub(super) struct CreateTimes {
    pub(super) fft: f64,
    pub(super) msm: f64,
}

/// A proof for an assignment that satisfies the constraints, with fresh blinding. The assignment is wiped.
pub(super) fn create(
    key: &Groth16Key<Bn254>,
    assignment: Assignment,
    progress: &dyn Progress,
) -> Result<(Groth16Proof<Bn254>, CreateTimes), CreateError> {
    let Assignment { mut z, a, b } = assignment;
    let rows = a.len();
    let shape =
        |what, key, circuit| if key == circuit { Ok(()) } else { Err(CreateError::Shape { what, key, circuit }) };
    shape("variables", key.a_query.len(), z.len())?;
    let domain = qap::domain(rows).ok_or(CreateError::Shape { what: "rows", key: key.h_query.len(), circuit: rows })?;
    shape("rows", key.h_query.len() + 1, ark_poly::EvaluationDomain::size(&domain))?;

    progress.begin("quotient (FFT)", 1);
    let start = std::time::Instant::now();
    let mut h = qap::quotient(domain, a, b, &z[..INSTANCE]).unwrap_or_default();
    let fft = start.elapsed().as_secs_f64();
    progress.advance(1);
    progress::check(progress)?;

    progress.begin("multi-scalar multiplications", 5);
    let start = std::time::Instant::now();
    let scalars = |v: &[Fr]| -> Vec<_> { v.par_iter().map(|x| x.into_bigint()).collect() };
    let step = |p| -> Result<_, Cancelled> {
        progress.advance(1);
        progress::check(progress).map(|()| p)
    };
    let mut quotient = scalars(&h);
    h.zeroize();
    let h_sum = step(G1Projective::msm_bigint(&key.h_query, &quotient))?;
    quotient.zeroize();
    let mut values = scalars(&z);
    z.zeroize();
    let l_sum = step(G1Projective::msm_bigint(&key.l_query, &values[INSTANCE..]))?;
    let a_sum = step(G1Projective::msm_bigint(&key.a_query, &values))?;
    let b_sum = step(G1Projective::msm_bigint(&key.b_g1_query, &values))?;
    let b_g2_sum = G2Projective::msm_bigint(&key.b_g2_query, &values);
    values.zeroize();
    progress.advance(1);

    let (r, s) = (random::nonzero()?, random::nonzero()?);
    let a = a_sum + key.vk.alpha_g1 + key.delta_g1 * r;
    let b_g1 = b_sum + key.beta_g1 + key.delta_g1 * s;
    let b = b_g2_sum + key.vk.beta_g2 + key.vk.delta_g2 * s;
    let c = h_sum + l_sum + a * s + b_g1 * r - key.delta_g1 * (r * s);
    let proof = Groth16Proof { a: a.into_affine(), b: b.into_affine(), c: c.into_affine() };
    Ok((proof, CreateTimes { fft, msm: start.elapsed().as_secs_f64() }))
}

const _: () = assert!(INSTANCE == PUBLIC_INPUTS + 1);
