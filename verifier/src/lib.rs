//! # avouch-verifier: *why* a proof is believed
//!
//! The protocol itself: the statement and its eight public inputs, every encoding that leaves a prover, the verifying
//! half of each proof system, and what a verifier demands of a claim. Provers import this crate; nothing is defined
//! twice.
//!
//! ```text
//! verifying.key ──decode──▶ VerifyingKey ──KeyPolicy::admit──▶ AcceptedKey ─┐
//!                                                                          ├─verify──▶ VerifiedClaim
//! proof file ──────────────────────────────────────────────────────────────┘               │
//!                                              AcceptanceReport ◀──Acceptance::evaluate────┘
//! ```
//!
//! Each stage is a type of its own, so that a step cannot be left out: a key that nobody admitted verifies nothing, and
//! only [`verify`] makes a [`VerifiedClaim`].
//!
//! ```no_run
//! use avouch_verifier::{Acceptance, KeyPolicy, VerifyingKey, verify};
//! # fn main() -> Result<(), Box<dyn core::error::Error>> {
//! # let (key_bytes, proof_bytes, pinned, task) = (vec![], vec![], [0; 32], [0; 32]);
//! let policy = KeyPolicy { expect_vk: Some(pinned), ..KeyPolicy::default() };
//! let key = policy.admit(VerifyingKey::decode(&key_bytes)?)?;
//! let claim = verify(&key, &proof_bytes)?;
//! let report = Acceptance { expect_context: Some(task), ..Acceptance::default() }.evaluate(&claim);
//! report.check()?;
//! println!("{}", claim.output());
//! # Ok(())
//! # }
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`statement`] | the eight slots, their canonical form, the statement digest |
//! | [`context`] | slot 0: what binds a proof to its use, in both forms |
//! | [`envelope`] | the envelope around a proof, and the proof file |
//! | [`key`] | the self-contained verifying key, its setup kind and digest |
//! | [`claim`] | admitting a key, verifying a proof, what is known afterwards |
//! | [`acceptance`] | conditions on a claim, and the list of what was not checked |
//! | [`system`] | the registry of proof systems, one module for each |
//! | [`error`] | decoding errors: which file, which field, what is wrong |
//! | `json` (feature) | claims, keys and reports as JSON objects |
//!
//! In the dependency graph the crate stands between `avouch-circuits`, of which it uses the circuit description and
//! tensor types, and `avouch-prover`. It knows nothing about model files, witnesses, proving keys or the network.
//!
//! # Encodings
//! Every encoding is canonical: there is one for each value, and decoding refuses everything else. Integers are
//! little-endian; field elements and digests are big-endian byte strings. Lengths are checked before anything is
//! allocated, trailing bytes are refused, and points are checked to be on their curve and in their subgroup.
//!
//! # Adding a proof system
//! One module in [`system`] that implements its `ProofSystem` trait, and one line in the registry there.
//!
//! # Features
//! `groth16` (default): Groth16 over BN254, `no_std` with `alloc`. `halo2`: the transparent system, which needs `std` and
//! brings the gadgets of `avouch-circuits` along, because a verifier derives the key from the model. `json`: what is said
//! about a claim, for scripts. The crate reads no clock and no randomness, and has no unsafe code. Outside its tests it
//! does not index, cast with `as`, use unchecked arithmetic, or call anything that panics on bad input.
#![no_std]
#![forbid(unsafe_code)]
#![cfg_attr(
    not(test),
    deny(
        clippy::arithmetic_side_effects,
        clippy::as_conversions,
        clippy::disallowed_types,
        clippy::expect_used,
        clippy::float_arithmetic,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::panic_in_result_fn,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used,
        clippy::wildcard_enum_match_arm,
    )
)]

extern crate alloc;
#[cfg(any(feature = "halo2", test))]
extern crate std;

#[cfg(not(any(feature = "groth16", feature = "halo2")))]
compile_error!("choose a proof system: one of the features `groth16` and `halo2`, or both");

pub mod acceptance;
mod bytes;
pub mod claim;
pub mod context;
pub mod envelope;
pub mod error;
#[cfg(feature = "json")]
pub mod json;
pub mod key;
pub mod statement;
pub mod system;

pub use avouch_circuits::{
    circuit::description::{CircuitDescription, Disclosure, EMPTY_POLICY_ID},
    graph::{DType, Quantization, TensorInfo},
};

pub use crate::{
    acceptance::{Acceptance, AcceptanceReport, Freshness, NotChecked},
    claim::{
        AcceptedKey, KeyPolicy, KeyProvenance, KeyRefused, Output, VerifiedClaim, VerifyError, verify, verify_batch,
    },
    context::{EvmContext, GenericContext, context_slot},
    envelope::{Envelope, ProofFile},
    error::{DecodeError, Problem},
    key::{KeyParts, SetupKind, VerifyingKey},
    statement::{SLOTS, Slot, Statement, Window},
    system::{KeyMaterial, SystemId},
};
