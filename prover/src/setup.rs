//! Making the keys of a circuit.

use avouch_circuits::{
    circuit::{Circuit, LowerError},
    graph::Graph,
    r1cs::{ClosureError, SynthesisError},
};
use avouch_verifier::{DecodeError, SystemId, system::DeriveError};

use crate::{
    groth16, halo2,
    keys::Keys,
    progress::{Cancelled, Progress},
    prover::Kind,
    random::NoRandomness,
};

/// Why no key was made.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The circuit has no exact form.
    #[error(transparent)]
    Lower(#[from] LowerError),
    /// The circuit is malformed.
    #[error(transparent)]
    Synthesis(#[from] SynthesisError),
    /// The circuit would let a prover choose committed values after the challenge.
    #[error(transparent)]
    Closure(#[from] ClosureError),
    /// More rows than the field has roots of unity for.
    #[error("{0} constraints are too many for the scalar field of BN254 (2^28); use a smaller model")]
    TooLarge(usize),
    /// The key cannot be derived.
    #[error(transparent)]
    Derive(#[from] DeriveError),
    /// A seed for a system whose setup draws nothing.
    #[error("{0} has no secrets that a seed could determine: its keys are always reproducible")]
    NoSecrets(SystemId),
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

/// Makes the keys of a graph's circuit.
///
/// On Groth16 they are of kind `dev`: whoever ran this could have kept the trapdoors and can then forge proofs; with a
/// seed they are reproducible, and whoever knows it can forge. On halo2 there is nothing to keep: anybody gets the same.
///
/// The label is a few words for people.
pub fn setup(
    system: SystemId,
    graph: &Graph,
    circuit: &Circuit,
    label: &str,
    seed: Option<[u8; 32]>,
    progress: &dyn Progress,
) -> Result<Keys, SetupError> {
    match Kind::of(system) {
        Kind::Groth16(variant) => groth16::setup(variant, circuit, label, seed, progress),
        Kind::Halo2 if seed.is_some() => Err(SetupError::NoSecrets(system)),
        Kind::Halo2 => halo2::setup(graph, circuit, label, progress),
    }
}
