//! Development setup: draws the trapdoors, streams the constraints, and forgets the trapdoors.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{CurveGroup as _, PrimeGroup as _, scalar_mul::BatchMulPreprocessing, scalar_mul::ScalarMul};
use ark_ff::{Field as _, Zero as _};
use avouch_circuits::{
    circuit::Circuit,
    r1cs::{Closure, Cost, PUBLIC_INPUTS, Synthesizer},
};
use avouch_verifier::{KeyParts, SetupKind, SystemId, VerifyingKey};
use rayon::prelude::*;
use zeroize::Zeroize as _;

use super::{
    domain::Domain,
    qap::{self, Columns},
    system::{self, Variant},
};
use crate::{
    keys::{self, Keys},
    progress::{self, Cancelled, Progress},
    random::Secrets,
    setup::SetupError,
};

/// Points computed between two looks at [`Progress::is_cancelled`].
const CHUNK: usize = 1 << 14;

/// The trapdoors; γ is 1.
pub(crate) struct Trapdoors {
    pub(crate) alpha: Fr,
    pub(crate) beta: Fr,
    /// One for each phase.
    pub(crate) deltas: Vec<Fr>,
    pub(crate) tau: Fr,
}

impl Drop for Trapdoors {
    fn drop(&mut self) {
        [&mut self.alpha, &mut self.beta, &mut self.tau].into_iter().chain(&mut self.deltas).for_each(|t| t.zeroize());
    }
}

/// The points of a Groth16 key. Columns are in the order of [`qap`]; `u`, `v`, `w` are those of A, B, C at τ.
#[cfg_attr(test, derive(PartialEq))]
pub(crate) struct Points {
    /// `[α]₁`.
    pub(crate) alpha_g1: G1Affine,
    /// `[β]₁`.
    pub(crate) beta_g1: G1Affine,
    /// `[β]₂`.
    pub(crate) beta_g2: G2Affine,
    /// `[δ]₁` of each phase.
    pub(crate) deltas_g1: Vec<G1Affine>,
    /// `[δ]₂` of each phase.
    pub(crate) deltas_g2: Vec<G2Affine>,
    /// `[β·uᵢ + α·vᵢ + wᵢ]₁` of the instance.
    pub(crate) ic: Vec<G1Affine>,
    /// `[uᵢ]₁` of every column.
    pub(crate) a: Vec<G1Affine>,
    /// `[vᵢ]₁` of every column that is not derived: derived ones are never in B.
    pub(crate) b_g1: Vec<G1Affine>,
    /// `[vᵢ]₂` of the same.
    pub(crate) b_g2: Vec<G2Affine>,
    /// `[(β·uᵢ + α·vᵢ + wᵢ) / δ]₁` of every witness, δ its phase's.
    pub(crate) l: Vec<G1Affine>,
    /// `[τ^i·t(τ) / δ]₁` for i up to the domain's size less 2, δ the last phase's.
    pub(crate) h: Vec<G1Affine>,
}

/// What only the prover needs.
pub struct ProvingKey {
    pub(crate) system: SystemId,
    /// Digest of the verifying key that belongs to it.
    pub(crate) verifying_key_digest: [u8; 32],
    pub(crate) points: Points,
}

impl ProvingKey {
    /// The points that belong to a verifying key.
    pub(crate) fn new(verifying: &VerifyingKey, points: Points) -> Self {
        Self { system: verifying.system(), verifying_key_digest: *verifying.digest(), points }
    }
}

/// Makes keys of kind `dev`: whoever ran this could have kept the trapdoors and can then forge proofs.
///
/// The label is a few words for people. With a seed the keys are reproducible, and whoever knows it can forge.
pub(crate) fn setup(
    variant: Variant,
    circuit: &Circuit,
    label: &str,
    seed: Option<[u8; 32]>,
    progress: &dyn Progress,
) -> Result<Keys, SetupError> {
    let secrets = seed.map_or(Secrets::Os, Secrets::Seeded);
    let synthesizer = Synthesizer::new(circuit, variant.range_checks())?;
    let cost = synthesizer.cost()?;
    let points = generate(&synthesizer, &cost, variant.phases(), &secrets, progress)?;
    let verifying = VerifyingKey::new(KeyParts {
        setup: SetupKind::Dev,
        description: circuit.description.clone(),
        input: circuit.input.clone(),
        output: circuit.output.clone(),
        label: label.into(),
        material: system::key_material(variant, &points)?,
    })?;
    let key = ProvingKey::new(&verifying, points);
    Ok(Keys { proving: keys::ProvingKey::Groth16(key.into()), verifying })
}

