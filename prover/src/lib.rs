//! # avouch-prover: *how* it is proven
//!
//! Setup, keys, witness generation and proving, for nodes that link the prover. The `avouch` command line is a thin
//! layer over it.
//!
//! ```text
//! Graph ──Circuit::new──▶ Circuit ──groth16::setup──▶ Keys ──Prover::new──▶ Prover ──prove──▶ Proof (verified)
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`groth16`] | setup and prover of `groth16-bn254:v1`, and its key file |
//! | [`keys`] | the key folder: `proving.key`, `verifying.key`, `manifest.json` |
//! | [`input`] | samples from `.npy` and JSON files |
//! | [`opening`] | openings of commitments, private to the node |
//! | [`memory`] | what a job takes before it runs, and what it took |
//! | [`progress`] | what long work says of itself, and how it is stopped |
//! | [`files`] | files that are whole or absent |
//!
//! The crate defines no encoding of its own for anything that leaves a prover: statement, envelope and verifying key
//! are `avouch-verifier`'s. It knows nothing about terminals.
#![forbid(unsafe_code)]

pub mod files;
pub mod groth16;
pub mod input;
pub mod keys;
pub mod memory;
pub mod opening;
pub mod progress;
pub mod random;
