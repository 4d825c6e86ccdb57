//! Bindings for JavaScript. Objects cross as JSON text, and errors are thrown as the JSON text of a [`Refusal`]; the npm
//! packages make objects and typed errors of them.

use avouch_verifier::{AcceptedKey, json};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::{MAX_KEY, MAX_PROOF, Refusal, verdict};

fn thrown(refusal: Refusal) -> String {
    refusal.json().to_string()
}

/// A key that was admitted once and verifies many proofs.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Key(AcceptedKey);

#[wasm_bindgen]
impl Key {
    /// Reads a key and decides whether to trust it.
    ///
    /// # Errors
    /// Those of [`verdict::admit`].
    pub fn admit(key: &[u8], trust: &str) -> Result<Self, String> {
        verdict::admit(key, trust).map(Self).map_err(thrown)
    }

    /// What the key says.
    pub fn manifest(&self) -> String {
        json::manifest(self.0.key()).to_string()
    }

    /// Why it is trusted.
    pub fn provenance(&self) -> String {
        self.0.provenance().name().into()
    }

    /// Verifies a proof file, and holds its claim against the demands.
    ///
    /// # Errors
    /// Those of [`verdict::verify`].
    pub fn verify(&self, proof_file: &[u8], demands: &str) -> Result<String, String> {
        verdict::verify(&self.0, proof_file, demands).map(|facts| facts.to_string()).map_err(thrown)
    }
}

/// Takes the parameters of the transparent system from their file, and gives their k.
///
/// # Errors
/// Those of [`verdict::load_parameters`].
#[cfg(feature = "halo2")]
#[wasm_bindgen]
pub fn load_parameters(file: &[u8]) -> Result<u32, String> {
    verdict::load_parameters(file).map_err(thrown)
}

/// Longest verifying key, in bytes.
#[wasm_bindgen]
pub fn max_key() -> u32 {
    MAX_KEY
}

/// Longest proof file, in bytes.
#[wasm_bindgen]
pub fn max_proof() -> u32 {
    MAX_PROOF
}
