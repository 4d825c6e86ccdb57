//! Development setup: draws the trapdoors, streams the constraints, and forgets the trapdoors.

use ark_bn254::{Bn254, Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{CurveGroup as _, PrimeGroup as _, scalar_mul::BatchMulPreprocessing, scalar_mul::ScalarMul};
use ark_ff::{Field as _, Zero as _};
use ark_groth16::{ProvingKey as Groth16Key, VerifyingKey as Groth16VerifyingKey};
use ark_poly::EvaluationDomain as _;
use avouch_circuits::{
    circuit::{Circuit, LowerError},
    r1cs::{Cost, PUBLIC_INPUTS, SynthesisError, Synthesizer},
};
use avouch_verifier::{DecodeError, KeyMaterial, KeyParts, SetupKind, VerifyingKey, system::groth16_bn254::Key};
use rayon::prelude::*;
use zeroize::Zeroize as _;

use super::qap::{self, Columns, INSTANCE};
use crate::{
    progress::{self, Cancelled, Progress},
    random::{NoRandomness, Secrets},
};

/// Points computed between two looks at [`Progress::is_cancelled`].
const CHUNK: usize = 1 << 14;

/// The trapdoors; γ is 1.
struct Trapdoors {
    alpha: Fr,
    beta: Fr,
    delta: Fr,
    tau: Fr,
}

impl Drop for Trapdoors {
    fn drop(&mut self) {
        [&mut self.alpha, &mut self.beta, &mut self.delta, &mut self.tau].into_iter().for_each(|t| t.zeroize());
    }
}

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The circuit has no exact form.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The circuit is malformed.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
    /// More rows than the field has roots of unity for.
    #[error("{0} constraints are too many for the scalar field of BN254 (2^28); use a smaller model")]
    TooLarge(usize),
    /// No randomness.
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    /// Stopped.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// The key breaks a rule of the verifier: the label is too long, or a secret drawn was degenerate.
    #[error(transparent)]
    Key(#[from] DecodeError),
}

/// What only the prover needs.
pub struct ProvingKey {
    /// Digest of the verifying key that belongs to it.
    pub(crate) verifying_key_digest: [u8; 32],
    pub(crate) key: Groth16Key<Bn254>,
}

/// The two keys of a circuit.
pub struct Keys {
    /// For [`Prover::new`](super::Prover::new).
    pub proving: ProvingKey,
    /// For everybody.
    pub verifying: VerifyingKey,
    /// Constraints and variables of the circuit.
    pub cost: Cost,
}

/// Makes keys of kind `dev`: whoever ran this could have kept the trapdoors and can then forge proofs.
///
/// The label is a few words for people. With a seed the keys are reproducible, and whoever knows it can forge.
pub fn setup(
    circuit: &Circuit,
    label: &str,
    seed: Option<[u8; 32]>,
    progress: &dyn Progress,
) -> Result<Keys, SetupError> {
    let secrets = seed.map_or(Secrets::Os, Secrets::Seeded);
    let synthesizer = Synthesizer::new(circuit)?;
    let cost = synthesizer.cost()?;
    let key = generate(&synthesizer, &cost, &secrets, progress)?;
    let verifying = VerifyingKey::new(KeyParts {
        setup: SetupKind::Dev,
        description: circuit.description.clone(),
        input: circuit.input.clone(),
        output: circuit.output.clone(),
        label: label.into(),
        material: KeyMaterial::Groth16Bn254(Key::new(&key.vk)?),
    })?;
    Ok(Keys { proving: ProvingKey { verifying_key_digest: *verifying.digest(), key }, verifying, cost })
}

/// The proving key of ark-groth16 for a circuit, with γ the standard generator. Secrets come from the seed, or from the
/// operating system without one.
pub(crate) fn generate(
    synthesizer: &Synthesizer<'_>,
    cost: &Cost,
    secrets: &Secrets,
    progress: &dyn Progress,
) -> Result<Groth16Key<Bn254>, SetupError> {
    let domain = qap::domain(cost.constraints).ok_or(SetupError::TooLarge(cost.constraints))?;
    let mut tau = secrets.draw("tau")?;
    let mut attempt = 0u32;
    while domain.evaluate_vanishing_polynomial(tau).is_zero() {
        attempt += 1;
        tau = secrets.draw(&format!("tau/{attempt}"))?;
    }
    let t =
        Trapdoors { alpha: secrets.draw("alpha")?, beta: secrets.draw("beta")?, delta: secrets.draw("delta")?, tau };

    progress.begin("evaluating the constraints", cost.constraints as u64);
    let mut columns = Columns::new(domain.evaluate_all_lagrange_coefficients(t.tau), cost.variables, cost.constraints);
    synthesizer.synthesize(&[Fr::zero(); PUBLIC_INPUTS], None, &mut columns)?;
    progress.advance(cost.constraints as u64);
    progress::check(progress)?;
    let Columns { mut a, mut b, mut c, .. } = columns;

    let delta_inverse = t.delta.inverse().unwrap_or_default();
    // (β·A_j + α·B_j + C_j), over δ for witnesses: reuse the memory of C.
    c.par_iter_mut().zip(&a).zip(&b).enumerate().for_each(|(j, ((c, a), b))| {
        *c += t.beta * a + t.alpha * b;
        if j >= INSTANCE {
            *c *= delta_inverse;
        }
    });
    let vanishing = domain.evaluate_vanishing_polynomial(t.tau) * delta_inverse;
    let mut powers = Vec::with_capacity(domain.size() - 1);
    let mut power = vanishing;
    for _ in 0..domain.size() - 1 {
        powers.push(power);
        power *= t.tau;
    }

    let points = (a.len() + b.len() + c.len() + powers.len()) as u64;
    // A point of G2 costs about three of G1.
    progress.begin("computing key points", points + 3 * b.len() as u64);
    let g2 = BatchMulPreprocessing::new(G2Projective::generator(), b.len());
    let b_g2_query: Vec<G2Affine> = multiply(&g2, &b, 3, progress)?;
    drop(g2);
    let g1 = BatchMulPreprocessing::new(G1Projective::generator(), points as usize);
    let a_query: Vec<G1Affine> = multiply(&g1, &a, 1, progress)?;
    let b_g1_query = multiply(&g1, &b, 1, progress)?;
    let gamma_abc_g1 = multiply(&g1, &c[..INSTANCE], 1, progress)?;
    let l_query = multiply(&g1, &c[INSTANCE..], 1, progress)?;
    let h_query = multiply(&g1, &powers, 1, progress)?;
    [&mut a, &mut b, &mut c, &mut powers].into_iter().for_each(|v| v.zeroize());

    let (one, two) = (G1Projective::generator(), G2Projective::generator());
    Ok(Groth16Key {
        vk: Groth16VerifyingKey {
            alpha_g1: (one * t.alpha).into_affine(),
            beta_g2: (two * t.beta).into_affine(),
            gamma_g2: two.into_affine(),
            delta_g2: (two * t.delta).into_affine(),
            gamma_abc_g1,
        },
        beta_g1: (one * t.beta).into_affine(),
        delta_g1: (one * t.delta).into_affine(),
        a_query,
        b_g1_query,
        b_g2_query,
        h_query,
        l_query,
    })
}

/// `scalars[i] · G`, in parallel; each point counts `weight` steps.
fn multiply<G: ScalarMul<ScalarField = Fr>>(
    table: &BatchMulPreprocessing<G>,
    scalars: &[Fr],
    weight: u64,
    progress: &dyn Progress,
) -> Result<Vec<G::MulBase>, Cancelled> {
    let mut points = Vec::with_capacity(scalars.len());
    for chunk in scalars.chunks(CHUNK) {
        progress::check(progress)?;
        points.extend(table.batch_mul(chunk));
        progress.advance(weight * chunk.len() as u64);
    }
    Ok(points)
}