/// The key of a circuit, with γ the standard generator. Secrets come from the seed, or from the operating system without
/// one.
pub(crate) fn generate(
    synthesizer: &Synthesizer<'_>,
    cost: &Cost,
    phases: usize,
    secrets: &Secrets,
    progress: &dyn Progress,
) -> Result<Points, SetupError> {
    let domain = qap::domain(cost).ok_or(SetupError::TooLarge(cost.constraints))?;
    let trapdoors = Trapdoors::draw(&domain, phases, secrets)?;
    evaluate(synthesizer, cost, &domain, &trapdoors, progress)
}

/// The key of a circuit with these trapdoors.
pub(crate) fn evaluate(
    synthesizer: &Synthesizer<'_>,
    cost: &Cost,
    domain: &Domain,
    trapdoors: &Trapdoors,
    progress: &dyn Progress,
) -> Result<Points, SetupError> {
    progress.begin("evaluating the constraints", cost.constraints as u64);
    let mut columns = Closure::new(trapdoors.columns(domain, cost), cost.challenge());
    synthesizer.synthesize(&[Fr::zero(); PUBLIC_INPUTS], None, &mut columns)?;
    progress.advance(cost.constraints as u64);
    progress::check(progress)?;
    points(columns.finish()?, domain, cost, trapdoors, progress)
}

impl Trapdoors {
    pub(super) fn draw(domain: &Domain, phases: usize, secrets: &Secrets) -> Result<Self, SetupError> {
        let mut tau = secrets.draw("tau")?;
        let mut attempt = 0u32;
        while domain.vanishing(tau).is_zero() {
            attempt += 1;
            tau = secrets.draw(&format!("tau/{attempt}"))?;
        }
        let delta = |phase: usize| secrets.draw(&format!("delta/{phase}"));
        let deltas = (1..=phases).map(delta).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { alpha: secrets.draw("alpha")?, beta: secrets.draw("beta")?, deltas, tau })
    }

    /// The columns at τ, before any constraint.
    pub(super) fn columns(&self, domain: &Domain, cost: &Cost) -> Columns {
        Columns::new(domain.lagrange(self.tau), cost)
    }
}

/// The key of the constraints that went into the columns.
pub(super) fn points(
    columns: Columns,
    domain: &Domain,
    cost: &Cost,
    t: &Trapdoors,
    progress: &dyn Progress,
) -> Result<Points, SetupError> {
    let Columns { mut a, mut b, mut c, .. } = columns;
    let inverses: Vec<Fr> = t.deltas.iter().map(|d| d.inverse().unwrap_or_default()).collect();
    let (first, last) = (inverses.first().copied().unwrap_or_default(), inverses.last().copied().unwrap_or_default());
    let instance = qap::instance(cost);
    // (β·A_j + α·B_j + C_j), over its phase's δ for witnesses: reuse the memory of C.
    c.par_iter_mut().zip(&a).zip(&b).enumerate().for_each(|(j, ((c, a), b))| {
        *c += t.beta * a + t.alpha * b;
        if j >= instance {
            *c *= if j < cost.variables { first } else { last };
        }
    });
    b.truncate(cost.variables);
    let vanishing = domain.vanishing(t.tau) * last;
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
    let b_g2: Vec<G2Affine> = multiply(&g2, &b, 3, progress)?;
    drop(g2);
    let g1 = BatchMulPreprocessing::new(G1Projective::generator(), points as usize);
    let a_points: Vec<G1Affine> = multiply(&g1, &a, 1, progress)?;
    let b_g1 = multiply(&g1, &b, 1, progress)?;
    let ic = multiply(&g1, &c[..instance], 1, progress)?;
    let l = multiply(&g1, &c[instance..], 1, progress)?;
    let h = multiply(&g1, &powers, 1, progress)?;
    [&mut a, &mut b, &mut c, &mut powers].into_iter().for_each(|v| v.zeroize());

    let (one, two) = (G1Projective::generator(), G2Projective::generator());
    Ok(Points {
        alpha_g1: (one * t.alpha).into_affine(),
        beta_g1: (one * t.beta).into_affine(),
        beta_g2: (two * t.beta).into_affine(),
        deltas_g1: t.deltas.iter().map(|d| (one * d).into_affine()).collect(),
        deltas_g2: t.deltas.iter().map(|d| (two * d).into_affine()).collect(),
        ic,
        a: a_points,
        b_g1,
        b_g2,
        l,
        h,
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
