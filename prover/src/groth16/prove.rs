//! The prover: commitment and challenge where there are two phases, quotient by FFTs, multi-scalar multiplications.

use std::time::Instant;

use ark_bn254::{Fr, G1Projective};
use ark_ec::CurveGroup as _;
use ark_ff::PrimeField as _;
use avouch_circuits::r1cs::Cost;
use avouch_verifier::Statement;
use rayon::prelude::*;
use zeroize::{Zeroize as _, Zeroizing};

use super::{
    msm::msm,
    qap::{self, Assignment},
    setup::ProvingKey,
    system,
};
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

/// Seconds of the phases.
#[derive(Default)]
pub(super) struct CreateTimes {
    pub(super) commit: f64,
    pub(super) fft: f64,
    pub(super) msm: f64,
}

/// A proof for an assignment that satisfies the constraints, with fresh blinding. The assignment is wiped.
pub(super) fn create(
    key: &ProvingKey,
    cost: &Cost,
    statement: &Statement,
    assignment: Assignment,
    progress: &dyn Progress,
) -> Result<(Vec<u8>, CreateTimes), CreateError> {
    create_with(key, cost, statement, assignment, Assignment::derive, progress)
}

/// And with another way to compute the second phase from the challenge: tests forge here.
pub(super) fn create_with(
    key: &ProvingKey,
    cost: &Cost,
    statement: &Statement,
    mut assignment: Assignment,
    derive: impl Fn(&mut Assignment, Fr) -> bool,
    progress: &dyn Progress,
) -> Result<(Vec<u8>, CreateTimes), CreateError> {
    let points = &key.points;
    let shape =
        |what, key, circuit| if key == circuit { Ok(()) } else { Err(CreateError::Shape { what, key, circuit }) };
    shape("variables", points.b_g1.len(), assignment.z.len())?;
    shape("variables", points.a.len(), cost.variables + cost.derived)?;
    let rows = assignment.a.len();
    let domain = qap::domain(cost).ok_or(CreateError::Shape { what: "rows", key: points.h.len(), circuit: rows })?;
    shape("rows", points.h.len() + 1, domain.size())?;
    let instance = qap::instance(cost);
    let mut times = CreateTimes::default();
    let mut clock = Instant::now();
    let mut lap = |of: &mut f64| *of += std::mem::replace(&mut clock, Instant::now()).elapsed().as_secs_f64();
    // Wiped when dropped.
    let scalars = |v: &[Fr]| Zeroizing::new(v.par_iter().map(|x| x.into_bigint()).collect::<Vec<_>>());
    let first = points.l.len() - cost.derived;
    let (l_first, l_derived) = points.l.split_at(first);
    let delta = |phase: usize| points.deltas_g1[phase];
    let last = points.deltas_g1.len() - 1;

    // The first phase: its share of L, committed to before the challenge, or with all the rest.
    let two_phases = last > 0;
    progress.begin("first phase", 1);
    let mut values = scalars(&assignment.z);
    let first_sum = msm(&[(l_first, &values[instance..])]);
    let mut rho = Fr::default();
    let commitment = loop {
        if !two_phases {
            break None;
        }
        rho = random::nonzero()?;
        let commitment = (first_sum + delta(last) * rho).into_affine();
        let challenge = system::challenge(&key.verifying_key_digest, statement, &commitment);
        // A challenge that is a row or a query of a table, about once in 2^230, is drawn again.
        if derive(&mut assignment, challenge) {
            break Some(commitment);
        }
    };
    lap(&mut times.commit);
    progress.advance(1);
    progress::check(progress)?;

    progress.begin("quotient (FFT)", 1);
    let (a, b) = (std::mem::take(&mut assignment.a), std::mem::take(&mut assignment.b));
    let mut h = qap::quotient(&domain, a, b, &assignment.z[..instance]);
    lap(&mut times.fft);
    progress.advance(1);
    progress::check(progress)?;

    progress.begin("multi-scalar multiplications", 4);
    let quotient = scalars(&h);
    // With the challenge in its place.
    values[..instance].copy_from_slice(&scalars(&assignment.z[..instance]));
    let late = scalars(&assignment.derived);
    h.zeroize();
    drop(assignment);
    let (a_first, a_derived) = points.a.split_at(values.len());
    // Independent of each other, and the smaller ones alone do not keep all threads busy.
    let done = |sum: G1Projective| {
        progress.advance(1);
        sum
    };
    let ((mut c_sum, a_sum), (b_g1_sum, b_g2_sum)) = rayon::join(
        || {
            rayon::join(
                || done(msm(&[(&points.h, &quotient), (l_derived, &late)])),
                || done(msm(&[(a_first, &values), (a_derived, &late)])),
            )
        },
        || {
            rayon::join(
                || done(msm(&[(&points.b_g1, &values)])),
                || {
                    let sum = msm(&[(&points.b_g2, &values)]);
                    progress.advance(1);
                    sum
                },
            )
        },
    );
    progress::check(progress)?;
    if !two_phases {
        c_sum += first_sum;
    }

    let (r, s) = (random::nonzero()?, random::nonzero()?);
    let a = a_sum + points.alpha_g1 + delta(last) * r;
    let b_g1 = b_g1_sum + points.beta_g1 + delta(last) * s;
    let b = b_g2_sum + points.beta_g2 + points.deltas_g2[last] * s;
    let c = c_sum + a * s + b_g1 * r - delta(last) * (r * s) - delta(0) * rho;
    let proof = system::encode(a.into_affine(), b.into_affine(), commitment, c.into_affine());
    lap(&mut times.msm);
    Ok((proof, times))
}
