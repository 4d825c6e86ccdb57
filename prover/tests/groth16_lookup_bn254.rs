//! The suite on Groth16 with lookups.

use avouch_verifier::SystemId;

const SYSTEM: SystemId = SystemId::Groth16LookupBn254;

mod suite;
