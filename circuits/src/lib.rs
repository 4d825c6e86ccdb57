//! # avouch-circuits: *what* is proven
//!
//! A quantized network has one integer meaning here, and everything else is held against it:
//!
//! ```text
//! ONNX file ──import──▶ Graph ──lower──▶ Circuit ──synthesize──▶ constraints
//!                         │
//!                         └──execute──▶ the reference output
//! ```
//!
//! | module | holds |
//! |---|---|
//! | [`graph`] | the quantized graph, its canonical encoding and `model_id` |
//! | [`op`] | the open set of operators, one file each: inference, evaluation, lowering |
//! | [`arith`] | the exact f32 steps of ONNX Runtime's QOperator arithmetic |
//! | [`circuit`] | the closed set of relations, wires with proven bounds, disclosure, `circuit_id` |
//! | `import` | strict ONNX import (feature `import`) |
//! | `execute` | the reference executor (feature `execute`) |
//! | `policy` | the data policy: signed records, consents, what they have to satisfy (feature `r1cs`) |
//! | `r1cs` | gadgets: relations as rank-1 constraints (feature `r1cs`) |
//! | `plonkish` | chips: relations as a table of custom gates and lookups (feature `plonkish`) |
//!
//! Without features the crate is `no_std` with `alloc`. It knows nothing about proofs, keys, statements or files.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(any(feature = "execute", test))]
extern crate std;

pub mod arith;
pub mod circuit;
pub mod graph;
pub mod op;

#[cfg(feature = "execute")]
pub mod execute;
#[cfg(feature = "import")]
pub mod import;
#[cfg(feature = "plonkish")]
pub mod plonkish;
#[cfg(feature = "r1cs")]
pub mod policy;
#[cfg(feature = "r1cs")]
pub mod r1cs;
