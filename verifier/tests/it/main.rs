//! The verifier, from outside: only its public API, with simulated proofs.
#![allow(missing_docs)]

mod acceptance;
mod challenge;
mod claims;
mod decoders;
mod keys;
mod statement;
mod tamper;
mod toy;
