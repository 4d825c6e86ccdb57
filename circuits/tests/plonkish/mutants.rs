//! Every cell of a circuit takes wrong values, one at a time, with all that depends on it recomputed honestly; every such
//! mutant has to be rejected.

use avouch_circuits::{
    circuit::Disclosure,
    graph::DType,
    plonkish::{Fp, Place},
};
use rayon::prelude::*;

use crate::{
    case::{Case, fp},
    graphs::{every_operator, identity, info, quant, sample},
};

/// Wrong values for a cell.
fn others(honest: Fp) -> Vec<Fp> {
    vec![honest + fp(1), honest - fp(1), honest + fp(256), -honest, fp(0)]
}

/// Mutants killed and all mutants, of the chosen cells.
fn mutate(case: &Case, chosen: impl Fn(&Place) -> bool, others: impl Fn(Fp) -> Vec<Fp> + Sync) -> (usize, usize) {
    case.holds();
    let cells: Vec<_> = case.honest.iter().filter(|(_, place, _)| chosen(place)).collect();
    let counts = cells.into_par_iter().map(|&(cell, place, honest)| {
        let mut values = others(honest);
        values.retain(|v| *v != honest);
        values.sort_unstable();
        values.dedup();
        let killed = values.iter().filter(|&&v| {
            let rejected = !case.failures(&[(cell, v)]).is_empty();
            assert!(rejected, "{place:?} {cell:?} may be {v:?} instead of {honest:?}");
            rejected
        });
        (killed.count(), values.len())
    });
    counts.reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}

#[allow(clippy::print_stdout, reason = "the report of this test")]
fn assert_all_killed(name: &str, dtype: DType, (killed, total): (usize, usize), least: usize) {
    println!("{name}, {}: killed {killed} of {total} mutants", dtype.name());
    assert_eq!(killed, total, "{name}, {}", dtype.name());
    assert!(total >= least, "{name}: only {total} mutants");
}

/// Cells of a hash, which are the same in every circuit: see the last test.
fn of_hash(place: &Place) -> bool {
    place.name.starts_with("poseidon")
}

#[test]
fn no_cell_of_any_operator_can_be_another() {
    for dtype in [DType::I8, DType::U8] {
        for (name, graph) in every_operator(dtype) {
            let case = Case::new(&graph, Disclosure::Raw, &sample(graph.input_info())).unwrap();
            let counts = mutate(&case, |place| !of_hash(place), others);
            assert_all_killed(name, dtype, counts, 150);
        }
    }
}

#[test]
fn no_cell_of_any_disclosure_can_be_another() {
    for dtype in [DType::I8, DType::U8] {
        let min = dtype.min() as i16;
        let graph = identity(info(&[4], quant(dtype, 0.1, dtype.min() + 55)));
        let input = [min + 9, min + 200, min, min + 200];
        let threshold = Disclosure::Threshold { index: 1, threshold: i32::from(min) + 200 };
        for disclosure in [Disclosure::Raw, Disclosure::Argmax, threshold, Disclosure::Commit] {
            let case = Case::new(&graph, disclosure, &input).unwrap();
            let counts = mutate(&case, |place| !of_hash(place), others);
            assert_all_killed(disclosure.name(), dtype, counts, 100);
        }
    }
}

#[test]
fn no_cell_of_a_hash_can_be_another() {
    // The gates of a hash have no range that a special value could meet: one wrong value each.
    let graph = identity(info(&[1], quant(DType::I8, 0.1, 5)));
    let case = Case::new(&graph, Disclosure::Raw, &[100]).unwrap();
    assert_all_killed("hash", DType::I8, mutate(&case, of_hash, |honest| vec![honest + fp(1)]), 1500);
}
