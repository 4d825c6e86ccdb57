//! The data policy as constraints, held against its native meaning, on both systems.
//!
//! | module | shows |
//! |---|---|
//! | `clauses` | valid statements satisfy the circuit; a broken one is refused by a constraint of the clause it breaks |
//! | `forged` | quotients, decompositions, choices and points that are not the honest ones |
//! | `borders` | the ends of all fields at once, and flags that the policy's id binds |
//! | `mutants` | no single witness can take another value |
//! | `input` | features become the model's input exactly as the reference has it |
//! | `vectors` | the statements that are kept as vectors |
//! | `cost` | constraints, pinned, against the budgets |
#![cfg(all(feature = "execute", feature = "r1cs"))]

mod borders;
mod case;
mod clauses;
mod cost;
mod forged;
#[path = "../common/graphs.rs"]
#[allow(dead_code, unreachable_pub, reason = "shared with other tests")]
mod graphs;
mod input;
mod mutants;
#[path = "../common/random.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod random;
#[path = "../common/statement_json.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod statement_json;
#[path = "../common/statements.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod statements;
mod vectors;
