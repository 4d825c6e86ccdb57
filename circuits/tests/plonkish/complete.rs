//! Random graphs of every operator at usual and extreme scales: what lowers is satisfied by the executor's own output,
//! and by no other.

use avouch_circuits::{
    circuit::{Circuit, Disclosure, Relation},
    execute,
    plonkish::{LOOKUPS, public_inputs},
};
use proptest::prelude::*;
use rayon::prelude::*;

use crate::{
    case::{Case, fp},
    graphs::{every_operator, requantization},
    random::{Choices, disclosure},
};

/// Whether the graph lowers; if so, everything that must hold does.
fn assert_complete(seed: u64) -> bool {
    let mut c = Choices(seed);
    let graph = c.graph();
    let (x, y) = (graph.input_info(), graph.output_info());
    let q = x.quant.dtype;
    let input: Vec<i16> = (0..x.elements()).map(|_| c.between(q.min(), q.max()) as i16).collect();
    let disclosure = disclosure(&mut c, y);
    let Ok(circuit) = Circuit::new(&graph, disclosure) else { return false };
    let Ok(mut case) = Case::new(&graph, disclosure, &input) else {
        // Only what is too large for every layout: here, the stretches of an enormous domain.
        let widest = circuit.wires.iter().flat_map(|w| &w.bounds).map(|b| b.hi - b.lo).max();
        assert!(widest.is_some_and(|w| w > 1 << 28), "seed {seed}");
        return false;
    };
    case.holds();
    // An output beside the executor's has another statement, unless what is disclosed of it is the same.
    let output = execute::run(&graph, &input).unwrap();
    let honest = case.public;
    let mut other = output.clone();
    other[c.below(output.len())] += 1;
    case.public = public_inputs(&case.circuit, &case.witness, &other, fp(99));
    if case.public != honest {
        case.stops(&[], &["copy", "public input"]);
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    /// Each case runs a batch of graphs in parallel.
    #[test]
    fn the_executor_satisfies_what_lowers(seed in any::<u64>()) {
        let seeds = (0..32).into_par_iter().map(|i| seed.wrapping_add(i));
        let lowered = seeds.filter(|&seed| assert_complete(seed)).count();
        prop_assert!(lowered >= 16, "only {lowered} of 32 graphs lower");
    }
}

/// A table of functions that would fill every usable row of the smallest k, where `halo2_proofs` wants one to spare.
#[test]
fn a_table_that_just_does_not_fit_takes_the_next_k() {
    assert!(assert_complete(8_199_662_558_845_187_247));
}

/// The arguments at and before each threshold, and the ends of the domain.
#[test]
fn both_ends_of_every_stretch_are_looked_up() {
    let (graph, _) = requantization(-32768, 0.00187, 3, -128..=127, 0);
    let circuit = Circuit::new(&graph, Disclosure::Raw).unwrap();
    let step = circuit.relations.iter().find_map(|r| match &r.relation {
        Relation::Requantize(q) => Some(q.functions[0].clone()),
        _ => None,
    });
    let step = step.unwrap();
    let ends = [step.domain.lo, step.domain.hi];
    let arguments: Vec<i64> = step.thresholds.iter().flat_map(|t| [t.below, t.at]).chain(ends).collect();
    assert!(arguments.len() > 200);
    arguments.into_par_iter().for_each(|x| {
        let (graph, input) = requantization(-32768, 0.00187, 3, -128..=127, x as i32);
        let case = Case::bare(&graph, &input);
        case.holds();
        let value = *case.cells("function.value").last().unwrap();
        assert_eq!(case.value(value), fp(i64::from(step.eval(x) - step.first)), "{x}");
    });
}

/// Every gate and lookup is of use: each operator's circuit holds, and its lookups are those that are named.
#[test]
fn every_operator_is_satisfied_at_the_ends_of_its_input() {
    assert_eq!(LOOKUPS.len(), 3);
    for dtype in [avouch_circuits::graph::DType::I8, avouch_circuits::graph::DType::U8] {
        for (name, graph) in every_operator(dtype) {
            let info = graph.input_info();
            for v in [dtype.min(), dtype.max()] {
                let input = vec![v as i16; info.elements()];
                let case = Case::new(&graph, Disclosure::Commit, &input).unwrap();
                assert!(case.failures(&[]).is_empty(), "{name} at {v}");
            }
        }
    }
}
