//! The suite on plain Groth16.

use avouch_verifier::SystemId;

const SYSTEM: SystemId = SystemId::Groth16Bn254;

mod suite;
