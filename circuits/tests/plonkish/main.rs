//! Soundness and completeness of circuits as a table of gates and lookups.
//!
//! | module | shows |
//! |---|---|
//! | `forged` | each gate and each lookup of each chip stops a forgery, by its name |
//! | `mutants` | no single cell of any operator or disclosure can take another value |
//! | `complete` | random graphs: the executor's outputs satisfy the circuit, and only those; both ends of every stretch |
//! | `hostile` | borders: last rows, any row for any query, shared rows, lengths of lists, ties across floors |
//! | `layouts` | the closed list, the search, and what models cost, pinned |
//! | `proofs` | real proofs verify, and none of another statement |
#![cfg(all(feature = "import", feature = "plonkish"))]

mod case;
mod complete;
mod forged;
#[path = "../common/graphs.rs"]
#[allow(dead_code, reason = "shared with other suites")]
mod graphs;
mod hostile;
mod layouts;
mod mutants;
mod proofs;
#[path = "../common/random.rs"]
#[allow(dead_code, reason = "shared with other suites")]
mod random;
