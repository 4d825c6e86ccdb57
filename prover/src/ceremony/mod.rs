//! Setups of several parties for the Groth16 systems: whoever trusts one of the contributors to have forgotten a secret
//! trusts the key.
//!
//! ```text
//! .ptau ──phase1::read──▶ Phase1 ──init──▶ State ──contribute──▶ … ──contribute──▶ State ──beacon──▶ State ──finalize──▶ Keys
//!                                            └──────────────────── check ──────────────────────────────▶ Report ──▶ trust
//! ```
//!
//! Phase 1 fixes α, β and τ, for every circuit. Phase 2 multiplies each δ of one circuit's key by a secret of every
//! contributor and divides the points that depend on it; the lookup system has two, of independent secrets. The initial
//! key follows from model and phase 1 alone, so that anybody can compute it again.
//!
//! | module | holds |
//! |---|---|
//! | [`phase1`] | powers of τ for any circuit, in the files of snarkjs |
//! | `lagrange` | the Lagrange basis of a domain, by a Fourier transform of points |
//! | `cache` | the basis in files, for a run that was interrupted or follows |
//! | `initial` | the initial key, from basis and constraints |
//! | `multiply` | points times scalars |
//! | `knowledge` | the update of one δ, and the proof of knowledge of its secret |
//! | `beacon` | secrets from a public value |
//! | `transcript` | who did what, chained by hashes |
//! | `state` | the file that is passed on |
//! | `contribute` | one more contribution |
//! | `check` | everything that a third party checks, and the final key |
//! | `report` | what was checked, and what cheating would have taken |
//! | `trust` | which of it suffices |

mod beacon;
mod cache;
mod check;
mod contribute;
mod encoding;
mod error;
mod initial;
mod knowledge;
mod lagrange;
mod multiply;
pub mod phase1;
mod report;
mod state;
#[cfg(test)]
mod tests;
mod transcript;
mod trust;

use std::path::{Path, PathBuf};

use ark_bn254::{Fr, G1Affine, G2Affine};
use ark_ec::{AffineRepr as _, CurveGroup as _};
use avouch_circuits::{
    circuit::Circuit,
    r1cs::{Cost, Synthesizer},
};
use avouch_verifier::{KeyParts, SetupKind, SystemId, VerifyingKey};
use sha2::{Digest as _, Sha256};

pub use self::{
    check::{Evidence, audit, check, finalize},
    contribute::{Contributor, beacon, contribute},
    error::{CeremonyError, Delta, Reason, Rejected},
    report::{Report, Step},
    state::State,
    transcript::Transcript,
    trust::{NotTrusted, Trust},
};
use self::{
    encoding::Hex,
    phase1::Phase1,
    state::{Hasher, Moving},
    transcript::{Head, Sizes},
};
use crate::{
    groth16::{self, Domain, Points, Variant, Writer},
    progress::Progress,
    prover::Kind,
    random::{self, NoRandomness},
    setup::SetupError,
};

/// The circuit that a ceremony makes a key of.
pub struct Subject<'c> {
    circuit: &'c Circuit,
    variant: Variant,
    label: String,
    synthesizer: Synthesizer<'c>,
    cost: Cost,
    domain: Domain,
    basis: Option<PathBuf>,
}

impl<'c> Subject<'c> {
    /// Lays out a circuit. The label is a few words for people, kept in the key.
    ///
    /// # Errors
    /// The system has no ceremony, or the circuit no key.
    pub fn new(system: SystemId, circuit: &'c Circuit, label: &str) -> Result<Self, CeremonyError> {
        let Kind::Groth16(variant) = Kind::of(system) else { return Err(CeremonyError::NotGroth16(system)) };
        let synthesizer = Synthesizer::new(circuit, variant.range_checks()).map_err(SetupError::from)?;
        let cost = synthesizer.cost().map_err(SetupError::from)?;
        let domain = groth16::domain(&cost).ok_or(SetupError::TooLarge(cost.constraints))?;
        Ok(Self { circuit, variant, label: label.into(), synthesizer, cost, domain, basis: None })
    }

    /// Keeps the Lagrange basis, which takes longest, in files whose names begin with `path`, and takes it from there if it is
    /// there: it is checked against phase 1 before it is used.
    pub fn with_basis(self, path: &Path) -> Self {
        Self { basis: Some(path.into()), ..self }
    }

    /// Removes these files.
    pub fn forget_basis(&self) {
        cache::forget(self.basis.as_deref());
    }

