//! The prover, from outside: only its public API, with a small network.
#![allow(missing_docs)]

mod files;
mod fixture;
mod input;
mod interrupt;
mod key_file;
mod network;
mod opening;
mod phase1;
mod phase1_snarkjs;
mod proofs;
mod records;
mod signed;
