//! # avouch-prover: *how* it is proven
//!
//! Setup, keys, witness generation and proving, for nodes that link the prover. The `avouch` command line is a thin
//! layer over it.
//!
//! ```text
//! Graph ──Circuit::new──▶ Circuit ──setup──▶ Keys ──Prover::new──▶ Prover ──prove──▶ Proof (verified)
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`mod@setup`] | keys of a circuit, on every proof system |
//! | [`prover`] | from an input to a proof file, on every proof system |
//! | [`groth16`] | what the two Groth16 systems do for it, and their key file |
//! | [`halo2`] | what the transparent system does |
//! | [`ceremony`] | setups of several parties for the Groth16 systems |
//! | [`keys`] | the key folder |
//! | [`input`] | samples from `.npy` and JSON files |
//! | [`opening`] | openings of commitments, private to the node |
//! | [`policy`] | files of the data policy: documents, signed records, the registry |
//! | [`memory`] | what a job takes before it runs, and what it took |
//! | [`progress`] | what long work says of itself, and how it is stopped |
//! | [`files`] | files that are whole or absent |
//!
//! The crate defines no encoding of its own for anything that leaves a prover: statement, envelope and verifying key
//! are `avouch-verifier`'s. It knows nothing about terminals.
#![forbid(unsafe_code)]

pub mod ceremony;
pub mod files;
pub mod groth16;
pub mod halo2;
pub mod input;
pub mod keys;
pub mod memory;
pub mod opening;
pub mod policy;
pub mod progress;
pub mod prover;
pub mod random;
pub mod setup;

pub use crate::{
    keys::Keys,
    prover::{CircuitSize, Kind, Proof, ProveError, Prover, Request, Times},
    setup::{SetupError, setup},
};
