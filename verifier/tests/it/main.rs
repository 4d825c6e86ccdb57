//! The verifier, from outside: only its public API, with real proofs of a toy circuit.
#![allow(missing_docs)]

mod acceptance;
mod claims;
mod decoders;
mod keys;
mod statement;
mod tamper;
mod toy;
