//! The network that tests prove: one layer, of four inputs and three outputs.

use avouch_circuits::{
    graph::{DType, Graph, Node, Quantization, TensorId, TensorInfo},
    op::{Dense, Requantization},
};

/// The first element is not zero: its wire's points of the key are in use.
pub(crate) const INPUT: [i16; 4] = [-128, 127, 3, 55];

/// The bias tells one model from another.
pub(crate) fn graph(bias: i32) -> Graph {
    let quant = |scale| Quantization { dtype: DType::I8, scale, zero_point: 3 };
    let dense = Dense {
        batch: 1,
        k: 4,
        n: 3,
        weights: vec![5, -3, 100, -128, 7, 7, 7, 7, -20, 30, 0, 1],
        bias: vec![bias, -50, 0],
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
