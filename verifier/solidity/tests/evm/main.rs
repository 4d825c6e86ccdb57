//! The contracts in an EVM, with keys and proofs of the prover. `cargo xtask solidity` installs the compiler and
//! snarkjs.
#![allow(missing_docs)]

mod adapters;
mod chain;
mod fixture;
mod gas;
mod hub;
mod layouts;
#[path = "../../../../prover/tests/it/network.rs"]
mod network;
mod records;
#[path = "../../../../prover/tests/it/signed.rs"]
mod signed;
mod snarkjs;
mod verdicts;
mod verifier;
