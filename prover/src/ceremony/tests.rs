//! Ceremonies whose secrets are known, and everything that has to be rejected.

use ark_bn254::{Fr, G1Affine, G1Projective, G2Affine, G2Projective};
use ark_ec::{CurveGroup as _, PrimeGroup as _};
use ark_ff::{Field as _, One as _};
use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{Dense, Requantization},
};
use avouch_verifier::SystemId;

use super::{Contributor, State, Subject, contribute::extend, init, phase1::Phase1};
use crate::groth16::{Points, Trapdoors, evaluate, tests::graph};

const SYSTEMS: [SystemId; 2] = [SystemId::Groth16Bn254, SystemId::Groth16LookupBn254];

pub(super) fn tau() -> Fr {
    Fr::from(3u64).pow([1001])
}

fn alpha() -> Fr {
    Fr::from(3u64).pow([1002])
}

fn beta() -> Fr {
    Fr::from(3u64).pow([1003])
}

/// Phase 1 for a domain of n points, from secrets that everybody knows.
pub(super) fn phase1(n: usize) -> Phase1 {
    let powers = |first: Fr, count: usize| {
        let powers = std::iter::successors(Some(first), |p| Some(*p * tau())).take(count);
        G1Projective::normalize_batch(&powers.map(|p| G1Projective::generator() * p).collect::<Vec<G1Projective>>())
    };
    let tau_g2: Vec<_> = std::iter::successors(Some(Fr::one()), |p| Some(*p * tau())).take(n).collect();
    let tau_g2: Vec<_> = tau_g2.into_iter().map(|p| G2Projective::generator() * p).collect();
    Phase1 {
        hash: [7; 64],
        tau_g1: powers(Fr::one(), 2 * n - 1),
        tau_g2: G2Projective::normalize_batch(&tau_g2),
        alpha_tau_g1: powers(alpha(), n),
        beta_tau_g1: powers(beta(), n),
        beta_g2: (G2Projective::generator() * beta()).into_affine(),
        prepared: None,
    }
}

/// A network of `k` inputs and `n` outputs.
fn network(k: usize, n: usize) -> Graph {
    let quant = |scale| Quantization { dtype: DType::I8, scale, zero_point: 3 };
    let dense = Dense {
        batch: 1,
        k,
        n,
        weights: (0..k * n).map(|i| (i * i * 37 % 255) as i8 as _).collect(),
        bias: (0..n as i32).map(|i| 50 * i - 60).collect(),
        requantization: Requantization { multipliers: vec![0.0123], min: -128, max: 127 },
    };
    let graph = Graph {
        tensors: vec![
            TensorInfo { shape: vec![1, k], quant: quant(0.1) },
            TensorInfo { shape: vec![1, n], quant: quant(0.2) },
        ],
        nodes: vec![Node { name: "dense".into(), op: dense.into(), inputs: vec![TensorId(0)], output: TensorId(1) }],
        input: TensorId(0),
        output: TensorId(1),
    };
    graph.check().unwrap();
    graph
}

fn circuit(graph: &Graph) -> Circuit {
    Circuit::new(graph, Disclosure::Raw).unwrap()
}

/// The development setup's key with the same trapdoors.
fn with_trapdoors(subject: &Subject<'_>, deltas: Vec<Fr>) -> Points {
    let trapdoors = Trapdoors { alpha: alpha(), beta: beta(), tau: tau(), deltas };
    evaluate(&subject.synthesizer, &subject.cost, &subject.domain, &trapdoors, &()).unwrap()
}

#[test]
fn the_initial_key_is_that_of_a_setup_with_trapdoors_of_one() {
    for (k, n) in [(4, 3), (4, 14), (4, 30), (50, 20)] {
        let graph = network(k, n);
        let circuit = circuit(&graph);
        for system in SYSTEMS {
            let subject = Subject::new(system, &circuit, "test").unwrap();
            println!("{system} {k} {n} {} {}", subject.points(), subject.domain.radix());
            let phases = subject.variant.phases();
            let (made, _) = subject.start(phase1(subject.points()), None, &()).unwrap();
            let expected = with_trapdoors(&subject, vec![Fr::one(); phases]);
            assert!(made == expected);
        }
    }
}
