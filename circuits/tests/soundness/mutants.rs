//! Every witness of a circuit takes wrong values, one at a time, with all that depends on it recomputed honestly; every
//! such mutant has to be rejected.

use std::collections::BTreeSet;

use ark_ff::Field as _;
use avouch_circuits::{
    circuit::{Disclosure, Relation},
    graph::DType,
    r1cs::{DERIVED, Fr, Lc, Place, RangeChecks, Sink, affine::AffineStep},
};
use rayon::prelude::*;

use crate::{
    case::{Case, challenge},
    graphs::{every_operator, identity, info, quant, sample},
};

/// Replaces one witness and notes whether any constraint fails: [`Checker`] without terms, which is faster by far.
struct Mutant {
    variable: u32,
    value: Fr,
    next: u32,
    next_derived: u32,
    rejected: bool,
}

impl Mutant {
    fn value(&self, variable: u32, honest: Fr) -> Fr {
        if variable == self.variable { self.value } else { honest }
    }
}

impl Sink for Mutant {
    const TERMS: bool = false;

    fn witness(&mut self, value: Fr) -> Fr {
        let variable = self.next;
        self.next += 1;
        self.value(variable, value)
    }

    fn challenge(&self) -> Fr {
        challenge()
    }

    fn derived(&mut self, numerator: Fr, denominator: Fr) -> Fr {
        let variable = DERIVED | self.next_derived;
        self.next_derived += 1;
        self.value(variable, numerator * denominator.inverse().unwrap())
    }

    fn constraint(&mut self, _place: Place, a: &Lc, b: &Lc, c: &Lc) {
        self.rejected |= a.value * b.value != c.value;
    }
}

/// The amounts `2^k` that are added: a byte, and what one step of each quotient weighs.
fn weights(case: &Case) -> Vec<Fr> {
    let mut shifts = BTreeSet::from([8u64]);
    for applied in &case.circuit.relations {
        if let Relation::Requantize(q) = &applied.relation {
            shifts.extend(q.functions.iter().map(|f| u64::from(AffineStep::find(f).unwrap().shift)));
        }
    }
    shifts.into_iter().map(|k| Fr::from(2u64).pow([k])).collect()
}

/// Mutants killed and all mutants, of the chosen witnesses.
fn mutate(case: &Case, chosen: impl Fn(Option<Place>) -> bool + Sync) -> (usize, usize) {
    let honest = case.check(&[]);
    assert_eq!(honest.failures, []);
    let synthesizer = case.synthesizer();
    let (one, weights) = (Fr::from(1u64), weights(case));
    let first = synthesizer.public_inputs() + 1;
    let committed = (first..honest.assignment.len()).filter(|&v| chosen(honest.origins[v]));
    let committed = committed.map(|v| (v as u32, honest.assignment[v]));
    let derived = honest.derived.iter().enumerate().map(|(i, &value)| (DERIVED | i as u32, value));
    let variables: Vec<_> = committed.chain(derived).collect();
    let counts = variables.into_par_iter().map(|(variable, value)| {
        let mut values = vec![value + one, value - one, -value, Fr::from(0u64), -one];
        values.extend(weights.iter().map(|w| value + w));
        values.sort_unstable();
        values.dedup();
        values.retain(|v| *v != value);
        let rejected = |&forged: &Fr| {
            let mut mutant = Mutant { variable, value: forged, next: first as u32, next_derived: 0, rejected: false };
            synthesizer.synthesize(&case.public, Some(&case.witness), &mut mutant).unwrap();
            mutant.rejected
        };
        let killed = values.iter().filter(|v| rejected(v)).count();
        // The checker sees the same, on terms.
        let mut checker = case.checker(&synthesizer);
        if variable % 16 == 0 {
            checker.tamper.insert(variable, values[0]);
            synthesizer.synthesize(&case.public, Some(&case.witness), &mut checker).unwrap();
            assert!(!checker.failures.is_empty(), "variable {variable}");
        }
        (killed, values.len())
    });
    counts.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}

#[allow(clippy::print_stdout, reason = "the report of this test")]
fn assert_all_killed(name: &str, ranges: RangeChecks, dtype: DType, (killed, total): (usize, usize), least: usize) {
    println!("{name}, {}, {ranges:?}: killed {killed} of {total} mutants", dtype.name());
    assert_eq!(killed, total, "{name}, {}, {ranges:?}", dtype.name());
    assert!(total >= least, "{name}: only {total} mutants");
}

const BOTH: [RangeChecks; 2] = [RangeChecks::Bits, RangeChecks::Lookups];

/// Every witness but the inner ones of the input commitment's hash, which is the same in every circuit: see the next
/// test.
#[test]
fn no_witness_of_any_operator_can_be_another() {
    for dtype in [DType::I8, DType::U8] {
        for (name, graph) in every_operator(dtype) {
            for ranges in BOTH {
                let case = Case::with(ranges, &graph, Disclosure::Raw, &sample(graph.input_info())).unwrap();
                let counts = mutate(&case, |place| !place.is_some_and(|p| p.name.starts_with("poseidon")));
                assert_all_killed(name, ranges, dtype, counts, 200);
            }
        }
    }
}

#[test]
fn no_witness_of_any_disclosure_can_be_another() {
    for dtype in [DType::I8, DType::U8] {
        let min = dtype.min() as i16;
        let graph = identity(info(&[4], quant(dtype, 0.1, dtype.min() + 55)));
        let input = [min + 9, min + 200, min, min + 200];
        let threshold = Disclosure::Threshold { index: 1, threshold: i32::from(min) + 200 };
        for disclosure in [Disclosure::Raw, Disclosure::Argmax, threshold, Disclosure::Commit] {
            for ranges in BOTH {
                let case = Case::with(ranges, &graph, disclosure, &input).unwrap();
                // The input commitment's hash once is enough; the output's is another.
                let counts = mutate(&case, |place| {
                    let hash = place.is_some_and(|p| p.relation == 1 && p.name.starts_with("poseidon"));
                    (disclosure == Disclosure::Raw && ranges == RangeChecks::Bits) || !hash
                });
                assert_all_killed(disclosure.name(), ranges, dtype, counts, 100);
            }
        }
    }
}
