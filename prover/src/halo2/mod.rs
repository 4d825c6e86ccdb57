//! The proof system `halo2-ipa-pasta:v1`: zcash's halo2 with inner-product commitments over Vesta.
//!
//! There is no setup to trust: both keys are derived from the model, the verifying key by whoever verifies, the proving
//! key by every process that proves, once for all of its proofs. So a key folder has no proving key. It has the
//! parameters of the commitment scheme, which only saves the time to derive them: they are held against the digest that
//! the verifier has pinned.

mod backend;
mod sizes;

use avouch_circuits::{circuit::Circuit, graph::Graph, plonkish::Layout};
use avouch_verifier::{
    KeyMaterial, KeyParts, SetupKind, VerifyingKey,
    system::{
        DeriveError,
        halo2_ipa_pasta::{Key, parameters},
    },
};

pub(crate) use self::backend::Backend;
pub use self::sizes::Sizes;
use crate::{
    keys::{Keys, ProvingKey},
    progress::{self, Progress},
    setup::SetupError,
};

/// Derives the verifying key of a graph's circuit.
pub(crate) fn setup(
    graph: &Graph,
    circuit: &Circuit,
    label: &str,
    progress: &dyn Progress,
) -> Result<Keys, SetupError> {
    progress.begin("parameters", 1);
    let (layout, _) = Layout::choose(circuit)?;
    parameters::get(layout.k()).map_err(DeriveError::from)?;
    progress.advance(1);
    progress::check(progress)?;
    progress.begin("verifying key", 1);
    let (material, _) = Key::derive(graph, circuit)?;
    progress.advance(1);
    progress::check(progress)?;
    let verifying = VerifyingKey::new(KeyParts {
        setup: SetupKind::Transparent,
        description: circuit.description.clone(),
        input: circuit.input.clone(),
        output: circuit.output.clone(),
        label: label.into(),
        material: KeyMaterial::Halo2IpaPasta(material),
    })?;
    Ok(Keys { proving: ProvingKey::Halo2, verifying })
}
