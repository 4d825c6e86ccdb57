//! Small graphs of every operator.

use avouch_circuits::{
    circuit::{Circuit, Relation},
    graph::{DType, Graph, GraphError, Node, Quantization, TensorId, TensorInfo},
    op::{
        Add, AveragePool, Concat, Conv, Dense, MaxPool, Mul, Op, Requantization, Reshape, Select, Table, Transpose,
        Window,
    },
};

pub(crate) fn quant(dtype: DType, scale: f32, zero_point: i32) -> Quantization {
    Quantization { dtype, scale, zero_point }
}

pub(crate) fn info(shape: &[usize], quant: Quantization) -> TensorInfo {
    TensorInfo { shape: shape.to_vec(), quant }
}

/// A graph of one node. The operands after the first are tables of the input.
pub(crate) fn graph(op: impl Into<Op>, x: TensorInfo, others: &[(TensorInfo, Table)], y: TensorInfo) -> Graph {
    checked_graph(op, x, others, y).unwrap()
}

/// [`graph`], if it passes its check.
pub(crate) fn checked_graph(
    op: impl Into<Op>,
    x: TensorInfo,
    others: &[(TensorInfo, Table)],
    y: TensorInfo,
) -> Result<Graph, GraphError> {
    let mut tensors = vec![x];
    let mut nodes = Vec::new();
    for (other, table) in others {
        let output = TensorId(tensors.len() as u32);
        tensors.push(other.clone());
        nodes.push(Node { name: "table".into(), op: table.clone().into(), inputs: vec![TensorId(0)], output });
    }
    let output = TensorId(tensors.len() as u32);
    let inputs = (0..output.0).map(TensorId).collect();
    tensors.push(y);
    nodes.push(Node { name: "op".into(), op: op.into(), inputs, output });
    let graph = Graph { tensors, nodes, input: TensorId(0), output };
    graph.check().map(|()| graph)
}

/// The input times itself.
fn square(x: TensorInfo, y: TensorInfo) -> Graph {
    let inputs = vec![TensorId(0); 2];
    let node = Node { name: "op".into(), op: Mul.into(), inputs, output: TensorId(1) };
    let graph = Graph { tensors: vec![x, y], nodes: vec![node], input: TensorId(0), output: TensorId(1) };
    graph.check().unwrap();
    graph
}

/// The input itself.
pub(crate) fn identity(x: TensorInfo) -> Graph {
    Graph { tensors: vec![x], nodes: vec![], input: TensorId(0), output: TensorId(0) }
}

/// `y = clip(rint(acc · m) + zero)` of an accumulator `bias + 256·a + b` of two bytes, and the input that makes `acc`.
pub(crate) fn requantization(
    bias: i32,
    m: f32,
    zero: i32,
    clip: std::ops::RangeInclusive<i32>,
    acc: i32,
) -> (Graph, Vec<i16>) {
    let requantization = Requantization { multipliers: vec![m], min: *clip.start(), max: *clip.end() };
    let dense = Dense { batch: 1, k: 2, n: 1, weights: vec![255, 1], bias: vec![bias], requantization };
    let x = info(&[1, 2], quant(DType::U8, 1.0, 0));
    let y = info(&[1, 1], quant(DType::I8, 1.0, zero));
    let rest = acc - bias;
    let high = (rest / 255).min(255);
    (graph(dense, x, &[], y), vec![high as i16, (rest - 255 * high) as i16])
}

/// A monotone table between types: a slope with kinks, clipped.
fn bend(from: DType, to: DType) -> Table {
    Table::new(from, |v| ((v - from.min()) * 3 / 2 + to.min() - 40).clamp(to.min() + 3, to.max()))
}

/// A table that rises and falls, with no two rows of 16 alike.
pub(crate) fn wave(from: DType, to: DType) -> Table {
    Table::new(from, |v| to.min() + ((v - from.min()) * (v - from.min() + 7) / 11) % 251)
}

/// A hat: many rows of 16 are alike.
pub(crate) fn hat(from: DType, to: DType) -> Table {
    Table::new(from, |v| to.min() + (100 - (v - from.min() - 120).abs()).max(3))
}

/// Three tables, one for each channel.
fn channels(from: DType, to: DType) -> Table {
    Table { entries: [bend, wave, hat].iter().flat_map(|table| table(from, to).entries).collect() }
}

/// Sums of `k` elements, as a ReduceSum makes them.
fn sums(k: usize, requantization: Requantization) -> Dense {
    Dense { batch: 1, k, n: 1, weights: vec![1; k], bias: vec![0], requantization }
}

fn shift(from: DType, to: DType) -> Table {
    Table::new(from, |v| v - from.min() + to.min())
}

