//! The verifier, from outside: only its public API, with simulated proofs where a trapdoor allows it.
#![allow(missing_docs)]

mod acceptance;
mod batch;
mod challenge;
mod claims;
mod decoders;
#[cfg(feature = "halo2")]
mod halo2;
mod keys;
mod statement;
mod tamper;
mod toy;
#[cfg(feature = "json")]
mod verdicts;
