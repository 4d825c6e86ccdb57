//! The compiled contract in an interpreter, under the rules and limits of CosmWasm's virtual machine, with keys and proofs of
//! the prover. `cargo xtask cosmwasm` compiles it.
#![allow(missing_docs)]

mod code;
mod cost;
mod fixture;
mod host;
mod messages;
mod meter;
#[expect(dead_code, reason = "inputs are records here")]
#[path = "../../../../prover/tests/it/network.rs"]
mod network;
#[path = "../../../../prover/tests/it/signed.rs"]
mod signed;
