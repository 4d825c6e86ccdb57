//! # avouch-cosmwasm: an example of a contract that takes proofs
//!
//! It links [`avouch_verifier`](https://docs.rs/avouch-verifier), without a line of cryptography of its own: a chain has no
//! host functions for BN254, so pairings run as WebAssembly. One contract is one task, with one data policy and one key.
//!
//! | message | by | does |
//! |---|---|---|
//! | `instantiate` | anyone | fixes the terms, and the verifying key that they pin; nothing changes either |
//! | `set_root` | the registry of the terms | says until when it stands by a root of devices and consents |
//! | `submit` | anyone | takes a proof for a recipient, once for each batch of records, and emits an event |
//!
//! What a proof has to be: of the pinned key; for this chain, contract, task, recipient and deadline, by its context; under the
//! policy; about a root that the registry stands by; with a window that ended lately; and with a nullifier that was not used.
//! The key is kept as its file, and read again for each proof.
//!
//! It pays nothing: what an answer is worth is for those to add who copy this. Compiled for WebAssembly alone.

#[cfg(target_arch = "wasm32")]
mod contract;
#[cfg(target_arch = "wasm32")]
mod error;
#[cfg(target_arch = "wasm32")]
mod message;
#[cfg(target_arch = "wasm32")]
mod state;
