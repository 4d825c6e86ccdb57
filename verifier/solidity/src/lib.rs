//! # avouch-solidity: proofs on EVM chains
//!
//! Writes a contract that verifies proofs under one key, and the arguments with which it is called. The contracts that
//! use it are in `contracts/`, and the texts filled in here in `templates/`.
//!
//! | module | holds |
//! |---|---|
//! | [`contract`] | the verifier of a key |
//! | [`call`] | a proof file as a contract takes it |
//! | [`layout`] | plain keys and proofs in the bytes of Solana and Sui |
//! | [`snarkjs`] | plain keys and proofs as snarkjs has them |
//!
//! A contract is told which key it trusts when it is deployed, so only keys that a
//! [`KeyPolicy`](avouch_verifier::KeyPolicy) admitted are exported.
#![forbid(unsafe_code)]

pub mod call;
pub mod contract;
pub mod layout;
pub mod snarkjs;
mod words;

pub use crate::{
    call::Call,
    contract::{INTERFACE, verifier},
};

/// A key or proof of a proof system that contracts do not verify.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ExportError {
    /// The transparent system.
    #[error("{0} has no contract: its verification costs more than a block holds; use a Groth16 system")]
    NoContract(avouch_verifier::SystemId),
    /// Any but plain Groth16, where nothing else is understood.
    #[error("{0} is not plain Groth16, and nothing else is understood there; use groth16-bn254:v1")]
    NotPlain(avouch_verifier::SystemId),
    /// Not a name in Solidity.
    #[error("{0:?} is no name of a contract: letters, digits and _, and no digit first")]
    Name(String),
    /// A proof that does not hold.
    #[error(transparent)]
    Proof(#[from] avouch_verifier::VerifyError),
}