/// Every operator at odd zero points, by name; with `dtype` on one side and the other type on the other.
pub(crate) fn every_operator(dtype: DType) -> Vec<(&'static str, Graph)> {
    let other = if dtype == DType::I8 { DType::U8 } else { DType::I8 };
    let (qx, qy) = (quant(dtype, 0.05, dtype.min() + 131), quant(other, 0.09, other.min() + 77));
    let weights = |n: usize| (0..n).map(|i| ((i * 89 + 40) % 256) as i16 - 128).collect::<Vec<i16>>();
    let clip = |multipliers: Vec<f32>| Requantization { multipliers, min: other.min(), max: other.max() };
    let relu = |m| Requantization { multipliers: vec![m], min: other.min() + 77, max: other.max() };
    let dense = |batch, k, n, requantization| Dense {
        batch,
        k,
        n,
        weights: weights(batch * k * n),
        bias: (0..n as i32).map(|i| 333 * i - 400).collect(),
        requantization,
    };
    let conv = |window, group, in_group: usize, out_channels, requantization| Conv {
        window,
        group,
        out_channels,
        weights: weights(out_channels * in_group * window.kernel[0] * window.kernel[1]),
        bias: (0..out_channels as i32).map(|i| 777 * i - 500).collect(),
        requantization,
    };
    let strided = Window { strides: [1, 2], pads_begin: [0, 1], pads_end: [0, 2], ..Window::new([1, 3]) };
    let dilated = Window { dilations: [1, 2], pads_begin: [1, 0], pads_end: [0, 1], ..Window::new([2, 2]) };
    let pool = Window { strides: [2, 1], pads_begin: [1, 0], pads_end: [0, 1], ..Window::new([2, 2]) };
    let second = quant(dtype, 0.07, dtype.min() + 99);
    vec![
        (
            "Conv 1-D",
            graph(conv(strided, 1, 2, 2, clip(vec![0.004, 0.0071])), info(&[1, 2, 5], qx), &[], info(&[1, 2, 3], qy)),
        ),
        (
            "Conv 2-D",
            graph(conv(dilated, 1, 1, 2, clip(vec![0.003])), info(&[1, 1, 2, 3], qx), &[], info(&[1, 2, 2, 2], qy)),
        ),
        (
            "Conv grouped",
            graph(conv(Window::new([1, 2]), 2, 2, 4, relu(0.0063)), info(&[1, 4, 2], qx), &[], info(&[1, 4, 1], qy)),
        ),
        (
            "Conv depthwise",
            graph(
                conv(Window::new([1, 2]), 3, 1, 3, clip(vec![0.01, 1.0 / 64.0, 0.03])),
                info(&[1, 3, 3], qx),
                &[],
                info(&[1, 3, 2], qy),
            ),
        ),
        (
            "Dense",
            graph(dense(1, 4, 3, clip(vec![0.004, 1.0 / 256.0, 0.0001])), info(&[1, 4], qx), &[], info(&[1, 3], qy)),
        ),
        ("Dense batched", graph(dense(2, 2, 2, relu(0.0077)), info(&[2, 1, 2], qx), &[], info(&[2, 1, 2], qy))),
        ("Add", graph(Add, info(&[4], qx), &[(info(&[4], second), bend(dtype, dtype))], info(&[4], qy))),
        (
            "AveragePool",
            graph(
                AveragePool { window: Window::new([2, 2]) },
                info(&[1, 1, 3, 3], qx),
                &[],
                info(&[1, 1, 2, 2], quant(other, 0.05, other.min() + 77)),
            ),
        ),
        ("MaxPool", graph(MaxPool { window: pool }, info(&[1, 1, 4, 3], qx), &[], info(&[1, 1, 2, 3], qx))),
        ("Table", graph(bend(dtype, other), info(&[5], qx), &[], info(&[5], qy))),
        ("Table that falls", graph(wave(dtype, other), info(&[3], qx), &[], info(&[3], qy))),
        ("Table of few rows", graph(hat(dtype, other), info(&[20], qx), &[], info(&[20], qy))),
        ("Table for each channel", graph(channels(dtype, other), info(&[1, 3, 2], qx), &[], info(&[1, 3, 2], qy))),
        ("Dense of sums", graph(sums(3, clip(vec![0.3])), info(&[2, 3], qx), &[], info(&[2, 1], qy))),
        ("Mul", graph(Mul, info(&[3], qx), &[(info(&[3], second), bend(dtype, dtype))], info(&[3], qy))),
        ("Mul of a tensor by itself", square(info(&[3], qx), info(&[3], qy))),
        (
            "Select",
            graph(
                Select { axes: vec![vec![Some(1), Some(0), Some(1)], vec![Some(2), Some(0)]], fill: None },
                info(&[2, 3], qx),
                &[],
                info(&[3, 2], qx),
            ),
        ),
        (
            "Select with padding",
            graph(
                Select {
                    axes: vec![vec![None, Some(1), Some(0)], vec![Some(1), Some(2), Some(0), None]],
                    fill: Some(dtype.min() as i16 + 9),
                },
                info(&[2, 3], qx),
                &[],
                info(&[3, 4], qx),
            ),
        ),
        ("Reshape", graph(Reshape, info(&[2, 3], qx), &[], info(&[3, 2], qx))),
        ("Transpose", graph(Transpose { perm: vec![2, 0, 1] }, info(&[2, 1, 3], qx), &[], info(&[3, 2, 1], qx))),
        (
            "Concat",
            graph(
                Concat { axis: 1 },
                info(&[2, 2], qx),
                &[(info(&[2, 2], qx), shift(dtype, dtype)), (info(&[2, 2], qx), bend(dtype, dtype))],
                info(&[2, 6], qx),
            ),
        ),
    ]
}

/// Values of a type that include its ends, the zero point's neighbourhood and some between.
pub(crate) fn sample(info: &TensorInfo) -> Vec<i16> {
    let (min, zero) = (info.quant.dtype.min() as i16, info.quant.zero_point as i16);
    let pattern = [min, min + 255, zero, zero + 1, min + 47, min + 201, zero - 1, min + 90];
    (0..info.elements()).map(|i| pattern[i * 5 % 8]).collect()
}

/// Leaves the graph's relations alone, without any on public inputs: so that a forgery is not stopped by these.
pub(crate) fn leave_relations_on_public_inputs_out(circuit: &mut Circuit) {
    circuit.relations.retain(|r| match r.relation {
        Relation::Commit { .. } | Relation::Disclose { .. } => false,
        Relation::Range(_)
        | Relation::Records(_)
        | Relation::Linear(_)
        | Relation::Product { .. }
        | Relation::Requantize(_)
        | Relation::Table(_)
        | Relation::Max { .. }
        | Relation::Reindex { .. } => true,
    });
}
