//! Relations as rank-1 constraints over the scalar field of BN254.
//!
//! | file | gadget | constraints |
//! |---|---|---|
//! | `linear` | integer combinations with constant weights | none |
//! | `product` | products of two values | 1 an element |
//! | `requantize` | monotone step functions, by a multiplier, a shift and bits or limbs | about 20 to 45 an element |
//! | `thresholds` | step functions without an arithmetic form | about 130 an element |
//! | `table` | any function of an 8-bit value, by bits | at most 46 |
//! | `steps` | functions of either kind, by looking up intervals | 2 to 4 an element, and the table |
//! | `max` | maximum of a window | 10 for each element but the first |
//! | `range` | 8-bit inputs | 9 an element |
//! | `commit` | salted Poseidon chain of the packed tensor | about 1.6 a byte, 773 or more in all |
//! | `policy` | the records of a data policy, which are the input then | about 13,000 for one record |
//! | `disclose` | raw, argmax, threshold | 1; 12 an element; 10 |
//! | `poseidon` | circomlib's Poseidon | 3 an S-box |
//! | `lookup` | plans the tables | |
//! | `affine` | searches and certifies the arithmetic form of a step function | |
//!
//! A [`Synthesizer`] walks a [`Circuit`](crate::circuit::Circuit) and calls the gadgets. It is written once and serves
//! counting, setup, proving and checking: they differ in the [`Sink`] that receives constraints and witnesses. All hints
//! are computed from the values of the wires that a gadget reads, so a test can replace any witness and have all
//! dependent ones follow.

pub mod affine;
mod builder;
mod checker;
mod closure;
mod commit;
mod disclose;
mod linear;
mod lookup;
mod max;
mod policy;
pub mod poseidon;
mod product;
mod range;
mod requantize;
mod steps;
mod synthesize;
mod table;
mod thresholds;

pub use ark_bn254::Fr;

pub use self::{
    builder::{Builder, DERIVED, Lc, Num, Place, Sink},
    checker::{Checker, Failure},
    closure::{Closure, ClosureError},
    commit::{Commitment, pack},
    lookup::{Plan, Table},
    synthesize::{
        CircuitWitness, Cost, Counter, PUBLIC_INPUTS, RangeChecks, SynthesisError, Synthesizer, public_inputs,
    },
};
