//! Soundness and completeness of circuits as rank-1 constraints.
//!
//! | module | shows |
//! |---|---|
//! | `forged` | each constraint of each gadget stops a forgery that no other constraint stops |
//! | `mutants` | no single witness of any operator or disclosure can take another value |
//! | `complete` | random graphs: the executor's outputs satisfy the circuit, and only those |
//! | `forms` | arithmetic forms equal the reference on every accumulator |
#![cfg(all(feature = "import", feature = "r1cs"))]

mod case;
mod complete;
mod forged;
mod forms;
#[path = "../common/graphs.rs"]
mod graphs;
mod mutants;
#[path = "../common/random.rs"]
mod random;
