//! Relations as a table of custom gates and lookups over the scalar field of Vesta, for zcash's `halo2_proofs`.
//!
//! | file | chip | rows |
//! |---|---|---|
//! | `linear` | integer combinations with constant weights, several results side by side | `terms / (lanes · terms a row)` |
//! | `product` | products of two values | 1 an element |
//! | `function` | any function that is constant by stretches: requantization, tables, ranges, thresholds | 1 an element |
//! | `max` | maximum of a window | 1 for each element |
//! | `commit` | salted Poseidon chain of the packed tensor | about 38 for two packed elements |
//! | `disclose` | raw, argmax, threshold | few |
//! | `poseidon` | the P128Pow5T3 sponge | 37 a permutation |
//!
//! A row has a **wide** part, of sums and hashes, and a **narrow** one, of functions and maxima. Both are filled from the
//! top, each at its own pace, so a row often serves two relations. `config` has the columns and gates, `layout` the closed
//! list of their numbers and the search for the cheapest, `synthesize` walks a [`Circuit`](crate::circuit::Circuit).
//!
//! All assignment goes through a [`Sink`], which counts, keeps the [`Trace`] that is proven, or replaces cells in negative
//! tests. All hints are computed from the cells that a chip reads, so a replaced cell has all dependent ones follow.

mod builder;
mod commit;
mod config;
mod disclose;
mod function;
mod layout;
mod linear;
mod max;
mod poseidon;
mod product;
mod sink;
mod synthesize;

pub use pasta_curves::Fp;

pub use self::{
    commit::{Commitment, pack},
    config::{GATES, Job, LOOKUPS},
    layout::{Candidate, Cost, Layout, Plan, RelationRows, Shape},
    poseidon::{chain, hash, tag},
    sink::{Cell, Place, Sink, Trace},
    synthesize::{CircuitWitness, PUBLIC_INPUTS, SynthesisError, public_inputs, synthesize, with_circuit},
};
