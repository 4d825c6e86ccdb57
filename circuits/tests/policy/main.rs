//! The data policy, natively: every clause, the signature scheme, the encodings, nullifiers, and the vectors.
#![cfg(feature = "r1cs")]

mod clauses;
mod eddsa;
#[path = "../common/graphs.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with other tests")]
mod graphs;
mod nullifiers;
#[path = "../common/random.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod random;
mod schemas;
#[path = "../common/statement_json.rs"]
mod statement_json;
#[path = "../common/statements.rs"]
mod statements;
mod vectors;
