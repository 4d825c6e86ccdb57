//! # avouch-verifier-wasm: the verifier where WebAssembly runs
//!
//! The same verdicts as `avouch verify`, from the same code, with the same JSON. Nothing about proofs is decided here.
//!
//! | module | holds |
//! |---|---|
//! | [`request`] | what a caller demands, as JSON: [`Trust`] in a key, [`Demands`] on a claim |
//! | [`verdict`] | admitting a key and verifying a proof; what is answered, as JSON |
//! | `js` (feature) | bindings for JavaScript, which the npm packages wrap |
//! | `raw` (feature) | plain exports for hosts without JavaScript |
//!
//! Two npm packages are made of it, one for each of the features `groth16` (default) and `halo2`; see the folder's
//! README. A module panics on no input: every error is typed. Lengths are limited by [`MAX_KEY`] and [`MAX_PROOF`], which
//! a host checks before it copies bytes here.
#![deny(unsafe_code)]

#[cfg(feature = "js")]
pub mod js;
#[cfg(feature = "raw")]
pub mod raw;
pub mod request;
pub mod verdict;

pub use crate::{
    request::{Demands, Trust},
    verdict::{Refusal, admit, verify},
};

/// Longest verifying key, in bytes: a transparent one holds the model.
pub const MAX_KEY: u32 = (1 << 27) + (1 << 12);
/// Longest proof file, in bytes: far above any.
pub const MAX_PROOF: u32 = 1 << 20;
