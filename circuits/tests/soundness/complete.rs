//! Random graphs of every operator at usual and extreme scales: what lowers is satisfied by the executor's own tensors,
//! which keep within the proven bounds, and by no output beside the executor's.

use avouch_circuits::{
    circuit::{Circuit, Disclosure, Interval},
    execute::trace,
    graph::{DType, Graph, GraphError},
    op::{Add, Op, Table},
    r1cs::{Fr, RangeChecks, Synthesizer, public_inputs},
};
use proptest::prelude::*;
use rayon::prelude::*;

use crate::{
    case::Case,
    graphs::{checked_graph, graph, info, quant},
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
    let ranges = if seed & 1 == 0 { RangeChecks::Bits } else { RangeChecks::Lookups };
    let Ok(mut case) = Case::with(ranges, &graph, disclosure, &input) else { return false };
    case.holds();

    let tensors = trace(&graph, &input).unwrap();
    for node in &graph.nodes {
        let wire = case.circuit.relations.iter().rev().filter(|r| r.label == node.name).find_map(|r| r.output);
        let Some(wire) = wire else {
            assert!(matches!(node.op, Op::Reshape(_)));
            continue;
        };
        for (&v, bounds) in tensors[node.output.index()].iter().zip(case.circuit.bounds(wire)) {
            assert!(
                Interval::new(v.into(), v.into()).is_within(*bounds),
                "seed {seed}, {}: {v}, {bounds:?}",
                node.name
            );
        }
    }

    // An output beside the executor's has another statement, unless what is disclosed of it is the same.
    let output = &tensors[graph.output.index()];
    let honest = case.public;
    for (i, change) in [(c.below(output.len()), 1), (c.below(output.len()), -1)] {
        let mut other = output.clone();
        other[i] += change;
        case.public = public_inputs(&case.circuit, &case.witness, &other, Fr::from(99u64));
        if case.public != honest {
            let failures = case.failures(&[]);
            assert!(matches!(failures[..], ["disclose.output"] | ["commit.digest"]), "seed {seed}: {failures:?}");
        }
    }
    true
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Each case runs a batch of graphs in parallel.
    #[test]
    fn the_executor_satisfies_what_lowers(seed in any::<u64>()) {
        let seeds = (0..64).into_par_iter().map(|i| seed.wrapping_add(i));
        let lowered = seeds.filter(|&seed| assert_complete(seed)).count();
        prop_assert!(lowered >= 40, "only {lowered} of 64 graphs lower");
    }
}

/// Scales as calibration gives them: each addition has a form, and on average a cheap one.
#[test]
fn usual_additions_lower_at_a_usual_cost() {
    let additions = 50;
    let constraints = (0..additions).into_par_iter().map(|seed| {
        let mut c = Choices(seed);
        let mut q = || quant(DType::I8, 0.02 + c.below(1 << 20) as f32 * 1e-7, c.between(-20, 20));
        let [a, b, y] = [q(), q(), q()].map(|q| info(&[1], q));
        let graph = graph(Add, a, &[(b, Table::new(DType::I8, |v| v))], y);
        let circuit = Circuit::new(&graph, Disclosure::Commit).unwrap();
        let cost = Synthesizer::new(&circuit, RangeChecks::Bits).unwrap().cost().unwrap();
        let sum = circuit.relations.iter().position(|r| r.label == "op").unwrap();
        cost.relations[sum + 1].constraints
    });
    let constraints: usize = constraints.sum();
    assert!(constraints <= 40 * additions as usize, "{constraints} constraints for {additions} additions");
}

fn addition(scales: [f32; 3]) -> Result<Graph, GraphError> {
    let [a, b, y] = scales.map(|scale| info(&[2], quant(DType::I8, scale, 7)));
    checked_graph(Add, a, &[(b, Table::new(DType::I8, |v| v))], y)
}

#[test]
fn additions_at_extreme_ratios_are_refused_or_exact() {
    assert_eq!(addition([f32::MAX, 1.0, f32::MIN_POSITIVE]).unwrap_err().place, "op");
    for scales in [[1e30, 1e30, 1.0], [1.0, 1e30, 0.1]] {
        let error = Case::new(&addition(scales).unwrap(), Disclosure::Commit, &[1, 2]).err().unwrap();
        assert_eq!(error.node, "op", "{scales:?}");
    }
    // One operand or both too small to matter.
    for scales in [[1e-20, 0.05, 0.06], [0.05, f32::MIN_POSITIVE, 0.05], [1e-20, 1e-20, 1.0]] {
        for input in [[-128, 127], [0, 7]] {
            Case::new(&addition(scales).unwrap(), Disclosure::Commit, &input).unwrap().holds();
        }
    }
}
