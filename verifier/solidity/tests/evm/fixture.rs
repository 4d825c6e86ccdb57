//! A small network, its keys on both systems, and proofs.

use std::{collections::BTreeMap, sync::LazyLock};

use avouch_circuits::{
    circuit::{Circuit, Disclosure},
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{Dense, Requantization},
};
use avouch_prover::{Prover, Request, setup};
use avouch_solidity::{Call, verifier};
use avouch_verifier::{AcceptedKey, KeyPolicy, SystemId};

pub(crate) const INPUT: [i16; 4] = [-128, 127, 3, 55];

pub(crate) struct Fixture {
    pub(crate) system: SystemId,
    /// The name of its contract.
    pub(crate) contract: &'static str,
    pub(crate) key: AcceptedKey,
    prover: Prover<'static>,
}

impl Fixture {
    fn new(system: SystemId, contract: &'static str) -> Self {
        // Kept for good: provers borrow them.
        let graph: &Graph = Box::leak(Box::new(graph()));
        let circuit = Box::leak(Box::new(Circuit::new(graph, Disclosure::Raw).unwrap()));
        let keys = setup(system, graph, circuit, "test", Some([9; 32]), &()).unwrap();
        let key = KeyPolicy { allow_dev: true, expect_vk: None }.admit(keys.verifying.clone()).unwrap();
        Self { system, contract, key, prover: Prover::new(graph, circuit, keys).unwrap() }
    }

    /// A proof file for a context.
    pub(crate) fn proof(&self, context: [u8; 32]) -> Vec<u8> {
        self.prover.prove(&INPUT, &Request { context, input_opening: None }, &()).unwrap().file.encode()
    }

    /// A proof as the contract takes it.
    pub(crate) fn call(&self, context: [u8; 32]) -> Call {
        Call::new(&self.key, &self.proof(context)).unwrap()
    }
}

fn graph() -> Graph {
    let quant = |scale| Quantization { dtype: DType::I8, scale, zero_point: 3 };
    let dense = Dense {
        batch: 1,
        k: 4,
        n: 3,
        weights: vec![5, -3, 100, -128, 7, 7, 7, 7, -20, 30, 0, 1],
        bias: vec![100, -50, 0],
        requantization: Requantization { multipliers: vec![0.0123], min: -128, max: 127 },
    };
    let graph = Graph {
        tensors: vec![
            TensorInfo { shape: vec![1, 4], quant: quant(0.1) },
            TensorInfo { shape: vec![1, 3], quant: quant(0.2) },
        ],
        nodes: vec![Node { name: "dense".into(), op: dense.into(), inputs: vec![TensorId(0)], output: TensorId(1) }],
        input: TensorId(0),
        output: TensorId(1),
    };
    graph.check().unwrap();
    graph
}

/// Both systems.
pub(crate) static ALL: LazyLock<[Fixture; 2]> = LazyLock::new(|| {
    [
        Fixture::new(SystemId::Groth16Bn254, "PlainVerifier"),
        Fixture::new(SystemId::Groth16LookupBn254, "LookupVerifier"),
    ]
});

/// The sources of their contracts.
pub(crate) fn sources() -> BTreeMap<String, String> {
    let source = |f: &Fixture| (format!("{}.sol", f.contract), verifier(&f.key, f.contract).unwrap());
    ALL.iter().map(source).collect()
}