    /// Points of the domain: what is read of phase 1.
    pub fn points(&self) -> usize {
        self.domain.size()
    }

    /// Constraints and variables.
    pub fn cost(&self) -> &Cost {
        &self.cost
    }

    /// The initial key, and the head of a transcript about it.
    fn start(&self, mut phase1: Phase1, progress: &dyn Progress) -> Result<(Points, Head), CeremonyError> {
        let n = self.points();
        let has = [phase1.tau_g1.len() + 1, 2 * phase1.tau_g2.len(), 2 * phase1.alpha_tau_g1.len()];
        if has.into_iter().chain([2 * phase1.beta_tau_g1.len()]).any(|points| points != 2 * n) {
            return Err(CeremonyError::Phase1("it was read for a domain of another size"));
        }
        let prepared = phase1.prepared.take();
        let basis = cache::basis(&self.domain, &phase1, prepared, self.basis.as_deref(), progress)?;
        let phases = self.variant.phases();
        let mut points = initial::points(&self.synthesizer, &self.cost, phases, &phase1, &basis, progress)?;

        let instance = groth16::instance(&self.cost);
        let sizes = Sizes {
            first_phase: (self.cost.variables - instance) as u32,
            second_phase: self.cost.derived as u32,
            domain: n as u32,
        };
        let description = &self.circuit.description;
        let moving = Moving { l: std::mem::take(&mut points.l), h: std::mem::take(&mut points.h) };
        let template: Vec<G2Affine> =
            (0..phases as u64).map(|i| (G2Affine::generator() * Fr::from(2 + i)).into_affine()).collect();
        let generators = std::mem::replace(&mut points.deltas_g2, template);
        let key_template = Hex(*self.verifying_key(&points, SetupKind::Dev)?.digest());
        points.deltas_g2 = generators;
        let head = Head {
            phase1: Hex(phase1.hash),
            key_template,
            fixed_points: Hex(fixed_digest(&points)),
            moving_points: Hex(moving.digest()),
            ..Head::new(self.variant, description, &self.label, sizes)
        };
        (points.l, points.h) = (moving.l, moving.h);
        Ok((points, head))
    }

    fn verifying_key(&self, points: &Points, setup: SetupKind) -> Result<VerifyingKey, CeremonyError> {
        let key = |material| {
            VerifyingKey::new(KeyParts {
                setup,
                description: self.circuit.description.clone(),
                input: self.circuit.input.clone(),
                output: self.circuit.output.clone(),
                label: self.label.clone(),
                material,
            })
        };
        groth16::key_material(self.variant, points).and_then(key).map_err(|e| SetupError::from(e).into())
    }
}

/// Starts a ceremony: computes the initial key, of which all trapdoors that phase 2 is about are 1.
///
/// # Errors
/// Phase 1 was read for another size, the circuit has no key, or the work was stopped.
pub fn init(subject: &Subject<'_>, phase1: Phase1, progress: &dyn Progress) -> Result<State, CeremonyError> {
    let (points, head) = subject.start(phase1, progress)?;
    Ok(State { transcript: Transcript::start(head)?, points: Moving { l: points.l, h: points.h } })
}

/// Digest of the points that no contribution changes.
fn fixed_digest(points: &Points) -> [u8; 32] {
    let mut hash = Hasher(Sha256::new());
    hash.0.update(b"avouch/ceremony/fixed-points/v1");
    let mut out = Writer::new(&mut hash);
    // A hash takes everything.
    let _ = [&[points.alpha_g1, points.beta_g1] as &[G1Affine], &points.ic, &points.a, &points.b_g1]
        .into_iter()
        .try_for_each(|points| out.points(points))
        .and_then(|()| out.points(&[points.beta_g2]))
        .and_then(|()| out.points(&points.b_g2));
    hash.0.finalize().into()
}

/// Coefficients of a random combination: 128 bits each, drawn after what they combine is fixed.
fn weights(count: usize) -> Result<Vec<Fr>, NoRandomness> {
    let seed: [u8; 32] = random::bytes()?;
    let weight = |i: u64| {
        let hash: [u8; 32] = Sha256::new().chain_update(seed).chain_update(i.to_le_bytes()).finalize().into();
        Fr::from(u128::from_le_bytes(hash.first_chunk().copied().unwrap_or_default()))
    };
    Ok((0..count as u64).map(weight).collect())
}
